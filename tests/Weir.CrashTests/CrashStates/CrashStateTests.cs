using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Weir.TestKit;

namespace Weir.CrashTests.CrashStates;

/// <summary>
/// Power loss at any call: the calls of the real server are recorded while it works, the states in which the disk may be left are made from them, and the
/// real server is started on each. <c>WEIR_CRASH_STATES=n</c> tries so many, <c>WEIR_SEED</c> repeats the choices over a recording of its own.
/// </summary>
public sealed class CrashStateTests(ITestOutputHelper output)
{
    // One state in so many is that of a power loss after an earlier end: those are recorded for themselves.
    private const int SecondOneIn = 8;

    private const int MostFailuresShown = 5;

    [Fact]
    public async Task Whatever_a_power_loss_leaves_everything_acknowledged_is_there_and_counts_once()
    {
        Strace.Need();
        int count = Setting("WEIR_CRASH_STATES", TestScale.CrashStates);
        int seed = Setting("WEIR_SEED", Random.Shared.Next());
        output.WriteLine($"WEIR_CRASH_STATES={count} WEIR_SEED={seed}");
        var random = new Random(seed);
        var clock = Stopwatch.StartNew();
        using var directory = new WorkDirectory();
        Recording recording = await StateRecording.MakeAsync(directory);
        output.WriteLine($"recorded in {clock.Elapsed.TotalSeconds:0.0} s: {recording.Calls.Count} calls, {recording.Calls.Count(call => call.Kind == FileCallKind.Flush)} of them flushes, {recording.Exchanges.Count} requests");

        var space = new StateSpace(recording, seed);
        IReadOnlyList<CrashState> near = space.Exhaustive();
        int second = count / SecondOneIn;
        CrashState[] chosen = [.. StateSpace.Choose(near, (count - second) / 2, random)];
        CrashState[] drawn = [.. space.Sampled(random).Take(count - second - chosen.Length)];
        List<(Recording, CrashState)> states = [.. chosen.Concat(drawn).Select(state => (recording, state))];
        output.WriteLine($"{near.Count} states within three calls of a flush, {chosen.Length} of them tried; {drawn.Length} drawn from the others; made after {clock.Elapsed.TotalSeconds:0.0} s");

        // Recorded beside each other, each with choices of its own.
        var recorded = new ConcurrentBag<IReadOnlyList<(Recording, CrashState)>>();
        int[] seeds = [.. Enumerable.Range(0, (second + SecondCrash.StatesOfEach - 1) / SecondCrash.StatesOfEach).Select(_ => random.Next())];
        await Parallel.ForEachAsync(seeds.Index(), async (own, _) =>
        {
            var choices = new Random(own.Item);
            recorded.Add(own.Index % 2 == 0
                ? await SecondCrash.AfterKillAsync(recording, choices)
                : await SecondCrash.AfterPowerLossAsync(recording, drawn[choices.Next(drawn.Length)], choices));
        });
        states.AddRange(recorded.SelectMany(of => of));
        output.WriteLine($"{states.Count - chosen.Length - drawn.Length} after a second end; recorded after {clock.Elapsed.TotalSeconds:0.0} s");
        var tried = new Trials();
        await tried.RunAsync(states);
        output.WriteLine($"{states.Count} states, {tried.Layouts} distinct layouts booted, {tried.Failures.Count} failures; {clock.Elapsed.TotalSeconds:0.0} s in all");
        Assert.True(tried.Failures.Count == 0, string.Join("\n\n", tried.Failures.Take(MostFailuresShown)));
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
