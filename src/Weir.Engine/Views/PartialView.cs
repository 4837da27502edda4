using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>
/// A view's state over one partition: per group the count of records and the aggregates. A pure function of the records in
/// offset order, their append times and their verdicts.
/// </summary>
/// <remarks>
/// Owned by the partition's writer thread; no locks. Records are applied in offset order. Does not allocate per record once
/// its groups exist. After <see cref="Stop"/> is set nothing is applied any more and the state stays right at <see cref="End"/>.
/// </remarks>
public sealed partial class PartialView
{
    private readonly ViewPlan _plan;
    private readonly Accumulator?[] _accumulators;

    /// <summary>Those of <see cref="_accumulators"/> that are there: all but <c>count(*)</c>.</summary>
    private readonly Accumulator[] _counting;
    private readonly GroupTable _groups;
    private readonly GroupKeyWriter _key;
    private readonly PredicateScratch _scratch = new();
    private readonly List<long> _errorOffsets = [];

    /// <summary>Groups by begin of their window; only with <c>tumble</c>.</summary>
    private readonly SortedDictionary<long, List<int>> _windows = [];

    private long[] _rows = [];
    private long[] _windowStarts = [];

    // Which groups changed since the last collection: a list without repeats, because a group carries the round it was last added in.
    private int[] _touchedIn = [];
    private int[] _touched = new int[4];
    private int _touchedCount;
    private int _round = 1;
    private readonly List<byte[]> _removedKeys = [];
    private long[] _collectedErrorOffsets = [];
    private bool _isWhole = true;

    /// <param name="hashSeed">Any number that users cannot guess; no part of the state.</param>
    public PartialView(ViewPlan plan, int partition, ulong hashSeed)
    {
        _plan = plan;
        Partition = partition;
        _accumulators = plan.MakeAccumulators();
        _counting = [.. _accumulators.OfType<Accumulator>()];
        _groups = new GroupTable(hashSeed);
        _key = new GroupKeyWriter(plan);
        Grow();
    }

    public int Partition { get; }

    /// <summary>Exclusive end of the offsets that are counted.</summary>
    public long End { get; private set; }

    /// <summary>Set once, when the view stops.</summary>
    public ViewStop? Stop { get; private set; }

    public int GroupCount => _groups.Count;

    /// <summary>Records that could not be evaluated.</summary>
    public long ErrorCount { get; private set; }

    /// <summary>The first <see cref="ViewLimits.MaxListedErrors"/> of them.</summary>
    public IReadOnlyList<long> ErrorOffsets => _errorOffsets;

    /// <summary>Applies the records of a batch whose verdict is <c>counted</c> or <c>replaced</c>. Not for streams with <c>keep: last</c>.</summary>
    /// <param name="batch">Begins at or after <see cref="End"/>.</param>
    /// <param name="verdicts">One <see cref="Verdict"/> per record.</param>
    public void Apply(ColumnBatch batch, ReadOnlySpan<byte> verdicts)
    {
        if (Stop is not null)
        {
            return;
        }

        RecordData record = new(_plan.RecordSlots, batch);
        verdicts = verdicts[..batch.RecordCount];
        for (int i = 0; i < verdicts.Length; i++)
        {
            if (!((Verdict)verdicts[i]).IsCounted())
            {
                continue;
            }

            record.Record = i;
            if (!(_plan.OnlyKeyColumn >= 0 ? TryApplyByText(in record) : TryApply(in record)))
            {
                return;
            }
        }

        End = batch.BaseOffset + batch.RecordCount;
    }

    /// <summary>Applies one counted record: the form for streams with <c>keep: last</c>, where <see cref="Retract"/> comes between.</summary>
    public void Apply(ColumnBatch batch, int record)
    {
        RecordData data = new(_plan.RecordSlots, batch) { Record = record };
        if (Stop is null && TryApply(in data))
        {
            End = data.Offset + 1;
        }
    }

