using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Weir.Core;

namespace Weir.Storage.Tests.Compression;

/// <summary>What other programs compressed (outside.tsv), and what nobody did.</summary>
public sealed class ExpandTests
{
    public static TheoryData<string, string, string> Outside
    {
        get
        {
            var rows = new TheoryData<string, string, string>();
            foreach (Row row in Rows())
            {
                rows.Add(row.Codec, row.MadeBy, row.Text);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Outside))]
    public void What_another_program_compressed_expands_to_its_text(string codec, string madeBy, string text)
    {
        Assert.SkipWhen(codec == nameof(BatchCodec.Zstd) && !BatchContent.CanReadZstd, "libzstd.so.1 is not installed");
        Row row = Find(codec, madeBy, text);
        var content = new BatchContent();

        Assert.Equal(ExpandResult.Done, content.TryExpand(Batch(row), BatchContent.MostBytes, out ReadOnlyMemory<byte> expanded));

        Assert.True(RecordBatch.TryRead(expanded.Span, out RecordBatch batch));
        ReadOnlySpan<byte> records = batch.Bytes[RecordBatch.HeaderBytes..];
        Assert.Equal((0, row.Length, row.Sha256), (batch.Codec, records.Length, Convert.ToHexStringLower(SHA256.HashData(records))));
    }

    [Theory]
    [MemberData(nameof(Outside))]
    public void The_limit_holds_to_the_byte(string codec, string madeBy, string text)
    {
        Assert.SkipWhen(codec == nameof(BatchCodec.Zstd) && !BatchContent.CanReadZstd, "libzstd.so.1 is not installed");
        Row row = Find(codec, madeBy, text);
        var content = new BatchContent();

        Assert.Equal(ExpandResult.Done, content.TryExpand(Batch(row), RecordBatch.HeaderBytes + row.Length, out _));
        if (row.Length > 0)
        {
            Assert.Equal(ExpandResult.TooLarge, content.TryExpand(Batch(row), RecordBatch.HeaderBytes + row.Length - 1, out _));
            Assert.True(content.CapacityBytes <= Math.Max(4096, RecordBatch.HeaderBytes + row.Length));
        }
    }

    [Theory]
    [MemberData(nameof(Outside))]
    public void Cut_anywhere_it_is_corrupt_or_the_text_of_what_is_whole(string codec, string madeBy, string text)
    {
        Assert.SkipWhen(codec == nameof(BatchCodec.Zstd) && !BatchContent.CanReadZstd, "libzstd.so.1 is not installed");
        Row row = Find(codec, madeBy, text);
        var content = new BatchContent();
        int step = Math.Max(1, row.Bytes.Length / 200);
        for (int length = 0; length < row.Bytes.Length; length += step)
        {
            // Two frames, members or blocks of one framing may be cut between.
            ExpandResult result = content.TryExpand(Batch(row with { Bytes = row.Bytes[..length] }), BatchContent.MostBytes, out ReadOnlyMemory<byte> expanded);
            Assert.True(result == ExpandResult.Corrupt || (result == ExpandResult.Done && expanded.Length - RecordBatch.HeaderBytes < row.Length) || row.Length == 0, $"{result} after {length} bytes");
        }
    }

    [Fact]
    public void Flipped_bits_are_never_an_exception_and_never_too_much()
    {
        var content = new BatchContent();
        var random = new Random(11);
        foreach (Row row in Rows())
        {
            for (int i = 0; i < 300; i++)
            {
                byte[] bytes = (byte[])row.Bytes.Clone();
                for (int flips = random.Next(1, 4); flips > 0; flips--)
                {
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                }

                content.TryExpand(Batch(row with { Bytes = bytes }), 200_000, out ReadOnlyMemory<byte> expanded);
                Assert.True(expanded.Length <= 200_000 && content.CapacityBytes <= 200_000);
            }
        }
    }

    [Fact]
    public void A_bomb_ends_at_the_limit()
    {
        // One literal and matches of a pattern: 64 KiB of length bytes stand for 16 MiB.
        byte[] block = [0x1F, (byte)'x', 1, 0, .. Enumerable.Repeat((byte)0xFF, 65_000), 0];
        byte[] frame = [0x04, 0x22, 0x4D, 0x18, 0x60, 0x70, 0x73, .. Int32(block.Length), .. block, 0, 0, 0, 0];
        var row = new Row(nameof(BatchCodec.Lz4), "", "", "", 0, frame);
        var content = new BatchContent();

        Assert.Equal(ExpandResult.TooLarge, content.TryExpand(Batch(row), 1 << 20, out _));
        Assert.True(content.CapacityBytes <= 1 << 20);

        static byte[] Int32(int value)
        {
            byte[] bytes = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
            return bytes;
        }
    }

    [Fact]
    public void A_batch_without_a_codec_is_itself_and_one_with_an_unknown_codec_is_said_to_be()
    {
        var content = new BatchContent();
        byte[] plain = Batch(new Row(nameof(BatchCodec.None), "", "", "", 0, "abc"u8.ToArray()));
        byte[] unknown = (byte[])plain.Clone();
        unknown[RecordBatch.AttributesAt + 1] = 5;

        Assert.Equal(ExpandResult.Done, content.TryExpand(plain, 0, out ReadOnlyMemory<byte> same));
        Assert.True(same.Span == plain);
        Assert.Equal(ExpandResult.Unsupported, content.TryExpand(unknown, 1 << 20, out _));
    }

    private static byte[] Batch(Row row)
    {
        byte[] batch = new byte[RecordBatch.HeaderBytes + row.Bytes.Length];
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(RecordBatch.LengthAt), batch.Length - RecordBatch.LengthAt - 4);
        batch[RecordBatch.MagicAt] = RecordBatch.Magic;
        batch[RecordBatch.AttributesAt + 1] = (byte)Enum.Parse<BatchCodec>(row.Codec);
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(RecordBatch.RecordCountAt), 1);
        row.Bytes.CopyTo(batch, RecordBatch.HeaderBytes);
        return batch;
    }

    private static Row Find(string codec, string madeBy, string text) => Rows().Single(row => (row.Codec, row.MadeBy, row.Text) == (codec, madeBy, text));

    private static IEnumerable<Row> Rows()
    {
        using var reader = new StreamReader(typeof(ExpandTests).Assembly.GetManifestResourceStream("outside.tsv")!);
        while (reader.ReadLine() is { } line)
        {
            if (line.Split('\t') is [var codec, var madeBy, var text, var sha256, var length, var bytes] && !line.StartsWith('#'))
            {
                yield return new Row(codec, madeBy, text, sha256, int.Parse(length, CultureInfo.InvariantCulture), Convert.FromBase64String(bytes));
            }
        }
    }

    private sealed record Row(string Codec, string MadeBy, string Text, string Sha256, int Length, byte[] Bytes);
}
