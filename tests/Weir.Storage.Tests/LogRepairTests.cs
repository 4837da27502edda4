using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Storage.Tests;

public sealed class LogRepairTests
{
    [Fact]
    public void A_good_partition_needs_nothing()
    {
        using TestLog test = Make();
        LogRepairPlan plan = LogRepair.Plan(test.Disk, test.Directory);
        Assert.True(plan.IsNothing);
        Assert.Null(LogRepair.Apply(test.Disk, plan, test.Options));
    }

    [Fact]
    public void After_a_repair_every_intact_record_has_its_offset_and_only_the_damaged_frame_is_lost()
    {
        using TestLog test = Make();
        DumpedFrame[] frames = [.. LogDump.Frames(test.Disk, test.Directory, Offset.Zero)];
        Offset end = frames.Max(frame => (frame.BaseOffset ?? Offset.Zero) + frame.RecordCount);

        // Not the first frame, which holds what a definition would be in; not the last flush, whose damage is a tail.
        foreach (DumpedFrame victim in frames.Skip(1).SkipLast(2).Where(frame => !frame.IsIdle).Where((_, n) => n % 5 == 0))
        {
            using TestLog copy = Copy(test);
            Flip(victim.File.Replace(test.Directory, copy.Directory, StringComparison.Ordinal), victim.FilePosition + (victim.Bytes / 2));
            LogRepairPlan plan = LogRepair.Plan(copy.Disk, copy.Directory);
            Assert.Equal([(victim.BaseOffset!.Value, victim.BaseOffset.Value + victim.RecordCount)], plan.Lost);
            Assert.Equal(victim.RecordCount, plan.LostRecords);
            byte[][] before = Contents(copy.Directory);

            string aside = LogRepair.Apply(copy.Disk, plan, copy.Options)!;

            Assert.Equal(before, Contents(aside));
            Assert.True(LogCheck.Run(copy.Disk, copy.Directory).IsIntact);
            using PartitionLog log = copy.Open();
            Assert.False(log.IsReadOnly);
            Assert.Equal(end, log.LogEnd);
            Assert.Equal(plan.Lost.SelectMany(range => Range(range.Start, range.End)), LostOffsets(log, Offset.Zero));
            copy.AppendRounds(log, 1);
        }
    }

    [Fact]
    public void A_damaged_header_loses_nothing_and_damage_over_several_segments_loses_what_was_in_it()
    {
        using TestLog test = Make();
        string[] segments = test.Files(".log");
        DumpedFrame[] frames = [.. LogDump.Frames(test.Disk, test.Directory, Offset.Zero)];
        Flip(segments[1], 20);
        Flip(segments[2], frames.First(frame => frame.File == segments[2]).FilePosition + 50);
        File.WriteAllBytes(segments[3], new byte[new FileInfo(segments[3]).Length]);

        LogRepairPlan plan = LogRepair.Plan(test.Disk, test.Directory);
        LogRepair.Apply(test.Disk, plan, test.Options);

        IEnumerable<Offset> expected = frames
            .Where(frame => frame.File == segments[3] || frame == frames.First(first => first.File == segments[2]))
            .SelectMany(frame => Range(frame.BaseOffset!.Value, frame.BaseOffset.Value + frame.RecordCount));
        using PartitionLog log = test.Open();
        Assert.Equal(expected, LostOffsets(log, Offset.Zero));
    }

