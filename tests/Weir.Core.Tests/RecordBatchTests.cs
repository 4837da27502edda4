using System.Text;
using Weir.Core;

namespace Weir.Core.Tests;

public sealed class RecordBatchTests
{
    /// <summary>Two records, put together by hand from the format's definition; the CRC is the only value that was computed.</summary>
    private static readonly string Literal = string.Concat(
        "0000000000000000", // base offset
        "0000004d", // length: 77 bytes follow, 89 in all
        "00000000", // partition leader epoch
        "02", // magic
        "CRC-----", // crc of the rest
        "0000", // attributes
        "00000001", // last offset delta
        "00000000000003e8", // base timestamp 1000
        "00000000000003e8", // max timestamp
        "ffffffffffffffff", // producer id
        "ffff", // producer epoch
        "ffffffff", // base sequence
        "00000002", // records
        // length 8: attributes, timestamp delta, offset delta 0, key length -1, value length 2, "hi", headers 0
        "10" + "00" + "00" + "00" + "01" + "04" + "6869" + "00",
        // length 18: offset delta 1, key "k", value "v", one header: name "id", value "x-7" … 5 bytes with their lengths 2
        "24" + "00" + "00" + "02" + "02" + "6b" + "02" + "76" + "02" + "04" + "6964" + "0c" + "782d37e282ac");

    private static byte[] Headers => Convert.FromHexString("046964" + "0c" + "782d37e282ac");

    [Fact]
    public void The_writer_makes_the_literal_bytes()
    {
        Span<byte> batch = WriteTwo(new RecordBatchWriter(initialBytes: 0));
        Assert.Equal(Expected(), Convert.ToHexStringLower(batch));
    }

    [Fact]
    public void The_reader_reads_the_literal_bytes()
    {
        byte[] bytes = Convert.FromHexString(Expected());
        Assert.True(RecordBatch.TryRead(bytes, out RecordBatch batch));
        Assert.True(batch.HasValidCrc());
        Assert.False(batch.IsControl);
        Assert.Equal(0, batch.Codec);
        Assert.Equal(1000, batch.BaseTimestampMs);

        RecordBatch.Enumerator records = batch.GetEnumerator();
        Assert.True(records.MoveNext());
        Record first = records.Current;
        Assert.Equal((0, -1, 0), (first.OffsetDelta, first.KeyLength, first.HeaderCount));
        Assert.Equal("hi"u8, batch.Bytes.Slice(first.ValueAt, first.ValueLength));

        Assert.True(records.MoveNext());
        Record second = records.Current;
        Assert.Equal((1, 1), (second.OffsetDelta, second.HeaderCount));
        Assert.Equal("k"u8, batch.Bytes.Slice(second.KeyAt, second.KeyLength));
        Assert.Equal("v"u8, batch.Bytes.Slice(second.ValueAt, second.ValueLength));
        int at = second.HeadersAt;
        Assert.True(Record.TryReadHeader(batch.Bytes, ref at, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out int valueAt));
        Assert.Equal("id"u8, name);
        Assert.Equal("x-7€"u8, value);
        Assert.Equal(bytes.Length - value.Length, valueAt);

        Assert.False(records.MoveNext());
        Assert.False(records.IsDamaged);
    }

    [Fact]
    public void A_batch_cut_at_any_byte_is_not_read()
    {
        byte[] bytes = Convert.FromHexString(Expected());
        for (int cut = 0; cut < bytes.Length; cut++)
        {
            Assert.False(RecordBatch.TryRead(bytes.AsSpan(0, cut), out _));
        }
    }

    [Fact]
    public void A_batch_followed_by_other_bytes_ends_where_it_says()
    {
        byte[] bytes = [.. Convert.FromHexString(Expected()), .. "next batch"u8];
        Assert.True(RecordBatch.TryRead(bytes, out RecordBatch batch));
        Assert.Equal(bytes.Length - "next batch".Length, batch.Bytes.Length);
    }

    [Fact]
    public void A_flipped_bit_is_seen_by_the_CRC_unless_it_lies_before_the_covered_part()
    {
        byte[] bytes = Convert.FromHexString(Expected());
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] flipped = [.. bytes];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            if (!RecordBatch.TryRead(flipped, out RecordBatch batch))
            {
                continue;
            }

