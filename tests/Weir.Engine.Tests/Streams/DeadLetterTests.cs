using Weir.Core;

namespace Weir.Engine.Tests.Streams;

/// <summary>Dead letters are found by their verdicts, page by page, against a reading of the whole log.</summary>
public sealed class DeadLetterTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(400)]
    [InlineData(10_000)]
    public async Task Pages_give_every_dead_letter_once_and_in_log_order(int limit)
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync(directory => new NodeOptions { DataDirectory = directory, PublishInterval = TimeSpan.FromMilliseconds(10), SegmentBytes = 32 << 10 });
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":2,"key":"user","id":"id","claim":{"by":"user"},"on-invalid":"dead-letter"}""");
        var random = new Random(9);
        for (int round = 0; round < 30; round++)
        {
            // Dead letters come in runs, one by one, and for long not at all.
            int owners = round % 3 == 0 ? 20 : 1_000_000;
            await NodeFixture.SendAsync(stream, Enumerable.Range(0, 200).Select(i => random.Next(50) == 0 ? "broken" : $$"""{"id":"{{round}}-{{i}}","user":"u{{random.Next(owners)}}"}"""));
        }

        await stream.CloseAsync();
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 20).Select(i => $$"""{"id":"late-{{i}}","user":"l{{i}}"}"""));
        List<(int, long)> expected = [];
        for (int partition = 0; partition < 2; partition++)
        {
            expected.AddRange(stream.ReadEvents(partition, 0, int.MaxValue).Where(one => one.Verdict.IsDeadLetter()).Select(one => (one.Partition, one.Offset)));
        }

        List<(int, long)> paged = [];
        long[]? after = null;
        IReadOnlyList<StoredEvent> page;
        while ((page = stream.ReadDeadLetters(after, limit, out long[] next)).Count > 0)
        {
            Assert.InRange(page.Count, 1, limit);
            paged.AddRange(page.Select(one => (one.Partition, one.Offset)));
            after = next;
        }

        Assert.True(expected.Count > 1_000);
        Assert.Equal(expected, paged);
    }
}
