using System.Buffers.Binary;
using System.Numerics;

namespace Weir.Storage.Compression;

/// <summary>The checksum of LZ4 frames, seed 0. Source: Cyan4973/xxHash, the specification.</summary>
internal static class XxHash32
{
    private const uint Prime1 = 0x9E3779B1, Prime2 = 0x85EBCA77, Prime3 = 0xC2B2AE3D, Prime4 = 0x27D4EB2F, Prime5 = 0x165667B1;

    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        unchecked
        {
            uint hash;
            uint length = (uint)bytes.Length;
            if (bytes.Length >= 16)
            {
                uint a = Prime1 + Prime2, b = Prime2, c = 0, d = 0 - Prime1;
                while (bytes.Length >= 16)
                {
                    a = Round(a, bytes);
                    b = Round(b, bytes[4..]);
                    c = Round(c, bytes[8..]);
                    d = Round(d, bytes[12..]);
                    bytes = bytes[16..];
                }

                hash = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7) + BitOperations.RotateLeft(c, 12) + BitOperations.RotateLeft(d, 18);
            }
            else
            {
                hash = Prime5;
            }

            hash += length;
            for (; bytes.Length >= 4; bytes = bytes[4..])
            {
                hash = BitOperations.RotateLeft(hash + (BinaryPrimitives.ReadUInt32LittleEndian(bytes) * Prime3), 17) * Prime4;
            }

            foreach (byte one in bytes)
            {
                hash = BitOperations.RotateLeft(hash + (one * Prime5), 11) * Prime1;
            }

            hash = (hash ^ (hash >> 15)) * Prime2;
            hash = (hash ^ (hash >> 13)) * Prime3;
            return hash ^ (hash >> 16);
        }
    }

    private static uint Round(uint lane, ReadOnlySpan<byte> bytes) =>
        unchecked(BitOperations.RotateLeft(lane + (BinaryPrimitives.ReadUInt32LittleEndian(bytes) * Prime2), 13) * Prime1);
}
