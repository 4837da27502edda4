using Weir.KafkaTests.Support;
using Weir.TestKit;

namespace Weir.KafkaTests.Scenarios;

/// <summary>
/// Producers go on while the server is killed (SIGKILL) and started again, and while answers are swallowed, so that they send again what is in the log already: one
/// to a stream that knows events by their id and, where the client has it, an idempotent one to a stream with neither key nor id, where only the producer's sequence
/// numbers keep an event from being there twice. Each event counts once, and the recount agrees.
/// </summary>
internal static class KillScenario
{
    private const int Chunk = 700;

    // So many of a chunk have been counted when the server is killed: the rest are on the way.
    private const int Counted = 100;

    private static readonly int Kills = TestScale.IsShort ? 1 : 4;

    public static async Task<string> RunAsync(ClientBench bench)
    {
        using var proxy = new CuttingProxy(every: 4);
        await using WeirServer server = await WeirServer.StartAsync(bench.Definitions, proxy);
        IReadOnlyList<Vote> votes = Vote.Range(0, Chunk * (Kills + 1));
        using LineProcess producer = bench.Client.Start("produce", server, "topic=votes");
        using LineProcess? idempotent = bench.Client.IsIdempotent ? bench.Client.Start("produce", server, "topic=plain", "idempotent=true") : null;

        for (int kill = 0; kill <= Kills; kill++)
        {
            foreach (Vote vote in votes.Skip(kill * Chunk).Take(Chunk))
            {
                await producer.WriteAsync(vote.Line);
                await (idempotent?.WriteAsync(vote.Line) ?? Task.CompletedTask);
            }

            if (kill < Kills)
            {
                await CountedAsync(server, "results", "votes", (kill * Chunk) + Counted);
                await server.KillAndStartAgainAsync();
            }
        }

        await Task.WhenAll(producer.EndAsync(), idempotent?.EndAsync() ?? Task.CompletedTask);

        // How many requests a client makes of its events is its own affair, and on a busy machine they are few.
        Assert.True(proxy.Cuts >= 1, "No answer was swallowed");
        Assert.Equal(Vote.Count(votes), await server.CountsAsync("results", "votes"));
        await server.MustAgreeWithRecountAsync("results");
        if (idempotent is not null)
        {
            Assert.Equal(Vote.Count(votes), await server.CountsAsync("plainly", "plain"));
        }

        return Scenario.Passed;
    }

    private static async Task CountedAsync(WeirServer server, string view, string stream, long least)
    {
        using var patience = new CancellationTokenSource(LineProcess.Patience);
        while ((await server.CountsAsync(view, stream)).Values.Sum() < least)
        {
            await Task.Delay(10, patience.Token);
        }
    }
}
