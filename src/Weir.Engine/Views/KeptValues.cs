using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// One value per group, with one more in waiting: what <c>min max first latest</c> keep. Text is copied once, into the
/// waiting buffer, which then changes places with the group's; so replacing a value does not allocate once buffers have grown.
/// </summary>
internal sealed class KeptValues
{
    private Value[] _values = [];
    private Value _waiting;

    public DatumKind KindOf(int group) => _values[group].Kind;

    public Exact NumberOf(int group) => _values[group].Number;

    public ReadOnlySpan<byte> TextOf(int group) => _values[group].Text.AsSpan(0, _values[group].Length);

    public void Grow(int capacity) => Array.Resize(ref _values, capacity);

    public void Wait(DatumKind kind, Exact number) =>
        (_waiting.Kind, _waiting.Number, _waiting.Length) = (kind, number, 0);

    public void Wait(DatumKind kind, ReadOnlySpan<byte> text)
    {
        (_waiting.Kind, _waiting.Number, _waiting.Length) = (kind, default, text.Length);
        if (_waiting.Text is null || _waiting.Text.Length < text.Length)
        {
            _waiting.Text = new byte[Math.Max(16, text.Length)];
        }

        text.CopyTo(_waiting.Text);
    }

    public void Keep(int group) => (_values[group], _waiting) = (_waiting, _values[group]);

    /// <param name="timeMs">Append time of the value's record, where that matters; else 0.</param>
    public PartialValue Get(int group, long timeMs, long offset)
    {
        ref Value value = ref _values[group];
        byte[]? text = value.Kind is DatumKind.String or DatumKind.Composite ? TextOf(group).ToArray() : null;
        return new PartialValue(value.Kind, value.Number, count: 0, text, timeMs, offset);
    }

    public void Set(int group, in PartialValue value) =>
        _values[group] = new Value { Kind = value.Kind, Number = value.Number, Text = value.Text?.ToArray(), Length = value.Text?.Length ?? 0 };

    private struct Value
    {
        public DatumKind Kind;
        public Exact Number;
        public byte[]? Text;
        public int Length;
    }
}
