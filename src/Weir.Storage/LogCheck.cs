using System.Buffers.Binary;
using System.Globalization;
using Weir.Core;
using Weir.Storage.Recovery;
using Weir.Storage.Segments;
using Weir.Storage.Verdicts;

namespace Weir.Storage;

/// <summary>
/// Verifies every byte of a partition's files: each frame's checksums, chain, offset, time and durable end, each seal, and
/// each derived file against the log. Changes nothing. The partition must not be open elsewhere: what a writer is about to
/// finish would look like a tail.
/// </summary>
public sealed class LogCheck
{
    private readonly IDisk _disk;
    private readonly string _directory;
    private readonly LogIdentity _identity;
    private readonly Action<long>? _progress;
    private readonly IReadOnlyList<string> _names;
    private readonly List<LogFault> _faults = [];
    private readonly List<string> _notes = [];
    private long _frames;
    private long _records;
    private long _bytes;

    private LogCheck(IDisk disk, string directory, LogIdentity identity, Action<long>? progress)
    {
        _disk = disk;
        _directory = directory;
        _identity = identity;
        _progress = progress;
        _names = disk.List(directory);
    }

    /// <summary>Checks the partition in <paramref name="directory"/>. Whose log it is comes from its first intact segment header.</summary>
    /// <param name="progress">Called after each file with the bytes read so far; see <see cref="TotalBytes"/>.</param>
    /// <exception cref="DiskException">A file cannot be opened. Read errors are faults.</exception>
    public static LogCheckReport Run(IDisk disk, string directory, Action<long>? progress = null) =>
        new LogCheck(disk, directory, FindIdentity(disk, directory), progress).Run();

    /// <summary>Bytes that <see cref="Run"/> will read, for its progress.</summary>
    public static long TotalBytes(IDisk disk, string directory)
    {
        long total = 0;
        foreach (string name in disk.List(directory).Where(IsKnown))
        {
            using IDiskFile file = disk.OpenFile(Path.Combine(directory, name), FileOpen.Read);
            total += file.Length;
        }

        return total;
    }

    /// <summary>The identity that the first intact segment header carries; an empty one when there is none.</summary>
    internal static LogIdentity FindIdentity(IDisk disk, string directory)
    {
        Span<byte> bytes = stackalloc byte[SegmentHeader.Size];
        foreach (Offset baseOffset in LogFiles.Offsets(disk.List(directory), LogFiles.Log))
        {
            using IDiskFile file = disk.OpenFile(LogFiles.At(directory, baseOffset, LogFiles.Log), FileOpen.Read);
            if (file.Read(0, bytes) == SegmentHeader.Size
                && SegmentHeader.TryRead(bytes, LogIdentity.Read(bytes[SegmentHeader.IdentityAt..]), out SegmentHeader header, out _, out _))
            {
                return header.Identity;
            }
        }

        return default;
    }

    private static bool IsKnown(string name) =>
        name.EndsWith(LogFiles.Log, StringComparison.Ordinal) || name.EndsWith(LogFiles.Index, StringComparison.Ordinal)
        || name.EndsWith(LogFiles.Verdicts, StringComparison.Ordinal) || name.EndsWith(LogFiles.Keys, StringComparison.Ordinal)
        || name.EndsWith(LogFiles.Snapshot, StringComparison.Ordinal) || name.EndsWith(LogFiles.Base, StringComparison.Ordinal)
        || name.EndsWith(LogFiles.BaseCopy, StringComparison.Ordinal);

