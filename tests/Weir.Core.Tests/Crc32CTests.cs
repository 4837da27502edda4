using Weir.Core;

namespace Weir.Core.Tests;

public sealed class Crc32CTests
{
    [Fact]
    public void The_check_value_of_the_catalogue_holds() => Assert.Equal(0xE3069283u, Crc32C.Compute("123456789"u8));

    // RFC 3720, appendix B.4.
    [Fact]
    public void The_vectors_of_iSCSI_hold()
    {
        var ascending = new byte[32];
        for (int i = 0; i < ascending.Length; i++)
        {
            ascending[i] = (byte)i;
        }

        var ones = new byte[32];
        Array.Fill(ones, (byte)0xFF);

        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Compute(ones));
        Assert.Equal(0x46DD794Eu, Crc32C.Compute(ascending));
    }

    [Fact]
    public void A_register_continued_at_any_byte_ends_at_the_same_value()
    {
        byte[] bytes = [.. "The log is the truth. Everything else is a pure function of it."u8];
        uint whole = Crc32C.Compute(bytes);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            uint register = Crc32C.Append(uint.MaxValue, bytes.AsSpan(0, cut));
            Assert.Equal(whole, ~Crc32C.Append(register, bytes.AsSpan(cut)));
        }
    }

    /// <summary>The oracle goes bit by bit, as the polynomial is defined.</summary>
    [Fact]
    public void Every_length_gives_what_the_polynomial_gives()
    {
        var bytes = new byte[4000];
        new Random(1).NextBytes(bytes);
        uint register = uint.MaxValue;
        for (int length = 0; length <= bytes.Length; length++)
        {
            Assert.Equal(register, Crc32C.Append(uint.MaxValue, bytes.AsSpan(0, length)));
            if (length < bytes.Length)
            {
                register ^= bytes[length];
                for (int bit = 0; bit < 8; bit++)
                {
                    register = (register >> 1) ^ ((register & 1) * 0x82F63B78u);
                }
            }
        }
    }
}
