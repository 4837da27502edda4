using Weir.Core;

namespace Weir.Engine;

/// <summary>Step 4 of a round: what is both flushed and folded becomes visible.</summary>
internal sealed partial class Partition
{
    /// <summary>Ends the round if its flush has returned.</summary>
    public void EndRoundIfFlushed(long nowMs)
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
        ConsiderSnapshot(nowMs);
    }

    private void CompleteSteps()
    {
        long end = _log!.LogEnd.Value;
        foreach (RoundStep step in _round)
        {
            step.Marker?.Complete(end);
            step.Batch?.Owner.Complete();
        }

        _round.Clear();
    }

    private void PublishCounters()
    {
        PublishedTotals = _admission.Totals.ToArray();
        PublishedStateBytes = _admission.StateBytes;
        PublishedOwners = _admission.Owners;
        PublishedReopened = _admission.Reopened;
        PublishedPhase = _admission.Phase;
    }

    /// <summary>Stops the partition: nothing in flight is acknowledged, and the recovery thread takes over.</summary>
    private void Stop(Exception cause)
    {
        bool isReadOnly = cause is Storage.LogReadOnlyException;
        _reason = cause.Message;
        _state = isReadOnly ? PartitionState.ReadOnly : PartitionState.Stopped;
        foreach (RoundStep step in _round)
        {
            step.Marker?.Fail(new WeirException(ErrorCode.PartitionStopped, $"Partition {Id} of {_stream.Name} stopped: {cause.Message}", cause));
            if (step.Batch is { } batch)
            {
                batch.Failure = ErrorCode.PartitionStopped;
                batch.IsUnknown = true;
                batch.Owner.Complete();
            }
        }

        _round.Clear();
        foreach (PartitionBatch held in _heldBehindMarker)
        {
            held.Failure = ErrorCode.PartitionStopped;
            held.Owner.Complete();
        }

        _heldBehindMarker.Clear();
        _timedMarker?.Marker.Fail(new WeirException(ErrorCode.PartitionStopped, $"Partition {Id} of {_stream.Name} stopped before its marker: {cause.Message}", cause));
        _timedMarker = null;
        AbandonSnapshot();
        FailQueue(ErrorCode.PartitionStopped);
        _stream.OnPartitionStopped(this, cause);
    }

    private void FailQueue(ErrorCode code)
    {
        while (_queue.TryDequeue(out PartitionBatch? batch))
        {
            Interlocked.Add(ref _queuedBytes, -batch.Writer.Length);
            batch.Failure = code;
            batch.Owner.Complete();
        }
    }
}