    private LogCheckReport Run()
    {
        // The rules of opening decide about headers, seals and the end of the log; the bodies of sealed segments are left to this check.
        var options = new LogOptions();
        Offset first = LogFiles.Offsets(_names, LogFiles.Log).FirstOrDefault(Offset.Zero);
        bool isCut = LogFiles.Offsets(_names, LogFiles.Base).Concat(LogFiles.Offsets(_names, LogFiles.BaseCopy)).Any();
        RecoveredLog recovered = LogRecovery.Run(_disk, _directory, _identity, options, Offset.Zero, unopenableIsDamage: true, mustExist: true);
        foreach (DamagedRange range in recovered.Report.Damage)
        {
            _faults.Add(new LogFault(range.File, range.FilePosition, range.Start, range.End, IsDerived: false, range.Fault));
        }

        if (recovered.Cut is { } cut)
        {
            _notes.Add(string.Create(CultureInfo.InvariantCulture, $"{cut.Path} ends with {cut.Bytes} bytes of an unfinished write at file position {cut.FilePosition}; the next start cuts them and keeps a copy."));
        }

        if (isCut && first != Offset.Zero)
        {
            _notes.Add(string.Create(CultureInfo.InvariantCulture, $"Retention has deleted the records below {first}."));
        }

        List<Segment> segments = recovered.Segments;
        for (int i = 0; i < segments.Count; i++)
        {
            CheckSegment(segments[i], i + 1 < segments.Count ? segments[i + 1].BaseOffset : null);
        }

        CountTail(recovered.Tail);
        CheckSnapshots();
        NoteOthers();
        return new LogCheckReport(segments.Count, _frames, _records, _bytes, recovered.Start, recovered.End, _faults, _notes);
    }

    private void CheckSegment(Segment segment, Offset? next)
    {
        using IDiskFile file = _disk.OpenFile(segment.Path, FileOpen.Read);
        var scan = new SegmentScan(file, segment, segment.ReadableLength, indexIntervalBytes: 1);
        scan.VerifyUntilFault();
        Offset intactEnd = scan.End;
        if (next is Offset end && (scan.FilePosition < segment.ReadableLength || intactEnd < end))
        {
            var damage = new List<DamagedRange>();
            scan.CollectDamage(damage, end);
            foreach (DamagedRange range in damage)
            {
                // What opening has found already is not named twice.
                if (!_faults.Any(fault => fault.File == range.File && fault.FilePosition == range.FilePosition))
                {
                    _faults.Add(new LogFault(range.File, range.FilePosition, range.Start, range.End, IsDerived: false, range.Fault));
                }
            }
        }

        _frames += scan.Frames;
        _records += scan.Records;
        Progress(file.Length);
        CheckIndex(segment, file);
        CheckVerdicts(segment, scan.End);
        CheckKeys(segment, next ?? scan.End);
    }

    /// <summary>The frames that the next opening will write again are part of the log.</summary>
    private void CountTail(UnprovenTail? tail)
    {
        if (tail is null)
        {
            return;
        }

        using IDiskFile file = _disk.OpenFile(tail.Path, FileOpen.Read);
        var frames = new FrameScanner(file, _identity.FrameSeed, tail.FilePosition, tail.Length);
        while (frames.TryNext(out Frame frame, out ReadOnlySpan<byte> bytes, out _))
        {
            _frames++;
            _records += !frame.IsIdle && RecordBatch.TryRead(bytes, out RecordBatch batch) ? batch.RecordCount : 0;
        }
    }

    private void CheckIndex(Segment segment, IDiskFile log)
    {
        string path = Path.ChangeExtension(segment.Path, LogFiles.Index);
        if (ReadWhole(path) is not { } bytes)
        {
            return;
        }

        SegmentIndex? index = SegmentIndex.TryRead(bytes, _identity, segment.BaseOffset, segment.ReadableLength, intervalBytes: 1);
        if (index is null)
        {
            Derived(path, 0, "it is not an intact index of its segment.");
            return;
        }

        var frames = new FrameScanner(log, _identity.FrameSeed, SegmentHeader.Size, segment.ReadableLength);
        foreach (IndexPlace place in index.Places())
        {
            frames.MoveTo(log, place.FilePosition, segment.ReadableLength);
            if (!frames.TryNext(out Frame frame, out ReadOnlySpan<byte> batch, out _) || frame.IsIdle
                || frame.AppendTimeMs != place.AppendTimeMs || BinaryPrimitives.ReadInt64BigEndian(batch) != place.BaseOffset.Value)
            {
                Derived(path, 0, $"it leads to file position {place.FilePosition} for offset {place.BaseOffset}, where another frame or none begins.");
                return;
            }
        }
    }

