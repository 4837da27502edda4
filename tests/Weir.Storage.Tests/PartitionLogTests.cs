using Weir.Core;
using Weir.TestKit;

namespace Weir.Storage.Tests;

public sealed class PartitionLogTests
{
    [Fact]
    public void What_was_flushed_is_read_back_across_segments_and_restarts()
    {
        using var test = new TestLog();
        using (PartitionLog log = test.Open())
        {
            test.AppendRounds(log, 100);
            Assert.True(log.Segments.Count > 3);
            Assert.Equal(log.LogEnd, TestLog.ReadAll(log, Offset.Zero));
        }

        using PartitionLog again = test.Open(out RecoveryReport report);
        Assert.Equal(RecoveryOutcome.Clean, report.Outcome);
        Assert.Equal(report.End, TestLog.ReadAll(again, Offset.Zero));
        test.AppendRounds(again, 10);
        Assert.Equal(again.LogEnd, TestLog.ReadAll(again, Offset.Zero));
    }

    [Fact]
    public void Readers_see_nothing_before_it_is_flushed_and_go_on_afterwards()
    {
        using var test = new TestLog();
        using PartitionLog log = test.Open();
        using LogReader reader = log.OpenReader(Offset.Zero);
        for (int round = 0; round < 60; round++)
        {
            Offset first = test.Append(log);
            Assert.False(reader.TryReadNext(out _));
            log.Write();
            Assert.False(reader.TryReadNext(out _));
            log.Flush();
            Assert.True(reader.TryReadNext(out StoredBatch stored));
            Assert.Equal(first, stored.BaseOffset);
            TestLog.Check(stored);
            Assert.False(reader.TryReadNext(out _));
        }
    }

    [Fact]
    public void Every_offset_and_every_time_can_be_sought()
    {
        using var test = new TestLog();
        using PartitionLog log = test.Open();
        test.AppendRounds(log, 80);
        using LogReader reader = log.OpenReader(Offset.Zero);
        for (Offset offset = Offset.Zero; offset < log.LogEnd; offset += 1)
        {
            reader.Seek(offset);
            Assert.True(reader.TryReadNext(out StoredBatch stored));
            Assert.True(stored.BaseOffset <= offset && offset < stored.End);

            // The time of a batch is 1,000 plus its base offset.
            Offset found = reader.SeekTime(1_000 + offset.Value);
            if (found < log.LogEnd)
            {
                Assert.True(reader.TryReadNext(out stored));
                Assert.True(stored.AppendTimeMs >= 1_000 + offset.Value && stored.BaseOffset == found);
            }

            Assert.True(found >= offset);
        }

        Assert.Equal(Offset.Zero, reader.SeekTime(long.MinValue));
        Assert.Equal(log.FlushedEnd, reader.SeekTime(long.MaxValue));
        Assert.Throws<OffsetNotStoredException>(() => reader.Seek(log.LogEnd + 1));
    }

    [Fact]
    public void Append_time_never_goes_back()
    {
        using var test = new TestLog();
        using PartitionLog log = test.Open();
        log.Append(test.Batch(Offset.Zero, 1), 1, appendTimeMs: 5_000);
        log.Append(test.Batch(new Offset(1), 1), 1, appendTimeMs: 4_000);
        Assert.Equal(5_000, log.LastAppendTimeMs);
        log.Write();
        log.Flush();
        log.Dispose();
        using PartitionLog again = test.Open();
        Assert.Equal(5_000, again.LastAppendTimeMs);
    }

    [Fact]
    public void A_missing_or_damaged_index_is_made_anew()
    {
        using var test = new TestLog();
        Offset end;
        using (PartitionLog log = test.Open())
        {
            test.AppendRounds(log, 100);
            end = log.LogEnd;
        }

        string[] indexes = test.Files(".index");
        Assert.NotEmpty(indexes);
        File.Delete(indexes[0]);
        File.WriteAllBytes(indexes[1], [1, 2, 3]);
        using PartitionLog again = test.Open();
        for (Offset offset = Offset.Zero; offset < end; offset += 7)
        {
            Assert.Equal(end, TestLog.ReadAll(again, offset));
        }
    }

