using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Weir.Core;

/// <summary>
/// SipHash-1-3 with 128-bit output (Aumasson and Bernstein; the rounds Rust and Python use): the keyed hash of owners and identities.
/// Keyed with the stream's secret, so nobody outside can aim two owners at one table entry; the same on every machine, so snapshots can hold it.
/// </summary>
/// <param name="K0">First half of the secret.</param>
/// <param name="K1">Second half of the secret.</param>
public readonly record struct KeyedHash(ulong K0, ulong K1)
{
    /// <summary>Reads the secret from 16 bytes, little-endian.</summary>
    public static KeyedHash FromBytes(ReadOnlySpan<byte> secret) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(secret), BinaryPrimitives.ReadUInt64LittleEndian(secret[8..]));

    /// <summary>128-bit hash of <paramref name="bytes"/>.</summary>
    public UInt128 Hash(ReadOnlySpan<byte> bytes) => Hash(bytes, compressionRounds: 1, finalRounds: 3);

    /// <summary>
    /// 24 bits that tell two ids apart well enough for the choice between <c>duplicate</c> and <c>taken</c>, neither of which counts, and that say
    /// which payloads are worth comparing whole: CRC-32C under the secret. Two that differ meet with probability 2^-24.
    /// </summary>
    public uint Fingerprint(ReadOnlySpan<byte> bytes) => Crc32C.Append(unchecked((uint)(K0 ^ (K1 >> 32))) ^ unchecked((uint)bytes.Length), bytes) & 0xFF_FFFF;

    /// <summary>The general form; the published vectors are for 2 and 4 rounds, so tests call it with those.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal UInt128 Hash(ReadOnlySpan<byte> bytes, int compressionRounds, int finalRounds)
    {
        unchecked
        {
            ulong v0 = K0 ^ 0x736f6d6570736575;
            ulong v1 = K1 ^ 0x646f72616e646f6d ^ 0xee;
            ulong v2 = K0 ^ 0x6c7967656e657261;
            ulong v3 = K1 ^ 0x7465646279746573;

            ulong last = (ulong)bytes.Length << 56;
            while (bytes.Length >= 8)
            {
                ulong block = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                v3 ^= block;
                Rounds(compressionRounds, ref v0, ref v1, ref v2, ref v3);
                v0 ^= block;
                bytes = bytes[8..];
            }

            for (int i = 0; i < bytes.Length; i++)
            {
                last |= (ulong)bytes[i] << (8 * i);
            }

            v3 ^= last;
            Rounds(compressionRounds, ref v0, ref v1, ref v2, ref v3);
            v0 ^= last;

            v2 ^= 0xee;
            Rounds(finalRounds, ref v0, ref v1, ref v2, ref v3);
            ulong low = v0 ^ v1 ^ v2 ^ v3;
            v1 ^= 0xdd;
            Rounds(finalRounds, ref v0, ref v1, ref v2, ref v3);
            return new UInt128(v0 ^ v1 ^ v2 ^ v3, low);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rounds(int count, ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        unchecked
        {
            for (int i = 0; i < count; i++)
            {
                v0 += v1;
                v2 += v3;
                v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
                v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
                v0 = BitOperations.RotateLeft(v0, 32);
                v2 += v1;
                v0 += v3;
                v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
                v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
                v2 = BitOperations.RotateLeft(v2, 32);
            }
        }
    }
}
