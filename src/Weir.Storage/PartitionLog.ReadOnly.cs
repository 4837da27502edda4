using Weir.Core;
using Weir.Storage.Recovery;
using Weir.Storage.Segments;

namespace Weir.Storage;

public sealed partial class PartitionLog
{
    /// <summary>
    /// Opens the records below <paramref name="end"/> for reading beside the process that writes the log: without its lock,
    /// without recovery, and nothing is written. Whose log it is comes from the first segment's header. Where retention has cut everything below the end,
    /// <see cref="LogStart"/> is at or beyond it.
    /// </summary>
    /// <param name="end">Exclusive. Everything below it must be flushed: a position that the writing process has answered.</param>
    /// <exception cref="LogDamagedException">A segment below the end is missing or its header is bad. Reads find further damage. Retrying cannot help.</exception>
    /// <exception cref="WeirException"><see cref="ErrorCode.FormatTooNew"/>: written by a later version.</exception>
    public static PartitionLog OpenReadOnly(IDisk disk, string directory, Offset end, LogOptions options)
    {
        var segments = new List<Segment>();
        LogIdentity? identity = null;
        Span<byte> bytes = stackalloc byte[SegmentHeader.Size];
        foreach (Offset baseOffset in LogFiles.Offsets(disk.List(directory), LogFiles.Log))
        {
            // The first is needed also when it lies beyond the end: it says whose log it is and that retention has cut it there.
            if (baseOffset >= end && (segments.Count > 0 || end == Offset.Zero))
            {
                break;
            }

            string path = LogFiles.At(directory, baseOffset, LogFiles.Log);
            using IDiskFile file = disk.OpenFile(path, FileOpen.Read);
            int count = FrameScanner.ReadWithRetry(file, 0, bytes);
            if (count == SegmentHeader.Size)
            {
                identity ??= LogIdentity.Read(bytes[SegmentHeader.IdentityAt..]);
            }

            if (!SegmentHeader.TryRead(bytes[..count], identity ?? default, out SegmentHeader header, out uint checksum, out string fault))
            {
                throw new LogDamagedException(new DamagedRange(path, 0, baseOffset, End: null, fault));
            }

            if (segments.Count > 0)
            {
                // The header after it seals a segment: what lies beyond in its file is not log.
                segments[^1].ReadableLength = header.PreviousLength;
            }

            // An empty index: reads begin where the segment does, and nothing is scanned to make one.
            segments.Add(new Segment(path, header, checksum, file.Length, new SegmentIndex(options.IndexIntervalBytes)));
        }

        if (segments.Count == 0 && end > Offset.Zero)
        {
            throw new LogDamagedException(new DamagedRange(directory, 0, Offset.Zero, end, "there is no segment."));
        }

        Offset start = segments.Count == 0 ? Offset.Zero : segments[0].BaseOffset;
        var report = new RecoveryReport(RecoveryOutcome.Clean, end, 0, null, 0, []);
        return new PartitionLog(disk, directory, identity ?? default, options, new RecoveredLog(segments, default, null, null, start, end, long.MinValue, report))
        {
            FlushedEnd = end,
            _readOnlyReason = "it was opened for reading beside its writer.",
        };
    }
}
