using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Weir.Engine;

/// <summary>
/// 64-bit hash of group keys by folded multiplication (the scheme of wyhash). Seeded, so that nobody outside can aim many
/// keys at one slot; never stored, so the seed is no part of any state.
/// </summary>
internal static class GroupHash
{
    private const ulong P0 = 0xa0761d6478bd642f;
    private const ulong P1 = 0xe7037ed1a0b428db;

    public static ulong Of(ReadOnlySpan<byte> key, ulong seed)
    {
        unchecked
        {
            ulong hash = seed ^ P0;
            int length = key.Length;
            while (key.Length > 16)
            {
                hash = Fold(Read8(key) ^ P1, Read8(key[8..]) ^ hash);
                key = key[16..];
            }

            ulong low = 0;
            ulong high = 0;
            if (key.Length >= 8)
            {
                low = Read8(key);
                high = Read8(key[^8..]);
            }
            else if (key.Length >= 4)
            {
                low = BinaryPrimitives.ReadUInt32LittleEndian(key);
                high = BinaryPrimitives.ReadUInt32LittleEndian(key[^4..]);
            }
            else if (key.Length > 0)
            {
                low = key[0] | ((ulong)key[key.Length / 2] << 8) | ((ulong)key[^1] << 16);
            }

            return Fold(P1 ^ (ulong)length, Fold(low ^ P1, high ^ hash));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Read8(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong left, ulong right)
    {
        ulong high = Math.BigMul(left, right, out ulong low);
        return high ^ low;
    }
}
