using Weir.Core;
using Weir.Storage.Recovery;
using Weir.Storage.Segments;

namespace Weir.Storage;

/// <summary>The write path: append (memory), write (page cache), flush (disk). Each round is one write and one flush.</summary>
public sealed partial class PartitionLog
{
    /// <summary>The field is Kafka's; a log with one writer has no elections, so it is constant.</summary>
    private const int LeaderEpoch = 0;

    /// <summary>What the staging buffer shrinks back to when the partition is idle, so that thousands of idle partitions cost little.</summary>
    private const int IdleStagingBytes = 4 << 10;

    // Owner only, except that Flush reads _active, _activeFile, _written, _writtenEnd while the owner keeps still.
    private Segment? _active;
    private IDiskFile? _activeFile;
    private SegmentIndex? _activeIndex;
    private Tip _tip;
    private SegmentLink _link;
    private byte[] _staged = [];
    private int _stagedBytes;
    private long _written;
    private Offset _writtenEnd;
    private bool _tipIsIdle;

    /// <summary>The last frame appended: what the next one, or the next segment, links to.</summary>
    private record struct Tip(uint Checksum, int LastFrameBytes, bool HasRecords);

    /// <summary>
    /// Stages one batch and gives it its offsets; copies it, so the buffer is free again on return. Not on disk before
    /// <see cref="Write"/>, not durable before <see cref="Flush"/>. Begins a new segment where the active one is full, which
    /// flushes the old one on this thread (once per <see cref="LogOptions.SegmentBytes"/>).
    /// </summary>
    /// <param name="batch">One complete v2 record batch whose CRC is right (it was computed or verified when the batch was
    /// taken in); base offset and leader epoch are filled in here. At most 64 MiB.</param>
    /// <param name="recordCount">Records in the batch, at least 1.</param>
    /// <param name="appendTimeMs">Wall clock, epoch milliseconds. Raised to the last frame's when it is below; the time given is <see cref="LastAppendTimeMs"/>.</param>
    /// <returns>Offset of the first record.</returns>
    /// <exception cref="LogPoisonedException">This or an earlier write or flush failed. Reopen the partition.</exception>
    /// <exception cref="LogReadOnlyException">The log is damaged.</exception>
    public Offset Append(Span<byte> batch, int recordCount, long appendTimeMs)
    {
        ThrowIfNotWritable();
        if (batch.Length > Frame.MaxBatchBytes || recordCount < 1
            || !RecordBatch.TryRead(batch, out RecordBatch parsed) || parsed.Bytes.Length != batch.Length || parsed.RecordCount != recordCount)
        {
            throw new ArgumentException($"Not one complete v2 record batch of {recordCount} records and at most {Frame.MaxBatchBytes} bytes.", nameof(batch));
        }

        int frameBytes = Frame.HeaderBytes + batch.Length;
        if (_active is null || (_tip.HasRecords && _written + _stagedBytes + frameBytes > _options.SegmentBytes))
        {
            BeginSegment();
        }

        Offset baseOffset = LogEnd;
        // Before anything is changed: a log at the last possible offset must refuse, not end half-updated.
        Offset end = baseOffset + recordCount;
        LastAppendTimeMs = Math.Max(LastAppendTimeMs, appendTimeMs);
        RecordBatch.Stamp(batch, baseOffset, LeaderEpoch);
        _activeIndex!.Add(baseOffset, LastAppendTimeMs, _written + _stagedBytes, always: false);
        StageFrame(batch);
        LogEnd = end;
        _tip.HasRecords = true;
        _tipIsIdle = false;
        return baseOffset;
    }

    /// <summary>
    /// Stages the empty frame that carries the durable end of a partition with nothing to write: without it, damage in the
    /// last flush could not be told from a torn tail. Called after 50 ms without appends and at a clean stop, each time
    /// followed by Write and Flush. Does nothing when the last frame says it already, or nothing was appended since opening.
    /// Gives the staging buffer back.
    /// </summary>
    public void AppendIdleFrame(long appendTimeMs)
    {
        ThrowIfNotWritable();
        if (_active is null || _tipIsIdle)
        {
            return;
        }

        LastAppendTimeMs = Math.Max(LastAppendTimeMs, appendTimeMs);
        if (_stagedBytes == 0 && _staged.Length > IdleStagingBytes)
        {
            _staged = [];
        }

        StageFrame(batch: default);
        _tipIsIdle = FlushedEnd == LogEnd;
    }

    /// <summary>Writes everything staged to the active segment with one pwrite. Nothing is durable yet.</summary>
    /// <exception cref="LogPoisonedException">The write failed: how much of it is in the file is unknown.</exception>
    public void Write()
    {
        ThrowIfNotWritable();
        if (_stagedBytes > 0)
        {
            try
            {
                _activeFile!.Write(_written, _staged.AsSpan(0, _stagedBytes));
            }
            catch (DiskException e)
            {
                throw Poison(e);
            }

            _written += _stagedBytes;
            _stagedBytes = 0;
        }

        _writtenEnd = LogEnd;
    }

