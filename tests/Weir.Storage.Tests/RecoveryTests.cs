using System.Buffers.Binary;
using Weir.Core;
using Weir.Storage.Segments;
using Weir.TestKit;

namespace Weir.Storage.Tests;

/// <summary>
/// Recovery as a table: a good log, one thing done to its files, and what opening must find. The good log is made of rounds
/// of one batch each, several in the last of its three or more segments, so the last batch has no proof of its flush; with
/// <see cref="Stopped"/> an idle frame has been written that proves it.
/// </summary>
public sealed class RecoveryTests
{
    private const string Directory = "/data/0";
    private static readonly LogOptions Options = new() { SegmentBytes = 1_400, IndexIntervalBytes = 128 };

    private sealed record GoodLog(IReadOnlyDictionary<string, byte[]> Files, Offset End, string Last, IReadOnlyList<(int FilePosition, Offset Base)> LastFrames)
    {
        /// <summary>Where the last frame with records begins, and its base offset.</summary>
        public (int FilePosition, Offset Base) LastFrame => LastFrames[^1];
    }

    private static readonly GoodLog Running = Make(isStopped: false);
    private static readonly GoodLog Stopped = Make(isStopped: true);

    [Fact]
    public void An_undamaged_log_is_clean_and_keeps_its_last_flush()
    {
        Opened running = Open(Running, _ => { });
        Assert.Equal(RecoveryOutcome.Clean, running.Report.Outcome);
        Assert.Equal(Running.End, running.Report.End);
        Assert.Equal(Running.End - Running.LastFrame.Base, running.Report.RewrittenRecords);

        Opened stopped = Open(Stopped, _ => { });
        Assert.Equal(RecoveryOutcome.Clean, stopped.Report.Outcome);
        Assert.Equal(0, stopped.Report.RewrittenRecords);
    }

    [Fact]
    public void A_last_frame_torn_at_any_byte_is_a_tail()
    {
        byte[] last = Running.Files[Running.Last];
        for (int length = Running.LastFrame.FilePosition + 1; length < last.Length; length++)
        {
            Opened opened = Open(Running, files => files[Running.Last] = last[..length]);
            ExpectTail(opened, Running.LastFrame.Base, cutBytes: length - Running.LastFrame.FilePosition);
            Assert.Equal(last[Running.LastFrame.FilePosition..length].AsSpan().TrimEnd((byte)0).ToArray(), opened.Disk.Content(opened.Report.CutFile!));
        }
    }

