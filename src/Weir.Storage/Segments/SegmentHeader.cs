using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Storage.Segments;

/// <summary>
/// The first 64 bytes of a segment file (docs/internals/segment.md). Little-endian; the uuid as printed.
/// <code>
///  0  magic              8 bytes  "weir.log"
///  8  format version     uint32   1; a higher one is refused
/// 12  uuid, partition    20 bytes LogIdentity
/// 32  base offset        int64    offset of the first record
/// 40  previous length    int64    bytes of the previous segment that belong to the log; 0: this is the first
/// 48  previous last      int32    bytes of the previous segment's last frame; 0: it has no frame
/// 52  previous checksum  uint32   checksum of that frame, or of that segment's header when it has no frame
/// 56  reserved           4 bytes  zero
/// 60  checksum           uint32   CRC-32C of bytes 0..59
/// </code>
/// A segment is created only when the one before is flushed to "previous length". So this header is the seal of the segment
/// before: whatever that file holds beyond the length is not log, and whatever it lacks below is damage, never a tail.
/// </summary>
internal readonly record struct SegmentHeader(LogIdentity Identity, Offset BaseOffset, long PreviousLength, int PreviousLastFrameBytes, uint PreviousChecksum)
{
    public const uint FormatVersion = 1;
    public const int MagicAt = 0;
    public const int VersionAt = MagicAt + 8;
    public const int IdentityAt = VersionAt + sizeof(uint);
    public const int BaseOffsetAt = IdentityAt + LogIdentity.Size;
    public const int PreviousLengthAt = BaseOffsetAt + sizeof(long);
    public const int PreviousLastFrameAt = PreviousLengthAt + sizeof(long);
    public const int PreviousChecksumAt = PreviousLastFrameAt + sizeof(int);
    public const int ReservedAt = PreviousChecksumAt + sizeof(uint);
    public const int ChecksumAt = ReservedAt + 4;
    public const int Size = ChecksumAt + sizeof(uint);

    public static ReadOnlySpan<byte> Magic => "weir.log"u8;

    /// <returns>The header's checksum, which the first frame carries as its previous one.</returns>
    public uint Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[VersionAt..], FormatVersion);
        Identity.Write(destination[IdentityAt..]);
        BinaryPrimitives.WriteInt64LittleEndian(destination[BaseOffsetAt..], BaseOffset.Value);
        BinaryPrimitives.WriteInt64LittleEndian(destination[PreviousLengthAt..], PreviousLength);
        BinaryPrimitives.WriteInt32LittleEndian(destination[PreviousLastFrameAt..], PreviousLastFrameBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[PreviousChecksumAt..], PreviousChecksum);
        uint checksum = Crc32C.Compute(destination[..ChecksumAt]);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[ChecksumAt..], checksum);
        return checksum;
    }

    /// <summary>Reads and checks a header that should be <paramref name="expected"/>'s.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.FormatTooNew"/>: intact, but of a later version. Nothing may be changed.</exception>
    public static bool TryRead(ReadOnlySpan<byte> source, LogIdentity expected, out SegmentHeader header, out uint checksum, out string fault)
    {
        header = default;
        checksum = 0;
        if (source.Length < Size)
        {
            fault = "the file is shorter than a segment header.";
            return false;
        }

        checksum = BinaryPrimitives.ReadUInt32LittleEndian(source[ChecksumAt..]);
        if (!source.StartsWith(Magic) || checksum != Crc32C.Compute(source[..ChecksumAt]))
        {
            fault = "the segment header's magic or checksum does not match.";
            return false;
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(source[VersionAt..]);
        if (version > FormatVersion)
        {
            throw new WeirException(ErrorCode.FormatTooNew, $"A segment of {expected} has format {version}; this version reads up to {FormatVersion}.");
        }

        LogIdentity found = LogIdentity.Read(source[IdentityAt..]);
        if (found != expected)
        {
            fault = $"the segment belongs to {found}, not to {expected}.";
            return false;
        }

        header = new SegmentHeader(
            found,
            new Offset(BinaryPrimitives.ReadInt64LittleEndian(source[BaseOffsetAt..])),
            BinaryPrimitives.ReadInt64LittleEndian(source[PreviousLengthAt..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[PreviousLastFrameAt..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[PreviousChecksumAt..]));
        fault = "";
        return true;
    }
}
