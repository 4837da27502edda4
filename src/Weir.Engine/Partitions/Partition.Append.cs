using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>Step 1 and 2 of a round: append and write what waits, flush it.</summary>
internal sealed partial class Partition
{
    // A round is one write and one flush: large enough to carry a flood, small enough that nobody waits long behind it.
    private const long MaxRoundBytes = 8L << 20;

    private const int IdleFrameDelayMs = 50;

    private readonly List<RoundStep> _round = [];
    private int _toldSteps;
    private readonly List<AppendBatch> _heldBehindMarker = [];

    // Of the round: the flusher thread has it while a flush runs.
    private readonly List<AppendBatch> _toldWhenFlushed = [];
    private readonly Queue<MarkerAppend> _markers = new();
    private readonly RecordBatchWriter _markerWriter = new(256);
    private TimedMarker? _timedMarker;
    private bool _inRound;
    private bool _isFolded;
    private volatile bool _isFlushed;
    private Exception? _flushFailure;
    private long _flushBeganAt;
    private long _lastFlushTicks;
    private long _lastAppendAt;
    private bool _idleFrameDue;
    private readonly List<TaskCompletionSource> _drains = [];

    /// <summary>Appends a marker behind everything that is queued now. Any thread.</summary>
    public Task<long> AppendMarkerAsync(MarkerAppend marker)
    {
        Post(() =>
        {
            if (_state == PartitionState.Serving)
            {
                _markers.Enqueue(marker);
            }
            else
            {
                marker.Fail(new WeirException(CodeOf(_state), $"Partition {Id} of {_stream.Name} is {_state}: {_reason}"));
            }
        });
        return marker.Appended;
    }

    /// <summary>
    /// Closes the partition: in front of the marker lies what was received before <paramref name="atMs"/>. Where a close is on its way, this is
    /// that one; where one is folded, nothing is appended. Completes with the exclusive end after the marker once it is flushed and folded. Any thread.
    /// </summary>
    public async Task<long> CloseAsync(byte[] json, long atMs) => await await AskAsync(() => BeginClose(json, atMs));

    private Task<long> BeginClose(byte[] json, long atMs)
    {
        if (_state != PartitionState.Serving)
        {
            throw new WeirException(CodeOf(_state), $"Partition {Id} of {_stream.Name} is {_state}: {_reason}");
        }

        if (_admission.Phase == StreamPhase.Final)
        {
            return Task.FromResult(_log!.LogEnd.Value);
        }

        ConsiderDeclaredTimes(atMs);
        if (_timedMarker is { Marker.Type: MarkerType.Open } opening)
        {
            return CloseBehindAsync(opening.Marker.Appended, json, atMs);
        }

        _timedMarker ??= new TimedMarker(new MarkerAppend(MarkerType.Close, json, null), atMs, _stream.TurnGateFor(atMs), _stream.DeadlineAfter(_plan.Definition.Grace));
        return _timedMarker.Marker.Appended;
    }

    /// <summary>
    /// Opens the partition again: behind a close that is on its way or due, which would come later otherwise. Where the partition is open, nothing is appended. Any thread.
    /// </summary>
    /// <returns>The exclusive end after the marker, once it is flushed and folded.</returns>
    public async Task<long> ReopenAsync(byte[] json, long atMs) => await await AskAsync(() => BeginReopening(json, atMs));

    private Task<long> BeginReopening(byte[] json, long atMs)
    {
        if (_state != PartitionState.Serving)
        {
            throw new WeirException(CodeOf(_state), $"Partition {Id} of {_stream.Name} is {_state}: {_reason}");
        }

        ConsiderDeclaredTimes(atMs);
        if (_timedMarker is { Marker.Type: MarkerType.Close } closing)
        {
            return ReopenBehindAsync(closing.Marker.Appended, json, atMs);
        }

        if (_admission.Phase == StreamPhase.Open)
        {
            return Task.FromResult(_log!.LogEnd.Value);
        }

        var marker = new MarkerAppend(MarkerType.Open, json, null);
        _markers.Enqueue(marker);
        return marker.Appended;
    }

    private async Task<long> ReopenBehindAsync(Task closed, byte[] json, long atMs)
    {
        await closed;
        return await ReopenAsync(json, atMs);
    }

    private async Task<long> CloseBehindAsync(Task opened, byte[] json, long atMs)
    {
        await opened;
        return await CloseAsync(json, atMs);
    }

    /// <summary>Milliseconds after which the loop has something to do without being woken; null: nothing.</summary>
    public int? NextDelayMs(long nowMs)
    {
        if (_inRound || _isWithRecovery || _state != PartitionState.Serving)
        {
            return null;
        }

        if (!_queue.IsEmpty || !_actions.IsEmpty || _markers.Count > 0 || _snapshot is { CanStep: true })
        {
            return 1;
        }

        if (_timedMarker is not null)
        {
            return 2;
        }

        int? idle = _idleFrameDue ? IdleFrameDelayMs : null;
        return NextDeclaredMs() is { } declaredMs ? (int)Math.Clamp(declaredMs - nowMs, 1, idle ?? 60_000) : idle;
    }