    /// <summary>Takes back a record that a <c>replaced</c> one takes the place of; before that one is applied.</summary>
    /// <param name="batch">The batch of the earlier record, columns extracted.</param>
    /// <param name="record">Index of the earlier record in that batch.</param>
    /// <param name="replacedBy">Offset of the record in whose favour it goes, for the reason should the view stop.</param>
    public void Retract(ColumnBatch batch, int record, long replacedBy)
    {
        RecordData data = new(_plan.RecordSlots, batch) { Record = record };
        if (Stop is not null || (_plan.Where is { } where && where.Evaluate(in data, _scratch) != Truth.True) || !_key.TryWrite(in data))
        {
            return;
        }

        // An error row was never counted, so it is in no group; whether it was one, the accumulators say again.
        int group = _groups.Find(_key.Key, _groups.Hash(_key.Key));
        if (group < 0)
        {
            return;
        }

        Contribution contribution = Contribution.Counts;
        foreach (Accumulator accumulator in _counting)
        {
            contribution = Worse(contribution, accumulator.PrepareRetract(in data, group));
        }

        if (contribution == Contribution.Overflow)
        {
            StopAt(ErrorCode.SumOverflow, replacedBy, "a sum no longer fits 128 bits");
        }
        else if (contribution == Contribution.Counts)
        {
            Commit(group, rows: -1);
            if (_rows[group] == 0)
            {
                _removedKeys.Add(_groups.KeyOf(group)!);
                Remove(group);
            }
        }
    }

    /// <summary>Moves <see cref="End"/> over records that no view looks at: markers, and the rest of a batch applied record by record.</summary>
    public void Advance(long end)
    {
        if (Stop is null)
        {
            End = Math.Max(End, end);
        }
    }

    /// <summary>The groups that changed since the last call, to be merged into the read model; the first time all of them.</summary>
    /// <remarks>Called by the owner, when everything applied so far is flushed. Costs time in the number of changed groups.</remarks>
    public PartialChanges CollectChanges()
    {
        List<GroupPartial> groups = new(_touchedCount + _removedKeys.Count);
        foreach (byte[] key in _removedKeys)
        {
            groups.Add(new GroupPartial(key, WindowStartMs: 0, Rows: 0, []));
        }

        if (_isWhole)
        {
            for (int group = 0; group < _groups.Used; group++)
            {
                AddPartial(groups, group);
            }
        }
        else
        {
            foreach (int group in _touched.AsSpan(0, _touchedCount))
            {
                AddPartial(groups, group);
            }
        }

        if (_collectedErrorOffsets.Length != _errorOffsets.Count)
        {
            _collectedErrorOffsets = [.. _errorOffsets];
        }

        PartialChanges changes = new(Partition, End, _isWhole, groups, ErrorCount, _collectedErrorOffsets, Stop);
        _removedKeys.Clear();
        _touchedCount = 0;
        _round++;
        _isWhole = false;
        return changes;
    }

    /// <summary>Makes the next <see cref="CollectChanges"/> give all groups: for a new read model.</summary>
    public void CollectWhole() => _isWhole = true;

    private static Contribution Worse(Contribution left, Contribution right) =>
        left == Contribution.Error || right == Contribution.Error ? Contribution.Error : left > right ? left : right;

    // As TryApply, for views that group by one field and have no WHERE: a group met before is found by the field's text alone.
    private bool TryApplyByText(scoped ref readonly RecordData record)
    {
        if (!record.Read(_plan.KeySlots[0]).TryGetPlainText(out ReadOnlySpan<byte> text))
        {
            return TryApply(in record);
        }

        int group = _groups.FindText(text, out int hint);
        if (group < 0)
        {
            bool goesOn = TryApply(in record);
            if (goesOn && _groups.Find(_key.Key, _groups.Hash(_key.Key)) is >= 0 and int found)
            {
                _groups.Remember(hint, found);
            }

            return goesOn;
        }

        return TryCount(in record, group, hash: 0);
    }

    // False: the view stopped before this record.
    private bool TryApply(scoped ref readonly RecordData record)
    {
        if (_plan.Where is { } where)
        {
            Truth truth = where.Evaluate(in record, _scratch);
            if (truth != Truth.True)
            {
                if (truth == Truth.Error)
                {
                    CountError(record.Offset);
                }

                return true;
            }
        }

        if (!_key.TryWrite(in record))
        {
            CountError(record.Offset);
            return true;
        }

        ulong hash = _groups.Hash(_key.Key);
        int group = _groups.Find(_key.Key, hash);
        return TryCount(in record, group, hash);
    }

