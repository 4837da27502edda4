using Weir.Core;
using Weir.Storage.Segments;

namespace Weir.Storage.Recovery;

/// <summary>Verifies one segment frame by frame: checksums, chain, offsets without gaps, times and durable ends that only rise.</summary>
internal sealed class SegmentScan
{
    private readonly Segment _segment;
    private readonly long _length;
    private readonly IDiskFile _file;
    private readonly FrameScanner _frames;
    private uint _previous;
    private string _fault = "";

    /// <param name="length">Bytes of the file to verify.</param>
    public SegmentScan(IDiskFile file, Segment segment, long length, int indexIntervalBytes)
    {
        _file = file;
        _segment = segment;
        _length = length;
        _frames = new FrameScanner(file, segment.Header.Identity.FrameSeed, SegmentHeader.Size, length);
        _previous = segment.HeaderChecksum;
        Index = new SegmentIndex(indexIntervalBytes);
        End = segment.BaseOffset;
        DurableEnd = segment.BaseOffset;
        FilePosition = SegmentHeader.Size;
        RecordsEnd = SegmentHeader.Size;
    }

    public SegmentIndex Index { get; }

    /// <summary>End (exclusive) of the offsets of intact frames.</summary>
    public Offset End { get; private set; }

    /// <summary>Highest durable end that an intact frame carries; at least the base offset.</summary>
    public Offset DurableEnd { get; private set; }

    /// <summary>Of the last intact frame; the smallest value when there is none.</summary>
    public long LastAppendTimeMs { get; private set; } = long.MinValue;

    /// <summary>End (exclusive) of the intact frames: where the first fault lies, or the length.</summary>
    public long FilePosition { get; private set; }

    /// <summary>End (exclusive) of the last intact frame with records.</summary>
    public long RecordsEnd { get; private set; }

    /// <summary>The file system reported an error at <see cref="FilePosition"/>, twice: nobody can say what is there.</summary>
    public bool IsUnreadable { get; private set; }

    /// <summary>Frames verified so far, idle ones included.</summary>
    public long Frames { get; private set; }

    /// <summary>Records in the frames verified so far.</summary>
    public long Records { get; private set; }

    /// <summary>Goes on until the length or the first fault.</summary>
    public void VerifyUntilFault() => Verify(chained: true);

    /// <summary>The highest durable end that any frame behind the first fault carries. Such frames prove that a flush covered the fault.</summary>
    public Offset DurableEndBeyond()
    {
        Offset highest = DurableEnd;
        if (IsUnreadable)
        {
            return highest;
        }

        try
        {
            _frames.MoveTo(_file, FilePosition, _length);
            while (_frames.TryResynchronise())
            {
                while (_frames.TryNext(out Frame frame, out _, out _))
                {
                    highest = frame.DurableEnd > highest ? frame.DurableEnd : highest;
                }
            }
        }
        catch (DiskException e)
        {
            IsUnreadable = true;
            _fault = e.Message;
        }

        return highest;
    }

    /// <summary>
    /// Names the damage from the first fault on: each stretch up to the next intact frame, whose frames are then verified
    /// in turn. Moves <see cref="End"/>, <see cref="RecordsEnd"/> and <see cref="Index"/> on, so that what is intact can be read.
    /// </summary>
    /// <param name="durable">End (exclusive) of the offsets that must be there.</param>
    public void CollectDamage(List<DamagedRange> damage, Offset durable)
    {
        while (FilePosition < _length)
        {
            long badPosition = FilePosition;
            string fault = _fault;
            Offset badStart = End;
            if (IsUnreadable || !TryContinueBehind(badPosition))
            {
                // Bad bytes that no flush covered are a tail, here too; but a damaged log is not cut.
                if (durable > badStart || IsUnreadable)
                {
                    damage.Add(new DamagedRange(_segment.Path, badPosition, badStart, durable > badStart ? durable : null, fault));
                }

                return;
            }

            damage.Add(new DamagedRange(_segment.Path, badPosition, badStart, End, fault));
            Verify(chained: false);
        }

        if (durable > End)
        {
            damage.Add(new DamagedRange(_segment.Path, _length, End, durable, "the file ends before offsets that had been flushed."));
        }
    }

