using System.Globalization;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>The types that <c>fields:</c> can declare.</summary>
public enum FieldKind
{
    String,
    Boolean,

    /// <summary>A whole number that fits 64 bits.</summary>
    Integer,

    /// <summary>A number with at most <see cref="DeclaredField.Precision"/> digits, of which <see cref="DeclaredField.Scale"/> after the point.</summary>
    Decimal,

    /// <summary>RFC 3339 text or epoch milliseconds.</summary>
    Time,
}

/// <summary>A field with a declared type: <c>amount: decimal(18,2)</c>. Missing and null are allowed; nothing is rounded to fit.</summary>
public sealed record DeclaredField(ColumnPath Path, FieldKind Kind, int Precision = 0, int Scale = 0)
{
    /// <summary>The type as it is written in a definition.</summary>
    public string TypeText => Kind == FieldKind.Decimal
        ? string.Create(CultureInfo.InvariantCulture, $"decimal({Precision},{Scale})")
        : Kind.ToString().ToLowerInvariant();

    /// <summary>Reads <c>string</c>, <c>boolean</c>, <c>integer</c>, <c>time</c> or <c>decimal(p,s)</c> with 1 ≤ p ≤ 28 and 0 ≤ s ≤ 9, s ≤ p.</summary>
    public static bool TryParseType(string text, ColumnPath path, out DeclaredField field)
    {
        field = new DeclaredField(path, FieldKind.String);
        string compact = text.Replace(" ", "", StringComparison.Ordinal);
        if (compact.StartsWith("decimal(", StringComparison.Ordinal) && compact.EndsWith(')'))
        {
            string[] numbers = compact[8..^1].Split(',');
            if (numbers.Length == 2
                && int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out int precision)
                && int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out int scale)
                && precision is >= 1 and <= CanonicalNumber.MaxDigits && scale <= Exact.Scale && scale <= precision)
            {
                field = new DeclaredField(path, FieldKind.Decimal, precision, scale);
                return true;
            }

            return false;
        }

        FieldKind? kind = compact switch
        {
            "string" => FieldKind.String,
            "boolean" => FieldKind.Boolean,
            "integer" => FieldKind.Integer,
            "time" => FieldKind.Time,
            _ => null,
        };
        field = new DeclaredField(path, kind ?? FieldKind.String);
        return kind is not null;
    }

    /// <summary>Whether a cell fits the declared type.</summary>
    internal bool Accepts(Cell cell, ReadOnlySpan<byte> json) => cell.Kind switch
    {
        CellKind.Missing or CellKind.Null => true,
        CellKind.String => Kind == FieldKind.String || (Kind == FieldKind.Time && TimeText.TryParseRfc3339(json.Slice(cell.Start, cell.Length), out _)),
        CellKind.EscapedString => Kind == FieldKind.String || (Kind == FieldKind.Time && AcceptsEscapedTime(json.Slice(cell.Start, cell.Length))),
        CellKind.True or CellKind.False => Kind == FieldKind.Boolean,
        CellKind.Number => Kind is FieldKind.Integer or FieldKind.Decimal or FieldKind.Time && AcceptsNumber(json.Slice(cell.Start, cell.Length)),
        _ => false,
    };

    // No writer of times escapes anything; a string means what it says all the same.
    private static bool AcceptsEscapedTime(ReadOnlySpan<byte> escaped)
    {
        byte[] text = new byte[escaped.Length];
        return JsonText.TryUnescape(escaped, text, out int length) && TimeText.TryParseRfc3339(text.AsSpan(0, length), out _);
    }

    private bool AcceptsNumber(ReadOnlySpan<byte> number)
    {
        if (!Exact.TryParse(number, out Exact value))
        {
            return false;
        }

        (Int128 whole, Int128 fraction) = Int128.DivRem(value.Scaled, Exact.One);
        if (Kind != FieldKind.Decimal)
        {
            return fraction == 0 && whole >= long.MinValue && whole <= long.MaxValue;
        }

        Int128 unit = Power10(Exact.Scale - Scale);
        return fraction % unit == 0 && Int128.Abs(value.Scaled) / unit < Power10(Precision);
    }

    private static Int128 Power10(int exponent)
    {
        Int128 power = 1;
        for (int i = 0; i < exponent; i++)
        {
            power *= 10;
        }

        return power;
    }
}
