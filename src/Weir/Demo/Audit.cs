using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Weir.Cli.Http;
using Weir.Core;

namespace Weir.Cli.Demo;

/// <summary>The server's final totals against the oracle's: per choice the number of votes and the sum of their numbers.</summary>
internal sealed record Audit(long Counted, long Lost, long Double, IReadOnlyList<string> Findings)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<Audit> RunAsync(ServerClient server, Oracle oracle, CancellationToken cancel)
    {
        Dictionary<string, (long Votes, long Numbers)> audited = await ReadFinalAsync(server, "audit", "numbers", cancel);
        Dictionary<string, (long Votes, long Numbers)> shown = await ReadFinalAsync(server, "results", "votes", cancel);
        (long[] votes, long[] numbers) = oracle.Expected();
        long lost = 0;
        long counted = 0;
        long twice = 0;
        var findings = new List<string>();
        for (int i = 0; i < votes.Length; i++)
        {
            string choice = DemoVotes.Choices[i];
            (long Votes, long Numbers) found = audited.GetValueOrDefault(choice);
            counted += found.Votes;
            lost += Math.Max(0, votes[i] - found.Votes);
            twice += Math.Max(0, found.Votes - votes[i]);
            if (found != (votes[i], numbers[i]))
            {
                findings.Add($"{choice}: {found.Votes} votes with sum {found.Numbers}, must be {votes[i]} with sum {numbers[i]}");
            }

            if (shown.GetValueOrDefault(choice).Votes != found.Votes)
            {
                findings.Add($"{choice}: view results shows {shown.GetValueOrDefault(choice).Votes}, view audit {found.Votes}");
            }
        }

        // Equal counts with another sum: at least one vote is missing and another is there instead.
        bool isSwapped = lost == 0 && twice == 0 && findings.Count > 0;
        return new Audit(counted, isSwapped ? 1 : lost, isSwapped ? 1 : twice, findings);
    }

    /// <summary>Waits until the view says that nothing can change any more.</summary>
    private static async Task<Dictionary<string, (long Votes, long Numbers)>> ReadFinalAsync(ServerClient server, string view, string second, CancellationToken cancel)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            JsonObject answer = await server.GetAsync($"v1/views/{view}?limit=1000", cancel);
            if (answer["final"]?.GetValue<bool>() == true)
            {
                return answer["rows"]!.AsArray().ToDictionary(
                    row => row!["choice"]!.ToString(),
                    row => (Number(row!["votes"]), Number(row![second])));
            }

            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                throw new WeirException(ErrorCode.NotFinal, $"view {view} is not final {Patience.TotalSeconds:N0} s after the close; its position is {answer["position"]}");
            }

            await Task.Delay(20, cancel);
        }
    }

    private static long Number(JsonNode? node) => long.Parse(node?.ToString() ?? "0", CultureInfo.InvariantCulture);
}
