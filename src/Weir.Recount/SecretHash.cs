using System.Buffers.Binary;
using System.Numerics;
using Weir.Core;

namespace Weir.Recount;

/// <summary>
/// SipHash-1-3 with 128 bits under the stream's secret, as docs/internals/keys.md has it: what stands for an owner, an identity or a payload here.
/// Written from the paper, and on purpose without Weir.Core's KeyedHash: a fault there, which would make one owner of two, is not repeated here.
/// The log without a base is counted with all 128 bits: two of a billion owners meet with probability 10^-21. A base holds 96.
/// </summary>
/// <param name="secret">16 bytes.</param>
internal sealed class SecretHash(ReadOnlySpan<byte> secret)
{
    private readonly ulong _k0 = BinaryPrimitives.ReadUInt64LittleEndian(secret);
    private readonly ulong _k1 = BinaryPrimitives.ReadUInt64LittleEndian(secret[8..]);

    /// <summary>The hash: its first word is the lower half.</summary>
    public UInt128 Of(ReadOnlySpan<byte> bytes)
    {
        unchecked
        {
            ulong a = _k0 ^ 0x736f6d6570736575, b = _k1 ^ 0x646f72616e646f6d ^ 0xee, c = _k0 ^ 0x6c7967656e657261, d = _k1 ^ 0x7465646279746573;
            int whole = bytes.Length & ~7;
            for (int at = 0; at < whole; at += 8)
            {
                ulong word = BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
                d ^= word;
                Round(ref a, ref b, ref c, ref d);
                a ^= word;
            }

            Span<byte> rest = stackalloc byte[8];
            rest.Clear();
            bytes[whole..].CopyTo(rest);
            rest[7] = (byte)bytes.Length;
            ulong last = BinaryPrimitives.ReadUInt64LittleEndian(rest);
            d ^= last;
            Round(ref a, ref b, ref c, ref d);
            a ^= last;

            c ^= 0xee;
            Rounds3(ref a, ref b, ref c, ref d);
            ulong first = a ^ b ^ c ^ d;
            b ^= 0xdd;
            Rounds3(ref a, ref b, ref c, ref d);
            return new UInt128(upper: a ^ b ^ c ^ d, lower: first);
        }
    }

    /// <summary>The 24 bits that a base holds of an identity or a payload: CRC-32C, its register begun from secret and length.</summary>
    public uint Print24(ReadOnlySpan<byte> bytes) => Crc32C.Append(unchecked((uint)(_k0 ^ (_k1 >> 32)) ^ (uint)bytes.Length), bytes) & 0xFF_FFFF;

    private static void Rounds3(ref ulong a, ref ulong b, ref ulong c, ref ulong d)
    {
        Round(ref a, ref b, ref c, ref d);
        Round(ref a, ref b, ref c, ref d);
        Round(ref a, ref b, ref c, ref d);
    }

    private static void Round(ref ulong a, ref ulong b, ref ulong c, ref ulong d)
    {
        unchecked
        {
            a += b;
            b = BitOperations.RotateLeft(b, 13) ^ a;
            a = BitOperations.RotateLeft(a, 32);
            c += d;
            d = BitOperations.RotateLeft(d, 16) ^ c;
            a += d;
            d = BitOperations.RotateLeft(d, 21) ^ a;
            c += b;
            b = BitOperations.RotateLeft(b, 17) ^ c;
            c = BitOperations.RotateLeft(c, 32);
        }
    }
}
