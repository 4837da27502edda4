namespace Weir.CrashTests.CrashStates;

/// <summary>
/// Power loss after an earlier end: the server is started on what a kill or a power loss left, recorded while it recovers and takes a few events, and the
/// states of that are made. After a kill the page cache holds what the disk may lack, so what the first process did not flush is still open.
/// </summary>
internal static class SecondCrash
{
    /// <summary>States made of one recording.</summary>
    public const int StatesOfEach = 3;

    /// <summary>Kills at the moment when a flush begins that was drawn by its sort, so that a name or some bytes are in memory only.</summary>
    public static Task<IReadOnlyList<(Recording, CrashState)>> AfterKillAsync(Recording first, Random random)
    {
        FileCall[][] flushes = [.. first.Calls.Where(call => call.Kind == FileCallKind.Flush).GroupBy(call => call.Sort).Select(sort => sort.ToArray())];
        FileCall[] sort = flushes[random.Next(flushes.Length)];
        return StatesAsync(first.KilledAt(sort[random.Next(sort.Length)].Began), random);
    }

    public static Task<IReadOnlyList<(Recording, CrashState)>> AfterPowerLossAsync(Recording first, CrashState state, Random random) =>
        StatesAsync(Recording.Of(StateBuilder.Build(first, state), first.At(state.Horizon)), random);

    private static async Task<IReadOnlyList<(Recording, CrashState)>> StatesAsync(Recording first, Random random)
    {
        using var directory = new WorkDirectory();
        directory.Configure(StateWorkload.Definitions);
        StateBuilder.InMemory(first).WriteTo(directory.Path);
        var recorder = new Recorder(directory, first);
        await recorder.RunAsync(clients: 1, async (server, clients) =>
        {
            foreach (Exchange next in first.At(first.End).Open.Concat(StateWorkload.Few("y")))
            {
                Exchange answered = await clients[0].SendAsync(next);
                Assert.True(answered.Status is >= 200 and < 300 or 404, $"{answered}: {answered.Text}");
            }

            server.Kill();
        });

        Recording both = recorder.Recording;
        var space = new StateSpace(both, random.Next());
        var nothingMore = new CrashState { Horizon = both.End, Until = both.End, Otherwise = Fate.Lost, Fates = new Dictionary<int, Fate>() };
        CrashState near = StateSpace.Choose(space.Exhaustive(first.End), 1, random)[0];
        return [.. space.Sampled(random, first.End).Take(StatesOfEach - 2).Concat([nothingMore, near]).Select(state => (both, state))];
    }
}
