using Weir.Core;

namespace Weir.Engine;

/// <summary><c>sum(x)</c> and <c>avg(x)</c>: an exact sum and how many numbers it is of.</summary>
internal sealed class SumAccumulator(int slot) : Accumulator(slot)
{
    private Int128[] _sums = [];
    private long[] _counts = [];
    private Int128 _pendingSum;
    private int _pendingCount;

    public override Contribution Prepare(scoped ref readonly RecordData record, int group) => Prepare(in record, group, sign: 1);

    public override Contribution PrepareRetract(scoped ref readonly RecordData record, int group) => Prepare(in record, group, sign: -1);

    public override void Commit(int group)
    {
        if (_pendingCount != 0)
        {
            _sums[group] = _pendingSum;
            _counts[group] += _pendingCount;
        }
    }

    public override void Grow(int capacity)
    {
        Array.Resize(ref _sums, capacity);
        Array.Resize(ref _counts, capacity);
    }

    public override PartialValue Get(int group) => new(number: new Exact(_sums[group]), count: _counts[group]);

    public override void Set(int group, in PartialValue value)
    {
        _sums[group] = value.Number.Scaled;
        _counts[group] = value.Count;
    }

    /// <summary>The sum of two sums; false when it leaves 128 bits.</summary>
    public static bool TryAdd(Int128 left, Int128 right, out Int128 sum)
    {
        sum = unchecked(left + right);
        return Int128.IsNegative((left ^ sum) & (right ^ sum)) is false;
    }

    private Contribution Prepare(scoped ref readonly RecordData record, int group, int sign)
    {
        Datum value = record.Read(Slot);
        if (value.Kind == DatumKind.Null)
        {
            _pendingCount = 0;
            return Contribution.Counts;
        }

        if (value.Kind != DatumKind.Number || !value.TryGetNumber(out Exact number))
        {
            return Contribution.Error;
        }

        _pendingCount = sign;
        Int128 before = group < 0 ? 0 : _sums[group];
        if (sign < 0)
        {
            _pendingSum = unchecked(before - number.Scaled);
            return Int128.IsNegative((before ^ number.Scaled) & (before ^ _pendingSum)) ? Contribution.Overflow : Contribution.Counts;
        }

        return TryAdd(before, number.Scaled, out _pendingSum) ? Contribution.Counts : Contribution.Overflow;
    }
}
