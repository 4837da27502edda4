using FsCheck;
using FsCheck.Fluent;
using Weir.Core;

namespace Weir.Core.Tests;

public sealed class VarintTests
{
    // Apache Kafka, ByteUtilsTest.java, testWriteVarlong.
    [Theory]
    [InlineData(0L, "00")]
    [InlineData(-1L, "01")]
    [InlineData(1L, "02")]
    [InlineData(63L, "7e")]
    [InlineData(-64L, "7f")]
    [InlineData(64L, "8001")]
    [InlineData(-65L, "8101")]
    [InlineData(8191L, "fe7f")]
    [InlineData(-8192L, "ff7f")]
    [InlineData(8192L, "808001")]
    [InlineData(int.MaxValue, "feffffff0f")]
    [InlineData(int.MinValue, "ffffffff0f")]
    [InlineData(long.MaxValue, "feffffffffffffffff01")]
    [InlineData(long.MinValue, "ffffffffffffffffff01")]
    public void Values_have_their_literal_bytes_both_ways(long value, string hex)
    {
        Span<byte> buffer = stackalloc byte[Varint.MaxBytes];
        int written = Varint.Write(buffer, value);
        Assert.Equal(hex, Convert.ToHexStringLower(buffer[..written]));
        Assert.Equal(written, Varint.SizeOf(value));

        int position = 0;
        Assert.True(Varint.TryRead(Convert.FromHexString(hex), ref position, out long read));
        Assert.Equal(value, read);
        Assert.Equal(written, position);
    }

    [Fact]
    public void Any_value_reads_back_from_exactly_its_bytes_and_from_no_prefix_of_them()
    {
        // Shifting spreads the cases over all ten lengths; FsCheck's own longs are small.
        Prop.ForAll(Gen.Choose(int.MinValue, int.MaxValue).Two().Zip(Gen.Choose(0, 63)).ToArbitrary(), sample =>
        {
            long value = unchecked(((long)sample.Item1.Item1 << 32) ^ sample.Item1.Item2) >> sample.Item2;
            var buffer = new byte[Varint.MaxBytes];
            int written = Varint.Write(buffer, value);
            for (int cut = 0; cut < written; cut++)
            {
                int unmoved = 0;
                Assert.False(Varint.TryRead(buffer.AsSpan(0, cut), ref unmoved, out _));
                Assert.Equal(0, unmoved);
            }

            int position = 0;
            return Varint.TryRead(buffer.AsSpan(0, written), ref position, out long read)
                && read == value && position == written && written == Varint.SizeOf(value);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void An_eleventh_byte_is_not_read()
    {
        int position = 0;
        Assert.False(Varint.TryRead(Convert.FromHexString("8080808080808080808001"), ref position, out _));
    }
}
