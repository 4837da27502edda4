using System.Buffers.Binary;
using System.Globalization;
using Weir.Core;

namespace Weir.Storage;

/// <summary>
/// Whose bytes these are: written into every file header and mixed into every frame's checksum, so that a file, a page or a
/// frame of another stream or partition never passes as this one's.
/// </summary>
/// <param name="StreamId">The stream's uuid.</param>
/// <param name="Partition">0-based.</param>
public readonly record struct LogIdentity(Guid StreamId, int Partition)
{
    /// <summary>Bytes of <see cref="Write"/>: uuid (big-endian, as printed) and partition (little-endian).</summary>
    public const int Size = 16 + sizeof(int);

    /// <summary>
    /// The CRC-32C register that frame checksums start from. Never the standard start value, so a plain CRC does not match;
    /// and since it is not zero, bytes of zeros do not either.
    /// </summary>
    internal uint FrameSeed
    {
        get
        {
            Span<byte> bytes = stackalloc byte[Size];
            Write(bytes);
            uint register = Crc32C.Append(uint.MaxValue, bytes);
            return register is 0 or uint.MaxValue ? 0x5745_4952 : register;
        }
    }

    internal void Write(Span<byte> destination)
    {
        _ = StreamId.TryWriteBytes(destination, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32LittleEndian(destination[16..], Partition);
    }

    internal static LogIdentity Read(ReadOnlySpan<byte> source) =>
        new(new Guid(source[..16], bigEndian: true), BinaryPrimitives.ReadInt32LittleEndian(source[16..]));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{StreamId}/{Partition}");
}
