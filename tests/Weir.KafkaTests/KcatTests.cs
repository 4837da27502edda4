using System.Text.Json;
using Weir.KafkaTests.Scenarios;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests;

/// <summary>kcat, over Debian's librdkafka.</summary>
public sealed class KcatTests(KcatTests.Kcat kcat) : ClientTests(kcat), IClassFixture<KcatTests.Kcat>
{
    private protected override IReadOnlyList<Scenario> More => [Scenario.Idempotent];

    [Fact]
    public Task An_idempotent_producer_whose_answers_are_lost_writes_each_event_once() => ProveAsync(Scenario.Idempotent);

    [Fact]
    public async Task It_lists_one_broker_and_every_stream_with_its_partitions()
    {
        SkipIfMissing();
        WeirServer server = await Bench.ServerAsync();

        JsonElement listed = JsonDocument.Parse(string.Join('\n', await Bench.Client.RunAsync("list", server, []))).RootElement;

        Assert.Equal(server.KafkaServers, Assert.Single(listed.GetProperty("brokers").EnumerateArray()).GetProperty("name").GetString());
        Assert.Equal(
            ["codecs 1", "plain 3", "shared 6", "timed 2", "votes 4"],
            listed.GetProperty("topics").EnumerateArray().Where(topic => !topic.GetProperty("topic").GetString()!.StartsWith("__", StringComparison.Ordinal))
                .Select(topic => $"{topic.GetProperty("topic").GetString()} {topic.GetProperty("partitions").GetArrayLength()}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task It_asks_for_the_offsets_of_a_time()
    {
        SkipIfMissing();
        await using WeirServer server = await WeirServer.StartAsync("streams: { s: { partitions: 1 } }");
        await server.SendAsync("s", ["{}", "{}"]);
        long moment = SinceScenario.NextMillisecond();
        await server.SendAsync("s", ["{}"]);

        Assert.Equal([3], await OffsetsAsync(moment));
        Assert.Equal([0], await OffsetsAsync(0));

        // From this time on there is nothing.
        Assert.Equal([-1], await OffsetsAsync(moment + 3_600_000));

        async Task<IEnumerable<long>> OffsetsAsync(long since) =>
            Told.Parse(await Bench.Client.RunAsync("query", server, [], "topic=s", "partitions=0", $"since={since}")).Select(line => line.GetProperty("offset").GetInt64());
    }

    public sealed class Kcat() : ClientBench(new KafkaClient("kcat", "crc32", ["gzip", "snappy", "lz4", "zstd"], ["bash", Path.Combine(Paths.Clients, "kcat.sh")], "kcat is not installed")
    {
        IsIdempotent = true,
    });
}
