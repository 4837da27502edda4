using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Storage.Verdicts;

/// <summary>
/// Verdict files (docs/internals/verdicts.md), one beside each segment. Little-endian. A header, then blocks of fixed size:
/// <code>
///  0  magic           8 bytes  "weir.vdt"
///  8  format version  uint32   1
/// 12  uuid, partition 20 bytes LogIdentity
/// 32  base offset     int64    of the segment
/// 40  flags           uint32   bit 0: each record also has the offset that it replaced
/// 44  reserved        16 bytes zero
/// 60  checksum        uint32   CRC-32C of bytes 0..59
///
/// block n, for the records from base offset + 4096 n on:
///   verdicts   4096 bytes      per record: low nibble verdict, high nibble reason (Weir.Core.Verdict); unused ones 0
///   replaced   4096 int64      only with flag bit 0; means something where the verdict is "replaced"
///   count      int32           records in this block
///   checksum   uint32          CRC-32C of the block so far and its first offset (int64)
/// </code>
/// </summary>
internal static class VerdictFormat
{
    public const uint Version = 1;
    public const int IdentityAt = 12;
    public const int BaseOffsetAt = IdentityAt + LogIdentity.Size;
    public const int FlagsAt = BaseOffsetAt + sizeof(long);
    public const int ChecksumAt = 60;
    public const int HeaderBytes = ChecksumAt + sizeof(uint);

    public const uint ReplacedFlag = 1;

    public const int BlockRecords = 4096;

    public static ReadOnlySpan<byte> Magic => "weir.vdt"u8;

    public static int BlockBytes(bool withReplaced) => CountAt(withReplaced) + sizeof(int) + sizeof(uint);

    public static int CountAt(bool withReplaced) => BlockRecords + (withReplaced ? BlockRecords * sizeof(long) : 0);

    public static long BlockPosition(long block, bool withReplaced) => HeaderBytes + (block * BlockBytes(withReplaced));

    public static void WriteHeader(Span<byte> destination, LogIdentity identity, Offset baseOffset, bool withReplaced)
    {
        destination[..HeaderBytes].Clear();
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Version);
        identity.Write(destination[IdentityAt..]);
        BinaryPrimitives.WriteInt64LittleEndian(destination[BaseOffsetAt..], baseOffset.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[FlagsAt..], withReplaced ? ReplacedFlag : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[ChecksumAt..], Crc32C.Compute(destination[..ChecksumAt]));
    }

    public static bool IsHeader(ReadOnlySpan<byte> source, LogIdentity identity, Offset baseOffset, bool withReplaced)
    {
        Span<byte> expected = stackalloc byte[HeaderBytes];
        WriteHeader(expected, identity, baseOffset, withReplaced);
        return source.SequenceEqual(expected);
    }

    public static void SealBlock(Span<byte> block, int count, Offset firstOffset)
    {
        BinaryPrimitives.WriteInt32LittleEndian(block[^8..], count);
        BinaryPrimitives.WriteUInt32LittleEndian(block[^4..], BlockChecksum(block, firstOffset));
    }

    /// <returns>Number of records in the block; -1 when it is damaged or not this one.</returns>
    public static int ReadBlockCount(ReadOnlySpan<byte> block, Offset firstOffset)
    {
        int count = BinaryPrimitives.ReadInt32LittleEndian(block[^8..]);
        bool intact = BinaryPrimitives.ReadUInt32LittleEndian(block[^4..]) == BlockChecksum(block, firstOffset);
        return intact && count is > 0 and <= BlockRecords ? count : -1;
    }

    private static uint BlockChecksum(ReadOnlySpan<byte> block, Offset firstOffset)
    {
        Span<byte> offset = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(offset, firstOffset.Value);
        return ~Crc32C.Append(Crc32C.Append(uint.MaxValue, block[..^4]), offset);
    }
}
