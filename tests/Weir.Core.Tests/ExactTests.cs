using System.Numerics;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Weir.Core;

namespace Weir.Core.Tests;

public sealed class ExactTests
{
    private static readonly BigInteger Largest = (BigInteger.One << 127) - 1;

    /// <summary>Any scaled value, of every magnitude up to the full 128 bits.</summary>
    private static readonly Arbitrary<Exact> AnyExact = (
        from words in Gen.Choose(int.MinValue, int.MaxValue).ArrayOf(4)
        from shift in Gen.Choose(0, 127)
        select new Exact(words.Aggregate(Int128.Zero, (sum, word) => unchecked((sum << 32) | (uint)word)) >> shift)).ToArbitrary();

    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0", "0")]
    [InlineData("12.50", "12.5")]
    [InlineData("-0.000000001", "-0.000000001")]
    [InlineData("1e-9", "0.000000001")]
    [InlineData("1.0000000000", "1")]
    [InlineData("123456789012345678", "123456789012345678")]
    [InlineData("1234567890123456789", "1234567890123456789")]
    [InlineData("1e29", "100000000000000000000000000000")]
    [InlineData("170141183460469231731687303715.884105727", "170141183460469231731687303715.884105727")] // 2^127-1 scaled
    [InlineData("-170141183460469231731687303715.884105728", "-170141183460469231731687303715.884105728")] // -2^127 scaled
    public void What_fits_is_read_exactly_and_written_canonically(string json, string expected)
    {
        Assert.True(TryParse(json, out Exact value));
        Assert.Equal(expected, value.ToString());
    }

    [Theory]
    [InlineData("0.0000000001")] // ten digits after the point
    [InlineData("1.0000000001")]
    [InlineData("1e-10")]
    [InlineData("170141183460469231731687303715.884105728")]
    [InlineData("-170141183460469231731687303715.884105729")]
    [InlineData("1e30")]
    [InlineData("1e400")]
    [InlineData("1e-400")]
    [InlineData("1e999999999999")]
    public void What_does_not_fit_is_refused_never_rounded(string json) => Assert.False(TryParse(json, out _));

    [Fact]
    public void Reading_agrees_with_big_integers() => Prop.ForAll(JsonNumbers.Arbitrary, json =>
    {
        (BigInteger mantissa, int exponent) = JsonNumbers.Value(json);
        bool fits = exponent >= -Exact.Scale;
        BigInteger scaled = fits ? mantissa * BigInteger.Pow(10, exponent + Exact.Scale) : 0;
        fits = fits && scaled <= Largest && scaled >= -Largest - 1;
        return TryParse(json, out Exact value) == fits && (!fits || (BigInteger)value.Scaled == scaled);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Whatever_is_written_reads_back() => Prop.ForAll(AnyExact, value =>
    {
        string text = value.ToString();
        return text.Length <= Exact.MaxBytes && TryParse(text, out Exact read) && read == value;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_text_agrees_with_big_integers() => Prop.ForAll(AnyExact, value =>
    {
        (BigInteger mantissa, int exponent) = JsonNumbers.Value(((BigInteger)value.Scaled).ToString() + "e-9");
        return value.ToString() == JsonNumbers.Text(mantissa, exponent);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_ends_of_the_range_are_written()
    {
        Assert.Equal("170141183460469231731687303715.884105727", new Exact(Int128.MaxValue).ToString());
        Assert.Equal("-170141183460469231731687303715.884105728", new Exact(Int128.MinValue).ToString());
    }

    [Fact]
    public void Sums_agree_with_big_integers_or_overflow() => Prop.ForAll(AnyExact, AnyExact, (left, right) =>
    {
        BigInteger sum = (BigInteger)left.Scaled + (BigInteger)right.Scaled;
        BigInteger difference = (BigInteger)left.Scaled - (BigInteger)right.Scaled;
        return Agrees(() => left + right, sum) && Agrees(() => left - right, difference)
            && left.CompareTo(right) == ((BigInteger)left.Scaled).CompareTo((BigInteger)right.Scaled) && left < right == right > left && left <= right == right >= left;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("1", 3, "0.333333")]
    [InlineData("2", 3, "0.666667")]
    [InlineData("0.000001", 2, "0")] // half a millionth: to the even side
    [InlineData("0.000003", 2, "0.000002")]
    [InlineData("-0.000001", 2, "0")]
    [InlineData("-0.000003", 2, "-0.000002")]
    [InlineData("0.000005", 2, "0.000002")]
    [InlineData("0.000000501", 1, "0.000001")]
    [InlineData("0.0000005", 1, "0")]
    [InlineData("10", 4, "2.5")]
    public void An_average_is_rounded_once_at_six_digits_half_to_even(string sum, long count, string expected)
    {
        Assert.True(TryParse(sum, out Exact value));
        Assert.Equal(expected, Exact.Average(value, count).ToString());
    }

    [Fact]
    public void An_average_is_the_nearest_multiple_of_a_millionth() => Prop.ForAll(
        AnyExact,
        Gen.Choose(1, int.MaxValue).Zip(Gen.Choose(1, 1000)).Select(pair => (long)pair.Item1 * pair.Item2).ToArbitrary(),
        (sum, count) =>
        {
            BigInteger unit = (BigInteger)count * 1000; // average × count × 10^9 = sum: one millionth of the average is this much of the sum
            (BigInteger quotient, BigInteger remainder) = BigInteger.DivRem((BigInteger)sum.Scaled, unit);
            BigInteger floor = remainder < 0 ? quotient - 1 : quotient;
            BigInteger above = (BigInteger)sum.Scaled - (floor * unit);
            int side = (above * 2).CompareTo(unit);
            BigInteger expected = side > 0 || (side == 0 && !floor.IsEven) ? floor + 1 : floor;
            return Agrees(() => Exact.Average(sum, count), expected * 1000);
        }).QuickCheckThrowOnFailure();

    private static bool Agrees(Func<Exact> compute, BigInteger expected)
    {
        try
        {
            return (BigInteger)compute().Scaled == expected;
        }
        catch (OverflowException)
        {
            return expected > Largest || expected < -Largest - 1;
        }
    }

    private static bool TryParse(string json, out Exact value) => Exact.TryParse(Encoding.UTF8.GetBytes(json), out value);
}
