using System.Buffers.Binary;
using Weir.Core;
using Weir.Storage;
using static Weir.FuzzTests.Targets.LogTargets;

namespace Weir.FuzzTests.Targets;

/// <summary>Compressed records as a client may send them, for each codec that is read; the corpus was made by other programs.</summary>
internal static class CompressionTargets
{
    private const int Limit = 64 << 10;
    private const int LongestOfCorpus = 4 << 10;

    public static IEnumerable<FuzzTarget> All()
    {
        foreach ((BatchCodec codec, int weight) in ((BatchCodec, int)[])[(BatchCodec.Gzip, 10), (BatchCodec.Snappy, 15), (BatchCodec.Lz4, 15), (BatchCodec.Zstd, 5)])
        {
            var content = new BatchContent();
            byte[][] corpus = [.. Rows().Where(row => row.Codec == codec && row.Bytes.Length <= LongestOfCorpus).Select(row => row.Bytes)];
            yield return new FuzzTarget($"compressed with {codec}", weight, corpus, input => Read(content, codec, input)) { FixedBytes = 256 << 10, BytesPerByte = 64 };
        }
    }

    /// <summary>The same twice, and never beyond the limit.</summary>
    private static int Read(BatchContent content, BatchCodec codec, byte[] input)
    {
        byte[] batch = Batch(codec, input);
        ExpandResult result = content.TryExpand(batch, Limit, out ReadOnlyMemory<byte> expanded);
        byte[] first = expanded.ToArray();
        Check(result == ExpandResult.Done ? first.Length is >= RecordBatch.HeaderBytes and <= Limit : first.Length == 0, $"{result} with {first.Length} bytes");
        Check(content.CapacityBytes <= Limit, $"{content.CapacityBytes} bytes held");
        Check(content.TryExpand(batch, Limit, out expanded) == result && expanded.Span.SequenceEqual(first), "another result the second time");
        return HashCode((int)result, first.Length / 64, 0, 0, 0);
    }

    private static byte[] Batch(BatchCodec codec, byte[] records)
    {
        byte[] batch = new byte[RecordBatch.HeaderBytes + records.Length];
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(RecordBatch.LengthAt), batch.Length - RecordBatch.LengthAt - sizeof(int));
        batch[RecordBatch.MagicAt] = RecordBatch.Magic;
        batch[RecordBatch.AttributesAt + 1] = (byte)codec;
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(RecordBatch.RecordCountAt), 1);
        records.CopyTo(batch, RecordBatch.HeaderBytes);
        return batch;
    }

    private static IEnumerable<(BatchCodec Codec, byte[] Bytes)> Rows()
    {
        using var reader = new StreamReader(typeof(CompressionTargets).Assembly.GetManifestResourceStream("outside.tsv")!);
        while (reader.ReadLine() is { } line)
        {
            if (line.Split('\t') is [var codec, _, _, _, _, var bytes] && !line.StartsWith('#'))
            {
                yield return (Enum.Parse<BatchCodec>(codec), Convert.FromBase64String(bytes));
            }
        }
    }
}