    // False: the view stopped before this record.
    private bool TryCount(scoped ref readonly RecordData record, int group, ulong hash)
    {
        Contribution contribution = Contribution.Counts;
        foreach (Accumulator accumulator in _counting)
        {
            contribution = Worse(contribution, accumulator.Prepare(in record, group));
        }

        switch (contribution)
        {
            case Contribution.Error:
                CountError(record.Offset);
                return true;
            case Contribution.Overflow:
                StopAt(ErrorCode.SumOverflow, record.Offset, "a sum no longer fits 128 bits");
                return false;
        }

        if (group < 0 && !TryAddGroup(hash, record.Offset, out group))
        {
            return Stop is null;
        }

        Commit(group, rows: 1);
        return true;
    }

    private void Commit(int group, int rows)
    {
        if (_copy is { } copy)
        {
            Copy(copy, group);
        }

        foreach (Accumulator accumulator in _counting)
        {
            accumulator.Commit(group);
        }

        _rows[group] += rows;
        if (_touchedIn[group] != _round)
        {
            Touch(group);
        }
    }

    private void Touch(int group)
    {
        _touchedIn[group] = _round;
        if (_touchedCount == _touched.Length)
        {
            Array.Resize(ref _touched, _touched.Length * 2);
        }

        _touched[_touchedCount++] = group;
    }

    // False: the record's window is no longer kept, or the view stopped.
    private bool TryAddGroup(ulong hash, long offset, out int group)
    {
        group = -1;
        int dropped = 0;
        long windowStart = _key.WindowStartMs;
        bool opensWindow = _plan.Window is not null && !_windows.ContainsKey(windowStart);
        bool dropsOldest = opensWindow && _windows.Count == _plan.Definition.Keep;
        if (dropsOldest)
        {
            KeyValuePair<long, List<int>> oldest = _windows.First();
            if (windowStart < oldest.Key)
            {
                return false;
            }

            dropped = oldest.Value.Count;
        }

        if (_groups.Count - dropped >= _plan.Definition.MaxGroups)
        {
            StopAt(ErrorCode.TooManyGroups, offset, $"it would have more than max_groups, {_plan.Definition.MaxGroups}");
            return false;
        }

        if (dropsOldest)
        {
            DropOldestWindow();
        }

        group = Add(_key.Key.ToArray(), hash, windowStart);
        return true;
    }

    private int Add(byte[] key, ulong hash, long windowStart)
    {
        int group = _groups.Add(key, hash);
        _copy?.LeaveOut(group);
        if (_rows.Length < _groups.Capacity)
        {
            Grow();
        }

        _windowStarts[group] = windowStart;
        if (_plan.Window is not null)
        {
            if (!_windows.TryGetValue(windowStart, out List<int>? groups))
            {
                _windows.Add(windowStart, groups = []);
            }

            groups.Add(group);
        }

        return group;
    }

    private void DropOldestWindow()
    {
        KeyValuePair<long, List<int>> oldest = _windows.First();
        _windows.Remove(oldest.Key);
        foreach (int group in oldest.Value)
        {
            Remove(group);
        }
    }

    private void Remove(int group)
    {
        if (_copy is { } copy)
        {
            Copy(copy, group);
        }

        _groups.Remove(group);
        _rows[group] = 0;
        foreach (Accumulator accumulator in _counting)
        {
            accumulator.Clear(group);
        }
    }

    private void Grow()
    {
        int capacity = _groups.Capacity;
        Array.Resize(ref _rows, capacity);
        Array.Resize(ref _windowStarts, capacity);
        Array.Resize(ref _touchedIn, capacity);
        foreach (Accumulator accumulator in _counting)
        {
            accumulator.Grow(capacity);
        }
    }

    private void CountError(long offset)
    {
        ErrorCount++;
        if (_errorOffsets.Count < ViewLimits.MaxListedErrors)
        {
            _errorOffsets.Add(offset);
        }
    }

    private void StopAt(ErrorCode code, long offset, string why)
    {
        End = offset;
        Stop = new ViewStop(code, Partition, offset, $"The view stopped at partition {Partition}, offset {offset}: {why}.");
    }

    private void AddPartial(List<GroupPartial> groups, int group)
    {
        if (_groups.KeyOf(group) is { } key)
        {
            groups.Add(new GroupPartial(key, _windowStarts[group], _rows[group], ValuesOf(group)));
        }
    }

    private PartialValue[] ValuesOf(int group)
    {
        if (_accumulators.Length == 0)
        {
            return [];
        }

        PartialValue[] values = new PartialValue[_accumulators.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = _accumulators[i]?.Get(group) ?? default;
        }

        return values;
    }
}
