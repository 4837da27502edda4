using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary><c>min(x)</c> and <c>max(x)</c>, of numbers or of strings; the first value of a group decides which.</summary>
internal sealed class ExtremeAccumulator(int slot, bool wantsGreater) : Accumulator(slot)
{
    private readonly KeptValues _kept = new();
    private readonly TextBuffer _text = new();
    private bool _replaces;

    public override Contribution Prepare(scoped ref readonly RecordData record, int group)
    {
        _replaces = false;
        Datum value = record.Read(Slot);
        if (value.Kind == DatumKind.Null)
        {
            return Contribution.Counts;
        }

        DatumKind kept = group < 0 ? DatumKind.Null : _kept.KindOf(group);
        bool isFirst = kept == DatumKind.Null;
        if (!isFirst && kept != value.Kind)
        {
            return Contribution.Error;
        }

        return value.Kind switch
        {
            DatumKind.Number => PrepareNumber(value, group, isFirst),
            DatumKind.String => PrepareText(value, group, isFirst),
            _ => Contribution.Error,
        };
    }

    public override void Commit(int group)
    {
        if (_replaces)
        {
            _kept.Keep(group);
        }
    }

    public override void Grow(int capacity) => _kept.Grow(capacity);

    public override PartialValue Get(int group) => _kept.Get(group, timeMs: 0, offset: 0);

    public override void Set(int group, in PartialValue value) => _kept.Set(group, value);

    /// <summary>Whether a value takes the place of another. Across partitions kinds can differ: numbers come before strings.</summary>
    public static bool Replaces(SqlValue value, SqlValue kept, bool wantsGreater)
    {
        if (value.Kind == DatumKind.Null || kept.Kind == DatumKind.Null)
        {
            return kept.Kind == DatumKind.Null;
        }

        int order = SqlValue.Compare(value, kept);
        return wantsGreater ? order > 0 : order < 0;
    }

    private Contribution PrepareNumber(Datum value, int group, bool isFirst)
    {
        if (!value.TryGetNumber(out Exact number))
        {
            return Contribution.Error;
        }

        _replaces = isFirst || (wantsGreater ? number > _kept.NumberOf(group) : number < _kept.NumberOf(group));
        if (_replaces)
        {
            _kept.Wait(DatumKind.Number, number);
        }

        return Contribution.Counts;
    }

    private Contribution PrepareText(Datum value, int group, bool isFirst)
    {
        if (!value.TryGetText(_text, out ReadOnlySpan<byte> text) || text.Length > ViewLimits.MaxValueBytes)
        {
            return Contribution.Error;
        }

        int order = isFirst ? 0 : text.SequenceCompareTo(_kept.TextOf(group));
        _replaces = isFirst || (wantsGreater ? order > 0 : order < 0);
        if (_replaces)
        {
            _kept.Wait(DatumKind.String, text);
        }

        return Contribution.Counts;
    }
}
