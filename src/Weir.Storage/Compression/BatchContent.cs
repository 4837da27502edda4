using System.Buffers.Binary;
using Weir.Core;
using Weir.Storage.Compression;

namespace Weir.Storage;

/// <summary>
/// Batches with their records as they are: an uncompressed one is itself; of a compressed one, the same header with no codec and the records expanded, so that
/// whoever reads records knows one form only. One owner at a time; reused.
/// </summary>
public sealed class BatchContent
{
    /// <summary>What a stored batch may expand to, bytes, header included: as much as a frame can hold. Nothing that expands to more is appended.</summary>
    public const int MostBytes = Segments.Frame.MaxBatchBytes;

    private readonly ExpandBuffer _buffer = new();

    /// <summary>Memory held for expanding, bytes.</summary>
    public int CapacityBytes => _buffer.CapacityBytes;

    /// <summary>Whether the library that reads Zstandard is installed on this machine.</summary>
    public static bool CanReadZstd => ZstdDecoder.IsAvailable;

    /// <summary>Gives the batch with its records uncompressed.</summary>
    /// <param name="batch">One whole batch.</param>
    /// <param name="limit">Bytes that it may have then.</param>
    /// <param name="content">The batch itself, or bytes of this object, valid until the next call.</param>
    public ExpandResult TryExpand(ReadOnlyMemory<byte> batch, int limit, out ReadOnlyMemory<byte> content)
    {
        content = batch;
        bool isBatch = RecordBatch.TryRead(batch.Span, out RecordBatch parsed);
        if (!isBatch)
        {
            return ExpandResult.Corrupt;
        }

        if (parsed.Codec == 0)
        {
            return ExpandResult.Done;
        }

        content = default;
        _buffer.Begin(limit);
        if (!_buffer.TryAppend(parsed.Bytes[..RecordBatch.HeaderBytes]))
        {
            return ExpandResult.TooLarge;
        }

        ReadOnlySpan<byte> records = parsed.Bytes[RecordBatch.HeaderBytes..];
        ExpandResult result = (BatchCodec)parsed.Codec switch
        {
            BatchCodec.Gzip => GzipDecoder.Expand(records, _buffer),
            BatchCodec.Snappy => SnappyDecoder.Expand(records, _buffer),
            BatchCodec.Lz4 => Lz4Decoder.Expand(records, _buffer),
            BatchCodec.Zstd => ZstdDecoder.Expand(records, _buffer),
            _ => ExpandResult.Unsupported,
        };
        if (result == ExpandResult.Done)
        {
            Span<byte> header = _buffer.Memory.Span;
            BinaryPrimitives.WriteInt32BigEndian(header[RecordBatch.LengthAt..], _buffer.Length - RecordBatch.LengthAt - sizeof(int));
            BinaryPrimitives.WriteInt16BigEndian(header[RecordBatch.AttributesAt..], (short)(parsed.Attributes & ~RecordBatch.CodecMask));
            content = _buffer.Memory;
        }

        return result;
    }

    /// <summary>Gives a stored batch with its records uncompressed.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.LogDamaged"/>: it cannot be expanded although its checksum holds. <see cref="ErrorCode.CodecNotInstalled"/>:
    /// libzstd is not installed; a retry helps once it is.</exception>
    public ReadOnlyMemory<byte> Expand(ReadOnlyMemory<byte> batch) => TryExpand(batch, MostBytes, out ReadOnlyMemory<byte> content) switch
    {
        ExpandResult.Done => content,
        ExpandResult.Unsupported => throw new WeirException(ErrorCode.CodecNotInstalled, "A batch in the log is compressed with Zstandard."),
        var result => throw new WeirException(ErrorCode.LogDamaged, $"A compressed batch in the log cannot be expanded ({result}), although its checksum holds."),
    };

    /// <summary>Gives the memory back.</summary>
    public void Release() => _buffer.Release();
}
