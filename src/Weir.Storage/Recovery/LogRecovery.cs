using System.Buffers.Binary;
using Weir.Core;
using Weir.Storage.Segments;
using Weir.Storage.Verdicts;

namespace Weir.Storage.Recovery;

/// <summary>
/// Decides what of a partition's files is the log (docs/internals/recovery.md). Reads only; what has to be cut or written
/// again is described in the result and done by <see cref="PartitionLog"/>.
///
/// Sealed segments are checked by header, length, last frame and chain: seconds for any size. Bodies of sealed segments
/// are checked when they are read, and by LogCheck. The last segment is verified byte by byte.
/// </summary>
internal sealed class LogRecovery
{
    private readonly IDisk _disk;
    private readonly string _directory;
    private readonly LogIdentity _identity;
    private readonly LogOptions _options;
    private readonly Offset _firstOffset;
    private readonly bool _unopenableIsDamage;
    private readonly IReadOnlyList<string> _names;
    private readonly List<DamagedRange> _damage = [];

    private LogRecovery(IDisk disk, string directory, LogIdentity identity, LogOptions options, Offset firstOffset, bool unopenableIsDamage)
    {
        _disk = disk;
        _directory = directory;
        _identity = identity;
        _options = options;
        _firstOffset = firstOffset;
        _unopenableIsDamage = unopenableIsDamage;
        _names = disk.List(directory);
    }

    /// <param name="firstOffset">Where a log without files begins; 0 but in tests of large offsets.</param>
    /// <param name="unopenableIsDamage">A segment that cannot be opened because of an I/O error: damage, so that the rest can be read; or an exception, because a later try may find it whole.</param>
    /// <param name="mustExist">No segment at all is damage, and not a log that is about to begin.</param>
    /// <exception cref="DiskException">The directory, or a segment, cannot be opened.</exception>
    public static RecoveredLog Run(IDisk disk, string directory, LogIdentity identity, LogOptions options, Offset firstOffset, bool unopenableIsDamage, bool mustExist = false) =>
        new LogRecovery(disk, directory, identity, options, firstOffset, unopenableIsDamage).Run(mustExist);

    private RecoveredLog Run(bool mustExist)
    {
        Offset[] bases = [.. LogFiles.Offsets(_names, LogFiles.Log)];
        if (bases.Length == 0)
        {
            return NoSegments(mustExist);
        }

        CheckStart(bases[0]);
        var segments = new List<Segment>();
        for (int i = 0; i < bases.Length; i++)
        {
            Offset? end = i + 1 < bases.Length ? bases[i + 1] : null;
            ReadHeader(segments, bases[i], end);
        }

        // Each header seals the segment before it.
        for (int i = 1; i < segments.Count; i++)
        {
            CheckSeal(segments[i - 1], segments[i]);
        }

        Offset last = bases[^1];
        if (segments.Count == 0 || segments[^1].BaseOffset != last)
        {
            // The last segment's header is bad, so none of its frames can be trusted to follow what is before.
            return Damaged(segments, bases[0], Max(last, EvidenceFromNames()), last: null);
        }

        return ScanLast(segments, bases[0]);
    }

    private RecoveredLog NoSegments(bool mustExist)
    {
        Offset evidence = EvidenceFromNames();
        if (evidence > _firstOffset || mustExist)
        {
            _damage.Add(new DamagedRange(_directory, 0, _firstOffset, evidence > _firstOffset ? evidence : null, "there is no segment: files were deleted, or the directory was not copied whole."));
            return Damaged([], _firstOffset, evidence, last: null);
        }

        var report = new RecoveryReport(RecoveryOutcome.Clean, _firstOffset, 0, null, 0, []);
        return new RecoveredLog([], default, null, null, _firstOffset, _firstOffset, long.MinValue, report);
    }

    /// <summary>A log begins at its first offset, or where retention cut it, and then a base holds the state at or after that place.</summary>
    private void CheckStart(Offset start)
    {
        if (start != _firstOffset
            && !LogFiles.Offsets(_names, LogFiles.Base).Concat(LogFiles.Offsets(_names, LogFiles.BaseCopy)).Any(at => at >= start))
        {
            _damage.Add(new DamagedRange(_directory, 0, _firstOffset, start, "the first segments are missing and no base holds the state where the rest begins."));
        }
    }