    [Theory]
    [InlineData(int.MaxValue - 10L)]
    [InlineData(uint.MaxValue - 10L)]
    [InlineData((1L << 53) - 10)]
    [InlineData(long.MaxValue - 500)]
    public void Offsets_have_no_bound_but_their_own(long first)
    {
        using var test = new TestLog { FirstOffset = new Offset(first) };
        using (PartitionLog log = test.Open())
        {
            test.AppendRounds(log, 100);
        }

        using PartitionLog again = test.Open(out RecoveryReport report);
        Assert.Equal(RecoveryOutcome.Clean, report.Outcome);
        Assert.Equal(again.LogEnd, TestLog.ReadAll(again, new Offset(first)));
        Assert.True(again.LogEnd - new Offset(first) >= 100);
    }

    [Fact]
    public void Retention_deletes_whole_segments_and_a_base_lets_the_rest_open()
    {
        using var test = new TestLog();
        using PartitionLog log = test.Open();
        test.AppendRounds(log, 100);
        Offset cut = log.Segments[2].BaseOffset;
        File.WriteAllBytes(Path.Combine(test.Directory, $"{cut.Value:D20}.base"), []);
        using LogReader old = log.OpenReader(Offset.Zero);
        Assert.True(old.TryReadNext(out _));

        log.ApplyRetention(cut + 1);

        Assert.Equal(cut, log.LogStart);
        Assert.Throws<OffsetNotStoredException>(() => log.OpenReader(cut + -1));
        Assert.Equal(log.LogEnd, TestLog.ReadAll(log, cut));
        log.Dispose();
        using PartitionLog again = test.Open(out RecoveryReport report);
        Assert.Equal(RecoveryOutcome.Clean, report.Outcome);
        Assert.Equal(cut, again.LogStart);
    }

    [Fact]
    public void An_idle_frame_is_written_once()
    {
        using var test = new TestLog();
        using PartitionLog log = test.Open();
        test.AppendRounds(log, 2);
        long before = log.TotalBytes;
        log.AppendIdleFrame(appendTimeMs: 9_000);
        log.Write();
        log.Flush();
        Assert.Equal(before + 32, log.TotalBytes);
        log.AppendIdleFrame(appendTimeMs: 9_100);
        Assert.Equal(before + 32, log.TotalBytes);
        test.AppendRounds(log, 2);
        Assert.Equal(log.LogEnd, TestLog.ReadAll(log, Offset.Zero));
    }

    [Theory]
    [InlineData("unlink", ".log")]
    [InlineData("unlink", ".verdicts")]
    [InlineData("fsync", "/log")]
    public void Retention_that_could_not_delete_begins_with_what_it_left_the_next_time(string operation, string path)
    {
        var disk = new SimulatedDisk();
        using var test = new TestLog(disk, "/log");
        using (PartitionLog log = test.Open())
        {
            test.AppendRounds(log, 100);
            Offset first = log.Segments[1].BaseOffset, second = log.Segments[3].BaseOffset;
            disk.Plant($"/log/{log.LogStart.Value:D20}.verdicts", []);
            disk.Plant($"/log/{second.Value:D20}.base", []);
            disk.FailWhen(at => at.Name == operation && at.Path.EndsWith(path, StringComparison.Ordinal), DiskException.InputOutput);
            Assert.Throws<DiskException>(() => log.ApplyRetention(first));
            disk.ClearFaults();

            log.ApplyRetention(second);

            Assert.Equal(second, log.LogStart);
        }

        using var again = new TestLog(disk.LosePower(new Random(2)), "/log");
        using PartitionLog opened = again.Open(out RecoveryReport report);
        Assert.Equal(RecoveryOutcome.Clean, report.Outcome);
        Assert.Equal(opened.LogEnd, TestLog.ReadAll(opened, opened.LogStart));
    }
}
