namespace Weir.Core;

/// <summary>
/// The exact decimal text of a JSON number: no exponent, no leading or trailing zeros, <c>-0</c> is <c>0</c>, at most 28 digits.
/// Keys and group keys use this form, so <c>1</c>, <c>1.0</c> and <c>1e0</c> are one key. Golden vectors: docs/internals/keys.md.
/// </summary>
public static class CanonicalNumber
{
    /// <summary>Most digits, before and after the point together, that a key or an exact number may have.</summary>
    public const int MaxDigits = 28;

    /// <summary>Longest text: sign, "0." and 28 digits.</summary>
    public const int MaxBytes = MaxDigits + 3;

    /// <summary>Writes the canonical text of a valid JSON number.</summary>
    /// <param name="json">A number by RFC 8259's grammar; anything else gives false or nonsense, never an exception.</param>
    /// <param name="destination">At least <see cref="MaxBytes"/> bytes.</param>
    /// <returns>False when the number needs more than <see cref="MaxDigits"/> digits.</returns>
    public static bool TryWrite(ReadOnlySpan<byte> json, Span<byte> destination, out int written)
    {
        // The everyday case: a short integer is its own canonical text.
        if (json.Length is > 0 and <= 18 && IsPlainInteger(json))
        {
            json.CopyTo(destination);
            written = json.Length;
            return true;
        }

        return TryWriteSlow(json, destination, out written);
    }

    private static bool IsPlainInteger(ReadOnlySpan<byte> json)
    {
        ReadOnlySpan<byte> digits = json[0] == '-' ? json[1..] : json;
        if (digits.IsEmpty || (digits[0] == '0' && (digits.Length > 1 || json.Length > 1)))
        {
            return false;
        }

        foreach (byte b in digits)
        {
            if (b is < (byte)'0' or > (byte)'9')
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryWriteSlow(ReadOnlySpan<byte> json, Span<byte> destination, out int written)
    {
        written = 0;
        var number = default(DecimalDigits);
        Span<byte> digits = stackalloc byte[MaxDigits];
        if (!number.TryParse(json, digits))
        {
            return false;
        }

        if (number.Count == 0)
        {
            destination[0] = (byte)'0';
            written = 1;
            return true;
        }

        // Value = 0.d1d2…dn × 10^PointAt.
        int wholeDigits = Math.Max(number.PointAt, 0);
        int fractionDigits = Math.Max(number.Count - number.PointAt, 0);
        if (wholeDigits + fractionDigits > MaxDigits)
        {
            return false;
        }

        int at = 0;
        if (number.Negative)
        {
            destination[at++] = (byte)'-';
        }

        if (wholeDigits == 0)
        {
            destination[at++] = (byte)'0';
        }

        for (int i = 0; i < wholeDigits; i++)
        {
            destination[at++] = i < number.Count ? digits[i] : (byte)'0';
        }

        if (fractionDigits > 0)
        {
            destination[at++] = (byte)'.';
            for (int i = number.PointAt; i < number.Count; i++)
            {
                destination[at++] = i < 0 ? (byte)'0' : digits[i];
            }
        }

        written = at;
        return true;
    }
}

/// <summary>Significant digits and the place of the point of a JSON number, as text turned into them: the shared first step of exact arithmetic and canonical text.</summary>
internal struct DecimalDigits
{
    public bool Negative;

    /// <summary>Significant digits, without leading and trailing zeros; 0 for the number zero.</summary>
    public int Count;

    /// <summary>Value = 0.d1d2…dn × 10^PointAt.</summary>
    public int PointAt;

    /// <summary>False when there are more significant digits than <paramref name="digits"/> holds, or the exponent is beyond any use (over 9 digits).</summary>
    public bool TryParse(ReadOnlySpan<byte> json, Span<byte> digits)
    {
        int at = 0;
        if (at < json.Length && json[at] == '-')
        {
            Negative = true;
            at++;
        }

        bool afterPoint = false;
        int pendingZeros = 0;
        int point = 0;
        for (; at < json.Length; at++)
        {
            byte b = json[at];
            if (b == '.')
            {
                afterPoint = true;
                continue;
            }

            if (b is < (byte)'0' or > (byte)'9')
            {
                break;
            }

            if (b == '0' && Count == 0)
            {
                // A leading zero: before the point it means nothing, after it it moves the first digit down.
                point -= afterPoint ? 1 : 0;
                continue;
            }

            point += afterPoint ? 0 : 1;
            if (b == '0')
            {
                pendingZeros++;
                continue;
            }

            if (Count + pendingZeros >= digits.Length)
            {
                return false;
            }

            digits.Slice(Count, pendingZeros).Fill((byte)'0');
            Count += pendingZeros;
            pendingZeros = 0;
            digits[Count++] = b;
        }

        if (Count == 0)
        {
            Negative = false;
            PointAt = 0;
            return true;
        }

        if (at < json.Length && (json[at] | 0x20) == 'e')
        {
            at++;
            bool negativeExponent = at < json.Length && json[at] == '-';
            at += at < json.Length && json[at] is (byte)'-' or (byte)'+' ? 1 : 0;
            int exponent = 0;
            for (; at < json.Length; at++)
            {
                if (exponent > 99_999_999)
                {
                    return false;
                }

                exponent = exponent * 10 + (json[at] - '0');
            }

            point += negativeExponent ? -exponent : exponent;
        }

        PointAt = point;
        return true;
    }
}