    private void ReadHeader(List<Segment> segments, Offset baseOffset, Offset? end)
    {
        string path = LogFiles.At(_directory, baseOffset, LogFiles.Log);
        Span<byte> bytes = stackalloc byte[SegmentHeader.Size];
        string fault;
        try
        {
            using IDiskFile file = OpenSegment(path);
            int count = FrameScanner.ReadWithRetry(file, 0, bytes);
            if (SegmentHeader.TryRead(bytes[..count], _identity, out SegmentHeader header, out uint checksum, out fault))
            {
                if (header.BaseOffset == baseOffset)
                {
                    segments.Add(new Segment(path, header, checksum, file.Length, index: null));
                    return;
                }

                fault = $"its header says that it begins at offset {header.BaseOffset}.";
            }
        }
        catch (DiskException e) when (IsDamage(e))
        {
            fault = e.Message;
        }

        _damage.Add(new DamagedRange(path, 0, baseOffset, end, fault));
    }

    /// <summary>One retry, as for reads.</summary>
    private IDiskFile OpenSegment(string path)
    {
        try
        {
            return _disk.OpenFile(path, FileOpen.Read);
        }
        catch (DiskException e) when (e.Errno == DiskException.InputOutput)
        {
            return _disk.OpenFile(path, FileOpen.Read);
        }
    }

    /// <summary>Whether it says something of the file's bytes. A file that cannot be opened for want of descriptors, memory or rights may be whole.</summary>
    private bool IsDamage(DiskException e) => e.Operation != "open" || (_unopenableIsDamage && e.Errno == DiskException.InputOutput);

    /// <summary>Compares a segment with what the header after it says, and sets its sealed length.</summary>
    private void CheckSeal(Segment sealedSegment, Segment next)
    {
        SegmentHeader seal = next.Header;
        long length = sealedSegment.ReadableLength;
        string? fault = null;
        long filePosition = Math.Min(length, seal.PreviousLength);
        if (length < seal.PreviousLength)
        {
            fault = $"it has {length} bytes and was sealed with {seal.PreviousLength}.";
        }
        else if (seal.PreviousLastFrameBytes == 0)
        {
            fault = seal.PreviousChecksum == sealedSegment.HeaderChecksum && seal.PreviousLength == SegmentHeader.Size ? null : Missing();
        }
        else
        {
            filePosition = seal.PreviousLength - seal.PreviousLastFrameBytes;
            try
            {
                using IDiskFile file = OpenSegment(sealedSegment.Path);
                var frames = new FrameScanner(file, _identity.FrameSeed, filePosition, seal.PreviousLength);
                if (!frames.TryNext(out Frame frame, out ReadOnlySpan<byte> batch, out string bad))
                {
                    fault = bad;
                }
                else if (frame.Checksum != seal.PreviousChecksum || (!frame.IsIdle && EndOf(batch) != seal.BaseOffset))
                {
                    fault = Missing();
                }
            }
            catch (DiskException e) when (IsDamage(e))
            {
                fault = e.Message;
            }
        }

        sealedSegment.ReadableLength = Math.Min(length, seal.PreviousLength);
        if (fault is not null)
        {
            _damage.Add(new DamagedRange(sealedSegment.Path, filePosition, sealedSegment.BaseOffset, next.BaseOffset, fault));
        }

        string Missing() => $"it is not the segment that {Path.GetFileName(next.Path)} continues: a file between them is missing or was exchanged.";
    }