    /// <summary>
    /// fdatasync. When it returns, everything written before it began is durable and below <see cref="FlushedEnd"/>.
    /// May run on any thread while the owner neither appends nor writes.
    /// </summary>
    /// <exception cref="LogPoisonedException">The flush failed, now or earlier. It is never tried again on that file; nothing
    /// that it should have covered may be acknowledged: whether it is on disk is unknown.</exception>
    public void Flush()
    {
        ThrowIfNotWritable();
        if (_active is null || _active.ReadableLength == _written)
        {
            return;
        }

        try
        {
#if WEIR_PLANTED
            if (!Planted.FlushLeftOut)
#endif
            _activeFile!.Flush();
        }
        catch (DiskException e)
        {
#if WEIR_PLANTED
            if (!Planted.FlushFailureSwallowed)
#endif
            throw Poison(e);
        }

        // Release, in this order: a reader that sees the new end finds its bytes below the readable length.
        _active.ReadableLength = _written;
        FlushedEnd = _writtenEnd;
    }

    private LogPoisonedException Poison(DiskException cause)
    {
        _poison = cause;
        return new LogPoisonedException(_directory, cause);
    }

    private void StageFrame(ReadOnlySpan<byte> batch)
    {
        int frameBytes = Frame.HeaderBytes + batch.Length;
        if (_staged.Length - _stagedBytes < frameBytes)
        {
            GrowStaging(frameBytes);
        }

        Span<byte> target = _staged.AsSpan(_stagedBytes, frameBytes);
        _tip.Checksum = Frame.Write(target, _seed, batch, _tip.Checksum, LastAppendTimeMs, FlushedEnd);
        _tip.LastFrameBytes = frameBytes;
        batch.CopyTo(target[Frame.HeaderBytes..]);
        _stagedBytes += frameBytes;
    }

    /// <summary>
    /// Doubles, so that a steady load soon allocates nothing. Bounded by what the owner stages between two writes; where
    /// that is more than one array holds, what is staged is written first (an early write harms nothing).
    /// </summary>
    private void GrowStaging(int frameBytes)
    {
        const int MostStagedBytes = 256 << 20;
        if ((long)_stagedBytes + frameBytes > MostStagedBytes)
        {
            Write();
        }

        int size = Math.Max(_staged.Length, IdleStagingBytes);
        while (size - _stagedBytes < frameBytes)
        {
            size = checked(size * 2);
        }

        if (size != _staged.Length)
        {
            Array.Resize(ref _staged, size);
        }
    }

    /// <summary>
    /// Seals the active segment, if there is one, and makes the next one. The old one is written and flushed first: the
    /// header of the new one is its seal, and says so for ever.
    /// </summary>
    private void BeginSegment()
    {
        if (_active is not null)
        {
            Write();
            Flush();
            _link = new SegmentLink(_written, _tip.LastFrameBytes, _tip.Checksum);
            WriteIndex(_active, _activeIndex!);
            _activeFile!.Dispose();
            _activeFile = null;
            _active = null;
        }

        try
        {
            CreateSegment(LogEnd);
        }
        catch (DiskException e)
        {
            throw Poison(e);
        }
    }

    /// <summary>
    /// Makes a segment file that is complete before it has its name: header, whatever <paramref name="fill"/> writes behind
    /// it, flush, rename, directory flush. A last segment without proven records has the same base offset and is replaced.
    /// </summary>
    private void CreateSegment(Offset baseOffset, Action<IDiskFile>? fill = null)
    {
        var header = new SegmentHeader(_identity, baseOffset, _link.PreviousLength, _link.PreviousLastFrameBytes, _link.PreviousChecksum);
        string path = LogFiles.At(_directory, baseOffset, LogFiles.Log);
        Span<byte> bytes = stackalloc byte[SegmentHeader.Size];
        uint checksum = header.Write(bytes);
        IDiskFile file = LogFiles.CreateTemporary(_disk, path);
        try
        {
            file.Write(0, bytes);
            _written = SegmentHeader.Size;
            _tip = new Tip(checksum, LastFrameBytes: 0, HasRecords: false);
            _activeIndex = new SegmentIndex(_options.IndexIntervalBytes);
            fill?.Invoke(file);
            file.Flush();
            _disk.Rename(path + LogFiles.Temporary, path);
#if WEIR_PLANTED
            if (!Planted.NameNotFlushed)
#endif
            _disk.SyncDirectory(_directory);
        }
        catch
        {
            file.Dispose();
            throw;
        }

        _active = new Segment(path, header, checksum, _written, _activeIndex);
        _activeFile = file;
        _tipIsIdle = true;
        _segments = [.. _segments, _active];
    }

    /// <summary>Best effort and not flushed: an index that is missing or torn is made anew from its segment.</summary>
    private void WriteIndex(Segment segment, SegmentIndex index)
    {
        string path = Path.ChangeExtension(segment.Path, LogFiles.Index);
        try
        {
            using (IDiskFile file = LogFiles.CreateTemporary(_disk, path))
            {
                file.Write(0, index.ToBytes(_identity, segment.BaseOffset, segment.ReadableLength));
            }

            _disk.Rename(path + LogFiles.Temporary, path);
        }
        catch (DiskException)
        {
            // The log itself is safe, and a failing disk shows itself at the next write or flush.
        }
    }
}