            bool outsideTheCrc = bit / 8 is < RecordBatch.LengthAt or (>= RecordBatch.LeaderEpochAt and < RecordBatch.MagicAt);
            Assert.Equal(outsideTheCrc, batch.HasValidCrc());
        }
    }

    [Fact]
    public void Records_under_a_shortened_length_are_damaged_not_read_across_the_end()
    {
        byte[] bytes = Convert.FromHexString(Expected());
        for (int cut = RecordBatch.HeaderBytes; cut < bytes.Length; cut++)
        {
            // As a broken producer would send it: the length field agrees with the bytes, the records do not.
            byte[] shortened = bytes[..cut];
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(shortened.AsSpan(RecordBatch.LengthAt), cut - 12);
            Assert.True(RecordBatch.TryRead(shortened, out RecordBatch batch));
            RecordBatch.Enumerator records = batch.GetEnumerator();
            int read = 0;
            while (records.MoveNext())
            {
                read++;
                Assert.True(records.Current.ValueAt + records.Current.ValueLength <= cut);
            }

            Assert.True(records.IsDamaged);
            Assert.True(read < 2);
        }
    }

    [Fact]
    public void Any_byte_among_the_records_may_be_anything_and_ranges_stay_inside()
    {
        byte[] bytes = Convert.FromHexString(Expected());
        for (int at = RecordBatch.HeaderBytes; at < bytes.Length; at++)
        {
            for (int value = 0; value <= 255; value++)
            {
                byte[] changed = [.. bytes];
                changed[at] = (byte)value;
                Assert.True(RecordBatch.TryRead(changed, out RecordBatch batch));
                foreach (Record record in batch)
                {
                    Assert.True(record.KeyAt + Math.Max(record.KeyLength, 0) <= bytes.Length);
                    Assert.True(record.ValueAt + Math.Max(record.ValueLength, 0) <= bytes.Length);
                    int position = record.HeadersAt;
                    for (int i = 0; i < record.HeaderCount; i++)
                    {
                        if (!Record.TryReadHeader(batch.Bytes, ref position, out _, out _, out _))
                        {
                            break;
                        }

                        Assert.True(position <= bytes.Length);
                    }
                }
            }
        }
    }

    [Fact]
    public void The_log_stamps_base_offset_and_epoch_without_breaking_the_CRC()
    {
        Span<byte> bytes = WriteTwo(new RecordBatchWriter());
        RecordBatch.Stamp(bytes, new Offset(0x0102030405060708), leaderEpoch: 0x0A0B0C0D);
        Assert.True(RecordBatch.TryRead(bytes, out RecordBatch batch));
        Assert.True(batch.HasValidCrc());
        Assert.Equal(new Offset(0x0102030405060708), batch.BaseOffset);
        Assert.Equal("0102030405060708", Convert.ToHexStringLower(bytes[..8]));
        Assert.Equal("0a0b0c0d", Convert.ToHexStringLower(bytes.Slice(12, 4)));
    }

    [Theory]
    [InlineData(RecordBatch.MagicAt, (byte)1)]
    [InlineData(RecordBatch.LengthAt, (byte)0x80)] // a negative length
    [InlineData(RecordBatch.RecordCountAt, (byte)0x80)] // a negative count
    [InlineData(RecordBatch.LastOffsetDeltaAt + 3, (byte)7)] // a delta that disagrees with the count
    public void A_header_that_cannot_be_is_not_read(int at, byte value)
    {
        byte[] bytes = Convert.FromHexString(Expected());
        bytes[at] = value;
        Assert.False(RecordBatch.TryRead(bytes, out _));
    }

    [Fact]
    public void The_writer_is_reused_and_grows_past_its_first_buffer()
    {
        var writer = new RecordBatchWriter(initialBytes: 64);
        for (int round = 0; round < 3; round++)
        {
            writer.Begin(timestampMs: round);
            for (int i = 0; i < 500; i++)
            {
                string value = $"{{\"id\":\"{round}-{i}\",\"pad\":\"{new string('x', i)}\"}}";
                int valueAt = writer.Append(hasKey: true, Encoding.UTF8.GetBytes($"key-{i}"), Encoding.UTF8.GetBytes(value));
                Assert.Equal(value, Encoding.UTF8.GetString(writer.Bytes.Slice(valueAt, value.Length)));
            }

            Span<byte> bytes = writer.Finish();
            Assert.True(RecordBatch.TryRead(bytes, out RecordBatch batch));
            Assert.True(batch.HasValidCrc());
            int n = 0;
            foreach (Record record in batch)
            {
                Assert.Equal($"key-{n}", Encoding.UTF8.GetString(bytes.Slice(record.KeyAt, record.KeyLength)));
                Assert.StartsWith($"{{\"id\":\"{round}-{n}\"", Encoding.UTF8.GetString(bytes.Slice(record.ValueAt, record.ValueLength)), StringComparison.Ordinal);
                Assert.Equal(n++, record.OffsetDelta);
            }

            Assert.Equal(500, n);
        }
    }

    private static Span<byte> WriteTwo(RecordBatchWriter writer)
    {
        writer.Begin(timestampMs: 1000);
        writer.Append(hasKey: false, default, "hi"u8);
        writer.Append(hasKey: true, "k"u8, "v"u8, Headers, headerCount: 1);
        return writer.Finish();
    }

    private static string Expected()
    {
        string afterCrc = Literal[(Literal.IndexOf("CRC-----", StringComparison.Ordinal) + 8)..];
        return Literal.Replace("CRC-----", $"{Crc32C.Compute(Convert.FromHexString(afterCrc)):x8}", StringComparison.Ordinal);
    }
}
