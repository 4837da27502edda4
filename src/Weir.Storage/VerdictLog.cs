using System.Buffers.Binary;
using Weir.Core;
using Weir.Storage.Segments;
using Weir.Storage.Verdicts;

namespace Weir.Storage;

/// <summary>
/// The verdicts of a partition's records, in one file beside each segment. Derived: written without a flush, cut back when
/// the partition opens and filled again by replay from there on. What is missing or damaged reads as <see cref="Unknown"/>,
/// never as a guess.
///
/// While the log is replayed a disk that takes no writes is no reason to know no verdicts: from its first failure on, blocks are held in memory
/// (<see cref="HoldsOnFailure"/>), one byte per record replayed, nine with replaced offsets.
///
/// Appended to by the partition's owner, read by any thread; they meet under a lock that is held for one block's copy.
/// </summary>
public sealed class VerdictLog : IDisposable
{
    /// <summary>Stands for a verdict that the file does not hold (any more). No verdict and reason make this byte.</summary>
    public const byte Unknown = 0xFF;

    private readonly IDisk _disk;
    private readonly PartitionLog _log;
    private readonly bool _withReplaced;
    private readonly byte[] _block;
    private readonly Lock _lock = new();
    private Offset _segmentBase;
    private bool _hasEntered;
    private IDiskFile? _file;

    /// <summary>Blocks that are not on disk, by their first offset; null as long as the disk takes them.</summary>
    private Dictionary<Offset, byte[]>? _held;

    /// <summary>Files of sealed segments written since the last flush; as many as segments between two snapshots.</summary>
    private readonly List<string> _leftUnflushed = [];

    /// <summary>The file that <see cref="Flush"/> waits for; it disposes it when appending has gone on to the next one.</summary>
    private IDiskFile? _flushing;

    /// <summary>The flush that failed: a second one of the same files would succeed and bring nothing.</summary>
    private DiskException? _flushFailure;
    private Offset _blockStart;
    private int _blockCount;
    private int _blockWritten;

    private VerdictLog(IDisk disk, PartitionLog log, bool withReplaced)
    {
        _disk = disk;
        _log = log;
        _withReplaced = withReplaced;
        _block = new byte[VerdictFormat.BlockBytes(withReplaced)];
    }

    internal bool WithReplaced => _withReplaced;

    internal Segment[] SegmentList => _log.SegmentList;

    /// <summary>End (exclusive) of the verdicts appended.</summary>
    public Offset End { get; private set; }

    /// <summary>Verdicts in front of the offset at which it was opened could not be kept and are unknown from now on: replay has to begin before them.</summary>
    public bool HasGap { get; private set; }

    /// <summary>
    /// What is done when the file cannot be written: hold what it should have (the replay, so that everything can be read), or throw (once the
    /// partition takes events: what it holds then has no bound). True after opening.
    /// </summary>
    public bool HoldsOnFailure { get; set; } = true;

    /// <summary>Why verdicts are held in memory; null when they are in the files.</summary>
    public DiskException? HeldBecause { get; private set; }

    /// <summary>
    /// Opens the verdicts of <paramref name="log"/> for appending from <paramref name="from"/> on: the offset at which replay
    /// begins. Later ones, from before the restart, are forgotten. Where the disk takes no writes, see <see cref="HoldsOnFailure"/>.
    /// </summary>
    /// <param name="withReplaced">Keep the replaced offset of each record too (claim keep: last). Fixed for the stream's life.</param>
    public static VerdictLog Open(IDisk disk, PartitionLog log, bool withReplaced, Offset from)
    {
        var verdicts = new VerdictLog(disk, log, withReplaced) { End = from };
        try
        {
            foreach (Segment segment in log.SegmentList)
            {
                string path = verdicts.FilePath(segment.BaseOffset);
                if (segment.BaseOffset >= from && disk.FileExists(path))
                {
                    disk.Delete(path);
                }
            }
        }
        catch (DiskException e)
        {
            verdicts.Hold(e);
        }

        if (from > log.LogStart && log.SegmentList.Length > 0)
        {
            verdicts.Enter(from, keep: true);
        }

        return verdicts;
    }