    /// <summary>Verifies every byte of the last segment and tells tail from damage.</summary>
    private RecoveredLog ScanLast(List<Segment> segments, Offset start)
    {
        Segment last = segments[^1];
        using IDiskFile file = OpenSegment(last.Path);
        long fileLength = last.ReadableLength;
        var scan = new SegmentScan(file, last, fileLength, _options.IndexIntervalBytes);
        scan.VerifyUntilFault();

        // The highest durable end found anywhere: a segment is created, and a snapshot taken, only at flushed offsets.
        Offset durable = Max(Max(last.BaseOffset, Max(EvidenceFromNames(), EvidenceFromVerdicts(last))), scan.DurableEnd);
        if (scan.FilePosition < fileLength)
        {
            durable = Max(durable, scan.DurableEndBeyond());
        }

#if WEIR_PLANTED
        if (Planted.CutAtFirstBad)
        {
            durable = scan.End;
        }
#endif
        if (durable > scan.End || scan.IsUnreadable)
        {
            scan.CollectDamage(_damage, durable);
        }

        if (_damage.Count > 0)
        {
            // Nothing is cut or written, here or after damage in an earlier segment; what is intact stays readable.
            return Damaged(segments, start, Max(scan.End, durable), scan);
        }

#if WEIR_PLANTED
        if (Planted.TailTrusted)
        {
            durable = scan.End;
        }
#endif
        // Frames below the durable end are proven; the rest is kept, but written again before anybody relies on it.
        (SegmentLink link, long provenLength, Offset provenEnd) = scan.FindEndOfProven(durable);
        UnprovenTail? tail = scan.End > provenEnd ? new UnprovenTail(last.Path, provenLength, scan.RecordsEnd, provenEnd, new Segment(last.Path, last.Header, last.HeaderChecksum, scan.RecordsEnd, index: null)) : null;
        segments.RemoveAt(segments.Count - 1);
        if (provenLength > SegmentHeader.Size)
        {
            scan.Index.RemoveFrom(provenLength);
            segments.Add(new Segment(last.Path, last.Header, last.HeaderChecksum, provenLength, scan.Index));
        }

        // Otherwise no record of it is proven: the next segment has the same base offset and replaces the file, link and all.
        long cutBytes = fileLength - scan.FilePosition;
        CutTail? cut = cutBytes > 0 ? new CutTail(last.Path, scan.FilePosition, cutBytes) : null;
        var report = new RecoveryReport(
            cut is null ? RecoveryOutcome.Clean : RecoveryOutcome.TailCut,
            scan.End,
            cutBytes,
            CutFile: null,
            scan.End - provenEnd,
            []);
        return new RecoveredLog(segments, link, tail, cut, start, scan.End, scan.LastAppendTimeMs, report);
    }

    private RecoveredLog Damaged(List<Segment> segments, Offset start, Offset end, SegmentScan? last)
    {
        if (last is not null)
        {
            Segment segment = segments[^1];
            segments[^1] = new Segment(segment.Path, segment.Header, segment.HeaderChecksum, last.RecordsEnd, last.Index);
        }

        var report = new RecoveryReport(RecoveryOutcome.Damaged, end, 0, null, 0, [.. _damage.OrderBy(range => range.Start)]);
        return new RecoveredLog(segments, default, null, null, start, end, last?.LastAppendTimeMs ?? long.MinValue, report);
    }

    private Offset EvidenceFromNames()
    {
        Offset highest = _firstOffset;
        foreach (string suffix in (string[])[LogFiles.Snapshot, LogFiles.Base, LogFiles.BaseCopy, LogFiles.Verdicts, LogFiles.Index, LogFiles.Keys])
        {
            foreach (Offset at in LogFiles.Offsets(_names, suffix))
            {
                highest = Max(highest, at);
            }
        }

        return highest;
    }

    // A verdict is written when its record has been flushed, so what a block of verdicts covers was there.
    private Offset EvidenceFromVerdicts(Segment last)
    {
        string path = LogFiles.At(_directory, last.BaseOffset, LogFiles.Verdicts);
        if (!_names.Contains(Path.GetFileName(path)))
        {
            return Offset.Zero;
        }

        try
        {
            using IDiskFile file = _disk.OpenFile(path, FileOpen.Read);
            Span<byte> header = stackalloc byte[VerdictFormat.HeaderBytes];
            header = header[..file.Read(0, header)];
            bool withReplaced = header.Length == VerdictFormat.HeaderBytes && header[VerdictFormat.FlagsAt] == VerdictFormat.ReplacedFlag;
            long number = ((file.Length - VerdictFormat.HeaderBytes) / VerdictFormat.BlockBytes(withReplaced)) - 1;
            if (number < 0 || !VerdictFormat.IsHeader(header, _identity, last.BaseOffset, withReplaced))
            {
                return Offset.Zero;
            }

            byte[] block = new byte[VerdictFormat.BlockBytes(withReplaced)];
            Offset start = last.BaseOffset + (number * VerdictFormat.BlockRecords);
            return file.Read(VerdictFormat.BlockPosition(number, withReplaced), block) == block.Length ? start + Math.Max(0, VerdictFormat.ReadBlockCount(block, start)) : Offset.Zero;
        }
        catch (DiskException)
        {
            return Offset.Zero;
        }
    }

    private static Offset EndOf(ReadOnlySpan<byte> batch) =>
        new Offset(BinaryPrimitives.ReadInt64BigEndian(batch)) + (BinaryPrimitives.ReadInt32BigEndian(batch[RecordBatch.LastOffsetDeltaAt..]) + 1L);

    private static Offset Max(Offset a, Offset b) => a > b ? a : b;
}
