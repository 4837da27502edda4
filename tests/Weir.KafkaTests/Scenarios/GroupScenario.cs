using Weir.KafkaTests.Support;

namespace Weir.KafkaTests.Scenarios;

/// <summary>
/// Three members of a group share six partitions while events arrive; one is killed (SIGKILL). The two others take its partitions over from what it had committed, so
/// that all events are seen. Who comes into the group after they have left in order sees what is new and nothing else.
/// </summary>
internal static class GroupScenario
{
    /// <summary>The group that it leaves behind, empty.</summary>
    public const string Group = "sharers";

    // Enough users that each of the six partitions gets some of a round.
    private const int Round = 74;
    private const int Members = 3;

    public static async Task<string> RunAsync(ClientBench bench)
    {
        WeirServer server = await bench.ServerAsync();
        var sent = new List<Vote>();
        using LineProcess first = Join(), second = Join(), third = Join();
        LineProcess[] all = [first, second, third];

        await ShareRoundAsync(all, Members);
        third.Kill();
        int[] before = [first.Lines.Count, second.Lines.Count];
        IReadOnlyDictionary<int, long> committed = Told.Committed(third.Lines);
        HashSet<int> abandoned = [.. PartitionsOfLastRound(third, sent)];
        await ShareRoundAsync([first, second], Members - 1);
        await Task.WhenAll(first.StopAsync(), second.StopAsync());

        HashSet<string> seen = [.. all.SelectMany(member => Votes(member.Lines)).Select(vote => vote.Id)];
        Assert.Empty(sent.Select(vote => vote.Id).Except(seen));
        ToldRecord[] takenOver = [.. Told.Records(first.Lines.Skip(before[0])), .. Told.Records(second.Lines.Skip(before[1]))];
        Assert.Superset(abandoned, takenOver.Select(record => record.Partition).ToHashSet());
        Assert.All(
            takenOver.Where(record => abandoned.Contains(record.Partition) && committed.ContainsKey(record.Partition)),
            record => Assert.True(record.Offset >= committed[record.Partition], $"partition {record.Partition}: {record.Offset} was read again, {committed[record.Partition]} was committed"));

        using LineProcess fourth = Join();
        IReadOnlyList<Vote> last = await SendRoundAsync();
        await fourth.WaitAsync(lines => Votes(lines).Count() >= last.Count, "the last round");
        Assert.Equal(last.Select(vote => vote.Id).Order(), Votes(await fourth.StopAsync()).Select(vote => vote.Id).Order());
        return Scenario.Passed;

        LineProcess Join() => bench.Client.Start("member", server, "topic=shared", $"group={Group}");

        async Task<IReadOnlyList<Vote>> SendRoundAsync()
        {
            IReadOnlyList<Vote> round = Vote.Range(sent.Count, Round);
            sent.AddRange(round);
            await server.SendAsync("shared", round.Select(vote => vote.Json));
            return round;
        }

        // Sends rounds until so many members read two in a row together: the group has settled, and what a member had fetched of a partition that it lost since, which
        // some clients still give to their user, lies behind it.
        async Task ShareRoundAsync(LineProcess[] members, int readers)
        {
            using var patience = new CancellationTokenSource(LineProcess.Patience);
            int together = 0;
            while (together < 2)
            {
                HashSet<string> round = [.. (await SendRoundAsync()).Select(vote => vote.Id)];
                List<HashSet<string>> read;
                do
                {
                    Assert.False(patience.IsCancellationRequested, $"{readers} members do not share a round:\n{string.Join('\n', members.Select(member => member.ToString()))}");
                    await Task.Delay(20);
                    read = [.. members.Select(member => Votes(member.Lines).Select(vote => vote.Id).Where(round.Contains).ToHashSet())];
                }
                while (read.SelectMany(ids => ids).Distinct().Count() < round.Count);
                together = read.Count(ids => ids.Count > 0) == readers && read.Sum(ids => ids.Count) == round.Count ? together + 1 : 0;
            }
        }
    }

    private static IEnumerable<int> PartitionsOfLastRound(LineProcess member, List<Vote> sent)
    {
        HashSet<string> last = [.. sent.TakeLast(Round).Select(vote => vote.Id)];
        return Told.Records(member.Lines).Where(record => record.Offset > 0 && last.Contains(Vote.Read(record.Value).Id)).Select(record => record.Partition);
    }

    private static IEnumerable<Vote> Votes(IEnumerable<string> lines) => Told.Records(lines).Where(record => record.Offset > 0).Select(record => Vote.Read(record.Value));
}