    /// <summary>
    /// Looks through the files for a record below <paramref name="end"/> whose verdict is missing, damaged or unknown: every block is read and its
    /// checksum compared, one byte per record (nine with replaced offsets).
    /// </summary>
    /// <returns>An offset at or below the first such record, in the same block; null when all are there.</returns>
    public static Offset? FindGap(IDisk disk, PartitionLog log, bool withReplaced, Offset end)
    {
        Segment[] segments = log.SegmentList;
        byte[] block = new byte[VerdictFormat.BlockBytes(withReplaced)];
        for (int n = 0; n < segments.Length && segments[n].BaseOffset < end; n++)
        {
            Offset stop = n + 1 < segments.Length ? Min(end, segments[n + 1].BaseOffset) : end;
            if (FindGapInFile(disk, log, segments[n].BaseOffset, stop, withReplaced, block) is { } gap)
            {
                return gap;
            }
        }

        return null;
    }

    /// <summary>Appends the verdicts of the records from <paramref name="first"/> on, which is <see cref="End"/>. Not durable, and not on disk before its block is full.</summary>
    /// <param name="verdicts">One byte per record; may span segments.</param>
    /// <param name="replaced">As long as <paramref name="verdicts"/>, or empty when this log keeps none.</param>
    /// <exception cref="DiskException">The file cannot be written. The log itself is not touched by that.</exception>
    public void Append(Offset first, ReadOnlySpan<byte> verdicts, ReadOnlySpan<long> replaced)
    {
        if (first != End || (_withReplaced && replaced.Length != verdicts.Length))
        {
            throw new ArgumentException($"Verdicts are appended at {End}, each with its replaced offset where those are kept; these begin at {first}.");
        }

        lock (_lock)
        {
            int done = 0;
            while (done < verdicts.Length)
            {
                if (!_hasEntered || End >= SegmentEnd())
                {
                    Enter(End, keep: false);
                }

                int room = VerdictFormat.BlockRecords - _blockCount;
                int count = (int)Math.Min(Math.Min(room, verdicts.Length - done), SegmentEnd() - End);
                verdicts.Slice(done, count).CopyTo(_block.AsSpan(_blockCount));
                if (_withReplaced)
                {
                    Span<byte> target = _block.AsSpan(VerdictFormat.BlockRecords + (_blockCount * sizeof(long)));
                    for (int i = 0; i < count; i++)
                    {
                        BinaryPrimitives.WriteInt64LittleEndian(target[(i * sizeof(long))..], replaced[done + i]);
                    }
                }

                _blockCount += count;
                done += count;
                End += count;
                if (_blockCount == VerdictFormat.BlockRecords)
                {
                    WriteBlock();
                    StartBlock(_blockStart + VerdictFormat.BlockRecords);
                }
            }
        }
    }

    /// <summary>Writes the unfinished block and flushes, so that replay from <see cref="End"/> finds all verdicts below it. Called before a snapshot at that offset is committed, and at a clean stop.</summary>
    /// <exception cref="DiskException">It failed, now or earlier. It is not tried again: the next opening writes the verdicts anew.</exception>
    public void Flush()
    {
        IDiskFile file;
        string[] left;
        lock (_lock)
        {
            if (_flushFailure is { } earlier)
            {
                throw new DiskException(earlier.Operation, earlier.Path, earlier.Errno);
            }

            if (_file is null || _flushing is not null)
            {
                return;
            }

            WriteBlock();
            if (_file is null)
            {
                // The disk did not take the block just now: it is held.
                return;
            }

            _flushing = file = _file;
            left = [.. _leftUnflushed];
            _leftUnflushed.Clear();
        }

        try
        {
            // Outside the lock: appending waits for no disk.
            foreach (string path in left)
            {
                if (_disk.FileExists(path))
                {
                    using IDiskFile sealedFile = _disk.OpenFile(path, FileOpen.ReadWrite);
                    sealedFile.Flush();
                }
            }

            file.Flush();
        }
        catch (DiskException failure)
        {
            lock (_lock)
            {
                _flushFailure = failure;
            }

            throw;
        }
        finally
        {
            lock (_lock)
            {
                _flushing = null;
                if (file != _file)
                {
                    file.Dispose();
                }
            }
        }
    }

