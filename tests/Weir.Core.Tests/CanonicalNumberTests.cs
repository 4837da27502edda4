using System.Globalization;
using System.Numerics;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Weir.Core;

namespace Weir.Core.Tests;

public sealed class CanonicalNumberTests
{
    [Theory]
    [InlineData("1", "1")]
    [InlineData("1.0", "1")]
    [InlineData("1e0", "1")]
    [InlineData("10e-1", "1")]
    [InlineData("0.1E+1", "1")]
    [InlineData("0", "0")]
    [InlineData("-0", "0")]
    [InlineData("-0.0e99", "0")]
    [InlineData("0e999999999999", "0")]
    [InlineData("-1.50", "-1.5")]
    [InlineData("100", "100")]
    [InlineData("1e2", "100")]
    [InlineData("1.23e-2", "0.0123")]
    [InlineData("0.0001000", "0.0001")]
    [InlineData("9007199254740993", "9007199254740993")] // 2^53 + 1: a double would say …992
    [InlineData("9999999999999999999999999999", "9999999999999999999999999999")] // 28 digits
    [InlineData("99999999999999999999999999990e-1", "9999999999999999999999999999")]
    [InlineData("1e27", "1000000000000000000000000000")]
    [InlineData("0.0000000000000000000000000001", "0.0000000000000000000000000001")]
    [InlineData("-0.0000000000000000000000000001", "-0.0000000000000000000000000001")]
    [InlineData("1e00000000000000000000001", "10")]
    public void Numbers_of_the_same_value_have_one_text(string json, string expected) => Assert.Equal(expected, Write(json));

    [Theory]
    [InlineData("1e400")]
    [InlineData("1e-400")]
    [InlineData("1e28")]
    [InlineData("12345678901234567890123456789")] // 29 digits
    [InlineData("1.2345678901234567890123456789")]
    [InlineData("0.00000000000000000000000000001")]
    [InlineData("1e99999999999999999999")]
    [InlineData("1e-99999999999999999999")]
    public void A_number_of_more_than_28_digits_has_none(string json) => Assert.Null(Write(json));

    [Fact]
    public void The_text_agrees_with_big_integers_and_with_System_Decimal() => Prop.ForAll(JsonNumbers.Arbitrary, json =>
    {
        (BigInteger mantissa, int exponent) = JsonNumbers.Value(json);
        string exact = JsonNumbers.Text(mantissa, exponent);
        int digits = exact.TrimStart('-').Replace(".", "", StringComparison.Ordinal).Length - (exact.TrimStart('-').StartsWith("0.", StringComparison.Ordinal) ? 1 : 0);
        string? written = Write(json);
        if (digits > CanonicalNumber.MaxDigits)
        {
            return written is null;
        }

        decimal value = decimal.Parse(json, NumberStyles.Float, CultureInfo.InvariantCulture);
        return written == exact && value == decimal.Parse(written, CultureInfo.InvariantCulture);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Canonical_text_is_its_own_canonical_text() => Prop.ForAll(JsonNumbers.Arbitrary, json =>
        Write(json) is not { } written || Write(written) == written).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData(".")]
    [InlineData("NaN")]
    [InlineData("1e")]
    [InlineData("1ex")]
    [InlineData("--1")]
    [InlineData("1e1e1")]
    public void Bytes_that_are_no_number_raise_nothing(string text) => Write(text);

    private static string? Write(string json)
    {
        Span<byte> buffer = stackalloc byte[CanonicalNumber.MaxBytes];
        return CanonicalNumber.TryWrite(Encoding.UTF8.GetBytes(json), buffer, out int written) ? Encoding.UTF8.GetString(buffer[..written]) : null;
    }
}
