using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// What one partition knows of one aggregate of one group: absolute, so that applying it twice is harmless.
/// Which fields mean something depends on the function; the rest are zero.
/// </summary>
/// <param name="Kind"><c>min max first latest</c>: kind of the value, NULL for none.</param>
/// <param name="Number"><c>sum avg</c>: the sum; <c>min max first latest</c>: the value of a number.</param>
/// <param name="Count"><c>count(x) sum avg</c>: values that are not NULL.</param>
/// <param name="Text">UTF-8 of a string, JSON text of a composite. Never changed.</param>
/// <param name="TimeMs"><c>first latest</c>: append time of the record.</param>
/// <param name="Offset"><c>first latest</c>: offset of the record.</param>
internal readonly record struct PartialValue(DatumKind Kind, Exact Number, long Count, byte[]? Text, long TimeMs, long Offset)
{
    public SqlValue ToValue() => new(Kind, Number, Text);
}