    /// <summary>Reads the verdicts from <paramref name="first"/> on. Any thread; who reads on uses a <see cref="VerdictReader"/>.</summary>
    /// <param name="verdicts">Filled whole; <see cref="Unknown"/> where there is none.</param>
    /// <param name="replaced">Empty, or as long as <paramref name="verdicts"/>; as they were appended, and 0 where the verdict is unknown.</param>
    public void Read(Offset first, Span<byte> verdicts, Span<long> replaced) => new VerdictReader(this).Read(first, verdicts, replaced);

    /// <summary>Closes the file; the unfinished block is lost, as in a crash, unless <see cref="Flush"/> came before.</summary>
    public void Dispose() => _file?.Dispose();

    /// <summary>End (exclusive) of the segment that the file belongs to; without bound while it is the active one.</summary>
    private Offset SegmentEnd()
    {
        Segment[] segments = _log.SegmentList;
        Offset end = new(long.MaxValue);
        for (int n = segments.Length - 1; n >= 0 && segments[n].BaseOffset > _segmentBase; n--)
        {
            end = segments[n].BaseOffset;
        }

        return end;
    }

    private string FilePath(Offset segmentBase) => LogFiles.At(_log.Directory, segmentBase, LogFiles.Verdicts);

    /// <summary>Opens the file of the segment that holds <paramref name="offset"/> and stands there.</summary>
    /// <param name="keep">Keep what the file holds below the offset; else it begins anew.</param>
    private void Enter(Offset offset, bool keep)
    {
        WriteBlock();
        if (_file is not null)
        {
            _leftUnflushed.Add(FilePath(_segmentBase));
            LeaveFile();
        }

        _hasEntered = true;

        Segment[] segments = _log.SegmentList;
        int at = segments.Length - 1;
        while (at > 0 && segments[at].BaseOffset > offset)
        {
            at--;
        }

        _segmentBase = segments[at].BaseOffset;
        long number = (offset - _segmentBase) / VerdictFormat.BlockRecords;
        StartBlock(_segmentBase + (number * VerdictFormat.BlockRecords));
        int wanted = (int)(offset - _blockStart);
        int known = keep ? Math.Clamp(LoadBlockFromFile(_segmentBase, number, _blockStart, _block), 0, wanted) : 0;
        HasGap |= keep && (known < wanted || _block.AsSpan(0, wanted).Contains(Unknown));
        if (_held is null)
        {
            try
            {
                OpenFile(FilePath(_segmentBase), keep, number);
            }
            catch (DiskException e) when (HoldsOnFailure)
            {
                Hold(e);
            }
        }

        ForgetFrom(known);
        _block.AsSpan(known, wanted - known).Fill(Unknown);
        _blockCount = wanted;
        WriteBlock();
    }

    /// <param name="number">The block that will be written next; what the file holds behind it goes.</param>
    private void OpenFile(string path, bool keep, long number)
    {
        Span<byte> header = stackalloc byte[VerdictFormat.HeaderBytes];
        bool exists = _disk.FileExists(path);
        if (keep && exists)
        {
            _file = _disk.OpenFile(path, FileOpen.ReadWrite);
            if (!VerdictFormat.IsHeader(header[.._file.Read(0, header)], _log.Identity, _segmentBase, _withReplaced))
            {
                _file.Truncate(0);
            }
        }
        else
        {
            if (exists)
            {
                _disk.Delete(path);
            }

            _file = _disk.OpenFile(path, FileOpen.CreateNew);
        }

        VerdictFormat.WriteHeader(header, _log.Identity, _segmentBase, _withReplaced);
        _file.Write(0, header);
        // Replay writes all later blocks; old ones must not show through until it gets there.
        _file.Truncate(Math.Min(_file.Length, VerdictFormat.BlockPosition(number + 1, _withReplaced)));
    }

    /// <summary>From here on blocks stay in memory.</summary>
    private void Hold(DiskException cause)
    {
        HeldBecause = cause;
        _held = [];
        LeaveFile();
    }

    private void LeaveFile()
    {
        if (_file != _flushing)
        {
            _file?.Dispose();
        }

        _file = null;
    }

