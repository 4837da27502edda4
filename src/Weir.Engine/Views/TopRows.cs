namespace Weir.Engine;

/// <summary>
/// The first rows of an order, kept up to date. Sorted are only as many rows as LIMIT shows and as many again in reserve; every other
/// row is behind all of them, so that most changes of a large view cost one comparison. When removals have used up the
/// reserve, all rows are looked at once. Owned by the read model's lock.
/// </summary>
/// <param name="allRows">The rows of all groups, as they are now.</param>
internal sealed class TopRows(int limit, RowOrder order, Func<IEnumerable<ViewRow>> allRows)
{
    private const int LeastReserve = 1_000;

    private readonly SortedSet<ViewRow> _sorted = new(order);
    private readonly int _most = limit + Math.Max(limit, LeastReserve);

    // False while every row is among the sorted ones.
    private bool _hasOthers;

    // The last of the sorted rows.
    private ViewRow? _last;

    /// <summary>The shown rows, in order. Enumerated after all changes of a merge.</summary>
    public IEnumerable<ViewRow> Top()
    {
        if (_hasOthers && _sorted.Count < limit)
        {
            Refill();
        }

        return _sorted.Take(limit);
    }

    /// <summary>Puts a group's new row in the place of its old one.</summary>
    public void Replace(ViewRow? before, ViewRow? after)
    {
        if (before is not null && !IsBehind(before) && _sorted.Remove(before))
        {
            _last = _sorted.Max;
        }

        if (after is not null)
        {
            Add(after);
        }
    }

    private void Add(ViewRow row)
    {
        if (_hasOthers && IsBehind(row))
        {
            return;
        }

        _sorted.Add(row);
        if (_sorted.Count > _most)
        {
            _sorted.Remove(_sorted.Max!);
            _hasOthers = true;
        }

        _last = _sorted.Max;
    }

    private bool IsBehind(ViewRow row) => _last is null || order.Compare(row, _last) > 0;

    private void Refill()
    {
        _sorted.Clear();
        _last = null;
        _hasOthers = false;
        foreach (ViewRow row in allRows())
        {
            Add(row);
        }
    }
}