    [Fact]
    public void A_log_that_retention_cut_keeps_its_start_and_gets_both_copies_of_its_base_back()
    {
        using TestLog test = Make();
        Offset start;
        using (PartitionLog log = test.Open())
        {
            start = log.Segments[2].BaseOffset;
            using SnapshotWriter writer = SnapshotWriter.BeginBase(test.Disk, test.Directory, TestLog.Identity, start);
            writer.WriteSection("state");
            writer.Write([1, 2, 3]);
            writer.Commit();
            log.ApplyRetention(start);
        }

        Flip(test.Files(".base2")[0], 70);
        LogRepairPlan plan = LogRepair.Plan(test.Disk, test.Directory);
        LogRepair.Apply(test.Disk, plan, test.Options);

        Assert.Empty(plan.Lost);
        Assert.True(LogCheck.Run(test.Disk, test.Directory).IsIntact);
        Assert.Equal(File.ReadAllBytes(test.Files(".base")[0]), File.ReadAllBytes(test.Files(".base2")[0]));
        using PartitionLog repaired = test.Open();
        Assert.Equal(start, repaired.LogStart);
        Assert.Empty(LostOffsets(repaired, start));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_lost_right_behind_the_cut_has_a_time_that_the_log_can_have(bool isAllLost)
    {
        using TestLog test = Make();
        Offset start;
        using (PartitionLog log = test.Open())
        {
            start = log.Segments[isAllLost ? ^2 : 2].BaseOffset;
            using SnapshotWriter writer = SnapshotWriter.BeginBase(test.Disk, test.Directory, TestLog.Identity, start);
            writer.Commit();
            log.ApplyRetention(start);
        }

        foreach (string file in test.Files(".log").Take(isAllLost ? 2 : 1))
        {
            byte[] bytes = File.ReadAllBytes(file);
            bytes.AsSpan(100, isAllLost ? bytes.Length - 100 : 1).Fill(0xFF);
            File.WriteAllBytes(file, bytes);
        }

        LogRepairPlan plan = LogRepair.Plan(test.Disk, test.Directory);
        Assert.Equal(start, plan.Lost[0].Start);
        LogRepair.Apply(test.Disk, plan, test.Options);

        using PartitionLog repaired = test.Open();
        using LogReader reader = repaired.OpenReader(start);
        Assert.True(reader.TryReadNext(out StoredBatch first));
        Assert.Equal(isAllLost ? 0 : 1_000 + plan.Lost[0].End.Value, first.AppendTimeMs);
    }

    [Fact]
    public void Damaged_derived_files_are_deleted_and_the_log_is_left_alone()
    {
        using TestLog test = Make();
        test.Open().Dispose();
        string index = test.Files(".index")[0];
        Flip(index, 5);
        byte[][] logs = [.. test.Files(".log").Select(File.ReadAllBytes)];

        Assert.Null(LogRepair.Apply(test.Disk, LogRepair.Plan(test.Disk, test.Directory), test.Options));

        Assert.False(File.Exists(index));
        Assert.Equal(logs, test.Files(".log").Select(File.ReadAllBytes));
    }

    [Fact]
    public void Without_the_definition_at_offset_0_a_repair_is_refused()
    {
        using TestLog test = Make();
        Flip(test.Files(".log")[0], 100);
        WeirException refused = Assert.Throws<WeirException>(() => LogRepair.Plan(test.Disk, test.Directory));
        Assert.Contains("definition at offset 0", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_repair_that_was_interrupted_between_its_two_renames_is_finished_by_the_next()
    {
        using TestLog test = Make();
        Assert.False(LogRepair.IsInterrupted(test.Disk, test.Directory));
        System.IO.Directory.Move(test.Directory, test.Directory + ".repaired");

        Assert.True(LogRepair.IsInterrupted(test.Disk, test.Directory));
        LogRepair.Finish(test.Disk, test.Directory);

        Assert.True(LogCheck.Run(test.Disk, test.Directory).IsIntact);
    }

    [Fact]
    public void A_start_between_the_two_renames_of_a_repair_does_not_hide_its_finished_files()
    {
        using TestLog test = Make();
        System.IO.Directory.Move(test.Directory, test.Directory + ".repaired");
        using (PartitionLog empty = PartitionLog.Open(test.Disk, test.Directory, TestLog.Identity, test.Options, out _, mustExist: true))
        {
            Assert.True(empty.IsReadOnly);
        }

        Assert.True(LogRepair.IsInterrupted(test.Disk, test.Directory));
        LogRepair.Finish(test.Disk, test.Directory);

        Assert.True(LogCheck.Run(test.Disk, test.Directory).IsIntact);
        using PartitionLog log = test.Open();
        Assert.True(log.LogEnd > Offset.Zero);
        Assert.False(LogRepair.IsInterrupted(test.Disk, test.Directory));
    }

    private static TestLog Make()
    {
        var test = new TestLog();
        using PartitionLog log = test.Open();
        test.AppendRounds(log, 120);
        log.AppendIdleFrame(100_000);
        log.Write();
        log.Flush();
        return test;
    }

    private static TestLog Copy(TestLog from)
    {
        var copy = new TestLog();
        System.IO.Directory.CreateDirectory(copy.Directory);
        foreach (string file in System.IO.Directory.GetFiles(from.Directory))
        {
            File.Copy(file, Path.Combine(copy.Directory, Path.GetFileName(file)));
        }

        return copy;
    }

    private static void Flip(string path, long at)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= 0x10;
        File.WriteAllBytes(path, bytes);
    }

    private static byte[][] Contents(string directory) => [.. System.IO.Directory.GetFiles(directory).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];

    private static IEnumerable<Offset> Range(Offset start, Offset end) => Enumerable.Range(0, (int)(end - start)).Select(n => start + n);

    /// <summary>Reads the whole log; every record that is not lost must hold its own offset.</summary>
    private static List<Offset> LostOffsets(PartitionLog log, Offset from)
    {
        var lost = new List<Offset>();
        using LogReader reader = log.OpenReader(from);
        Offset next = from;
        while (reader.TryReadNext(out StoredBatch stored))
        {
            Assert.Equal(next, stored.BaseOffset);
            next = stored.End;
            Assert.True(RecordBatch.TryRead(stored.Bytes, out RecordBatch batch));
            foreach (Core.Record record in batch)
            {
                Offset offset = stored.BaseOffset + record.OffsetDelta;
                if (stored.IsControl)
                {
                    Assert.True(Marker.TryReadType(stored.Bytes.Slice(record.KeyAt, record.KeyLength), out MarkerType type));
                    Assert.Equal(MarkerType.Lost, type);
                    lost.Add(offset);
                }
                else
                {
                    Assert.Equal(offset.Value, BinaryPrimitives.ReadInt64BigEndian(stored.Bytes.Slice(record.ValueAt, record.ValueLength)));
                }
            }
        }

        Assert.Equal(log.LogEnd, next);
        return lost;
    }
}
