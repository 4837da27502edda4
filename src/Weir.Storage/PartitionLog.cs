using System.Diagnostics.CodeAnalysis;
using Weir.Core;
using Weir.Storage.Recovery;
using Weir.Storage.Segments;

namespace Weir.Storage;

/// <summary>
/// The log of one partition: an ordered run of segment files in one directory (docs/internals/segment.md), the only truth.
///
/// Owned by one writer thread, which calls everything but <see cref="Flush"/>; Flush may run on another thread, one at a
/// time, while the owner neither appends nor writes. Readers (<see cref="OpenReader"/>) are independent of both: they meet
/// the owner only in <see cref="FlushedEnd"/> and in the immutable list of segments.
///
/// A segment file is written by one run of one process and never again: after opening, the next append begins a new file.
/// So bytes that a failed flush left behind are never flushed a second time on the same file, and a stale tail is never written over.
/// The one exception is a disk without room for a new file: <see cref="OpenProven"/>.
///
/// The first failed write or flush poisons the log: nothing can be appended, written or flushed; what was flushed stays readable.
/// The owner disposes it and opens the directory again, which recovers into a new segment. Rules: RecoveryReport, docs/internals/recovery.md.
/// </summary>
public sealed partial class PartitionLog : IDisposable
{
    private readonly IDisk _disk;
    private readonly string _directory;
    private readonly LogIdentity _identity;
    private readonly LogOptions _options;
    private readonly uint _seed;

    private volatile Segment[] _segments;
    private long _logStart;
    private long _flushedEnd;
    private bool _isDisposed;
    private volatile DiskException? _poison;
    private volatile string? _readOnlyReason;

    private PartitionLog(IDisk disk, string directory, LogIdentity identity, LogOptions options, RecoveredLog recovered)
    {
        _disk = disk;
        _directory = directory;
        _identity = identity;
        _options = options;
        _seed = identity.FrameSeed;
        _segments = [.. recovered.Segments];
        _link = recovered.Link;
        _logStart = recovered.Start.Value;
        LogEnd = recovered.End;
        LastAppendTimeMs = recovered.LastAppendTimeMs;
    }

    public LogIdentity Identity => _identity;

    public string Directory => _directory;

    /// <summary>First readable offset: 0, or the first segment that retention left. Any thread may read it.</summary>
    public Offset LogStart => new(Volatile.Read(ref _logStart));

    /// <summary>The offset that the next record gets.</summary>
    public Offset LogEnd { get; private set; }

    /// <summary>End (exclusive) of what a finished flush covers: the high watermark. Any thread may read it.</summary>
    /// <remarks>Acquire: pairs with the release in <see cref="Flush"/>; the bytes below it are in the files.</remarks>
    public Offset FlushedEnd
    {
        get => new(Volatile.Read(ref _flushedEnd));
#if WEIR_PLANTED
        private set => Volatile.Write(ref _flushedEnd, Planted.OffsetOf32Bits ? unchecked((int)value.Value) : value.Value);
#else
        private set => Volatile.Write(ref _flushedEnd, value.Value);
#endif
    }

    /// <summary>Append time of the last frame, epoch milliseconds; the smallest value when the log has no frame.</summary>
    public long LastAppendTimeMs { get; private set; }

    /// <summary>The log is damaged: reads go on, appends throw <see cref="LogReadOnlyException"/>.</summary>
    public bool IsReadOnly => _readOnlyReason is not null;

    /// <summary>Why it is read-only; null when it is not.</summary>
    public string? ReadOnlyReason => _readOnlyReason;

    /// <summary>A write or flush failed; see the type's header.</summary>
    public bool IsPoisoned => _poison is not null;

    /// <summary>What failed; null when nothing did.</summary>
    public DiskException? PoisonedBy => _poison;

    /// <summary>Bytes of all segments, what is staged included.</summary>
    public long TotalBytes => _segments.Sum(segment => segment.ReadableLength) + (_active is null ? 0 : _written - _active.ReadableLength + _stagedBytes);

    /// <summary>End (exclusive) of the segments that will never change again. Any thread may read it.</summary>
    public Offset SealedEnd => _segments is [.., Segment last] ? last.BaseOffset : LogStart;

    /// <summary>All segments, ascending. Any thread may read it.</summary>
    public IReadOnlyList<SegmentInfo> Segments
    {
        get
        {
            Segment[] segments = _segments;
            var infos = new SegmentInfo[segments.Length];
            for (int i = 0; i < segments.Length; i++)
            {
                bool isLast = i == segments.Length - 1;
                infos[i] = new SegmentInfo(
                    segments[i].Path,
                    segments[i].BaseOffset,
                    isLast ? FlushedEnd : segments[i + 1].BaseOffset,
                    segments[i].ReadableLength,
                    IsSealed: !isLast);
            }

            return infos;
        }
    }

    /// <summary>
    /// Opens and recovers the log in <paramref name="directory"/>, which is made when it is missing. When it returns, every
    /// record below <see cref="LogEnd"/> is on disk for good, except in a damaged log, where nothing is changed.
    /// </summary>
    /// <param name="mustExist">No segment at all is damage: the log of a stream that exists never begins anew over what somebody deleted or did not copy.</param>
    /// <exception cref="DiskException">The directory cannot be read, or the kept tail cannot be written. A retry may help.</exception>
    /// <exception cref="WeirException"><see cref="ErrorCode.FormatTooNew"/>: written by a later version. Nothing was changed.</exception>
    public static PartitionLog Open(IDisk disk, string directory, LogIdentity identity, LogOptions options, out RecoveryReport report, bool mustExist = false) =>
        Open(disk, directory, identity, options, Offset.Zero, out report, mustExist);

