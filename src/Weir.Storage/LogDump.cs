using System.Globalization;
using Weir.Core;
using Weir.Storage.Segments;

namespace Weir.Storage;

/// <summary>One frame as it lies in a file, or a stretch that is none.</summary>
/// <param name="File">Path of the segment.</param>
/// <param name="FilePosition">Where it begins.</param>
/// <param name="Bytes">Frame header and batch; of a fault: bytes up to the next intact frame.</param>
/// <param name="IsIdle">An empty frame that only carries the durable end.</param>
/// <param name="DurableEnd">What had been flushed when it was written (exclusive).</param>
/// <param name="Checksum">Of the frame.</param>
/// <param name="Previous">The checksum that it expects before it.</param>
/// <param name="Batch">The record batch; empty for an idle frame or a fault. Belongs to the caller.</param>
/// <param name="Fault">What is wrong with it; null for an intact frame. A frame with a bad batch checksum has both fault and batch.</param>
public sealed record DumpedFrame(
    string File,
    long FilePosition,
    long Bytes,
    bool IsIdle,
    long AppendTimeMs,
    Offset DurableEnd,
    uint Checksum,
    uint Previous,
    ReadOnlyMemory<byte> Batch,
    string? Fault)
{
    /// <summary>First offset of the batch; null without one.</summary>
    public Offset? BaseOffset => RecordBatch.TryRead(Batch.Span, out RecordBatch batch) ? batch.BaseOffset : null;

    /// <summary>Records in the batch; 0 without one.</summary>
    public int RecordCount => RecordBatch.TryRead(Batch.Span, out RecordBatch batch) ? batch.RecordCount : 0;
}

/// <summary>Goes through the frames of a partition's files as they lie there, damage included, for people to look at. Reads only; works beside a running server.</summary>
public static class LogDump
{
    /// <summary>Every frame from the segment that holds <paramref name="from"/> on, in file order; frames wholly below it are left out.</summary>
    /// <exception cref="DiskException">A file cannot be opened or read.</exception>
    public static IEnumerable<DumpedFrame> Frames(IDisk disk, string directory, Offset from)
    {
        LogIdentity identity = LogCheck.FindIdentity(disk, directory);
        Offset[] bases = [.. LogFiles.Offsets(disk.List(directory), LogFiles.Log)];
        int first = Math.Max(0, Array.FindLastIndex(bases, at => at <= from));
        foreach (Offset baseOffset in bases.Skip(first))
        {
            string path = LogFiles.At(directory, baseOffset, LogFiles.Log);
            using IDiskFile file = disk.OpenFile(path, FileOpen.Read);
            long length = file.Length;
            var frames = new FrameScanner(file, identity.FrameSeed, SegmentHeader.Size, length);
            while (frames.FilePosition < length)
            {
                DumpedFrame frame = Next(frames, path, length);
                if (frame.BaseOffset is not Offset at || at + frame.RecordCount > from)
                {
                    yield return frame;
                }
            }
        }
    }

    /// <summary>A segment's header in words, or what is wrong with it.</summary>
    public static string Header(IDisk disk, string path)
    {
        Span<byte> bytes = stackalloc byte[SegmentHeader.Size];
        using IDiskFile file = disk.OpenFile(path, FileOpen.Read);
        int count = file.Read(0, bytes);
        LogIdentity claimed = count == SegmentHeader.Size ? LogIdentity.Read(bytes[SegmentHeader.IdentityAt..]) : default;
        return SegmentHeader.TryRead(bytes[..count], claimed, out SegmentHeader header, out uint checksum, out string fault)
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"stream {header.Identity.StreamId}, partition {header.Identity.Partition}, base offset {header.BaseOffset}, previous segment {header.PreviousLength} bytes with last checksum {header.PreviousChecksum:x8}, checksum {checksum:x8}")
            : fault;
    }

    private static DumpedFrame Next(FrameScanner frames, string path, long length)
    {
        long at = frames.FilePosition;
        if (frames.TryNext(out Frame frame, out ReadOnlySpan<byte> bytes, out string fault))
        {
            bool isBatch = RecordBatch.TryRead(bytes, out RecordBatch batch);
            string? batchFault = frame.IsIdle ? null
                : !isBatch ? "the frame holds no whole record batch."
                : !batch.HasValidCrc() ? "the batch's checksum does not match its bytes."
                : null;
            return new DumpedFrame(path, at, frame.TotalBytes, frame.IsIdle, frame.AppendTimeMs, frame.DurableEnd, frame.Checksum, frame.Previous, bytes.ToArray(), batchFault);
        }

        long end = frames.TryResynchronise() ? frames.FilePosition : length;
        if (end == length)
        {
            frames.SkipTo(length);
        }

        return new DumpedFrame(path, at, end - at, IsIdle: false, 0, Offset.Zero, 0, 0, default, fault);
    }
}
