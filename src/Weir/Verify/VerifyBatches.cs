using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Weir.Core;
using Weir.Storage;

namespace Weir.Cli.Verify;

/// <summary>Record batches as a Kafka client encodes them. One thread.</summary>
internal sealed class VerifyBatches
{
    private readonly RecordBatchWriter _writer = new();

    /// <param name="producerId">-1: none, and <paramref name="sequence"/> is -1 too.</param>
    /// <returns>The same bytes for the same arguments.</returns>
    public byte[] Make(IReadOnlyList<SentEvent> events, long producerId, short epoch, int sequence, bool isCompressed)
    {
        _writer.Begin(timestampMs: 0);
        foreach (SentEvent one in events)
        {
            byte[] value = Encoding.UTF8.GetBytes(one.Body);
            byte[] key = one.Key is null ? [] : Encoding.UTF8.GetBytes(one.Key);
            if (Workload.BringsItsIdInHeaders(one.Stream))
            {
                _writer.Append(hasKey: false, default, value, Headers(("ce_source", EventRequest.Source), ("ce_id", one.Id)), headerCount: 2);
            }
            else
            {
                _writer.Append(one.Key is not null, key, value);
            }
        }

        byte[] batch = _writer.Finish().ToArray();
        if (isCompressed)
        {
            batch = [.. batch.AsSpan(0, RecordBatch.HeaderBytes), .. Gzip(batch.AsSpan(RecordBatch.HeaderBytes))];
            BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(RecordBatch.LengthAt), batch.Length - RecordBatch.LengthAt - 4);
            BinaryPrimitives.WriteInt16BigEndian(batch.AsSpan(RecordBatch.AttributesAt), (short)BatchCodec.Gzip);
        }

        BinaryPrimitives.WriteInt64BigEndian(batch.AsSpan(RecordBatch.ProducerIdAt), producerId);
        BinaryPrimitives.WriteInt16BigEndian(batch.AsSpan(RecordBatch.ProducerEpochAt), epoch);
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(RecordBatch.BaseSequenceAt), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(batch.AsSpan(RecordBatch.CrcAt), Crc32C.Compute(batch.AsSpan(RecordBatch.AttributesAt)));
        return batch;
    }

    private static byte[] Headers(params (string Name, string Value)[] headers)
    {
        var bytes = new MemoryStream();
        Span<byte> length = stackalloc byte[Varint.MaxBytes];
        foreach (string text in headers.SelectMany(header => new[] { header.Name, header.Value }))
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            bytes.Write(length[..Varint.Write(length, utf8.Length)]);
            bytes.Write(utf8);
        }

        return bytes.ToArray();
    }

    private static byte[] Gzip(ReadOnlySpan<byte> records)
    {
        var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest))
        {
            gzip.Write(records);
        }

        return target.ToArray();
    }
}
