namespace Weir.Engine;

/// <summary>Views come and go, and the publisher collects what changed in them. The folding itself: <see cref="AttachedViews"/>.</summary>
internal sealed partial class Partition
{
    private readonly EarlierRecords _earlier;
    private readonly AttachedViews _views;
    private long _collectedEnd = -1;

    /// <summary>Whether verdicts carry the replaced offset. Any thread.</summary>
    public bool RemembersReplaced => _stream.Definition.Claim == ClaimKeep.Last;

    /// <summary>Adds a view whose state reaches to the folded end. Writer thread, between rounds.</summary>
    public void AttachView(View view, PartialView partial, StreamPlan plan)
    {
        Invariant.Check(partial.End == DecidedEnd || partial.Stop is not null, "A view is attached where the fold stands.");
        _views.Add(view, partial);
        _plan = plan.With(_plan.Definition);
        _collectedEnd = -1;
    }

    /// <summary>Whether <see cref="CollectViews"/> would find something. Any thread, a moment late.</summary>
    public bool HasUncollected => Volatile.Read(ref _collectedEnd) != FlushedEnd && !LacksTail;

    // Opened without the records that wait to be written again: they may have been read before, and what was read once never goes back.
    private bool LacksTail => Recovery is { } report && FlushedEnd < report.End.Value;

    /// <summary>What changed in the views since the last call. Writer thread, between rounds, when everything folded is flushed.</summary>
    public IEnumerable<(PartialView Partial, PartialChanges Changes)> CollectViews()
    {
        Volatile.Write(ref _collectedEnd, FlushedEnd);
        return _views.All.Select(attached => (attached.Partial, attached.Partial.CollectChanges())).ToArray();
    }

    /// <summary>Removes a view. Writer thread, between rounds.</summary>
    public void DetachView(View view) => _views.Remove(view);
}
