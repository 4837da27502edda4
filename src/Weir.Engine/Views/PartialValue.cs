using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// What one partition knows of one aggregate of one group: absolute, so that applying it twice is harmless.
/// Which fields mean something depends on the function; the rest are zero.
/// </summary>
internal readonly struct PartialValue(DatumKind kind = DatumKind.Null, Exact number = default, long count = 0, byte[]? text = null, long timeMs = 0, long offset = 0)
{
    private readonly SqlValue _value = new(kind, number, text);

    /// <summary><c>min max first latest</c>: kind of the value, NULL for none.</summary>
    public DatumKind Kind => _value.Kind;

    /// <summary><c>sum avg</c>: the sum; <c>min max first latest</c>: the value of a number.</summary>
    public Exact Number => _value.Number;

    /// <summary><c>count(x) sum avg</c>: values that are not NULL.</summary>
    public long Count { get; } = count;

    /// <summary>UTF-8 of a string, JSON text of a composite. Never changed.</summary>
    public byte[]? Text => _value.Text;

    /// <summary><c>first latest</c>: append time of the record.</summary>
    public long TimeMs { get; } = timeMs;

    /// <summary><c>first latest</c>: offset of the record.</summary>
    public long Offset { get; } = offset;

    /// <summary>The value that <c>min max first latest</c> keep.</summary>
    public SqlValue ToValue() => _value;
}
