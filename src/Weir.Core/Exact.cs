using System.Globalization;

namespace Weir.Core;

/// <summary>
/// An exact decimal: a 128-bit integer scaled by 10^9 (nine digits after the point). Sums of money and counts never touch a float.
/// Arithmetic is checked: overflow throws, never wraps or rounds.
/// </summary>
/// <param name="Scaled">The value times 10^9.</param>
public readonly record struct Exact(Int128 Scaled) : IComparable<Exact>
{
    public const int Scale = 9;
    public const long One = 1_000_000_000;

    /// <summary>Longest canonical text: sign, 30 digits before the point, point, 9 after.</summary>
    public const int MaxBytes = 42;

    private const int MaxScaledDigits = 39;

    public static Exact FromInteger(long value) => new(checked((Int128)value * One));

    /// <summary>Reads a JSON number exactly.</summary>
    /// <returns>False when it has more than nine digits after the point or does not fit; the caller leaves the row out and counts it.</returns>
    public static bool TryParse(ReadOnlySpan<byte> json, out Exact value)
    {
        // The everyday case: up to 18 digits, no point, no exponent.
        long whole = 0;
        int at = json.Length > 0 && json[0] == '-' ? 1 : 0;
        if (json.Length - at is > 0 and <= 18)
        {
            int i = at;
            for (; i < json.Length; i++)
            {
                uint digit = unchecked((uint)(json[i] - '0'));
                if (digit > 9)
                {
                    break;
                }

                whole = unchecked((whole * 10) + digit);
            }

            if (i == json.Length)
            {
                // 18 digits times 10^9 is far below 2^127: one multiplication instruction, no checks.
                long high = Math.BigMul(at == 1 ? -whole : whole, One, out long low);
                value = new Exact(unchecked(new Int128((ulong)high, (ulong)low)));
                return true;
            }
        }

        return TryParseSlow(json, out value);
    }

    private static bool TryParseSlow(ReadOnlySpan<byte> json, out Exact value)
    {
        value = default;
        var number = default(DecimalDigits);
        Span<byte> digits = stackalloc byte[MaxScaledDigits];
        if (!number.TryParse(json, digits))
        {
            return false;
        }

        int shift = number.PointAt - number.Count + Scale;
        if (number.Count == 0)
        {
            return true;
        }

        if (shift < 0 || number.Count + shift > MaxScaledDigits)
        {
            return false;
        }

        UInt128 limit = number.Negative ? (UInt128)Int128.MaxValue + 1 : (UInt128)Int128.MaxValue;
        UInt128 magnitude = 0;
        for (int i = 0; i < number.Count + shift; i++)
        {
            uint digit = i < number.Count ? (uint)(digits[i] - '0') : 0;
            if (i == MaxScaledDigits - 1 && magnitude > (limit - digit) / 10)
            {
                // Only the 39th digit can leave the range: 2^127 is about 1.7 × 10^38.
                return false;
            }

            magnitude = (magnitude * 10) + digit;
        }

        value = new Exact(unchecked(number.Negative ? -(Int128)magnitude : (Int128)magnitude));
        return true;
    }

    public static Exact operator +(Exact left, Exact right) => new(checked(left.Scaled + right.Scaled));
    public static Exact operator -(Exact left, Exact right) => new(checked(left.Scaled - right.Scaled));
    public static Exact operator -(Exact value) => new(checked(-value.Scaled));
    public static bool operator <(Exact left, Exact right) => left.Scaled < right.Scaled;
    public static bool operator >(Exact left, Exact right) => left.Scaled > right.Scaled;
    public static bool operator <=(Exact left, Exact right) => left.Scaled <= right.Scaled;
    public static bool operator >=(Exact left, Exact right) => left.Scaled >= right.Scaled;

    public int CompareTo(Exact other) => Scaled.CompareTo(other.Scaled);

    /// <summary>The quotient of a sum by a count at scale 6, ties to even: how <c>avg</c> is shown.</summary>
    /// <param name="count">Greater than zero.</param>
    public static Exact Average(Exact sum, long count)
    {
        // Scale 9 to 6 and the division in one step, so that only one rounding happens.
        Int128 divisor = (Int128)count * 1_000;
        (Int128 quotient, Int128 remainder) = Int128.DivRem(sum.Scaled, divisor);
        Int128 doubled = Int128.Abs(remainder) * 2;
        if (doubled > divisor || (doubled == divisor && !Int128.IsEvenInteger(quotient)))
        {
            quotient += sum.Scaled < 0 ? -1 : 1;
        }

        return new Exact(checked(quotient * 1_000));
    }

    /// <summary>Writes the canonical text (see <see cref="CanonicalNumber"/>) and returns its length.</summary>
    /// <param name="destination">At least <see cref="MaxBytes"/> bytes.</param>
    public int Write(Span<byte> destination)
    {
        Int128 rest = Scaled;
        int at = 0;
        if (rest < 0)
        {
            destination[at++] = (byte)'-';
        }

        UInt128 magnitude = rest < 0 ? (UInt128)(-(rest + 1)) + 1 : (UInt128)rest;
        (UInt128 whole, UInt128 fraction) = UInt128.DivRem(magnitude, One);
        whole.TryFormat(destination[at..], out int written, default, CultureInfo.InvariantCulture);
        at += written;
        if (fraction != 0)
        {
            destination[at++] = (byte)'.';
            ulong digits = (ulong)fraction;
            int last = at;
            for (ulong unit = One / 10; unit > 0; unit /= 10)
            {
                byte digit = (byte)('0' + (digits / unit % 10));
                destination[at++] = digit;
                last = digit != '0' ? at : last;
            }

            at = last;
        }

        return at;
    }

    public override string ToString()
    {
        Span<byte> text = stackalloc byte[MaxBytes];
        return System.Text.Encoding.ASCII.GetString(text[..Write(text)]);
    }
}
