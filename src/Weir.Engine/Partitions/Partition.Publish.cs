using Weir.Core;

namespace Weir.Engine;

/// <summary>Step 4 of a round: what is both flushed and folded becomes visible.</summary>
internal sealed partial class Partition
{
    /// <summary>Ends the round if its flush has returned.</summary>
    public void EndRoundIfFlushed()
    {
        // Acquire: pairs with the release in FlushRound.
        if (!_inRound || !_isFlushed)
        {
            return;
        }

        Invariant.Check(_isFolded, "A round ended before it was folded.");
        if (_flushFailure is { } failure)
        {
            _inRound = false;
            Stop(failure);
            return;
        }

        try
        {
            WriteVerdicts();
        }
        catch (Exception exception) when (IsPartitionFailure(exception))
        {
            _inRound = false;
            Stop(exception);
            return;
        }

        PublishCounters();
        CompleteSteps();
        _inRound = false;
        ConsiderSnapshot();
    }

    private void CompleteSteps()
    {
        long end = _log!.LogEnd.Value;
        while (TryTakeStep(out RoundStep step))
        {
            step.Marker?.Complete(end);
            step.Batch?.Complete();
        }
    }

    // Each step is told once what became of it, also when telling one of them fails: a batch that is told belongs to its request again.
    private bool TryTakeStep(out RoundStep step)
    {
        if (_toldSteps == _round.Count)
        {
            _round.Clear();
            _toldSteps = 0;
            step = default;
            return false;
        }

        step = _round[_toldSteps++];
        return true;
    }

    private void PublishCounters()
    {
        PublishedTotals = _admission.Totals.ToArray();
        PublishedStateBytes = _admission.StateBytes;
        PublishedOwners = _admission.Owners;
        PublishedReopened = _admission.Reopened;
        PublishedPhase = _admission.Phase;
        PublishedLogBytes = _log!.TotalBytes;
    }

    /// <summary>Stops the partition: nothing in flight is acknowledged, and the recovery thread takes over.</summary>
    private void Stop(Exception cause)
    {
        bool isReadOnly = cause is Storage.LogReadOnlyException;
        _reason = cause.Message;
        _isForWantOfRoom = IsWantOfRoom(cause);
        _state = isReadOnly ? PartitionState.ReadOnly : PartitionState.Stopped;
        FailWaiters(new WeirException(ErrorCode.PartitionStopped, $"Partition {Id} of {_stream.Name} stopped: {cause.Message}", cause));
        AbandonSnapshot();
        _stream.OnPartitionStopped(this, cause);
    }

    // Called when the state is not Serving any more, so that whoever queues a batch from now on sees it and fails the batch himself.
    private void FailWaiters(WeirException failure)
    {
        _toldWhenFlushed.Clear();
        while (TryTakeStep(out RoundStep step))
        {
            step.Marker?.Fail(failure);
            step.Batch?.Fail(failure.Code);
        }

        foreach (AppendBatch held in _heldBehindMarker)
        {
            Interlocked.Add(ref _queuedBytes, -held.Bytes.Length);
            held.Fail(failure.Code);
        }

        _heldBehindMarker.Clear();
        _timedMarker?.Marker.Fail(failure);
        _timedMarker = null;
        while (_markers.TryDequeue(out MarkerAppend? marker))
        {
            marker.Fail(failure);
        }

        _drains.ForEach(drain => drain.SetResult());
        _drains.Clear();
        FailQueue(failure.Code);
    }

    private void FailQueue(ErrorCode code)
    {
        while (_queue.TryDequeue(out AppendBatch? batch))
        {
            Interlocked.Add(ref _queuedBytes, -batch.Bytes.Length);
            batch.Fail(code);
        }
    }
}