    /// <summary>Clears the block's records from <paramref name="count"/> on.</summary>
    private void ForgetFrom(int count)
    {
        _block.AsSpan(count, VerdictFormat.BlockRecords - count).Clear();
        if (_withReplaced)
        {
            int from = VerdictFormat.BlockRecords + (count * sizeof(long));
            _block.AsSpan(from, VerdictFormat.CountAt(_withReplaced) - from).Clear();
        }
    }

    private void StartBlock(Offset start)
    {
        _blockStart = start;
        _blockCount = 0;
        _blockWritten = 0;
        Array.Clear(_block);
    }

    private void WriteBlock()
    {
        if (_blockCount > _blockWritten)
        {
            VerdictFormat.SealBlock(_block, _blockCount, _blockStart);
            if (_held is null)
            {
                try
                {
                    _file!.Write(VerdictFormat.BlockPosition((_blockStart - _segmentBase) / VerdictFormat.BlockRecords, _withReplaced), _block);
                }
                catch (DiskException e) when (HoldsOnFailure)
                {
                    Hold(e);
                }
            }

            if (_held is not null)
            {
                _held[_blockStart] = [.. _block];
            }

            _blockWritten = _blockCount;
        }
    }

    /// <summary>Loads one block; what lies behind the records that are returned means nothing. Any thread.</summary>
    /// <returns>Records in the block; 0 or less when it holds none that can be trusted.</returns>
    internal int LoadBlock(Offset segmentBase, long number, Offset start, Span<byte> block)
    {
        lock (_lock)
        {
            if (segmentBase == _segmentBase && start == _blockStart)
            {
                _block.AsSpan(0, _blockCount).CopyTo(block);
                if (_withReplaced)
                {
                    _block.AsSpan(VerdictFormat.BlockRecords, _blockCount * sizeof(long)).CopyTo(block[VerdictFormat.BlockRecords..]);
                }

                return _blockCount;
            }

            if (_held is not null && _held.TryGetValue(start, out byte[]? held))
            {
                held.CopyTo(block);
                return VerdictFormat.ReadBlockCount(block, start);
            }
        }

        return LoadBlockFromFile(segmentBase, number, start, block);
    }

    private static Offset? FindGapInFile(IDisk disk, PartitionLog log, Offset segmentBase, Offset stop, bool withReplaced, byte[] block)
    {
        string path = LogFiles.At(log.Directory, segmentBase, LogFiles.Verdicts);
        Offset start = segmentBase;
        try
        {
            if (!disk.FileExists(path))
            {
                return start;
            }

            using IDiskFile file = disk.OpenFile(path, FileOpen.Read);
            Span<byte> header = stackalloc byte[VerdictFormat.HeaderBytes];
            if (!VerdictFormat.IsHeader(header[..file.Read(0, header)], log.Identity, segmentBase, withReplaced))
            {
                return start;
            }

            for (long number = 0; start < stop; number++, start += VerdictFormat.BlockRecords)
            {
                int needed = (int)Math.Min(VerdictFormat.BlockRecords, stop - start);
                bool isThere = file.Read(VerdictFormat.BlockPosition(number, withReplaced), block) == block.Length
                    && VerdictFormat.ReadBlockCount(block, start) >= needed
                    && !block.AsSpan(0, needed).Contains(Unknown);
                if (!isThere)
                {
                    return start;
                }
            }

            return null;
        }
        catch (DiskException)
        {
            return start;
        }
    }

    private int LoadBlockFromFile(Offset segmentBase, long number, Offset start, Span<byte> block)
    {
        string path = FilePath(segmentBase);
        try
        {
            if (!_disk.FileExists(path))
            {
                return 0;
            }

            using IDiskFile file = _disk.OpenFile(path, FileOpen.Read);
            Span<byte> header = stackalloc byte[VerdictFormat.HeaderBytes];
            return VerdictFormat.IsHeader(header[..file.Read(0, header)], _log.Identity, segmentBase, _withReplaced)
                && file.Read(VerdictFormat.BlockPosition(number, _withReplaced), block) == block.Length
                ? VerdictFormat.ReadBlockCount(block, start)
                : 0;
        }
        catch (DiskException)
        {
            return 0;
        }
    }

    private static Offset Min(Offset a, Offset b) => a < b ? a : b;
}
