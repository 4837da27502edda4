using System.Globalization;
using Weir.Cli.Load;
using Weir.Core;

namespace Weir.Cli.Bench;

/// <summary>`overload`: what is left of the peak when ten times as much is offered, and whether everything is as before when it is over.</summary>
internal static class OverloadBench
{
    private const string AfterName = "0.8 times, after";
    private const int DefaultBatch = 4_000;
    private const int DefaultConnections = 512;
    private const int DefaultReaders = 1_000;
    private const int PeakConnections = 8;

    // So that the server's code is compiled with what was learnt of it before the peak is taken.
    private const int WarmRequestsPerSecond = 100;

    private const double LeastOfPeak = 0.9;
    private const double LeastTakenThen = 0.9;

    // What bodies (256 MiB) and queues (4 of 32 MiB) may take by the defaults of the configuration, as much again that is garbage and not collected yet, and what is
    // read ahead of 1,500 connections.
    private const long MoreMemoryAtMost = 1L << 30;

    private static readonly TimeSpan RecoversWithin = TimeSpan.FromSeconds(10);

    public static async Task<IReadOnlyList<BenchResult>> RunAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        int batch = settings.Batch ?? DefaultBatch;
        var seconds = TimeSpan.FromSeconds(settings.Seconds ?? 10);
        using BenchServer server = await BenchServer.StartAsync(settings, events: (long)(15 * seconds.TotalSeconds * 1_000_000), partitions: 4, cancel);
        using var load = new OverloadLoad(server.Process, BenchServer.Stream, batch, settings.Connections ?? DefaultConnections, asksFirst: !settings.SendsWhole, new Random(1));
        using var readers = new SlowReaders(server.Address, BenchServer.View, settings.Subscribers ?? DefaultReaders);
        var phases = new List<OverloadPhase>();
        string name = "";
        await Progress.WatchAsync(
            terminal,
            () => "overload, " + name,
            "requests",
            () => 0,
            () => load.Taken,
            Task.Factory.StartNew(() => RunPhases(load, settings, seconds, phases, started => name = started, cancel), TaskCreationOptions.LongRunning));

        long counted = await server.CountedAsync(cancel);
        if (counted != load.Counted && phases.TrueForAll(phase => phase.Broken == 0))
        {
            throw new WeirException(ErrorCode.RecountMismatch, $"{load.Counted} votes were acknowledged as counted, the view has {counted}: the figures mean nothing");
        }

