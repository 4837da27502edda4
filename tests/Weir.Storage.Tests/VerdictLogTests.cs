using Weir.Core;
using Weir.TestKit;

namespace Weir.Storage.Tests;

public sealed class VerdictLogTests
{
    private const int Records = 20_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Verdicts_are_read_back_across_blocks_and_segments(bool withReplaced)
    {
        using var test = new TestLog { Options = new LogOptions { SegmentBytes = 400_000 } };
        using PartitionLog log = test.Open();
        using VerdictLog verdicts = VerdictLog.Open(test.Disk, log, withReplaced, Offset.Zero);
        Fill(test, log, verdicts, withReplaced, Records);
        Assert.True(log.Segments.Count > 2);
        Check(verdicts, Offset.Zero, Records, withReplaced);
        Check(verdicts, new Offset(4_095), 2, withReplaced);
        Check(verdicts, new Offset(Records - 1), 1, withReplaced);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4_096)]
    [InlineData(10_001)]
    [InlineData(Records)]
    public void After_a_restart_what_lies_below_the_snapshot_is_there_and_the_rest_is_filled_by_replay(int snapshotAt)
    {
        using var test = new TestLog { Options = new LogOptions { SegmentBytes = 400_000 } };
        using (PartitionLog log = test.Open())
        using (VerdictLog verdicts = VerdictLog.Open(test.Disk, log, withReplaced: false, Offset.Zero))
        {
            Fill(test, log, verdicts, withReplaced: false, snapshotAt);
            verdicts.Flush();
            SnapshotTests.Write(test, snapshotAt, ("state", [1]));
            Fill(test, log, verdicts, withReplaced: false, Records - snapshotAt);
        }

        using PartitionLog again = test.Open();
        using VerdictLog replayed = VerdictLog.Open(test.Disk, again, withReplaced: false, new Offset(snapshotAt));
        Check(replayed, Offset.Zero, snapshotAt, withReplaced: false);
        byte[] later = Read(replayed, new Offset(snapshotAt), Records - snapshotAt);
        Assert.All(later, verdict => Assert.Equal(VerdictLog.Unknown, verdict));
        AppendVerdicts(replayed, withReplaced: false, Records - snapshotAt);
        Check(replayed, Offset.Zero, Records, withReplaced: false);
    }

    [Fact]
    public void A_flush_that_finds_a_full_disk_holds_the_last_block_and_readers_have_it()
    {
        var disk = new SimulatedDisk();
        using var test = new TestLog(disk, "/data/0");
        using PartitionLog log = test.Open();
        using VerdictLog verdicts = VerdictLog.Open(disk, log, withReplaced: false, Offset.Zero);
        Fill(test, log, verdicts, withReplaced: false, 100);
        disk.FailWhen(operation => operation.Name == "pwrite", DiskException.NoSpace);

        verdicts.Flush();

        Assert.Equal(DiskException.NoSpace, verdicts.HeldBecause?.Errno);
        Check(verdicts, Offset.Zero, 100, withReplaced: false);
    }

    [Fact]
    public void Damaged_verdicts_read_as_unknown_and_only_those_of_their_block()
    {
        using var test = new TestLog();
        using PartitionLog log = test.Open();
        using VerdictLog verdicts = VerdictLog.Open(test.Disk, log, withReplaced: false, Offset.Zero);
        log.Append(test.Batch(Offset.Zero, Records), Records, appendTimeMs: 1);
        AppendVerdicts(verdicts, withReplaced: false, Records);
        string path = Assert.Single(test.Files(".verdicts"));
        using (FileStream file = File.OpenWrite(path))
        {
            file.Position = 64 + 4_104 + 17;
            file.WriteByte(0x77);
        }

        byte[] read = Read(verdicts, Offset.Zero, Records);
        for (int i = 0; i < Records; i++)
        {
            Assert.Equal(i / 4_096 == 1 ? VerdictLog.Unknown : Of(i), read[i]);
        }
    }

    [Fact]
    public void Without_its_file_replay_from_a_snapshot_goes_on_and_says_unknown_below_it()
    {
        using var test = new TestLog();
        using PartitionLog log = test.Open();
        log.Append(test.Batch(Offset.Zero, Records), Records, appendTimeMs: 1);
        using VerdictLog verdicts = VerdictLog.Open(test.Disk, log, withReplaced: false, new Offset(5_000));
        AppendVerdicts(verdicts, withReplaced: false, Records - 5_000);
        byte[] read = Read(verdicts, Offset.Zero, Records);
        Assert.All(read[..5_000], verdict => Assert.Equal(VerdictLog.Unknown, verdict));
        Assert.Equal(Of(5_000), read[5_000]);
    }

    [Fact]
    public void After_a_failed_flush_none_says_again_that_the_verdicts_are_on_disk()
    {
        var disk = new SimulatedDisk();
        using var test = new TestLog(disk, "/data/0");
        using PartitionLog log = test.Open();
        using VerdictLog verdicts = VerdictLog.Open(disk, log, withReplaced: false, Offset.Zero);
        Fill(test, log, verdicts, withReplaced: false, Records);
        disk.FailWhen(operation => operation.Name == "fdatasync", DiskException.InputOutput);
        Assert.Throws<DiskException>(verdicts.Flush);
        disk.ClearFaults();

        Exception? second = Xunit.Record.Exception(verdicts.Flush);

        disk.SyncDirectory("/data/0");
        for (int seed = 0; seed < 10; seed++)
        {
            Assert.True(second is not null || VerdictLog.FindGap(disk.LosePower(new Random(seed)), log, withReplaced: false, new Offset(Records)) is null, $"Lost with seed {seed}.");
        }

        Assert.IsType<DiskException>(second);
    }

    private static void Fill(TestLog test, PartitionLog log, VerdictLog verdicts, bool withReplaced, int records)
    {
        while (records > 0)
        {
            int count = Math.Min(records, 997);
            log.Append(test.Batch(log.LogEnd, count), count, appendTimeMs: 1);
            log.Write();
            log.Flush();
            AppendVerdicts(verdicts, withReplaced, count);
            records -= count;
        }
    }

    private static void AppendVerdicts(VerdictLog verdicts, bool withReplaced, int count)
    {
        byte[] bytes = new byte[count];
        long[] replaced = new long[withReplaced ? count : 0];
        for (int i = 0; i < count; i++)
        {
            bytes[i] = Of(verdicts.End.Value + i);
            if (withReplaced)
            {
                replaced[i] = 3 * (verdicts.End.Value + i);
            }
        }

        verdicts.Append(verdicts.End, bytes, replaced);
    }

    private static byte Of(long offset) => (byte)((offset % 7) + 1 + (offset % 5 * 16));

    private static byte[] Read(VerdictLog verdicts, Offset first, int count)
    {
        byte[] bytes = new byte[count];
        verdicts.Read(first, bytes, []);
        return bytes;
    }

    private static void Check(VerdictLog verdicts, Offset first, int count, bool withReplaced)
    {
        byte[] bytes = new byte[count];
        long[] replaced = new long[count];
        verdicts.Read(first, bytes, replaced);
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(Of(first.Value + i), bytes[i]);
            Assert.Equal(withReplaced ? 3 * (first.Value + i) : 0, replaced[i]);
        }
    }
}
