using System.Collections.Concurrent;
using System.Globalization;
using Weir.TestKit;

namespace Weir.CrashTests;

/// <summary>
/// The sweep of failing file calls on the real program: a fixed workload of start, traffic, a new segment, snapshot, retention, a new view, reads, a close and the stop, in which
/// the n-th call of its threads fails. Of a run that is recorded first every call is known; WEIR_SEED repeats a choice of faults.
/// </summary>
public sealed class CallSweepTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Whatever_file_call_of_the_program_fails_nothing_acknowledged_is_lost_and_nothing_counts_twice()
    {
        Strace.Need();
        using SweptStore store = await SweptStore.MakeAsync();
        SweptRun recorded = await SweptRun.RunAsync(store, fault: null);
        Assert.True(recorded.Problem is null, recorded.Problem);
        IReadOnlyList<FileFault> faults = FileFault.Of(recorded.Calls);
        int seed = int.TryParse(Environment.GetEnvironmentVariable("WEIR_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : Random.Shared.Next();
        FileFault[] chosen = Choose(faults, seed);

        var runs = new ConcurrentBag<SweptRun>();
        await Parallel.ForEachAsync(chosen, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (fault, _) => runs.Add(await SweptRun.RunAsync(store, fault)));

        string[] reached = [.. recorded.Sites(call => true).Order(StringComparer.Ordinal)];
        HashSet<string> failed = [.. runs.SelectMany(run => run.Sites(call => call.IsInjected))];
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"WEIR_SEED={seed}: {recorded.Calls.Count} calls on files recorded, at {reached.Length} call sites; {faults.Count} ways to fail: {runs.Count} runs, in {runs.Count(run => run.IsHit)} of which it was met; {failed.Count} sites failed, {runs.Count(run => run.Refused)} starts were refused; {runs.Sum(run => run.Acknowledged)} acknowledged, {runs.Sum(run => run.Unknown)} unknown; acknowledgements without a flush 0, second flushes 0, lost 0, counted twice 0"));
        output.WriteLine(string.Join('\n', reached.Select(site => $"  {site}{(failed.Contains(site) ? " (failed)" : "")}")));
        string[] problems = [.. runs.Where(run => run.Problem is not null).Select(run => $"{run.Fault}: {run.Problem}")];
        Assert.True(problems.Length == 0, string.Join('\n', problems));
        Assert.True(runs.Count(run => run.IsHit) * 2 >= runs.Count, "Most faults were not met.");
    }

    // Every n-th way in which a call can fail; in the short form every n-th call, in one way.
    private static FileFault[] Choose(IReadOnlyList<FileFault> faults, int seed)
    {
        int step = TestScale.ProgramCallStep;
        if (!TestScale.IsShort)
        {
            return [.. faults.Where((_, i) => i % step == seed % step)];
        }

        var random = new Random(seed);
        FileFault[][] calls = [.. faults.GroupBy(fault => (fault.Call, fault.N)).Select(call => call.ToArray())];
        return [.. calls.Where((_, i) => i % step == seed % step).Select(ways => ways[random.Next(ways.Length)])];
    }
}
