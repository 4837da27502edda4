using Weir.KafkaTests.Support;

namespace Weir.KafkaTests.Scenarios;

/// <summary>
/// A client writes keyed events with acks=all, HTTP writes some of the same users among them: each counts once, also what the client sends twice; a
/// reader from the start sees all of them with their keys, each user's in one partition and in the order in which they were sent.
/// </summary>
internal static class ProduceConsumeScenario
{
    private const int Partitions = 4;

    // So many are sent a second time.
    private const int Again = 50;

    public static async Task<string> RunAsync(ClientBench bench)
    {
        WeirServer server = await bench.ServerAsync();
        IReadOnlyList<Vote> overKafka = Vote.Range(0, 600);
        Vote[] sent = [.. overKafka, .. overKafka.Take(Again)];
        IReadOnlyList<Vote> overHttp = Vote.Range(600, 60);

        await bench.Client.RunAsync("produce", server, sent.Select(vote => vote.Line), "topic=votes");
        await server.SendAsync("votes", overHttp.Select(vote => vote.Json));

        Assert.Equal(Vote.Count([.. overKafka, .. overHttp]), await server.CountsAsync("results", "votes"));
        await server.MustAgreeWithRecountAsync("results");
        IReadOnlyList<ToldRecord> read = Records.WithoutMarkers(bench.Client, await bench.Client.ReadAsync("consume", server, sent.Length + overHttp.Count, "topic=votes"), Partitions);
        Assert.All(read, record => Assert.Equal(Vote.Read(record.Value).User, record.Key));
        Assert.All(read.GroupBy(record => record.Key), user => Assert.Single(user.Select(record => record.Partition).Distinct()));
        Assert.Equal(ByUser([.. sent, .. overHttp]), ByUser(read.Select(record => Vote.Read(record.Value))));
        return Scenario.Passed;
    }

    private static IEnumerable<string> ByUser(IEnumerable<Vote> votes) =>
        votes.GroupBy(vote => vote.User).OrderBy(user => user.Key, StringComparer.Ordinal).Select(user => $"{user.Key}: {string.Join(' ', user.Select(vote => vote.Id))}");
}
