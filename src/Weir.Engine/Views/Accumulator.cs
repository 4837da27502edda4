namespace Weir.Engine;

/// <summary>What a record would do to an aggregate.</summary>
internal enum Contribution
{
    Counts,

    /// <summary>It cannot be evaluated: the whole record is an error row.</summary>
    Error,

    /// <summary>The sum would leave 128 bits: the view stops before this record.</summary>
    Overflow,
}

/// <summary>
/// One aggregate of all groups of one partition, in dense arrays by group index. A record is first prepared in every
/// accumulator and committed in all of them only if none objects, so a record counts everywhere or nowhere. One owner.
/// </summary>
internal abstract class Accumulator(int slot)
{
    /// <summary>Record slot of the argument.</summary>
    protected int Slot => slot;

    /// <summary>Evaluates a record and keeps the result until <see cref="Commit"/> or the next record.</summary>
    /// <param name="group">-1: a group that does not exist yet.</param>
    public abstract Contribution Prepare(scoped ref readonly RecordData record, int group);

    /// <summary>Applies what was prepared.</summary>
    public abstract void Commit(int group);

    /// <summary>As <see cref="Prepare"/>, for taking a record back that was counted before.</summary>
    public virtual Contribution PrepareRetract(scoped ref readonly RecordData record, int group) =>
        throw new InvalidOperationException("ViewPlan.Compile refuses aggregates that cannot take records back.");

    /// <summary>Makes room for groups 0 to <paramref name="capacity"/> - 1.</summary>
    public abstract void Grow(int capacity);

    /// <summary>Makes a group as new.</summary>
    public void Clear(int group) => Set(group, default);

    /// <summary>The group's state, detached: later records do not change it.</summary>
    public abstract PartialValue Get(int group);

    public abstract void Set(int group, in PartialValue value);
}

/// <summary><c>count(x)</c>.</summary>
internal sealed class CountAccumulator(int slot) : Accumulator(slot)
{
    private long[] _counts = [];
    private int _pending;

    public override Contribution Prepare(scoped ref readonly RecordData record, int group)
    {
        DatumKind kind = record.Read(Slot).Kind;
        _pending = kind == DatumKind.Null ? 0 : 1;
        return kind == DatumKind.Unreadable ? Contribution.Error : Contribution.Counts;
    }

    public override Contribution PrepareRetract(scoped ref readonly RecordData record, int group)
    {
        Contribution contribution = Prepare(in record, group);
        _pending = -_pending;
        return contribution;
    }

    public override void Commit(int group) => _counts[group] += _pending;

    public override void Grow(int capacity) => Array.Resize(ref _counts, capacity);

    public override PartialValue Get(int group) => new(count: _counts[group]);

    public override void Set(int group, in PartialValue value) => _counts[group] = value.Count;
}
