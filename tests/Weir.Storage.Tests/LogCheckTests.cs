using Weir.Core;

namespace Weir.Storage.Tests;

public sealed class LogCheckTests
{
    [Fact]
    public void A_good_partition_has_no_faults_and_every_byte_is_counted()
    {
        using TestLog test = Make(out Offset end, out int batches);
        long bytes = 0;
        LogCheckReport report = LogCheck.Run(test.Disk, test.Directory, progress => bytes = progress);
        Assert.Empty(report.Faults);
        Assert.Empty(report.Notes);
        Assert.True(report.IsIntact);
        Assert.Equal((Offset.Zero, end), (report.Start, report.End));
        Assert.Equal(end.Value, report.Records);
        Assert.Equal(batches, report.Frames);
        Assert.Equal(bytes, report.Bytes);
        Assert.Equal(bytes, LogCheck.TotalBytes(test.Disk, test.Directory));
    }

    [Fact]
    public void A_flipped_bit_anywhere_is_named_with_its_file()
    {
        using TestLog test = Make(out Offset end, out _);
        Offset lastRound = Offset.Zero;
        foreach (DumpedFrame frame in LogDump.Frames(test.Disk, test.Directory, Offset.Zero))
        {
            lastRound = frame.BaseOffset ?? lastRound;
        }

        var random = new Random(11);
        foreach (string path in System.IO.Directory.GetFiles(test.Directory))
        {
            byte[] good = File.ReadAllBytes(path);
            for (int n = 0; n < 40; n++)
            {
                byte[] bad = [.. good];
                int at = random.Next(bad.Length);
                bad[at] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(path, bad);
                LogCheckReport report = LogCheck.Run(test.Disk, test.Directory);
                bool isPrimary = path.EndsWith(".log", StringComparison.Ordinal) || path.Contains(".base", StringComparison.Ordinal);
                if (isPrimary && report.End == lastRound)
                {
                    // The last flush has no proof: damage in it is a tail, and noted.
                    Assert.Contains(report.Notes, note => note.Contains(path, StringComparison.Ordinal));
                    continue;
                }

                Assert.Contains(report.Faults, fault => fault.File == path);
                Assert.Equal(isPrimary, !report.IsIntact);
                Assert.All(report.Faults, fault => Assert.True(fault.Start is null || fault.Start < end));
            }

            File.WriteAllBytes(path, good);
        }
    }

    [Fact]
    public void Dump_shows_every_frame_and_passes_over_damage()
    {
        using TestLog test = Make(out Offset end, out int batches);
        List<DumpedFrame> frames = [.. LogDump.Frames(test.Disk, test.Directory, Offset.Zero)];
        Assert.Equal(batches, frames.Count);
        Assert.Equal(end.Value, frames.Sum(frame => frame.RecordCount));
        Assert.All(frames, frame => Assert.Null(frame.Fault));

        string first = test.Files(".log")[0];
        byte[] bytes = File.ReadAllBytes(first);
        bytes[frames[1].FilePosition + 3] ^= 1;
        bytes[frames[3].FilePosition + frames[3].Bytes - 1] ^= 1;
        File.WriteAllBytes(first, bytes);
        List<DumpedFrame> damaged = [.. LogDump.Frames(test.Disk, test.Directory, Offset.Zero)];
        Assert.Equal(batches, damaged.Count);
        Assert.Equal([1, 3], Enumerable.Range(0, batches).Where(n => damaged[n].Fault is not null));
        Assert.Equal(frames[1].Bytes, damaged[1].Bytes);

        Offset from = frames[5].BaseOffset!.Value;
        Assert.Equal(from, LogDump.Frames(test.Disk, test.Directory, from).First(frame => frame.Fault is null).BaseOffset);
        Assert.Contains("base offset 0", LogDump.Header(test.Disk, first), StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_file_of_a_segment_with_another_number_of_records_is_a_fault_and_one_without_a_segment_is_noted()
    {
        using TestLog test = Make(out _, out _);
        string keys = Assert.Single(test.Files(".keys"));
        using (var writer = new KeyFileWriter(test.Disk, test.Directory, TestLog.Identity, Offset.Zero, records: 3))
        {
            writer.Commit(() => { });
        }

        string orphan = Path.Combine(test.Directory, "00000000000000000001.keys");
        File.Copy(keys, orphan);
        LogCheckReport report = LogCheck.Run(test.Disk, test.Directory);

        LogFault fault = Assert.Single(report.Faults);
        Assert.Equal((keys, true), (fault.File, fault.IsDerived));
        Assert.Contains(orphan, Assert.Single(report.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_partition_without_a_segment_is_damage()
    {
        using var test = new TestLog();
        test.Open().Dispose();
        LogFault fault = Assert.Single(LogCheck.Run(test.Disk, test.Directory).Faults);
        Assert.False(fault.IsDerived);
        Assert.Contains("there is no segment", fault.Fault, StringComparison.Ordinal);
    }

    /// <summary>A partition with every kind of file, as a process that was killed leaves it.</summary>
    private static TestLog Make(out Offset end, out int batches)
    {
        var test = new TestLog();
        using PartitionLog log = test.Open();
        using VerdictLog verdicts = VerdictLog.Open(test.Disk, log, withReplaced: false, Offset.Zero);
        for (batches = 0; batches < 60; batches++)
        {
            Offset first = log.LogEnd;
            test.AppendRounds(log, 1);
            verdicts.Append(first, Enumerable.Repeat((byte)1, (int)(log.LogEnd - first)).ToArray(), []);
        }

        verdicts.Flush();
        end = log.LogEnd;
        Offset second = log.Segments[1].BaseOffset;
        using (var keys = new KeyFileWriter(test.Disk, test.Directory, TestLog.Identity, Offset.Zero, records: second.Value))
        {
            for (uint n = 0; n < second.Value; n++)
            {
                keys.Add(unchecked(n * 0x9E3779B97F4A7C15), n);
            }

            keys.Commit(() => { });
        }

        SnapshotTests.Write(test, 20, ("state", [1, 2, 3]));
        using var writer = SnapshotWriter.BeginBase(test.Disk, test.Directory, TestLog.Identity, new Offset(5));
        writer.WriteSection("state");
        writer.Commit();
        return test;
    }
}