    /// <summary>Starts a round when there is something to append. True: the caller has it flushed, and folds it (<see cref="FoldRound"/>).</summary>
    public bool TryBeginRound(long nowMs)
    {
        if (_inRound || _isWithRecovery)
        {
            return false;
        }

        RunActions();
        if (_state != PartitionState.Serving)
        {
            return false;
        }

        try
        {
            StepSnapshot();
            ConsiderDeclaredTimes(nowMs);
            CollectSteps();
            if (_round.Count == 0)
            {
                return TryBeginIdleFlush(nowMs);
            }

            AppendSteps(nowMs);
            _lastAppendAt = _stream.Time.GetTimestamp();
            _idleFrameDue = true;
            BeginFlush();
            return true;
        }
        catch (Exception exception) when (IsPartitionFailure(exception))
        {
            Stop(exception);
            return false;
        }
    }

    private void RunActions()
    {
        // As many as were there at the start: an action that posts another one must not keep the loop here. One of them may hand the partition over.
        for (int count = _actions.Count; count > 0 && (!_isWithRecovery || _isRetired) && _actions.TryDequeue(out Action? action); count--)
        {
            action();
        }
    }

    /// <summary>When the definition opens or closes the stream next; null: not at all.</summary>
    private long? NextDeclaredMs()
    {
        StreamDefinition definition = _plan.Definition;
        DateTimeOffset? declared = _admission.Phase switch
        {
            StreamPhase.NotOpen => definition.Opens,
            // After a reopening the old closing time is past for good.
            StreamPhase.Open when definition.Closes is { } closes && closes.ToUnixTimeMilliseconds() > _admission.OpenedAtMs => closes,
            _ => null,
        };
        return declared?.ToUnixTimeMilliseconds();
    }

    private void ConsiderDeclaredTimes(long nowMs)
    {
        if (_timedMarker is null && NextDeclaredMs() is { } atMs && nowMs >= atMs)
        {
            BeginDeclared(atMs);
        }
    }

    private void BeginDeclared(long atMs)
    {
        bool isOpening = _admission.Phase == StreamPhase.NotOpen;
        var marker = new MarkerAppend(isOpening ? MarkerType.Open : MarkerType.Close, MarkerJson.OpenOrClose(atMs, isReopening: false, isDeclared: true, isOpening), null);
        _timedMarker = new TimedMarker(marker, atMs, isOpening ? -1 : _stream.TurnGateFor(atMs), _stream.DeadlineAfter(_plan.Definition.Grace));
    }

    // Behind the marker lies what was received at its time or later, also when the clock that began this pass had not come to it yet.
    private bool BelongsBehindMarker(AppendBatch batch, long? declaredMs)
    {
        if (_timedMarker is null && declaredMs is { } atMs && batch.ReceivedAtMs >= atMs)
        {
            BeginDeclared(atMs);
        }

        return _timedMarker is { } marker && batch.ReceivedAtMs >= marker.AtMs;
    }

    private void CollectSteps()
    {
        // The gate is looked at before the queue: whoever has left it is in the queue by then. When the marker is due, all of those go in
        // front of it in this round, so that a flood cannot keep the stream open.
        TimedMarker? due = _timedMarker is { } waiting && IsDue(waiting) ? waiting : null;
        int mustGoFirst = due is null ? 0 : _queue.Count;
        long? declaredMs = NextDeclaredMs();
        long bytes = 0;
        while ((bytes < MaxRoundBytes || mustGoFirst > 0) && _queue.TryDequeue(out AppendBatch? batch))
        {
            mustGoFirst--;
            if (BelongsBehindMarker(batch, declaredMs))
            {
                // Still counted as queued, so that no more than the queue's bytes wait here.
                _heldBehindMarker.Add(batch);
                continue;
            }

            Interlocked.Add(ref _queuedBytes, -batch.Bytes.Length);
            bytes += batch.Bytes.Length;
            _round.Add(new RoundStep(batch, null));
        }

        while (_markers.TryDequeue(out MarkerAppend? queued))
        {
            _round.Add(new RoundStep(null, queued));
        }

        if (due is not null)
        {
            _round.Add(new RoundStep(null, due.Marker));
            foreach (AppendBatch held in _heldBehindMarker)
            {
                Interlocked.Add(ref _queuedBytes, -held.Bytes.Length);
                _round.Add(new RoundStep(held, null));
            }

            _heldBehindMarker.Clear();
            _timedMarker = null;
        }
    }

    private bool IsDue(TimedMarker marker) =>
        marker.GateSide < 0 || _stream.Gate.IsEmpty(marker.GateSide) || _stream.Time.GetTimestamp() >= marker.Deadline;