    private void CheckVerdicts(Segment segment, Offset end)
    {
        string path = Path.ChangeExtension(segment.Path, LogFiles.Verdicts);
        if (ReadWhole(path) is not { } bytes)
        {
            return;
        }

        bool withReplaced = bytes.Length >= VerdictFormat.HeaderBytes && bytes[VerdictFormat.FlagsAt] == VerdictFormat.ReplacedFlag;
        if (bytes.Length < VerdictFormat.HeaderBytes || !VerdictFormat.IsHeader(bytes.AsSpan(0, VerdictFormat.HeaderBytes), _identity, segment.BaseOffset, withReplaced))
        {
            Derived(path, 0, "its header is damaged or another segment's.");
            return;
        }

        int blockBytes = VerdictFormat.BlockBytes(withReplaced);
        for (long number = 0; VerdictFormat.BlockPosition(number, withReplaced) < bytes.Length; number++)
        {
            int at = (int)VerdictFormat.BlockPosition(number, withReplaced);
            Offset start = segment.BaseOffset + (number * VerdictFormat.BlockRecords);
            if (at + blockBytes > bytes.Length || VerdictFormat.ReadBlockCount(bytes.AsSpan(at, blockBytes), start) < 0)
            {
                Offset stop = start + VerdictFormat.BlockRecords;
                _faults.Add(new LogFault(path, at, start, stop < end ? stop : end, IsDerived: true, "a block of verdicts does not match its checksum; they read as unknown."));
            }
        }
    }

    private void CheckKeys(Segment segment, Offset end)
    {
        string path = Path.ChangeExtension(segment.Path, LogFiles.Keys);
        if (ReadWhole(path) is null)
        {
            return;
        }

        using KeyFile? keys = KeyFile.TryOpen(_disk, _directory, _identity, segment.BaseOffset, end - segment.BaseOffset);
        if (keys is null || !keys.IsIntact())
        {
            Derived(path, 0, "it is not an intact key file of its segment.");
        }
    }

    private void CheckSnapshots()
    {
        foreach (string suffix in (string[])[LogFiles.Snapshot, LogFiles.Base, LogFiles.BaseCopy])
        {
            foreach (Offset offset in LogFiles.Offsets(_names, suffix))
            {
                string path = LogFiles.At(_directory, offset, suffix);
                if (!SnapshotReader.IsIntact(_disk, path, _identity, offset, out string fault))
                {
                    _faults.Add(new LogFault(path, 0, null, null, IsDerived: suffix == LogFiles.Snapshot, fault));
                }

                using IDiskFile file = _disk.OpenFile(path, FileOpen.Read);
                Progress(file.Length);
            }
        }
    }

    private void NoteOthers()
    {
        HashSet<Offset> segments = [.. LogFiles.Offsets(_names, LogFiles.Log)];
        foreach (string suffix in (string[])[LogFiles.Index, LogFiles.Verdicts, LogFiles.Keys])
        {
            foreach (Offset offset in LogFiles.Offsets(_names, suffix).Where(offset => !segments.Contains(offset)))
            {
                _notes.Add($"{LogFiles.At(_directory, offset, suffix)} belongs to a segment that is gone; nothing reads it.");
            }
        }

        foreach (string name in _names.Where(name => !IsKnown(name)))
        {
            string path = Path.Combine(_directory, name);
            _notes.Add(name.EndsWith(LogFiles.Cut, StringComparison.Ordinal) ? $"{path} keeps bytes that an opening cut; nothing reads it."
                : name.EndsWith(LogFiles.Temporary, StringComparison.Ordinal) ? $"{path} was not finished; the next opening deletes it."
                : $"{path} is not a file of the log.");
        }
    }

    private byte[]? ReadWhole(string path)
    {
        byte[]? bytes = AtomicFile.TryRead(_disk, path);
        if (bytes is not null)
        {
            Progress(bytes.Length);
        }

        return bytes;
    }

    private void Derived(string path, long filePosition, string fault) =>
        _faults.Add(new LogFault(path, filePosition, null, null, IsDerived: true, $"{fault} It is made anew when it is needed."));

    private void Progress(long bytes)
    {
        _bytes += bytes;
        _progress?.Invoke(_bytes);
    }
}
