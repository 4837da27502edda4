using System.Globalization;
using System.Numerics;
using FsCheck;
using FsCheck.Fluent;

namespace Weir.Core.Tests;

/// <summary>Random numbers by RFC 8259's grammar, and what they are worth by plain big integers: the oracle for everything exact.</summary>
internal static class JsonNumbers
{
    /// <summary>Numbers of 1 to about 45 digits with points, exponents, leading zeros after the point and trailing zeros.</summary>
    public static Arbitrary<string> Arbitrary { get; } = (
        from negative in Gen.Elements("", "-")
        from whole in Gen.OneOf(Gen.Constant("0"), Digits(1, 30).Select(d => d.TrimStart('0') is { Length: > 0 } significant ? significant : "0"))
        from fraction in Gen.OneOf(Gen.Constant(""), Digits(1, 15).Select(d => "." + d), Gen.Choose(1, 12).Select(n => "." + new string('0', n) + "5"))
        from exponent in Gen.OneOf(
            Gen.Constant(""),
            Gen.Constant(""),
            Gen.Choose(-35, 35).Select(e => "e" + e.ToString(CultureInfo.InvariantCulture)),
            Gen.Choose(0, 12).Select(e => "E+" + e.ToString(CultureInfo.InvariantCulture)))
        select negative + whole + fraction + exponent).ToArbitrary();

    private static Gen<string> Digits(int least, int most) =>
        from length in Gen.Choose(least, most)
        from digits in Gen.Frequency((2, Gen.Choose('0', '9')), (1, Gen.Constant((int)'0'))).ArrayOf(length)
        select string.Concat(digits.Select(d => (char)d));

    /// <summary>The number as mantissa × 10^exponent, the mantissa without trailing zeros.</summary>
    public static (BigInteger Mantissa, int Exponent) Value(string json)
    {
        int e = json.IndexOfAny(['e', 'E']);
        int exponent = e < 0 ? 0 : int.Parse(json[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string plain = e < 0 ? json : json[..e];
        int point = plain.IndexOf('.');
        if (point >= 0)
        {
            exponent -= plain.Length - point - 1;
            plain = plain.Remove(point, 1);
        }

        BigInteger mantissa = BigInteger.Parse(plain, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        while (mantissa != 0 && mantissa % 10 == 0)
        {
            mantissa /= 10;
            exponent++;
        }

        return (mantissa, mantissa == 0 ? 0 : exponent);
    }

    /// <summary>The canonical text by way of big integers: no exponent, no trailing zeros, no minus zero.</summary>
    public static string Text(BigInteger mantissa, int exponent)
    {
        string digits = BigInteger.Abs(mantissa).ToString(CultureInfo.InvariantCulture);
        if (exponent >= 0)
        {
            digits += new string('0', exponent);
        }
        else
        {
            digits = digits.PadLeft(1 - exponent, '0');
            digits = digits.Insert(digits.Length + exponent, ".");
        }

        return mantissa < 0 ? "-" + digits : digits;
    }
}
