using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Storage.Segments;

/// <summary>Bits of <see cref="Frame.FlagsAt"/>. Frozen.</summary>
[Flags]
internal enum FrameFlags : ushort
{
    None = 0,

    /// <summary>No batch follows: the frame only carries the durable end of a partition that has nothing to write.</summary>
    Idle = 1,
}

/// <summary>
/// One frame: a header, then one record batch v2 (docs/internals/segment.md). Little-endian; the batch itself is big-endian as in Kafka.
/// <code>
///  0  magic         uint16  0x4657, 'W' 'F' on disk
///  2  flags         uint16  bit 0 idle; unknown bits: the frame is not ours
///  4  batch length  int32   bytes after this header; 0 exactly when idle
///  8  checksum      uint32  CRC-32C, register started from the identity (LogIdentity.FrameSeed),
///                           over bytes 0..7, 12..31 and the batch's first 21 bytes
/// 12  previous      uint32  checksum of the frame before; of the first frame in a file: checksum of the file header
/// 16  append time   int64   epoch milliseconds, never below the frame before
/// 24  durable end   int64   offset (exclusive) up to which the log was flushed when this frame was written
/// 32  batch
/// </code>
/// The batch's own CRC covers the rest of it and is among the 21 bytes, so the checksums chain over every byte of the log.
/// Version: changes come with a new format version in the segment header.
/// </summary>
internal readonly struct Frame
{
    public const ushort MagicValue = 0x4657;
    public const int MagicAt = 0;
    public const int FlagsAt = MagicAt + sizeof(ushort);
    public const int BatchLengthAt = FlagsAt + sizeof(ushort);
    public const int ChecksumAt = BatchLengthAt + sizeof(int);
    public const int PreviousAt = ChecksumAt + sizeof(uint);
    public const int AppendTimeAt = PreviousAt + sizeof(uint);
    public const int DurableEndAt = AppendTimeAt + sizeof(long);
    public const int HeaderBytes = DurableEndAt + sizeof(long);

    /// <summary>Largest batch that the format takes; a declared length above it is damage. Bounds what a reader must hold.</summary>
    public const int MaxBatchBytes = 64 << 20;

    private Frame(FrameFlags flags, int batchLength, uint checksum, uint previous, long appendTimeMs, Offset durableEnd)
    {
        Flags = flags;
        BatchLength = batchLength;
        Checksum = checksum;
        Previous = previous;
        AppendTimeMs = appendTimeMs;
        DurableEnd = durableEnd;
    }

    public FrameFlags Flags { get; }
    public int BatchLength { get; }
    public uint Checksum { get; }
    public uint Previous { get; }
    public long AppendTimeMs { get; }
    public Offset DurableEnd { get; }

    public bool IsIdle => (Flags & FrameFlags.Idle) != 0;

    /// <summary>Header and batch.</summary>
    public int TotalBytes => HeaderBytes + BatchLength;

    /// <summary>Writes the header in front of <paramref name="batch"/>, which is stamped already; empty for an idle frame.</summary>
    /// <returns>The frame's checksum, which the next frame carries as its previous one.</returns>
    public static uint Write(Span<byte> header, uint seed, ReadOnlySpan<byte> batch, uint previous, long appendTimeMs, Offset durableEnd)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(header[MagicAt..], MagicValue);
        BinaryPrimitives.WriteUInt16LittleEndian(header[FlagsAt..], (ushort)(batch.IsEmpty ? FrameFlags.Idle : FrameFlags.None));
        BinaryPrimitives.WriteInt32LittleEndian(header[BatchLengthAt..], batch.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[PreviousAt..], previous);
        BinaryPrimitives.WriteInt64LittleEndian(header[AppendTimeAt..], appendTimeMs);
        BinaryPrimitives.WriteInt64LittleEndian(header[DurableEndAt..], durableEnd.Value);
        uint checksum = ComputeChecksum(header, seed, batch);
        BinaryPrimitives.WriteUInt32LittleEndian(header[ChecksumAt..], checksum);
        return checksum;
    }

    /// <summary>
    /// Reads and checks the frame at the start of <paramref name="source"/>: its header, and the part of the batch that the
    /// frame's checksum covers. The batch's own CRC is not checked, and neither is the place in the chain.
    /// </summary>
    /// <returns>False for anything that is not a whole, intact frame header; then <paramref name="fault"/> says why.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, uint seed, out Frame frame, out string fault)
    {
        frame = default;
        if (source.Length < HeaderBytes)
        {
            fault = "the file ends inside a frame header.";
            return false;
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(source) != MagicValue)
        {
            fault = "no frame begins here.";
            return false;
        }

        var flags = (FrameFlags)BinaryPrimitives.ReadUInt16LittleEndian(source[FlagsAt..]);
        int batchLength = BinaryPrimitives.ReadInt32LittleEndian(source[BatchLengthAt..]);
        bool idle = flags == FrameFlags.Idle;
        if ((flags & ~FrameFlags.Idle) != 0
            || (idle ? batchLength != 0 : batchLength is < RecordBatch.HeaderBytes or > MaxBatchBytes))
        {
            fault = "the frame's flags or length are impossible.";
            return false;
        }

        int covered = idle ? 0 : RecordBatch.UncoveredBytes;
        if (source.Length < HeaderBytes + covered)
        {
            fault = "the file ends inside a frame.";
            return false;
        }

        uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(source[ChecksumAt..]);
        if (checksum != ComputeChecksum(source, seed, source.Slice(HeaderBytes, covered)))
        {
            fault = "the frame's checksum does not match its bytes.";
            return false;
        }

        frame = new Frame(
            flags,
            batchLength,
            checksum,
            BinaryPrimitives.ReadUInt32LittleEndian(source[PreviousAt..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[AppendTimeAt..]),
            new Offset(BinaryPrimitives.ReadInt64LittleEndian(source[DurableEndAt..])));
        fault = "";
        return true;
    }

    private static uint ComputeChecksum(ReadOnlySpan<byte> header, uint seed, ReadOnlySpan<byte> batch)
    {
        uint register = Crc32C.Append(seed, header[..ChecksumAt]);
        register = Crc32C.Append(register, header[PreviousAt..HeaderBytes]);
        return ~Crc32C.Append(register, batch.IsEmpty ? batch : batch[..RecordBatch.UncoveredBytes]);
    }
}
