using System.Buffers.Binary;
using System.Numerics;

namespace Weir.Core;

/// <summary>CRC-32C (Castagnoli), as in Kafka record batches and in frames. Hardware instruction where there is one.</summary>
public static class Crc32C
{
    // The instruction takes three cycles and one may begin each cycle: three registers run side by side over neighbouring lanes. A lane is long enough that joining them costs little.
    private const int LaneBytes = 256;

    private static readonly uint[] OverLane = MakeOverLane();

    /// <summary>CRC of <paramref name="bytes"/> in the standard form: initial value and final XOR of all ones.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => ~Append(uint.MaxValue, bytes);

    /// <summary>Continues a raw CRC register (not inverted). <c>Compute(x) == ~Append(0xFFFFFFFF, x)</c>.</summary>
    public static uint Append(uint register, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= 3 * LaneBytes)
        {
            ReadOnlySpan<byte> first = bytes[..LaneBytes];
            ReadOnlySpan<byte> second = bytes.Slice(LaneBytes, LaneBytes);
            ReadOnlySpan<byte> third = bytes.Slice(2 * LaneBytes, LaneBytes);
            uint middle = 0;
            uint last = 0;
            for (int at = 0; at < LaneBytes; at += sizeof(ulong))
            {
                register = BitOperations.Crc32C(register, BinaryPrimitives.ReadUInt64LittleEndian(first[at..]));
                middle = BitOperations.Crc32C(middle, BinaryPrimitives.ReadUInt64LittleEndian(second[at..]));
                last = BitOperations.Crc32C(last, BinaryPrimitives.ReadUInt64LittleEndian(third[at..]));
            }

            register = PassLane(PassLane(register) ^ middle) ^ last;
            bytes = bytes[(3 * LaneBytes)..];
        }

        while (bytes.Length >= sizeof(ulong))
        {
            register = BitOperations.Crc32C(register, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (byte b in bytes)
        {
            register = BitOperations.Crc32C(register, b);
        }

        return register;
    }

    /// <summary>The register after a lane of zeros. The code is linear: with it, what a lane alone gives is joined to what lies before it.</summary>
    private static uint PassLane(uint register)
    {
        uint[] over = OverLane;
        return over[register & 0xFF] ^ over[256 + ((register >> 8) & 0xFF)] ^ over[512 + ((register >> 16) & 0xFF)] ^ over[768 + (register >> 24)];
    }

    private static uint[] MakeOverLane()
    {
        var over = new uint[4 * 256];
        for (int i = 0; i < over.Length; i++)
        {
            uint register = (uint)(i & 0xFF) << (i / 256 * 8);
            for (int at = 0; at < LaneBytes; at += sizeof(ulong))
            {
                register = BitOperations.Crc32C(register, 0UL);
            }

            over[i] = register;
        }

        return over;
    }
}
