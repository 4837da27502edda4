using System.Buffers.Binary;
using System.Numerics;

namespace Weir.Core;

/// <summary>CRC-32C (Castagnoli), as in Kafka record batches and in frames. Hardware instruction where there is one.</summary>
public static class Crc32C
{
    /// <summary>CRC of <paramref name="bytes"/> in the standard form: initial value and final XOR of all ones.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => ~Append(uint.MaxValue, bytes);

    /// <summary>Continues a raw CRC register (not inverted). <c>Compute(x) == ~Append(0xFFFFFFFF, x)</c>.</summary>
    public static uint Append(uint register, ReadOnlySpan<byte> bytes)
    {
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
}
