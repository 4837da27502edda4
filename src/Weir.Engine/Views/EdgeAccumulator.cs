using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary><c>first(x)</c> and <c>latest(x)</c>. Within a partition append times never go back, so the order of records is the order of (append time, offset).</summary>
internal sealed class EdgeAccumulator(int slot, bool keepsFirst) : Accumulator(slot)
{
    private readonly KeptValues _kept = new();
    private readonly TextBuffer _text = new();
    private (long TimeMs, long Offset)[] _places = [];
    private (long TimeMs, long Offset) _waitingPlace;
    private bool _replaces;

    public override Contribution Prepare(scoped ref readonly RecordData record, int group)
    {
        Datum value = record.Read(Slot);
        _replaces = value.Kind != DatumKind.Null && (!keepsFirst || group < 0 || _kept.KindOf(group) == DatumKind.Null);
        _waitingPlace = (record.AppendTimeMs, record.Offset);
        switch (value.Kind)
        {
            case DatumKind.Null or DatumKind.False or DatumKind.True:
                _kept.Wait(value.Kind, default(Exact));
                return Contribution.Counts;
            case DatumKind.Number when value.TryGetNumber(out Exact number):
                _kept.Wait(DatumKind.Number, number);
                return Contribution.Counts;
            case DatumKind.String when value.TryGetText(_text, out ReadOnlySpan<byte> text) && text.Length <= ViewLimits.MaxValueBytes:
                _kept.Wait(DatumKind.String, text);
                return Contribution.Counts;
            case DatumKind.Composite:
                Span<byte> compact = _text.Take(ViewLimits.MaxValueBytes);
                if (!TryCompact(value.CompositeText, compact, out int length))
                {
                    return Contribution.Error;
                }

                _kept.Wait(DatumKind.Composite, compact[..length]);
                return Contribution.Counts;
            default:
                return Contribution.Error;
        }
    }

    public override void Commit(int group)
    {
        if (_replaces)
        {
            _kept.Keep(group);
            _places[group] = _waitingPlace;
        }
    }

    public override void Grow(int capacity)
    {
        _kept.Grow(capacity);
        Array.Resize(ref _places, capacity);
    }

    public override PartialValue Get(int group) => _kept.Get(group, _places[group].TimeMs, _places[group].Offset);

    public override void Set(int group, in PartialValue value)
    {
        _kept.Set(group, value);
        _places[group] = (value.TimeMs, value.Offset);
    }

    /// <summary>JSON without the white space between its parts; false when it is longer than the destination.</summary>
    private static bool TryCompact(ReadOnlySpan<byte> json, Span<byte> destination, out int length)
    {
        length = 0;
        bool inString = false;
        for (int i = 0; i < json.Length; i++)
        {
            byte b = json[i];
            if (!inString && b is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r')
            {
                continue;
            }

            bool isEscape = inString && b == '\\';
            if (length + (isEscape ? 2 : 1) > destination.Length)
            {
                return false;
            }

            destination[length++] = b;
            if (isEscape)
            {
                // What a backslash protects never ends the string.
                destination[length++] = json[++i];
            }
            else if (b == '"')
            {
                inString = !inString;
            }
        }

        return true;
    }
}
