namespace Weir.KafkaTests.Scenarios;

/// <summary>Checks that hold for whatever a client has read.</summary>
internal static class Records
{
    /// <summary>
    /// The events among the records of a stream read from the start. A client skips control records, so that it sees nothing at offset 0, where the stream's
    /// definition lies; one that does not know of them sees exactly that.
    /// </summary>
    public static IReadOnlyList<ToldRecord> WithoutMarkers(KafkaClient client, IReadOnlyList<ToldRecord> read, int partitions)
    {
        int[] markers = [.. read.Where(record => record.Offset == 0).Select(record => record.Partition).Order()];
        Assert.Equal(client.TakesMarkersForMessages ? Enumerable.Range(0, partitions) : [], markers);
        Assert.All(read.GroupBy(record => record.Partition), one => Assert.Equal(one.Select(record => record.Offset).Order().Distinct(), one.Select(record => record.Offset)));
        return [.. read.Where(record => record.Offset > 0)];
    }
}