        phases.RemoveAt(0);
        OverloadCurve.Write(settings.Svg, phases, batch);
        return [.. phases.Select(phase => ResultOf(phase, phases, batch))];
    }

    private static void RunPhases(OverloadLoad load, BenchSettings settings, TimeSpan seconds, List<OverloadPhase> phases, Action<string> starts, CancellationToken cancel)
    {
        int all = settings.Connections ?? DefaultConnections;
        Run(new OverloadPlan("warm-up", 0, seconds) { Connections = PeakConnections, LeastRequests = (long)(WarmRequestsPerSecond * seconds.TotalSeconds) });
        OverloadPhase peak = Run(new OverloadPlan("peak", 0, seconds) { Connections = PeakConnections });
        double most = Math.Max(1, peak.TakenPerSecond);
        Offer("0.8 times", 0.8, seconds);
        Offer("1 times", 1, seconds);
        Offer("2 times", 2, seconds);
        Offer("5 times", 5, seconds);
        Offer("10 times", 10, seconds);
        Offer(AfterName, 0.8, 2 * seconds);
        Run(new OverloadPlan("2 times, impatient", 2 * most, seconds) { Connections = all, Returns = Returns.AtOnce });
        Run(new OverloadPlan("2 times, one hot key", 2 * most, seconds) { Connections = all, IsHot = true });
        Run(new OverloadPlan("10 times for a moment", 10 * most, seconds / 10) { Connections = all, Returns = Returns.AsTold, Drains = true });
        Offer("0.8 times, end", 0.8, seconds);

        void Offer(string name, double times, TimeSpan duration) => Run(new OverloadPlan(name, times * most, duration) { Connections = all });

        OverloadPhase Run(OverloadPlan plan)
        {
            starts(plan.Name);
            OverloadPhase phase = load.Run(plan, cancel);
            phases.Add(phase);
            return phase;
        }
    }

    // What was promised and is not so; figures of a short run on a busy machine can miss it too.
    private static IReadOnlyList<string> Missed(OverloadPhase phase, List<OverloadPhase> phases)
    {
        OverloadPhase peak = phases[0];
        OverloadPhase before = phases[1];
        var missed = new List<string>();
        string name = phase.Plan.Name;
        if (name == "10 times" && phase.TakenPerSecond < LeastOfPeak * peak.TakenPerSecond)
        {
            missed.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: {phase.TakenPerSecond / peak.TakenPerSecond:P0} of the peak is left, less than {LeastOfPeak:P0}"));
        }

        if (phase.RefusedWithoutTime > 0)
        {
            missed.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: {phase.RefusedWithoutTime} refusals without a Retry-After"));
        }

        if (phase.Plan.Drains && phase.CameBack > 0 && phase.TakenThen < LeastTakenThen * phase.CameBack)
        {
            missed.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: of {phase.CameBack} that came back when they were told to, {phase.TakenThen} were taken then"));
        }

        if (phase.MostResidentBytes > peak.MostResidentBytes + MoreMemoryAtMost)
        {
            missed.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: {phase.MostResidentBytes >> 20} MiB resident, {peak.MostResidentBytes >> 20} MiB at the peak"));
        }

        if (name == AfterName && (RecoveredAfter(phase, before) is not { } after || after > RecoversWithin))
        {
            missed.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: p99 is not within twice that of before after {RecoversWithin.TotalSeconds:0} s"));
        }

        return missed;
    }

    /// <summary>From when on p99 is within twice that of before, three seconds in a row; null: never.</summary>
    private static TimeSpan? RecoveredAfter(OverloadPhase phase, OverloadPhase before)
    {
        TimeSpan most = 2 * before.Latency.Percentile(0.99);
        for (int second = 0; second + 3 <= phase.Seconds.Count; second++)
        {
            if (phase.Seconds.Skip(second).Take(3).All(one => one.Percentile(0.99) <= most))
            {
                return TimeSpan.FromSeconds(second);
            }
        }

        return null;
    }

    private static BenchResult ResultOf(OverloadPhase phase, List<OverloadPhase> phases, int batch)
    {
        OverloadPhase peak = phases[0];
        double elapsed = phase.Elapsed.TotalSeconds;
        var figures = new List<(string, double)>
        {
            ("of_peak", phase.TakenPerSecond / peak.TakenPerSecond),
            ("offered_per_second", phase.Arrived * batch / (phase.Plan.Drains ? elapsed : phase.Plan.Duration.TotalSeconds)),
            ("refused", phase.Refused429 + phase.Refused503),
            ("gave_up", phase.GaveUp),
            ("broken", phase.Broken),
            ("longest_told_s", phase.LongestToldSeconds),
            ("came_back", phase.CameBack),
            ("taken_then", phase.TakenThen),
            ("resident_mib", phase.MostResidentBytes / 1048576.0),
            ("events_per_core_second", phase.Taken * batch / Math.Max(0.001, (phase.ServerTime + phase.GeneratorTime).TotalSeconds)),
            ("generator_cores", phase.GeneratorTime.TotalSeconds / elapsed),
            ("server_cores", phase.ServerTime.TotalSeconds / elapsed),
        };
        if (phase.Plan.Name == AfterName && RecoveredAfter(phase, phases[1]) is { } after)
        {
            figures.Add(("as_before_after_s", after.TotalSeconds));
        }

        return new BenchResult(phase.Plan.Name, phase.Taken * batch, phase.Elapsed) { Latency = phase.Latency, Figures = figures, Missed = Missed(phase, phases) };
    }
}
