using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Core.Tests;

public sealed class KeyedHashTests
{
    private static readonly byte[] Counting = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];

    // The reference implementation's vectors.h, 128-bit output, key 00..0f, input 00..(length-1).
    [Theory]
    [InlineData(0, "a3817f04ba25a8e66df67214c7550293")]
    [InlineData(1, "da87c1d86b99af44347659119b22fc45")]
    [InlineData(2, "8177228da4a45dc7fca38bdef60affe4")]
    [InlineData(3, "9c70b60c5267a94e5f33b6b02985ed51")]
    [InlineData(4, "f88164c12d9c8faf7d0f6e7c7bcd5579")]
    [InlineData(5, "1368875980776f8854527a07690e9627")]
    [InlineData(6, "14eeca338b208613485ea0308fd7a15e")]
    [InlineData(7, "a1f1ebbed8dbc153c0b84aa61ff08239")]
    [InlineData(8, "3b62a9ba6258f5610f83e264f31497b4")]
    [InlineData(9, "264499060ad9baabc47f8b02bb6d71ed")]
    [InlineData(15, "5493e99933b0a8117e08ec0f97cfc3d9")]
    public void With_two_and_four_rounds_the_published_vectors_hold(int length, string expected)
    {
        KeyedHash hash = KeyedHash.FromBytes(Counting.AsSpan(0, 16));
        UInt128 value = hash.Hash(Counting.AsSpan(0, length), compressionRounds: 2, finalRounds: 4);

        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, value);
        Assert.Equal(expected, Convert.ToHexStringLower(bytes));
    }

    [Fact]
    public void Another_secret_gives_another_hash_and_another_fingerprint()
    {
        var one = new KeyedHash(1, 2);
        var other = new KeyedHash(1, 3);
        Assert.NotEqual(one.Hash("user-1"u8), other.Hash("user-1"u8));
        Assert.NotEqual(one.Fingerprint("user-1"u8), new KeyedHash(9, 2).Fingerprint("user-1"u8));
    }

    [Fact]
    public void Inputs_of_every_length_up_to_64_have_hashes_of_their_own()
    {
        KeyedHash hash = KeyedHash.FromBytes(Counting.AsSpan(0, 16));
        var seen = new HashSet<UInt128>();
        for (int length = 0; length <= Counting.Length; length++)
        {
            Assert.True(seen.Add(hash.Hash(new byte[length])));
        }
    }

    [Fact]
    public void A_fingerprint_has_24_bits() => Assert.True(new KeyedHash(ulong.MaxValue, 7).Fingerprint(Counting) < 1 << 24);
}
