using System.Buffers.Binary;

namespace Weir.Core;

/// <summary>
/// A view over the bytes of one Kafka record batch, format v2 (KIP-98), big-endian:
/// <code>
///  0  base offset          int64    outside the CRC: the log fills it in
///  8  batch length         int32    bytes after this field
/// 12  partition leader epoch int32  outside the CRC: the log fills it in
/// 16  magic                int8     2
/// 17  crc                  uint32   CRC-32C of everything from byte 21 on
/// 21  attributes           int16    bits 0-2 codec, 3 timestamp type, 4 transactional, 5 control
/// 23  last offset delta    int32
/// 27  base timestamp       int64    client's, data only
/// 35  max timestamp        int64
/// 43  producer id          int64    -1: none
/// 51  producer epoch       int16
/// 53  base sequence        int32
/// 57  record count         int32
/// 61  records              compressed as one block when a codec is set
/// </code>
/// Source: Apache Kafka, DefaultRecordBatch.java. Construct only through <see cref="TryRead"/>.
/// </summary>
public readonly ref struct RecordBatch
{
    public const int BaseOffsetAt = 0;
    public const int LengthAt = BaseOffsetAt + 8;
    public const int LeaderEpochAt = LengthAt + 4;
    public const int MagicAt = LeaderEpochAt + 4;
    public const int CrcAt = MagicAt + 1;
    public const int AttributesAt = CrcAt + 4;
    public const int LastOffsetDeltaAt = AttributesAt + 2;
    public const int BaseTimestampAt = LastOffsetDeltaAt + 4;
    public const int MaxTimestampAt = BaseTimestampAt + 8;
    public const int ProducerIdAt = MaxTimestampAt + 8;
    public const int ProducerEpochAt = ProducerIdAt + 8;
    public const int BaseSequenceAt = ProducerEpochAt + 2;
    public const int RecordCountAt = BaseSequenceAt + 4;
    public const int HeaderBytes = RecordCountAt + 4;

    /// <summary>Bytes before the part that the batch's own CRC covers; the frame's CRC covers these.</summary>
    public const int UncoveredBytes = AttributesAt;

    public const byte Magic = 2;
    public const short CodecMask = 0x07;
    public const short TransactionalBit = 0x10;
    public const short ControlBit = 0x20;

    private RecordBatch(ReadOnlySpan<byte> bytes) => Bytes = bytes;

    /// <summary>The whole batch, header included.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    public Offset BaseOffset => new(BinaryPrimitives.ReadInt64BigEndian(Bytes));
    public uint Crc => BinaryPrimitives.ReadUInt32BigEndian(Bytes[CrcAt..]);
    public short Attributes => BinaryPrimitives.ReadInt16BigEndian(Bytes[AttributesAt..]);
    public int RecordCount => BinaryPrimitives.ReadInt32BigEndian(Bytes[RecordCountAt..]);
    public long BaseTimestampMs => BinaryPrimitives.ReadInt64BigEndian(Bytes[BaseTimestampAt..]);

    /// <summary>-1: none, and epoch and sequence say nothing.</summary>
    public long ProducerId => BinaryPrimitives.ReadInt64BigEndian(Bytes[ProducerIdAt..]);
    public short ProducerEpoch => BinaryPrimitives.ReadInt16BigEndian(Bytes[ProducerEpochAt..]);

    /// <summary>Number of the first record in its producer's sequence for the partition; 0 follows 2^31 - 1.</summary>
    public int BaseSequence => BinaryPrimitives.ReadInt32BigEndian(Bytes[BaseSequenceAt..]);

    /// <summary>Part of a transaction of Kafka's.</summary>
    public bool IsTransactional => (Attributes & TransactionalBit) != 0;

    /// <summary>A batch of markers (define, open, close), not of events.</summary>
    public bool IsControl => (Attributes & ControlBit) != 0;

    /// <summary>0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. <see cref="GetEnumerator"/> reads codec 0 only.</summary>
    public int Codec => Attributes & CodecMask;

    /// <summary>True when the stored CRC equals the CRC of the bytes from <see cref="AttributesAt"/> on.</summary>
    public bool HasValidCrc() => Crc == Crc32C.Compute(Bytes[AttributesAt..]);

    /// <summary>Reads the batch at the start of <paramref name="source"/>; longer input is fine. Does not check the CRC.</summary>
    /// <returns>False when the header is incomplete, is not magic 2, or declares lengths or counts that cannot be.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out RecordBatch batch)
    {
        batch = default;
        if (source.Length < HeaderBytes || source[MagicAt] != Magic)
        {
            return false;
        }

        long total = (long)BinaryPrimitives.ReadInt32BigEndian(source[LengthAt..]) + LengthAt + 4;
        if (total < HeaderBytes || total > source.Length)
        {
            return false;
        }

        var candidate = new RecordBatch(source[..(int)total]);
        int count = candidate.RecordCount;
        if (count < 0 || BinaryPrimitives.ReadInt32BigEndian(source[LastOffsetDeltaAt..]) != count - 1)
        {
            return false;
        }

        batch = candidate;
        return true;
    }

    /// <summary>Fills in what the log decides; both fields lie outside the CRC.</summary>
    public static void Stamp(Span<byte> batch, Offset baseOffset, int leaderEpoch)
    {
        BinaryPrimitives.WriteInt64BigEndian(batch, baseOffset.Value);
        BinaryPrimitives.WriteInt32BigEndian(batch[LeaderEpochAt..], leaderEpoch);
    }

    /// <summary>Iterates the records. Only for codec 0.</summary>
    public Enumerator GetEnumerator() => new(Bytes, RecordCount);

    /// <summary>Walks the records one by one; stops, with <see cref="IsDamaged"/> set, at bytes that are not a record.</summary>
    public ref struct Enumerator
    {
        private readonly ReadOnlySpan<byte> _bytes;
        private readonly int _count;
        private int _next;
        private int _read;

        internal Enumerator(ReadOnlySpan<byte> bytes, int count)
        {
            _bytes = bytes;
            _count = count;
            _next = HeaderBytes;
        }

        public Record Current { get; private set; }

        /// <summary>The batch ended before its declared number of records, or a record's lengths do not fit.</summary>
        public bool IsDamaged { get; private set; }

        public bool MoveNext()
        {
            if (_read == _count || IsDamaged)
            {
                return false;
            }

            if (!Record.TryRead(_bytes, ref _next, out Record record))
            {
                IsDamaged = true;
                return false;
            }

            _read++;
            Current = record;
            return true;
        }
    }
}

