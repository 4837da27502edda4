using System.Diagnostics;
using Weir.TestKit;

namespace Weir.Simulator.Tests;

/// <summary>A short form of what <c>./sim --seeds 5000</c> does; a seed that ever failed stays here by name.</summary>
public sealed class SeedTests
{
    [Fact]
    public void No_seed_breaks_an_invariant()
    {
        int seeds = TestScale.SimulatorSeeds;

        SeedRun run = SeedRun.Of(from: 1, seeds, threads: Environment.ProcessorCount, _ => { });

        Assert.True(run.Failures.Count == 0, string.Join('\n', run.Failures.Select(failure => $"./sim --seed {failure.Key}: {failure.Value}")));
        Assert.Equal(seeds, run.Totals.Seeds);
        Assert.True(run.Totals is { Crashes: > 0, Acknowledged: > 0 }, "Nothing happened.");
        Assert.All(Enum.GetValues<FaultKind>(), fault => Assert.True(run.Totals.Of(fault) > 0, $"{fault} was never drawn."));
    }

    [Fact]
    public void A_seed_runs_the_same_in_two_processes_and_two_cultures()
    {
        foreach (int seed in new[] { 3, 17, 48 })
        {
            Assert.Equal(HashOf(seed, "C"), HashOf(seed, "tr-TR"));
        }
    }

    [Fact]
    public void A_seed_runs_the_same_twice_in_one_process()
    {
        var threads = new Stack<JobThread>();
        foreach (int seed in new[] { 2, 21, 56 })
        {
            var first = new Simulation(seed, threads, trace: null);
            first.Run();
            var second = new Simulation(seed, threads, trace: null);
            second.Run();

            Assert.Equal(first.Hash, second.Hash);
        }
    }

    private static string HashOf(int seed, string culture)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } test ? Path.Combine(Path.GetDirectoryName(test)!, "weir-sim") : "weir-sim") { RedirectStandardOutput = true };
        start.ArgumentList.Add("--seed");
        start.ArgumentList.Add($"{seed}");
        start.ArgumentList.Add("--hash");
        start.Environment["LC_ALL"] = culture;
        start.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "0";
        using Process process = Process.Start(start)!;
        string hash = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return hash;
    }
}
