using System.Buffers.Binary;

namespace Weir.Core;

/// <summary>How a key chooses its partition. Numbers are on the wire of definitions as words, so only the words are frozen.</summary>
public enum PartitionerKind
{
    /// <summary>Kafka's Java client: murmur2 with its seed, sign bit cleared, modulo.</summary>
    Murmur2,

    /// <summary>librdkafka's default (<c>consistent_random</c>): CRC-32 (IEEE), modulo.</summary>
    Crc32,
}

/// <summary>Key bytes to partition number, bit for bit as Kafka's clients do it. Golden vectors: docs/internals/keys.md.</summary>
public static class Partitioner
{
    /// <summary>The partition, in <c>[0, partitions)</c>, of a record with this key.</summary>
    public static int PartitionOf(PartitionerKind kind, ReadOnlySpan<byte> key, int partitions)
    {
        uint hash = kind == PartitionerKind.Murmur2 ? Murmur2(key) & 0x7FFF_FFFF : Crc32(key);
#if WEIR_PLANTED
        if (Planted.HashOfProcess)
        {
#pragma warning disable RS0030 // That is the defect.
            hash = unchecked((uint)Convert.ToHexString(key).GetHashCode());
#pragma warning restore RS0030
        }
#endif
        return (int)(hash % (uint)partitions);
    }

    /// <summary>Kafka's <c>Utils.murmur2</c> as an unsigned number.</summary>
    public static uint Murmur2(ReadOnlySpan<byte> key)
    {
        const uint Seed = 0x9747b28c;
        const uint M = 0x5bd1e995;
        unchecked
        {
            uint h = Seed ^ (uint)key.Length;
            ReadOnlySpan<byte> rest = key;
            while (rest.Length >= 4)
            {
                uint k = BinaryPrimitives.ReadUInt32LittleEndian(rest) * M;
                k ^= k >> 24;
                h = (h * M) ^ (k * M);
                rest = rest[4..];
            }

            if (rest.Length > 0)
            {
                uint tail = rest[0];
                if (rest.Length > 1)
                {
                    tail |= (uint)rest[1] << 8;
                }

                if (rest.Length > 2)
                {
                    tail |= (uint)rest[2] << 16;
                }

                h = (h ^ tail) * M;
            }

            h = (h ^ (h >> 13)) * M;
            return h ^ (h >> 15);
        }
    }

    /// <summary>CRC-32 (IEEE 802.3, reflected), as zlib's <c>crc32</c>.</summary>
    public static uint Crc32(ReadOnlySpan<byte> key)
    {
        uint register = uint.MaxValue;
        foreach (byte b in key)
        {
            register = Crc32Table[(register ^ b) & 0xFF] ^ (register >> 8);
        }

        return ~register;
    }

    private static readonly uint[] Crc32Table = MakeCrc32Table();

    private static uint[] MakeCrc32Table()
    {
        var table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value & 1) != 0 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1;
            }

            table[i] = value;
        }

        return table;
    }
}