/// <summary>One record of an uncompressed batch; all ranges lie in the batch's bytes.</summary>
/// <param name="KeyAt">First byte of the key inside the batch.</param>
/// <param name="KeyLength">-1: no key.</param>
/// <param name="ValueAt">First byte of the value inside the batch.</param>
/// <param name="ValueLength">-1: no value.</param>
/// <param name="HeadersAt">First byte after the header count.</param>
/// <param name="EndAt">First byte after the record.</param>
public readonly record struct Record(long TimestampDelta, int OffsetDelta, int KeyAt, int KeyLength, int ValueAt, int ValueLength, int HeaderCount, int HeadersAt, int EndAt)
{
    internal static bool TryRead(ReadOnlySpan<byte> bytes, ref int position, out Record record)
    {
        record = default;
        int at = position;
        if (!Varint.TryRead(bytes, ref at, out long length) || length < 0 || length > bytes.Length - at)
        {
            return false;
        }

        int end = at + (int)length;
        ReadOnlySpan<byte> body = bytes[..end];
        at++; // attributes: unused in v2
        if (!Varint.TryRead(body, ref at, out long timestampDelta)
            || !Varint.TryRead(body, ref at, out long offsetDelta) || offsetDelta is < 0 or > int.MaxValue
            || !TryReadRange(body, ref at, out int keyAt, out int keyLength)
            || !TryReadRange(body, ref at, out int valueAt, out int valueLength)
            || !Varint.TryRead(body, ref at, out long headers) || headers < 0 || headers > (end - at) / 2)
        {
            return false;
        }

        record = new Record(timestampDelta, (int)offsetDelta, keyAt, keyLength, valueAt, valueLength, (int)headers, at, end);
        position = end;
        return true;
    }

    /// <summary>Reads the header that starts at <paramref name="position"/> (at first <see cref="HeadersAt"/>) and advances.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> batch, scoped ref int position, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out int valueAt)
    {
        name = value = default;
        if (!TryReadRange(batch, ref position, out int nameAt, out int nameLength) || nameLength < 0
            || !TryReadRange(batch, ref position, out valueAt, out int valueLength))
        {
            valueAt = 0;
            return false;
        }

        name = batch.Slice(nameAt, nameLength);
        value = valueLength < 0 ? default : batch.Slice(valueAt, valueLength);
        return true;
    }

    private static bool TryReadRange(ReadOnlySpan<byte> bytes, ref int position, out int start, out int length)
    {
        start = length = 0;
        if (!Varint.TryRead(bytes, ref position, out long declared) || declared < -1 || declared > bytes.Length - position)
        {
            return false;
        }

        length = (int)declared;
        start = position;
        position += Math.Max(length, 0);
        return true;
    }
}