    private void AppendSteps(long nowMs)
    {
        PartitionLog log = _log!;
        bool isStateFull = _stream.IsStateFull;
        long appendedBytes = 0;
        foreach (RoundStep step in _round)
        {
            if (step.Batch is { } batch)
            {
                if (batch.IsToldWhenFlushed)
                {
                    _toldWhenFlushed.Add(batch);
                }

                batch.BeforeAppend(_admission, _plan, isStateFull, nowMs, EventScratch.OfThread);
                if (batch.RecordCount > 0)
                {
                    Span<byte> bytes = batch.Bytes;
                    batch.NoteAppended(log.Append(bytes, batch.RecordCount, nowMs).Value, log.LastAppendTimeMs);
                    _admission.NoteAppended(bytes, batch.AppendedAt, log.LastAppendTimeMs);
                    appendedBytes += bytes.Length;
                }
            }
            else
            {
                log.Append(Marker.Write(_markerWriter, step.Marker!.Type, step.Marker.Json, nowMs), 1, nowMs);
            }
        }

        RoundBytes = appendedBytes;
        log.Write();
        EngineMetrics.AppendBytes.Add(appendedBytes);
    }

    // The frame that says how far the log was flushed, for a partition that has nothing else to write. By the monotonic clock: the wall
    // clock may jump. Who waits for everything to be on disk gets it at once.
    private bool TryBeginIdleFlush(long nowMs)
    {
        if (!_idleFrameDue)
        {
            CompleteDrains();
            return false;
        }

        if (_drains.Count == 0 && _stream.Time.GetElapsedTime(_lastAppendAt).TotalMilliseconds < IdleFrameDelayMs)
        {
            return false;
        }

        _idleFrameDue = false;
        RoundBytes = 0;
        _log!.AppendIdleFrame(nowMs);
        _log.Write();
        BeginFlush();
        return true;
    }

    private void CompleteDrains()
    {
        if (_drains.Count > 0 && _queue.IsEmpty && _heldBehindMarker.Count == 0)
        {
            _drains.ForEach(drain => drain.SetResult());
            _drains.Clear();
        }
    }

    private void BeginFlush()
    {
        _isFolded = false;
        _isFlushed = false;
        _flushFailure = null;
        _inRound = true;
    }

    /// <summary>Bytes of the round's batches.</summary>
    public long RoundBytes { get; private set; }

    /// <summary>Somebody is told when the round is flushed, without waiting for its fold.</summary>
    public bool IsFlushAwaited => _toldWhenFlushed.Count > 0;

    /// <summary>Lets a flusher thread run <see cref="FlushRound"/>.</summary>
    public void SendToFlusher() => _flusher.Enqueue(this);

    /// <summary>How long the last flush took; zero before the first. Any thread.</summary>
    public TimeSpan LastFlush => new(Interlocked.Read(ref _lastFlushTicks));

    /// <summary>
    /// When somebody who finds the queue full now can expect a place in it: when the flush that runs ends, and those of the rounds in front of him. Any thread.
    /// </summary>
    /// <remarks>A flush takes as long as the one before; one that takes longer already is as likely as not to take as long again.</remarks>
    public TimeSpan EstimateDrain()
    {
        TimeSpan last = LastFlush;
        TimeSpan left = TimeSpan.Zero;
        long began = Interlocked.Read(ref _flushBeganAt);
        if (began != 0)
        {
            TimeSpan elapsed = _stream.Time.GetElapsedTime(began);
            left = elapsed < last ? last - elapsed : elapsed;
        }

        return left + (last * (QueuedBytes / MaxRoundBytes));
    }

    /// <summary>The flush of the round. On a flusher thread, or on the writer thread after the fold (<see cref="WriterThread"/>).</summary>
    public void FlushRound()
    {
        long started = _stream.Time.GetTimestamp();
        Interlocked.Exchange(ref _flushBeganAt, started);
        ErrorCode? failure = null;
        try
        {
            _log!.Flush();
        }
        catch (Exception exception) when (IsPartitionFailure(exception))
        {
            _flushFailure = exception;
            failure = ErrorCode.PartitionStopped;
        }

#if WEIR_PLANTED
        if (Planted.FlusherDies && failure is not null)
        {
            return;
        }
#endif
        TimeSpan took = _stream.Time.GetElapsedTime(started);
        Interlocked.Exchange(ref _lastFlushTicks, took.Ticks);
        Interlocked.Exchange(ref _flushBeganAt, 0);
        EngineMetrics.FlushDuration.Record(took.TotalSeconds);
        _toldWhenFlushed.ForEach(batch => batch.EndFlush(failure));
        _toldWhenFlushed.Clear();

        FlushWatchers.Tell();

        // Release: pairs with the acquire in EndRoundIfFlushed.
        _isFlushed = true;
        _thread!.Wake();
    }

    // What stops the partition and not the process: the disk, a broken invariant, a number that no longer fits.
    private static bool IsPartitionFailure(Exception exception) =>
        exception is WeirException or InvariantException or OverflowException or ArgumentException or InvalidOperationException or IOException;
}