    /// <summary>Where the frames whose records all lie below <paramref name="durable"/> end, and how a next segment links to that place.</summary>
    public (SegmentLink Link, long Length, Offset End) FindEndOfProven(Offset durable)
    {
        SegmentHeader header = _segment.Header;
        var link = new SegmentLink(header.PreviousLength, header.PreviousLastFrameBytes, header.PreviousChecksum);
        long length = SegmentHeader.Size;
        Offset end = _segment.BaseOffset;

        // The place before the one that holds the last proven record: its frame is certain to be passed on the way.
        long from = durable > _segment.BaseOffset ? Index.Find(new Offset(durable.Value - 1))?.FilePosition ?? length : length;
        _frames.MoveTo(_file, from, RecordsEnd);
        while (_frames.TryNext(out Frame frame, out ReadOnlySpan<byte> bytes, out _))
        {
            if (frame.IsIdle)
            {
                continue;
            }

            _ = RecordBatch.TryRead(bytes, out RecordBatch batch);
            if (batch.BaseOffset + batch.RecordCount > durable)
            {
                break;
            }

            length = _frames.FilePosition;
            link = new SegmentLink(length, frame.TotalBytes, frame.Checksum);
            end = batch.BaseOffset + batch.RecordCount;
        }

        return (link, length, end);
    }

    /// <param name="chained">False: the first frame is the first behind damage, and its previous checksum cannot be compared.</param>
    private void Verify(bool chained)
    {
        bool afterDamage = !chained;
        try
        {
            while (_frames.TryNext(out Frame frame, out ReadOnlySpan<byte> bytes, out _fault))
            {
                FilePosition = _frames.FramePosition;
                if (chained && frame.Previous != _previous)
                {
                    _fault = "the frame does not continue the one before it.";
                    return;
                }

                if (!Check(frame, bytes, out int records))
                {
                    return;
                }

                if (records > 0)
                {
                    Index.Add(End, frame.AppendTimeMs, FilePosition, always: afterDamage);
                    afterDamage = false;
                    End += records;
                    Records += records;
                    RecordsEnd = _frames.FilePosition;
                }

                chained = true;
                _previous = frame.Checksum;
                DurableEnd = frame.DurableEnd;
                LastAppendTimeMs = frame.AppendTimeMs;
                FilePosition = _frames.FilePosition;
                Frames++;
            }
        }
        catch (DiskException e)
        {
            IsUnreadable = true;
            _fault = e.Message;
        }
    }

    private bool Check(in Frame frame, ReadOnlySpan<byte> bytes, out int records)
    {
        records = 0;
        if (frame.AppendTimeMs < LastAppendTimeMs || frame.DurableEnd < DurableEnd || frame.DurableEnd > End)
        {
            _fault = "the frame's append time or durable end is impossible after the frames before it.";
            return false;
        }

        if (frame.IsIdle)
        {
            return true;
        }

        if (!RecordBatch.TryRead(bytes, out RecordBatch batch) || batch.Bytes.Length != bytes.Length || batch.RecordCount == 0)
        {
            _fault = "the frame holds no whole record batch.";
            return false;
        }

        if (batch.BaseOffset != End)
        {
            _fault = $"the batch begins at offset {batch.BaseOffset} where {End} is due.";
            return false;
        }

        if (!batch.HasValidCrc())
        {
            _fault = "the batch's checksum does not match its bytes.";
            return false;
        }

        records = batch.RecordCount;
        return true;
    }

    /// <summary>Moves to the next intact frame with records behind <paramref name="filePosition"/>; false when there is none.</summary>
    private bool TryContinueBehind(long filePosition)
    {
        try
        {
            _frames.MoveTo(_file, filePosition, _length);
            while (_frames.TryResynchronise())
            {
                long at = _frames.FilePosition;
                if (_frames.TryNext(out Frame frame, out ReadOnlySpan<byte> bytes, out _) && !frame.IsIdle
                    && RecordBatch.TryRead(bytes, out RecordBatch batch) && batch.Bytes.Length == bytes.Length
                    && batch.BaseOffset >= End && batch.HasValidCrc())
                {
                    End = batch.BaseOffset;
                    FilePosition = at;
                    _frames.MoveTo(_file, at, _length);
                    return true;
                }

                _frames.MoveTo(_file, at, _length);
            }
        }
        catch (DiskException e)
        {
            IsUnreadable = true;
            _fault = e.Message;
        }

        return false;
    }
}
