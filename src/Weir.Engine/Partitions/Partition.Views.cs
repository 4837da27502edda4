using Weir.Core;

namespace Weir.Engine;

/// <summary>The second half of the fold: views over counted records. Verdicts never depend on it.</summary>
internal sealed partial class Partition
{
    private readonly List<(View View, PartialView Partial)> _views = [];
    private EarlierRecords? _earlier;
    private long _collectedEnd = -1;

    /// <summary>Whether verdicts carry the replaced offset. Any thread.</summary>
    public bool RemembersReplaced => _stream.Definition.Claim == ClaimKeep.Last;

    private bool KeepsLast => _plan.Definition.Claim == ClaimKeep.Last;

    /// <summary>Adds a view whose state reaches to the folded end. Writer thread, between rounds.</summary>
    public void AttachView(View view, PartialView partial, StreamPlan plan)
    {
        Invariant.Check(partial.End == DecidedEnd || partial.Stop is not null, "A view is attached where the fold stands.");
        _views.Add((view, partial));
        _plan = plan.With(_plan.Definition);
        _collectedEnd = -1;
    }

    /// <summary>Whether <see cref="CollectViews"/> would find something. Any thread, a moment late.</summary>
    public bool HasUncollected => Volatile.Read(ref _collectedEnd) != FlushedEnd;

    /// <summary>What changed in the views since the last call. Writer thread, between rounds, when everything folded is flushed.</summary>
    public IEnumerable<(PartialView Partial, PartialChanges Changes)> CollectViews()
    {
        Volatile.Write(ref _collectedEnd, FlushedEnd);
        return _views.Select(attached => (attached.Partial, attached.Partial.CollectChanges())).ToArray();
    }

    /// <summary>Removes a view. Writer thread, between rounds.</summary>
    public void DetachView(View view) => _views.RemoveAll(attached => attached.View == view);

    private void ApplyToViews(ColumnBatch columns, ReadOnlySpan<byte> verdicts, ReadOnlySpan<long> others)
    {
        if (_views.Count == 0)
        {
            return;
        }

        if (!KeepsLast)
        {
            foreach ((_, PartialView view) in _views)
            {
                view.Apply(columns, verdicts);
            }

            return;
        }

        for (int i = 0; i < verdicts.Length; i++)
        {
            var verdict = (Verdict)(verdicts[i] & 0xF);
            if (!verdict.IsCounted())
            {
                continue;
            }

            if (verdict == Verdict.Replaced)
            {
                _earlier ??= new EarlierRecords(this);
                (ColumnBatch batch, int record) = _earlier.Find(others[i], _plan, _round, columns);
                foreach ((_, PartialView view) in _views)
                {
                    view.Retract(batch, record, columns.BaseOffset + i);
                }
            }

            foreach ((_, PartialView view) in _views)
            {
                view.Apply(columns, i);
            }
        }

        AdvanceViews(columns.BaseOffset + verdicts.Length);
    }

    private void AdvanceViews(long end)
    {
        foreach ((_, PartialView view) in _views)
        {
            view.Advance(end);
        }
    }
}
