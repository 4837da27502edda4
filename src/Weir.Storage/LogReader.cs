using Weir.Core;
using Weir.Storage.Segments;

namespace Weir.Storage;

/// <summary>
/// Reads a partition's log batch by batch, in offset order, up to <see cref="PartitionLog.FlushedEnd"/>, which it looks at
/// afresh on every call: a reader that reached the end goes on when there is more. Verifies the checksum, the chain and the
/// offset of every frame and the CRC of every batch it returns.
///
/// Belongs to one thread at a time; has file handles of its own, so nothing the log's owner does disturbs it: a segment that
/// retention deletes under it is read to its end. Holds one buffer of 1 MiB, or of the largest batch it met, and
/// one of the largest compressed batch whose content was asked for.
/// </summary>
public sealed class LogReader : IDisposable
{
    private readonly PartitionLog _log;
    private readonly IDisk _disk;
    private readonly LogOptions _options;
    private readonly BatchContent _content = new();
    private Segment? _segment;
    private IDiskFile? _file;
    private FrameScanner? _scanner;
    private Offset _next;

    /// <summary>The scanner while it stands where <see cref="_next"/> is read from; null when that has to be looked up.</summary>
    private FrameScanner? _frames;

    /// <summary>Checksum of the frame before; null right after a jump, where it is not known.</summary>
    private uint? _previous;

    internal LogReader(PartitionLog log, IDisk disk, LogOptions options)
    {
        _log = log;
        _disk = disk;
        _options = options;
    }

    /// <summary>The next batch. Its bytes are valid until the next call on this reader.</summary>
    /// <returns>False when everything flushed has been read.</returns>
    /// <exception cref="LogDamagedException">The next frame is not what was written. The reader stays before it; Seek to an offset behind the damage goes on.</exception>
    /// <exception cref="OffsetNotStoredException">Retention deleted the segment in which the reader stands before it was opened.</exception>
    public bool TryReadNext(out StoredBatch batch)
    {
        // Acquire: what lies below this end is in the files.
        while (_next < _log.FlushedEnd)
        {
            if (_frames is null)
            {
                MoveToOffset(_next);
            }

            _frames!.Limit = _segment!.ReadableLength;
            if (!TryReadFrame(out Frame frame, out ReadOnlyMemory<byte> bytes))
            {
                MoveToNextSegment();
                continue;
            }

            if (frame.IsIdle)
            {
                continue;
            }

            RecordBatch parsed = Parse(frame, bytes);
            // After a jump the index leads to a place at or before the offset.
            Offset end = parsed.BaseOffset + parsed.RecordCount;
            if (end <= _next)
            {
                continue;
            }

            if (!parsed.HasValidCrc())
            {
                ThrowDamaged("the batch's checksum does not match its bytes.", _frames.FramePosition, end);
            }

            _next = end;
            batch = new StoredBatch(bytes, _content, parsed.BaseOffset, parsed.RecordCount, frame.AppendTimeMs, parsed.IsControl);
            return true;
        }

        batch = default;
        return false;
    }

    /// <summary>Whether it reads this log, and not one that was opened before or after it.</summary>
    public bool Reads(PartitionLog? log) => ReferenceEquals(log, _log);

    /// <summary>Stands before the batch that contains <paramref name="offset"/>; at the log's flushed end, waits there.</summary>
    /// <exception cref="OffsetNotStoredException">The offset is below the log start or above the flushed end.</exception>
    public void Seek(Offset offset)
    {
        Offset start = _log.LogStart, end = _log.FlushedEnd;
        if (offset < start || offset > end)
        {
            throw new OffsetNotStoredException(offset, start, end);
        }

        _next = offset;
        _frames = null;
    }

