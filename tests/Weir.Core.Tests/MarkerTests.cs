using Weir.Core;

namespace Weir.Core.Tests;

public sealed class MarkerTests
{
    [Theory]
    [InlineData(MarkerType.Define, "000003e8")]
    [InlineData(MarkerType.Open, "000003e9")]
    [InlineData(MarkerType.Close, "000003ea")]
    public void A_marker_is_one_record_of_a_control_batch_with_its_type_as_key(MarkerType type, string key)
    {
        Span<byte> bytes = Marker.Write(new RecordBatchWriter(), type, "{\"version\":1}"u8, timestampMs: 12);
        Assert.True(RecordBatch.TryRead(bytes, out RecordBatch batch));
        Assert.True(batch.IsControl);
        Assert.Equal(1, batch.RecordCount);
        Assert.Equal(-1, batch.ProducerId);

        RecordBatch.Enumerator records = batch.GetEnumerator();
        Assert.True(records.MoveNext());
        ReadOnlySpan<byte> readKey = batch.Bytes.Slice(records.Current.KeyAt, records.Current.KeyLength);
        Assert.Equal(key, Convert.ToHexStringLower(readKey));
        Assert.True(Marker.TryReadType(readKey, out MarkerType read));
        Assert.Equal(type, read);
        Assert.Equal("{\"version\":1}"u8, batch.Bytes.Slice(records.Current.ValueAt, records.Current.ValueLength));
    }

    [Theory]
    [InlineData("")]
    [InlineData("03e8")]
    [InlineData("000003e800")]
    [InlineData("000103e8")]
    [InlineData("00000000")]
    [InlineData("000003e7")]
    [InlineData("000003ec")]
    public void Another_version_length_or_type_is_no_marker(string key) =>
        Assert.False(Marker.TryReadType(Convert.FromHexString(key), out _));

    [Fact]
    public void Lost_records_have_an_offset_each()
    {
        Assert.True(RecordBatch.TryRead(Marker.WriteLost(new RecordBatchWriter(), count: 3), out RecordBatch batch));

        Assert.True(batch.IsControl);
        Assert.True(batch.HasValidCrc());
        Assert.Equal(3, batch.RecordCount);
        int delta = 0;
        foreach (Record record in batch)
        {
            Assert.Equal(delta++, record.OffsetDelta);
            Assert.True(Marker.TryReadType(batch.Bytes.Slice(record.KeyAt, record.KeyLength), out MarkerType type));
            Assert.Equal(MarkerType.Lost, type);
        }

        Assert.Equal(3, delta);
    }
}
