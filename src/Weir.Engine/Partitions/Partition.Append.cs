using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>Step 1 and 2 of a round: append and write what waits, start the flush.</summary>
internal sealed partial class Partition
{
    // A round is one write and one flush: large enough to carry a flood, small enough that nobody waits long behind it.
    private const long MaxRoundBytes = 8L << 20;

    private const int IdleFrameDelayMs = 50;

    private readonly List<RoundStep> _round = [];
    private readonly List<PartitionBatch> _heldBehindMarker = [];
    private readonly Queue<MarkerAppend> _markers = new();
    private readonly RecordBatchWriter _markerWriter = new(256);
    private TimedMarker? _timedMarker;
    private bool _inRound;
    private bool _isFolded;
    private volatile bool _isFlushed;
    private Exception? _flushFailure;
    private long _lastAppendMs;
    private bool _idleFrameDue;

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

    /// <summary>Appends a marker at a time: in front of it lies what was received before. Any thread.</summary>
    public Task<long> AppendTimedAsync(TimedMarker marker)
    {
        Post(() =>
        {
            if (_state == PartitionState.Serving && _timedMarker is null)
            {
                _timedMarker = marker;
            }
            else
            {
                marker.Marker.Fail(new WeirException(CodeOf(_state), $"Partition {Id} of {_stream.Name} is {_state}{(_timedMarker is null ? "" : ", already opening or closing")}: {_reason}"));
            }
        });
        return marker.Marker.Appended;
    }

    /// <summary>Milliseconds after which the loop has something to do without being woken; null: nothing.</summary>
    public int? NextDelayMs(long nowMs)
    {
        if (_inRound || _state != PartitionState.Serving)
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

    /// <summary>Starts a round when there is something to append. True: the caller folds it (<see cref="FoldRound"/>) while the flush runs.</summary>
    public bool TryBeginRound(long nowMs)
    {
        if (_inRound)
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
            CollectSteps(nowMs);
            if (_round.Count == 0)
            {
                return TryBeginIdleFlush(nowMs);
            }

            AppendSteps(nowMs);
            _lastAppendMs = nowMs;
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
        // As many as were there at the start: an action that posts another one must not keep the loop here.
        for (int count = _actions.Count; count > 0 && _actions.TryDequeue(out Action? action); count--)
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
            bool isOpening = _admission.Phase == StreamPhase.NotOpen;
            var marker = new MarkerAppend(isOpening ? MarkerType.Open : MarkerType.Close, MarkerJson.OpenOrClose(atMs, isReopening: false, isDeclared: true, isOpening), null);
            _timedMarker = isOpening
                ? new TimedMarker(marker, atMs, GateSide: -1, atMs)
                : new TimedMarker(marker, atMs, _stream.TurnGateFor(atMs), nowMs + (long)_plan.Definition.Grace.TotalMilliseconds);
        }
    }

    private void CollectSteps(long nowMs)
    {
        long bytes = 0;
        while (bytes < MaxRoundBytes && _queue.TryDequeue(out PartitionBatch? batch))
        {
            Interlocked.Add(ref _queuedBytes, -batch.Writer.Length);
            if (_timedMarker is { } marker && batch.Owner.ReceivedAtMs >= marker.AtMs)
            {
                _heldBehindMarker.Add(batch);
                continue;
            }

            bytes += batch.Writer.Length;
            _round.Add(new RoundStep(batch, null));
        }

        while (_markers.TryDequeue(out MarkerAppend? queued))
        {
            _round.Add(new RoundStep(null, queued));
        }

        if (_timedMarker is { } pending && _queue.IsEmpty && (pending.GateSide < 0 || _stream.Gate.IsEmpty(pending.GateSide) || nowMs >= pending.DeadlineMs))
        {
            _round.Add(new RoundStep(null, pending.Marker));
            foreach (PartitionBatch held in _heldBehindMarker)
            {
                _round.Add(new RoundStep(held, null));
            }

            _heldBehindMarker.Clear();
            _timedMarker = null;
        }
    }

    private void AppendSteps(long nowMs)
    {
        PartitionLog log = _log!;
        long appendedBytes = 0;
        foreach (RoundStep step in _round)
        {
            if (step.Batch is { } batch)
            {
                if (_stream.IsStateFull)
                {
                    batch.KeepOnly(_admission, _plan, _scratch);
                }

                if (batch.RecordCount > 0)
                {
                    batch.Columns.BaseOffset = log.Append(batch.Writer.Bytes, batch.RecordCount, nowMs).Value;
                    batch.Columns.AppendTimeMs = log.LastAppendTimeMs;
                    appendedBytes += batch.Writer.Length;
                }
            }
            else
            {
                log.Append(Marker.Write(_markerWriter, step.Marker!.Type, step.Marker.Json, nowMs), 1, nowMs);
            }
        }

        log.Write();
        EngineMetrics.AppendBytes.Add(appendedBytes);
    }

    // The frame that says how far the log was flushed, for a partition that has nothing else to write.
    private bool TryBeginIdleFlush(long nowMs)
    {
        if (!_idleFrameDue || nowMs - _lastAppendMs < IdleFrameDelayMs)
        {
            return false;
        }

        _idleFrameDue = false;
        _log!.AppendIdleFrame(nowMs);
        _log.Write();
        BeginFlush();
        return true;
    }

    private void BeginFlush()
    {
        _isFolded = false;
        _isFlushed = false;
        _flushFailure = null;
        _inRound = true;
        _flusher.Enqueue(this);
    }

    /// <summary>The flush of the round. On a flusher thread.</summary>
    public void FlushRound()
    {
        long started = _stream.Time.GetTimestamp();
        try
        {
            _log!.Flush();
        }
        catch (Exception exception) when (IsPartitionFailure(exception))
        {
            _flushFailure = exception;
        }

        EngineMetrics.FlushDuration.Record(_stream.Time.GetElapsedTime(started).TotalSeconds);

        // Release: pairs with the acquire in EndRoundIfFlushed.
        _isFlushed = true;
        _thread!.Wake();
    }

    // What stops the partition and not the process: the disk, a broken invariant, a number that no longer fits.
    private static bool IsPartitionFailure(Exception exception) =>
        exception is WeirException or InvariantException or OverflowException or ArgumentException or InvalidOperationException or IOException;
}
