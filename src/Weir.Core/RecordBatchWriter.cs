using System.Buffers.Binary;

namespace Weir.Core;

/// <summary>
/// Builds one uncompressed record batch v2 in a buffer that grows and is reused. Not thread-safe; one owner.
/// Use: <see cref="Begin"/>, <see cref="Append"/> per record, <see cref="Finish"/>; the bytes stay valid until the next <see cref="Begin"/>.
/// </summary>
public sealed class RecordBatchWriter
{
    private byte[] _buffer;
    private int _length;
    private int _count;
    private long _baseTimestampMs;
    private short _attributes;

    /// <param name="initialBytes">First size of the buffer, at least the 61 header bytes.</param>
    public RecordBatchWriter(int initialBytes = 4096) => _buffer = new byte[Math.Max(initialBytes, RecordBatch.HeaderBytes)];

    /// <summary>Records appended since <see cref="Begin"/>.</summary>
    public int RecordCount => _count;

    /// <summary>Bytes of the batch so far, header included.</summary>
    public int Length => _length;

    /// <summary>The batch so far. Valid until the next call that writes.</summary>
    public Span<byte> Bytes => _buffer.AsSpan(0, _length);

    /// <summary>As <see cref="Bytes"/>, for a holder on the heap.</summary>
    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, _length);

    /// <summary>Size of the buffer that the batch is built in.</summary>
    public int CapacityBytes => _buffer.Length;

    /// <summary>Starts an empty batch. <paramref name="timestampMs"/> is the timestamp of all records: client data, no rule reads it.</summary>
    public void Begin(long timestampMs, bool isControl = false)
    {
        _length = RecordBatch.HeaderBytes;
        _count = 0;
        _baseTimestampMs = timestampMs;
        _attributes = isControl ? RecordBatch.ControlBit : (short)0;
    }

    /// <summary>Appends one record and returns where its value begins in <see cref="Bytes"/>.</summary>
    /// <param name="hasKey">False writes a null key; the key is then ignored.</param>
    /// <param name="headers">Headers in wire form (varint name length, name, varint value length, value, …); <paramref name="headerCount"/> of them.</param>
    public int Append(bool hasKey, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ReadOnlySpan<byte> headers = default, int headerCount = 0)
    {
        int keyBytes = hasKey ? key.Length : 0;
        long body = 1                                              // attributes
            + 1                                                    // timestamp delta, always 0
            + Varint.SizeOf(_count)                                // offset delta
            + Varint.SizeOf(hasKey ? keyBytes : -1) + (long)keyBytes
            + Varint.SizeOf(value.Length) + (long)value.Length
            + Varint.SizeOf(headerCount) + (long)headers.Length;
        long needed = _length + Varint.SizeOf(body) + body;
        if (needed > _buffer.Length)
        {
            Grow(needed);
        }

        Span<byte> buffer = _buffer;
        int at = _length;
        at += Varint.Write(buffer[at..], body);
        buffer[at++] = 0;
        buffer[at++] = 0;
        at += Varint.Write(buffer[at..], _count);
        at += Varint.Write(buffer[at..], hasKey ? keyBytes : -1);
        if (hasKey)
        {
            key.CopyTo(buffer[at..]);
            at += keyBytes;
        }

        at += Varint.Write(buffer[at..], value.Length);
        int valueAt = at;
        value.CopyTo(buffer[at..]);
        at += value.Length;
        at += Varint.Write(buffer[at..], headerCount);
        headers.CopyTo(buffer[at..]);
        _length = at + headers.Length;
        _count++;
        return valueAt;
    }

    /// <summary>Writes the header with its CRC. Base offset and leader epoch stay zero until the log stamps them.</summary>
    public Span<byte> Finish()
    {
        Span<byte> batch = Bytes;
        BinaryPrimitives.WriteInt64BigEndian(batch, 0);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatch.LengthAt..], batch.Length - RecordBatch.LengthAt - 4);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatch.LeaderEpochAt..], 0);
        batch[RecordBatch.MagicAt] = RecordBatch.Magic;
        BinaryPrimitives.WriteInt16BigEndian(batch[RecordBatch.AttributesAt..], _attributes);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatch.LastOffsetDeltaAt..], _count - 1);
        BinaryPrimitives.WriteInt64BigEndian(batch[RecordBatch.BaseTimestampAt..], _baseTimestampMs);
        BinaryPrimitives.WriteInt64BigEndian(batch[RecordBatch.MaxTimestampAt..], _baseTimestampMs);
        BinaryPrimitives.WriteInt64BigEndian(batch[RecordBatch.ProducerIdAt..], -1);
        BinaryPrimitives.WriteInt16BigEndian(batch[RecordBatch.ProducerEpochAt..], -1);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatch.BaseSequenceAt..], -1);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatch.RecordCountAt..], _count);
        BinaryPrimitives.WriteUInt32BigEndian(batch[RecordBatch.CrcAt..], Crc32C.Compute(batch[RecordBatch.AttributesAt..]));
        return batch;
    }

    private void Grow(long needed) => Array.Resize(ref _buffer, (int)Math.Min(Math.Max(needed, 2L * _buffer.Length), Array.MaxLength));
}
