using Weir.KafkaTests.Support;

namespace Weir.KafkaTests.Scenarios;

/// <summary>Events before a moment and after it: a client that asks for the offsets of the moment, and reads from there, sees those after it and no other.</summary>
internal static class SinceScenario
{
    public static async Task<string> RunAsync(ClientBench bench)
    {
        WeirServer server = await bench.ServerAsync();
        IReadOnlyList<Vote> after = Vote.Range(40, 40);

        await server.SendAsync("timed", Vote.Range(0, 40).Select(vote => vote.Json));
        long moment = NextMillisecond();
        await server.SendAsync("timed", after.Select(vote => vote.Json));

        Assert.Equal(after.Select(vote => vote.Id).Order(), (await bench.Client.ReadAsync("since", server, after.Count, "topic=timed", $"since={moment}")).Select(record => Vote.Read(record.Value).Id).Order());
        return Scenario.Passed;
    }

    /// <summary>A time that nothing has which was appended before, and everything that is appended from now on; the server's clock is this machine's.</summary>
    public static long NextMillisecond()
    {
        long next = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + 1;
        SpinWait.SpinUntil(() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() >= next);
        return next;
    }
}
