using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Storage.Snapshots;

/// <summary>Kinds of block. Frozen.</summary>
internal enum SnapshotBlock
{
    /// <summary>Payload: the section's name, UTF-8.</summary>
    Section = 1,

    /// <summary>Payload: the next bytes of the section.</summary>
    Chunk = 2,

    /// <summary>No payload; nothing follows. A file without it was not finished.</summary>
    End = 3,
}

/// <summary>
/// Snapshot and base files (docs/internals/snapshot.md). Little-endian. A header, then blocks:
/// <code>
///  0  magic           8 bytes  "weir.snp"
///  8  format version  uint32   1; a higher one is not used
/// 12  uuid, partition 20 bytes LogIdentity
/// 32  offset          int64    the state covers all records below it
/// 40  reserved        20 bytes zero
/// 60  checksum        uint32   CRC-32C of bytes 0..59
///
///  0  kind            int32    SnapshotBlock
///  4  length          int32    bytes of payload, at most 256 KiB
///  8  checksum        uint32   CRC-32C, register started from the block before (the header's, for the first), over kind, length and payload
/// 12  payload
/// </code>
/// Each checksum starts from the one before, so the last block's checksum stands for the whole file.
/// </summary>
internal static class SnapshotFormat
{
    public const uint Version = 1;
    public const int IdentityAt = 12;
    public const int OffsetAt = IdentityAt + LogIdentity.Size;
    public const int ChecksumAt = 60;
    public const int HeaderBytes = ChecksumAt + sizeof(uint);

    public const int BlockHeaderBytes = 12;
    public const int MaxPayloadBytes = 256 << 10;
    public const int MaxNameBytes = 255;

    public static ReadOnlySpan<byte> Magic => "weir.snp"u8;

    /// <returns>The header's checksum.</returns>
    public static uint WriteHeader(Span<byte> destination, LogIdentity identity, Offset offset)
    {
        destination[..HeaderBytes].Clear();
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Version);
        identity.Write(destination[IdentityAt..]);
        BinaryPrimitives.WriteInt64LittleEndian(destination[OffsetAt..], offset.Value);
        uint checksum = Crc32C.Compute(destination[..ChecksumAt]);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[ChecksumAt..], checksum);
        return checksum;
    }

    /// <summary>True for an intact header of exactly this log and offset.</summary>
    public static bool IsHeader(ReadOnlySpan<byte> source, LogIdentity identity, Offset offset, out uint checksum)
    {
        checksum = 0;
        if (source.Length < HeaderBytes || !source.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(source[8..]) != Version
            || LogIdentity.Read(source[IdentityAt..]) != identity
            || BinaryPrimitives.ReadInt64LittleEndian(source[OffsetAt..]) != offset.Value)
        {
            return false;
        }

        checksum = BinaryPrimitives.ReadUInt32LittleEndian(source[ChecksumAt..]);
        return checksum == Crc32C.Compute(source[..ChecksumAt]);
    }

    /// <summary>Fills in the header of a block whose payload is in place behind it.</summary>
    /// <returns>The block's checksum.</returns>
    public static uint WriteBlockHeader(Span<byte> block, SnapshotBlock kind, uint previous)
    {
        BinaryPrimitives.WriteInt32LittleEndian(block, (int)kind);
        BinaryPrimitives.WriteInt32LittleEndian(block[4..], block.Length - BlockHeaderBytes);
        uint checksum = BlockChecksum(block[..8], block[BlockHeaderBytes..], previous);
        BinaryPrimitives.WriteUInt32LittleEndian(block[8..], checksum);
        return checksum;
    }

    public static uint BlockChecksum(ReadOnlySpan<byte> kindAndLength, ReadOnlySpan<byte> payload, uint previous) =>
        ~Crc32C.Append(Crc32C.Append(~previous, kindAndLength), payload);
}
