using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// The second half of the fold: the views of one partition over its counted records. Verdicts never depend on it. Owned by whoever folds: the
/// writer thread, a recovery, retention, or the builder of a new view.
/// </summary>
internal sealed class AttachedViews(EarlierRecords earlier)
{
    private readonly List<(View View, PartialView Partial)> _views = [];

    public IReadOnlyList<(View View, PartialView Partial)> All => _views;

    public void Add(View view, PartialView partial) => _views.Add((view, partial));

    public void Remove(View view) => _views.RemoveAll(attached => attached.View == view);

    public void Clear() => _views.Clear();

    /// <summary>Applies the counted records of a batch.</summary>
    /// <param name="plan">What the columns were made with.</param>
    /// <param name="verdicts">One per record.</param>
    /// <param name="others">With <c>keep: last</c>, the offset that each <c>replaced</c> record takes the place of.</param>
    public void Apply(StreamPlan plan, ColumnBatch columns, ReadOnlySpan<byte> verdicts, ReadOnlySpan<long> others)
    {
        if (plan.Definition.Claim != ClaimKeep.Last)
        {
            foreach ((_, PartialView view) in _views)
            {
                view.Apply(columns, verdicts);
            }
        }
        else if (_views.Count > 0)
        {
            ApplyOneByOne(plan, columns, verdicts, others);
        }
    }

    /// <summary>Everything below <paramref name="end"/> has been applied.</summary>
    public void Advance(long end)
    {
        foreach ((_, PartialView view) in _views)
        {
            view.Advance(end);
        }
    }

    private void ApplyOneByOne(StreamPlan plan, ColumnBatch columns, ReadOnlySpan<byte> verdicts, ReadOnlySpan<long> others)
    {
        for (int i = 0; i < verdicts.Length; i++)
        {
            var verdict = (Verdict)(verdicts[i] & 0xF);
            if (verdict == Verdict.Replaced)
            {
                (ColumnBatch batch, int record) = earlier.Find(others[i], plan, columns);
                foreach ((_, PartialView view) in _views)
                {
                    view.Retract(batch, record, columns.BaseOffset + i);
                }
            }

            if (verdict.IsCounted())
            {
                foreach ((_, PartialView view) in _views)
                {
                    view.Apply(columns, i);
                }
            }
        }

        Advance(columns.BaseOffset + verdicts.Length);
    }
}