    [Fact]
    public void A_last_frame_of_which_later_bytes_arrived_and_earlier_ones_did_not_is_a_tail()
    {
        byte[] last = Running.Files[Running.Last];
        for (int missing = Running.LastFrame.FilePosition; missing < last.Length; missing++)
        {
            byte[] torn = [.. last];
            torn.AsSpan(Running.LastFrame.FilePosition, missing - Running.LastFrame.FilePosition + 1).Clear();
            ExpectTail(Open(Running, files => files[Running.Last] = torn), Running.LastFrame.Base, last.Length - Running.LastFrame.FilePosition);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(53)]
    [InlineData(4_096)]
    [InlineData(3_000_000)]
    public void A_tail_of_zeros_is_cut_and_not_kept(int zeros)
    {
        Opened opened = Open(Running, files => files[Running.Last] = [.. files[Running.Last], .. new byte[zeros]]);
        ExpectTail(opened, Running.End, zeros);
        Assert.Null(opened.Report.CutFile);
    }

    [Fact]
    public void Frames_of_an_earlier_time_after_the_end_are_a_tail()
    {
        // What the file system may show of blocks that once held this partition's log.
        foreach ((int filePosition, Offset _) in Running.LastFrames)
        {
            byte[] stale = Running.Files[Running.Last][filePosition..Running.LastFrame.FilePosition];
            Opened opened = Open(Running, files => files[Running.Last] = [.. files[Running.Last], .. stale]);
            if (stale.Length > 0)
            {
                ExpectTail(opened, Running.End, stale.Length);
            }
        }
    }

    [Fact]
    public void Frames_of_another_partition_or_stream_are_never_this_ones()
    {
        foreach (LogIdentity other in (LogIdentity[])[TestLog.Identity with { Partition = 4 }, TestLog.Identity with { StreamId = Guid.Empty }])
        {
            var disk = new SimulatedDisk();
            foreach ((string path, byte[] content) in Running.Files)
            {
                disk.Plant(path, content);
            }

            using PartitionLog log = PartitionLog.Open(disk, Directory, other, Options, out RecoveryReport report);
            Assert.Equal(RecoveryOutcome.Damaged, report.Outcome);
            Assert.True(log.IsReadOnly);
            Assert.Throws<LogReadOnlyException>(() => log.AppendIdleFrame(0));
        }
    }

    [Fact]
    public void A_frame_of_another_partition_behind_the_end_proves_nothing()
    {
        // Misdirected by the disk: intact by its own measure, with a durable end far above ours.
        byte[] frame = new byte[Frame.HeaderBytes];
        Frame.Write(frame, (TestLog.Identity with { Partition = 4 }).FrameSeed, batch: default, previous: 0, appendTimeMs: 9_999, durableEnd: new Offset(999));
        Opened opened = Open(Running, files => files[Running.Last] = [.. files[Running.Last], .. new byte[10], .. frame]);
        ExpectTail(opened, Running.End, 10 + frame.Length);
    }

    [Fact]
    public void A_frame_of_this_partition_behind_bad_bytes_proves_that_they_were_flushed()
    {
        byte[] frame = new byte[Frame.HeaderBytes];
        Frame.Write(frame, TestLog.Identity.FrameSeed, batch: default, previous: 0, appendTimeMs: 9_999, durableEnd: Running.End + 1);
        Opened opened = Open(Running, files => files[Running.Last] = [.. files[Running.Last], .. new byte[10], .. frame]);
        Assert.Equal(RecoveryOutcome.Damaged, opened.Report.Outcome);
        DamagedRange range = Assert.Single(opened.Report.Damage);
        Assert.Equal((Running.End, (Offset?)(Running.End + 1)), (range.Start, range.End));
    }

    [Fact]
    public void An_intact_frame_of_another_history_does_not_fit_into_the_chain()
    {
        // The same partition, offsets, times and lengths, another content in one batch: an older copy of a sector, say.
        (int filePosition, Offset first) = Stopped.LastFrames[1];
        byte[] exchanged = [.. Stopped.Files[Stopped.Last]];
        Span<byte> frame = exchanged.AsSpan(filePosition, Stopped.LastFrames[2].FilePosition - filePosition);
        Span<byte> batch = frame[Frame.HeaderBytes..];
        batch[^20] ^= 1;
        BinaryPrimitives.WriteUInt32BigEndian(batch[RecordBatch.CrcAt..], Crc32C.Compute(batch[RecordBatch.AttributesAt..]));
        Assert.True(Frame.TryRead(Stopped.Files[Stopped.Last].AsSpan(filePosition), TestLog.Identity.FrameSeed, out Frame old, out _));
        Frame.Write(frame, TestLog.Identity.FrameSeed, batch, old.Previous, old.AppendTimeMs, old.DurableEnd);

        Opened opened = Open(Stopped, files => files[Stopped.Last] = exchanged);

        Assert.Equal(RecoveryOutcome.Damaged, opened.Report.Outcome);
        Assert.Equal(Stopped.LastFrames[2].FilePosition, opened.Report.Damage[0].FilePosition);
        using LogReader reader = opened.Log.OpenReader(Offset.Zero);
        Assert.Throws<LogDamagedException>(() => ReadToEnd(reader));
        Assert.True(first < opened.Report.Damage[0].Start);
    }

    [Fact]
    public void A_batch_that_leaves_a_gap_in_the_offsets_is_not_log()
    {
        byte[] gap = [.. Running.Files[Running.Last]];
        Span<byte> frame = gap.AsSpan(Running.LastFrame.FilePosition);
        Assert.True(Frame.TryRead(frame, TestLog.Identity.FrameSeed, out Frame old, out _));
        RecordBatch.Stamp(frame[Frame.HeaderBytes..], Running.LastFrame.Base + 1, leaderEpoch: 0);
        Frame.Write(frame, TestLog.Identity.FrameSeed, frame[Frame.HeaderBytes..], old.Previous, old.AppendTimeMs, old.DurableEnd);
        ExpectTail(Open(Running, files => files[Running.Last] = gap), Running.LastFrame.Base, frame.Length);
    }

    [Fact]
    public void A_flipped_bit_below_the_durable_end_is_damage_and_nothing_is_cut()
    {
        byte[] last = Stopped.Files[Stopped.Last];
        for (int bit = SegmentHeader.Size * 8; bit < (Stopped.LastFrames[^1].FilePosition + 40) * 8; bit += 3)
        {
            byte[] bad = Flip(last, bit);
            Opened opened = Open(Stopped, files => files[Stopped.Last] = bad);
            Assert.Equal(RecoveryOutcome.Damaged, opened.Report.Outcome);
            Assert.Equal(Stopped.End, opened.Report.End);
            DamagedRange range = Assert.Single(opened.Report.Damage);
            (int filePosition, Offset first) = Stopped.LastFrames.Last(frame => frame.FilePosition <= bit / 8);
            Assert.Equal((filePosition, first), (range.FilePosition, range.Start));
            Assert.Equal(Stopped.LastFrames.Where(frame => frame.Base > first).Select(frame => frame.Base).FirstOrDefault(Stopped.End), range.End);
            ExpectUnchanged(Stopped, opened, Stopped.Last, bad);
            ExpectAllButTheDamagedReadable(opened);
        }
    }

    [Fact]
    public void A_flipped_bit_in_the_last_flush_before_a_crash_cannot_be_told_from_a_tail()
    {
        // The one case, written down in docs/reliability.md.
        byte[] last = Running.Files[Running.Last];
        for (int bit = Running.LastFrame.FilePosition * 8; bit < last.Length * 8; bit += 7)
        {
            ExpectTail(
                Open(Running, files => files[Running.Last] = Flip(last, bit)),
                Running.LastFrame.Base,
                last.Length - Running.LastFrame.FilePosition);
        }
    }

    [Fact]
    public void A_flipped_bit_in_any_segment_header_is_damage()
    {
        foreach (string path in Stopped.Files.Keys.Where(path => path.EndsWith(".log", StringComparison.Ordinal)))
        {
            for (int bit = 0; bit < SegmentHeader.Size * 8; bit++)
            {
                byte[] bad = Flip(Stopped.Files[path], bit);
                Opened opened = Open(Stopped, files => files[path] = bad);
                Assert.Equal(RecoveryOutcome.Damaged, opened.Report.Outcome);
                ExpectUnchanged(Stopped, opened, path, bad);
            }
        }
    }

    [Fact]
    public void A_flipped_bit_in_a_sealed_segment_is_found_at_the_latest_when_it_is_read()
    {
        string first = Stopped.Files.Keys.Order(StringComparer.Ordinal).First(path => path.EndsWith(".log", StringComparison.Ordinal));
        byte[] good = Stopped.Files[first];
        for (int bit = SegmentHeader.Size * 8; bit < good.Length * 8; bit += 5)
        {
            Opened opened = Open(Stopped, files => files[first] = Flip(good, bit));
            using LogReader reader = opened.Log.OpenReader(Offset.Zero);
            Assert.Throws<LogDamagedException>(() => ReadToEnd(reader));
        }
    }

    [Fact]
    public void A_sealed_segment_that_is_missing_short_or_exchanged_is_damage()
    {
        string[] logs = [.. Stopped.Files.Keys.Where(path => path.EndsWith(".log", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Assert.True(logs.Length >= 3);
        Action<Dictionary<string, byte[]>>[] faults =
        [
            files => files.Remove(logs[0]),
            files => files.Remove(logs[1]),
            files => files[logs[0]] = files[logs[0]][..^1],
            files => files[logs[0]] = files[logs[0]][..SegmentHeader.Size],
            files => files[logs[1]] = [],
            files => (files[logs[0]], files[logs[1]]) = (files[logs[1]], files[logs[0]]),
        ];
        foreach (Action<Dictionary<string, byte[]>> fault in faults)
        {
            Opened opened = Open(Stopped, fault);
            Assert.Equal(RecoveryOutcome.Damaged, opened.Report.Outcome);
            Assert.True(opened.Log.IsReadOnly);
            Assert.Equal(Stopped.End, opened.Report.End);
        }
    }

    [Fact]
    public void A_last_segment_that_ends_before_a_snapshot_is_damage()
    {
        // Cut at a frame boundary the file looks like a shorter log; the snapshot's name proves that there was more.
        Opened opened = Open(Running, files =>
        {
            files[Running.Last] = files[Running.Last][..Running.LastFrames[2].FilePosition];
            files[$"{Directory}/{Running.LastFrames[5].Base.Value:D20}.snapshot"] = [];
        });
        Assert.Equal(RecoveryOutcome.Damaged, opened.Report.Outcome);
        DamagedRange range = Assert.Single(opened.Report.Damage);
        Assert.Equal((Running.LastFrames[2].Base, (Offset?)Running.LastFrames[5].Base), (range.Start, range.End));
    }

    [Fact]
    public void Bytes_behind_a_seal_are_not_log()
    {
        string first = Stopped.Files.Keys.Order(StringComparer.Ordinal).First(path => path.EndsWith(".log", StringComparison.Ordinal));
        Opened opened = Open(Stopped, files => files[first] = [.. files[first], .. files[first][SegmentHeader.Size..]]);
        Assert.Equal(RecoveryOutcome.Clean, opened.Report.Outcome);
        Assert.Equal(Stopped.End, TestLog.ReadAll(opened.Log, Offset.Zero));
    }

    [Fact]
    public void Unfinished_files_are_deleted()
    {
        Opened opened = Open(Stopped, files =>
        {
            files[$"{Directory}/00000000000000000999.log.tmp"] = [1, 2, 3];
            files[$"{Directory}/00000000000000000005.snapshot.tmp"] = [];
        });
        Assert.Equal(RecoveryOutcome.Clean, opened.Report.Outcome);
        Assert.DoesNotContain(opened.Disk.List(Directory), name => name.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void A_second_cut_at_the_same_offset_keeps_both_copies()
    {
        byte[] torn = Running.Files[Running.Last][..^1];
        Opened opened = Open(Running, files =>
        {
            files[Running.Last] = torn;
            files[$"{Directory}/{Running.LastFrame.Base.Value:D20}.cut"] = [9];
        });
        ExpectTail(opened, Running.LastFrame.Base, torn.Length - Running.LastFrame.FilePosition);
        Assert.EndsWith("-1.cut", opened.Report.CutFile, StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_error_in_the_last_segment_makes_it_read_only_not_shorter()
    {
        var disk = new SimulatedDisk();
        foreach ((string path, byte[] content) in Stopped.Files)
        {
            disk.Plant(path, content);
        }

        disk.FailWhen(operation => operation.Name == "pread" && operation.Path == Stopped.Last && operation.Bytes > SegmentHeader.Size, DiskException.InputOutput);
        using PartitionLog log = PartitionLog.Open(disk, Directory, TestLog.Identity, Options, out RecoveryReport report);
        Assert.Equal(RecoveryOutcome.Damaged, report.Outcome);
        Assert.True(log.IsReadOnly);
        Assert.Equal(2, disk.Operations.Count(operation => operation.Errno != 0));
    }

    private sealed record Opened(SimulatedDisk Disk, PartitionLog Log, RecoveryReport Report);

    private static GoodLog Make(bool isStopped)
    {
        var disk = new SimulatedDisk();
        using var test = new TestLog(disk, Directory) { Options = Options };
        using PartitionLog log = test.Open();
        while (log.Segments.Count < 3 || log.LogEnd - log.Segments[^1].BaseOffset < 8)
        {
            test.AppendRounds(log, 1);
        }

        if (isStopped)
        {
            log.AppendIdleFrame(log.LastAppendTimeMs);
            log.Write();
            log.Flush();
        }

        string last = log.Segments[^1].Path;
        byte[] bytes = disk.Content(last);
        List<(int, Offset)> frames = [];
        for (int at = SegmentHeader.Size; at < bytes.Length;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + Frame.BatchLengthAt));
            if (length > 0)
            {
                frames.Add((at, new Offset(BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(at + Frame.HeaderBytes)))));
            }

            at += Frame.HeaderBytes + length;
        }

        return new GoodLog(disk.List(Directory).ToDictionary(name => $"{Directory}/{name}", name => disk.Content($"{Directory}/{name}")), log.LogEnd, last, frames);
    }

    private static Opened Open(GoodLog good, Action<Dictionary<string, byte[]>> change)
    {
        var files = new Dictionary<string, byte[]>(good.Files);
        change(files);
        var disk = new SimulatedDisk();
        foreach ((string path, byte[] content) in files)
        {
            disk.Plant(path, content);
        }

        PartitionLog log = PartitionLog.Open(disk, Directory, TestLog.Identity, Options, out RecoveryReport report);
        return new Opened(disk, log, report);
    }

    private static void ExpectTail(Opened opened, Offset end, long cutBytes)
    {
        Assert.Equal(RecoveryOutcome.TailCut, opened.Report.Outcome);
        Assert.Equal(cutBytes, opened.Report.CutBytes);
        Assert.Equal(end, opened.Report.End);
        Assert.Equal(end, opened.Log.LogEnd);
        Assert.Equal(end, TestLog.ReadAll(opened.Log, Offset.Zero));
        // It goes on, and what it says now survives power loss.
        using var test = new TestLog(opened.Disk, Directory) { Options = Options };
        test.AppendRounds(opened.Log, 2);
        Offset acknowledged = opened.Log.FlushedEnd;
        using PartitionLog again = PartitionLog.Open(opened.Disk.LosePower(new Random(1)), Directory, TestLog.Identity, Options, out RecoveryReport report);
        Assert.Equal(acknowledged, report.End);
        Assert.Equal(acknowledged, TestLog.ReadAll(again, Offset.Zero));
    }

    private static void ExpectUnchanged(GoodLog good, Opened opened, string changed, byte[] content)
    {
        Assert.True(opened.Log.IsReadOnly);
        Assert.Equal(good.Files.Count, opened.Disk.List(Directory).Count);
        foreach ((string path, byte[] before) in good.Files)
        {
            Assert.Equal(path == changed ? content : before, opened.Disk.Content(path));
        }
    }

    private static void ExpectAllButTheDamagedReadable(Opened opened)
    {
        DamagedRange damaged = opened.Report.Damage[0];
        using LogReader reader = opened.Log.OpenReader(Offset.Zero);
        for (Offset offset = Offset.Zero; offset < opened.Report.End; offset += 1)
        {
            reader.Seek(offset);
            if (offset >= damaged.Start && offset < damaged.End)
            {
                Assert.Throws<LogDamagedException>(() => reader.TryReadNext(out _));
            }
            else
            {
                Assert.True(reader.TryReadNext(out StoredBatch stored));
                TestLog.Check(stored);
            }
        }
    }

    private static void ReadToEnd(LogReader reader)
    {
        while (reader.TryReadNext(out StoredBatch stored))
        {
            TestLog.Check(stored);
        }
    }

    private static byte[] Flip(byte[] bytes, int bit)
    {
        byte[] flipped = [.. bytes];
        flipped[bit / 8] ^= (byte)(1 << (bit % 8));
        return flipped;
    }
}