    /// <summary>Stands before the first batch whose append time is at or after <paramref name="appendTimeMs"/> (epoch milliseconds).</summary>
    /// <returns>That batch's first offset; the flushed end when there is no such batch yet.</returns>
    public Offset SeekTime(long appendTimeMs)
    {
        Seek(StartForTime(appendTimeMs));
        while (TryReadNext(out StoredBatch batch))
        {
            if (batch.AppendTimeMs >= appendTimeMs)
            {
                Offset found = batch.BaseOffset;
                Seek(found);
                return found;
            }
        }

        return _next;
    }

    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
        _frames = null;
    }

    /// <summary>An offset at or before the first batch of that time: the last indexed place before it.</summary>
    private Offset StartForTime(long appendTimeMs)
    {
        Segment[] segments = _log.SegmentList;
        for (int i = segments.Length - 1; i >= 0; i--)
        {
            if (segments[i].GetIndex(_disk, _options).FindTime(appendTimeMs) is { } place && place.BaseOffset < _log.FlushedEnd)
            {
                return place.BaseOffset;
            }
        }

        return _log.LogStart;
    }

    private bool TryReadFrame(out Frame frame, out ReadOnlyMemory<byte> bytes)
    {
        string fault;
        try
        {
            if (_frames!.TryNextMemory(out frame, out bytes, out fault))
            {
                if (_previous is not uint previous || frame.Previous == previous)
                {
                    _previous = frame.Checksum;
                    return true;
                }

                fault = "the frame does not continue the one before it.";
                ThrowDamaged(fault, _frames.FramePosition, end: null);
            }
        }
        catch (DiskException e)
        {
            // The scanner has tried twice: from here on it is the same as damage.
            (frame, bytes, fault) = (default, default, e.Message);
        }

        if (fault.Length > 0)
        {
            ThrowDamaged(fault, _frames!.FilePosition, end: null);
        }

        return false;
    }

    private RecordBatch Parse(in Frame frame, ReadOnlyMemory<byte> bytes)
    {
        if (!RecordBatch.TryRead(bytes.Span, out RecordBatch parsed) || parsed.Bytes.Length != frame.BatchLength || parsed.RecordCount == 0)
        {
            ThrowDamaged("the frame holds no whole record batch.", _frames!.FramePosition, end: null);
        }

        if (parsed.BaseOffset > _next)
        {
            ThrowDamaged($"the batch begins at offset {parsed.BaseOffset} where {_next} is due.", _frames!.FramePosition, parsed.BaseOffset);
        }

        return parsed;
    }

    private void MoveToOffset(Offset offset)
    {
        Segment[] segments = _log.SegmentList;
        int at = segments.Length - 1;
        while (at >= 0 && segments[at].BaseOffset > offset)
        {
            at--;
        }

        if (at < 0)
        {
            if (offset < _log.LogStart)
            {
                throw new OffsetNotStoredException(offset, _log.LogStart, _log.FlushedEnd);
            }

            throw new LogDamagedException(new DamagedRange(_log.Directory, 0, offset, segments.Length > 0 ? segments[0].BaseOffset : null, "no segment holds the offset."));
        }

        long filePosition = SegmentHeader.Size;
        uint? previous = segments[at].HeaderChecksum;
        if (segments[at].GetIndex(_disk, _options).Find(offset) is { } place && place.FilePosition > filePosition)
        {
            (filePosition, previous) = (place.FilePosition, null);
        }

        Open(segments[at], filePosition, previous);
    }

    private void MoveToNextSegment()
    {
        foreach (Segment segment in _log.SegmentList)
        {
            if (segment.BaseOffset > _segment!.BaseOffset)
            {
                if (segment.BaseOffset != _next)
                {
                    break;
                }

                Open(segment, SegmentHeader.Size, segment.HeaderChecksum);
                return;
            }
        }

        ThrowDamaged("the segment ends before its last offset.", _frames!.FilePosition, end: null);
    }

    private void Open(Segment segment, long filePosition, uint? previous)
    {
        if (!ReferenceEquals(segment, _segment) || _file is null)
        {
            _file?.Dispose();
            _file = null;
            try
            {
                _file = _disk.OpenFile(segment.Path, FileOpen.Read);
            }
            catch (DiskException e) when (e.Errno == DiskException.NoEntry && segment.BaseOffset < _log.LogStart)
            {
                // Retention deleted it between the look at the list and here.
                throw new OffsetNotStoredException(_next, _log.LogStart, _log.FlushedEnd);
            }

            _segment = segment;
        }

        _previous = previous;
        if (_scanner is null)
        {
            _scanner = new FrameScanner(_file, segment.Header.Identity.FrameSeed, filePosition, segment.ReadableLength);
        }
        else
        {
            _scanner.MoveTo(_file, filePosition, segment.ReadableLength);
        }

        _frames = _scanner;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private void ThrowDamaged(string fault, long filePosition, Offset? end)
    {
        // Nothing behind a fault is trusted before the next jump.
        _frames = null;
        throw new LogDamagedException(new DamagedRange(_segment!.Path, filePosition, _next, end, fault));
    }
}
