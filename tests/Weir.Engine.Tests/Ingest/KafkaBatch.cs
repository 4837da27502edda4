using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Weir.Core;

namespace Weir.Engine.Tests;

/// <summary>Record batches as a Kafka client makes them.</summary>
internal static class KafkaBatch
{
    public static byte[] Of(params IEnumerable<(string? Key, string Value)> records)
    {
        var writer = new RecordBatchWriter();
        writer.Begin(timestampMs: 1);
        foreach ((string? key, string value) in records)
        {
            writer.Append(key is not null, Encoding.UTF8.GetBytes(key ?? ""), Encoding.UTF8.GetBytes(value));
        }

        return writer.Finish().ToArray();
    }

    public static byte[] Values(params IEnumerable<string> values) => Of(values.Select(value => ((string?)null, value)));

    /// <summary>Gives a batch a producer and its place in the producer's sequence.</summary>
    public static byte[] From(this byte[] batch, long producer, int sequence, short epoch = 0)
    {
        byte[] copy = (byte[])batch.Clone();
        BinaryPrimitives.WriteInt64BigEndian(copy.AsSpan(RecordBatch.ProducerIdAt), producer);
        BinaryPrimitives.WriteInt16BigEndian(copy.AsSpan(RecordBatch.ProducerEpochAt), epoch);
        BinaryPrimitives.WriteInt32BigEndian(copy.AsSpan(RecordBatch.BaseSequenceAt), sequence);
        return copy.Sealed();
    }

    /// <summary>The same batch with its records compressed.</summary>
    public static byte[] Gzipped(this byte[] batch)
    {
        var bytes = new MemoryStream();
        bytes.Write(batch.AsSpan(0, RecordBatch.HeaderBytes));
        using (var gzip = new GZipStream(bytes, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(batch.AsSpan(RecordBatch.HeaderBytes));
        }

        byte[] compressed = bytes.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(compressed.AsSpan(RecordBatch.LengthAt), compressed.Length - RecordBatch.LengthAt - 4);
        compressed[RecordBatch.AttributesAt + 1] = (byte)Storage.BatchCodec.Gzip;
        return compressed.Sealed();
    }

    /// <summary>With the checksum of what it holds now.</summary>
    public static byte[] Sealed(this byte[] batch)
    {
        BinaryPrimitives.WriteUInt32BigEndian(batch.AsSpan(RecordBatch.CrcAt), Crc32C.Compute(batch.AsSpan(RecordBatch.AttributesAt)));
        return batch;
    }

    /// <summary>Sends one batch to a partition, and waits until it is flushed and folded.</summary>
    public static async Task<(ProduceError Error, long BaseOffset, string? Detail)> ProduceAsync(this EventStream stream, byte[] bytes, int partition = 0)
    {
        using ProduceBatch batch = stream.NewProduceBatch();
        if (batch.TryRead((byte[])bytes.Clone(), partition, null))
        {
            await batch.SubmitAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
            Assert.Null(batch.Unacknowledged);

            // It is told when it is flushed; verdicts and totals come with the end of the round, between rounds is behind it.
            await stream.PartitionList[partition].AskAsync(() => true).WaitAsync(TimeSpan.FromSeconds(20));
        }

        return (batch.Error, batch.BaseOffset, batch.Detail);
    }
}
