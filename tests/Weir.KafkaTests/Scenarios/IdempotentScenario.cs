using Weir.KafkaTests.Support;

namespace Weir.KafkaTests.Scenarios;

/// <summary>
/// An idempotent producer whose answers are swallowed again and again, so that it sends batches a second time which are in the log already. The stream has neither key
/// nor id: only the producer's sequence numbers keep an event from being there twice.
/// </summary>
internal static class IdempotentScenario
{
    private const int Partitions = 3;

    public static async Task<string> RunAsync(ClientBench bench)
    {
        using var proxy = new CuttingProxy(every: 3);
        await using WeirServer server = await WeirServer.StartAsync(bench.Definitions, proxy);
        IReadOnlyList<Vote> votes = Vote.Range(0, 600);

        await bench.Client.RunAsync("produce", server, votes.Select(vote => vote.LineWithoutKey), "topic=plain", "idempotent=true");

        Assert.True(proxy.Cuts >= 2, $"{proxy.Cuts} answers were swallowed");
        Assert.Equal(Vote.Count(votes), await server.CountsAsync("plainly", "plain"));
        IReadOnlyList<ToldRecord> read = Records.WithoutMarkers(bench.Client, await bench.Client.ReadAsync("consume", server, "topic=plain"), Partitions);
        Assert.Equal(votes.Select(vote => vote.Json).Order(StringComparer.Ordinal), read.Select(record => record.Value).Order(StringComparer.Ordinal));
        return Scenario.Passed;
    }
}
