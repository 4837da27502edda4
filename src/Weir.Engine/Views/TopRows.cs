namespace Weir.Engine;

/// <summary>The first rows of an order, kept up to date: the shown ones and the rest, both sorted, so that a change costs the logarithm of their number. Owned by the read model's lock.</summary>
internal sealed class TopRows(int limit, RowOrder order)
{
    private readonly SortedSet<ViewRow> _top = new(order);
    private readonly SortedSet<ViewRow> _rest = new(order);

    /// <summary>The shown rows, in order.</summary>
    public IReadOnlyCollection<ViewRow> Top => _top;

    /// <summary>Puts a group's new row in the place of its old one.</summary>
    /// <param name="moved">Receives groups of other rows that came in or fell out.</param>
    public void Replace(ViewRow? before, ViewRow? after, List<MergedGroup> moved)
    {
        if (before is not null)
        {
            Remove(before, moved);
        }

        if (after is not null)
        {
            Add(after, moved);
        }
    }

    private void Remove(ViewRow row, List<MergedGroup> moved)
    {
        row.Group.IsInTop = false;
        if (!_top.Remove(row))
        {
            _rest.Remove(row);
        }
        else if (_rest.Min is { } next)
        {
            _rest.Remove(next);
            _top.Add(next);
            next.Group.IsInTop = true;
            moved.Add(next.Group);
        }
    }

    private void Add(ViewRow row, List<MergedGroup> moved)
    {
        // The rest is empty unless the top is full, so a row belongs to the top if there is room or it beats the last.
        if (_top.Count < limit)
        {
            _top.Add(row);
            row.Group.IsInTop = true;
            return;
        }

        ViewRow last = _top.Max!;
        if (order.Compare(row, last) > 0)
        {
            _rest.Add(row);
            return;
        }

        _top.Remove(last);
        _rest.Add(last);
        last.Group.IsInTop = false;
        moved.Add(last.Group);
        _top.Add(row);
        row.Group.IsInTop = true;
    }
}