    /// <param name="firstOffset">Where a log without files begins; 0 but in tests of large offsets.</param>
    internal static PartitionLog Open(IDisk disk, string directory, LogIdentity identity, LogOptions options, Offset firstOffset, out RecoveryReport report, bool mustExist = false)
    {
        disk.CreateDirectory(directory);
        RecoveredLog recovered = LogRecovery.Run(disk, directory, identity, options, firstOffset, unopenableIsDamage: false, mustExist);
        var log = new PartitionLog(disk, directory, identity, options, recovered);
        report = recovered.Report;
        try
        {
            if (report.Outcome == RecoveryOutcome.Damaged)
            {
                log._readOnlyReason = report.ToString();
            }
            else
            {
                report = log.FinishRecovery(recovered);
            }
        }
        catch
        {
            log.Dispose();
            throw;
        }

        log.FlushedEnd = log.LogEnd;
        return log;
    }

    /// <summary>
    /// Opens a log that <see cref="Open(IDisk, string, LogIdentity, LogOptions, out RecoveryReport)"/> could not, as a rule because the disk takes no writes: what is
    /// proven to have been flushed can be read, nothing is cut or appended, and the log is poisoned by <paramref name="cause"/> from the start.
    /// Records after the last proof are written again where they lie, the same bytes, and flushed; where that fails too they are left out until it can
    /// be done, and <see cref="FlushedEnd"/> lies before the report's end.
    /// </summary>
    /// <exception cref="DiskException">The directory cannot be read either. A retry may help.</exception>
    /// <exception cref="WeirException"><see cref="ErrorCode.FormatTooNew"/>.</exception>
    public static PartitionLog OpenProven(IDisk disk, string directory, LogIdentity identity, LogOptions options, DiskException cause, out RecoveryReport report)
    {
        RecoveredLog recovered = LogRecovery.Run(disk, directory, identity, options, Offset.Zero, unopenableIsDamage: true, mustExist: true);
        report = recovered.Report;
        Offset proven = recovered.End;
        if (recovered.Tail is { } tail)
        {
            if (TryRewriteInPlace(disk, directory, identity, tail))
            {
                recovered.Segments.RemoveAll(segment => segment.Path == tail.Path);
                recovered.Segments.Add(tail.Whole);
            }
            else
            {
                proven = tail.BaseOffset;
            }
        }

        return new PartitionLog(disk, directory, identity, options, recovered)
        {
            LogEnd = proven,
            FlushedEnd = proven,
            _poison = cause,
            _readOnlyReason = report.Outcome == RecoveryOutcome.Damaged ? report.ToString() : null,
        };
    }

    /// <summary>
    /// A reader that stands at <paramref name="from"/>; it returns the batch that contains it first. Any thread may call
    /// this; the reader then belongs to the caller.
    /// </summary>
    /// <exception cref="OffsetNotStoredException"><paramref name="from"/> is below <see cref="LogStart"/> or above <see cref="FlushedEnd"/>.</exception>
    public LogReader OpenReader(Offset from)
    {
        var reader = new LogReader(this, _disk, _options);
        try
        {
            reader.Seek(from);
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>Stops appends for good, because a reader or the fold met damage. Any thread may call it; the first reason stays.</summary>
    public void MarkReadOnly(string reason) => Interlocked.CompareExchange(ref _readOnlyReason, reason, null);

    /// <summary>
    /// Deletes the segments that lie wholly below <paramref name="newStart"/>, with their derived files. The caller has
    /// written the base at that offset: without it the log would not open again.
    /// </summary>
    /// <exception cref="DiskException">Some may be left behind, which nobody reads any more; the next call deletes them first.</exception>
    public void ApplyRetention(Offset newStart)
    {
        Segment[] segments = _segments;
        int gone = 0;
        while (gone < segments.Length - 1 && segments[gone + 1].BaseOffset <= newStart)
        {
            gone++;
        }

        if (gone > 0)
        {
            // Readers see the shorter list first; one that has a file open reads it to its end.
            _segments = segments[gone..];
            Volatile.Write(ref _logStart, segments[gone].BaseOffset.Value);
        }

        // By what is in the directory, so that what an earlier call could not delete is not left in front of a hole.
        foreach (Offset baseOffset in LogFiles.Offsets(_disk.List(_directory), LogFiles.Log).TakeWhile(baseOffset => baseOffset < LogStart).ToArray())
        {
            foreach (string suffix in (string[])[LogFiles.Index, LogFiles.Verdicts, LogFiles.Keys])
            {
                string derived = LogFiles.At(_directory, baseOffset, suffix);
                if (_disk.FileExists(derived))
                {
                    _disk.Delete(derived);
                }
            }

            // Before each one, so that power loss cannot bring back an older segment behind a newer one that is gone, also where an earlier call's flush failed.
            _disk.SyncDirectory(_directory);
            _disk.Delete(LogFiles.At(_directory, baseOffset, LogFiles.Log));
        }

        _disk.SyncDirectory(_directory);
    }

    /// <summary>Closes the files. Does not write or flush: what was not flushed has no promise.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _activeFile?.Dispose();
    }

    internal Segment[] SegmentList => _segments;

    private void ThrowIfNotWritable()
    {
        if (_poison is not null || _readOnlyReason is not null || _isDisposed)
        {
            ThrowNotWritable();
        }
    }

    [DoesNotReturn]
    private void ThrowNotWritable()
    {
        if (_poison is { } cause)
        {
            throw new LogPoisonedException(_directory, cause);
        }

        ObjectDisposedException.ThrowIf(_isDisposed, this);
        throw new LogReadOnlyException(_directory, _readOnlyReason!);
    }
}
