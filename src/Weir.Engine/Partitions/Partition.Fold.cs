using Weir.Core;

namespace Weir.Engine;

/// <summary>Step 3 of a round: the fold, while the flush runs. Its results are private until both are done.</summary>
internal sealed partial class Partition
{
    /// <summary>Folds what <see cref="TryBeginRound"/> appended.</summary>
    public void FoldRound()
    {
        try
        {
            foreach (RoundStep step in _round)
            {
                if (step.Marker is { } marker)
                {
                    FoldMarker(marker.Type, marker.Json, marker.Definition);
                    long offset = _verdictStart + _verdictCount;
                    KeepVerdicts(offset, [(byte)Verdict.None], [-1]);
                    _views.Advance(offset + 1);
                }
                else if (step.Batch is { RecordCount: > 0 } batch)
                {
                    FoldBatch(batch);
                }
            }

            _isFolded = true;
#if WEIR_PLANTED
            if (Planted.AckBeforeFlush)
            {
                CompleteSteps();
            }
#endif
            if (_plan.Definition.Delivery == Delivery.AtMostOnce)
            {
                // This delivery is acknowledged from memory; its definition says so.
                CompleteSteps();
            }
        }
        catch (Exception exception) when (IsPartitionFailure(exception))
        {
            // The flush may still be running: the round ends, as failed, when it has.
            _flushFailure ??= exception;
            _isFolded = true;
        }
    }

    private void FoldBatch(AppendBatch batch)
    {
        ColumnBatch columns = batch.Columns;
        if (columns.Plan.IsSameAs(_plan))
        {
            // Ingest has an object of its own with the same rules; from here on it is one.
            _plan = columns.Plan;
        }
        else
        {
            // Made under an older plan: a view was added or the definition changed since.
            long baseOffset = columns.BaseOffset;
            _plan.Extract(batch.Content, columns, EventScratch.OfThread);
            columns.BaseOffset = baseOffset;
            columns.AppendTimeMs = _log!.LastAppendTimeMs;
            columns.Partition = Id;
        }

        batch.EnsureVerdicts();
        _earlier.CompareLookalikes(_admission, columns);
        _admission.Decide(columns, batch.Verdicts, batch.Others);
        Span<byte> verdicts = batch.Verdicts.AsSpan(0, columns.RecordCount);
#if WEIR_PLANTED
        if (Planted.UpdatesDropped && _round.Count > 1)
        {
            _views.Advance(columns.BaseOffset + columns.RecordCount);
        }
        else
#endif
        _views.Apply(_plan, columns, verdicts, batch.Others);
        KeepVerdicts(columns.BaseOffset, verdicts, batch.Others);
        _hotKeys.Sample(columns);
    }

    private void FoldMarker(MarkerType type, ReadOnlySpan<byte> json, StreamDefinition? definition)
    {
        _admission.ApplyMarker(type, json, definition);
        if (definition is not null)
        {
            _plan = _plan.With(definition);
        }
    }
}
