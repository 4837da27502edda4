using System.Globalization;
using Weir.Cli.Load;
using Weir.Core;

namespace Weir.Cli.Bench;

/// <summary>`http`, `partitions`, `latency`: batches of votes over HTTP, flushed before the acknowledgement.</summary>
internal static class ThroughputBenches
{
    private const int DefaultBatch = 4_000;
    private const int DefaultConnections = 8;

    /// <summary>As fast as they go, 4 partitions.</summary>
    public static async Task<IReadOnlyList<BenchResult>> HttpAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel) =>
        [await MeasureAsync("http", settings, terminal, settings.Events ?? 20_000_000, partitions: 4, cancel)];

    /// <summary>The same with 1, 4, 16 and 64 partitions: the cost of an event must not depend on their number.</summary>
    public static async Task<IReadOnlyList<BenchResult>> PartitionsAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        var results = new List<BenchResult>();
        foreach (int partitions in (int[])[1, 4, 16, 64])
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"partitions {partitions}");
            results.Add(await MeasureAsync(name, settings, terminal, settings.Events ?? 10_000_000, partitions, cancel));
        }

        return results;
    }

    /// <summary>Acknowledgement times at half of what the machine can take, which is measured first unless --rate is given.</summary>
    public static async Task<IReadOnlyList<BenchResult>> LatencyAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        long events = settings.Events ?? 20_000_000;
        using BenchServer server = await BenchServer.StartAsync(settings, events, partitions: 4, cancel);
        var load = new BatchLoad(server.Address, BenchServer.Stream, UserChoice.Random);
        await WarmUpAsync(load, events, cancel);
        double perSecond = settings.PerSecond ?? await PeakAsync(load, terminal, cancel) / 2;
        const int Batch = 500;

        // In the shape that is measured too: otherwise the compiler's work for small rounds is what the slowest hundredth shows.
        await load.RunAsync(Math.Min(3_000_000, events), connections: 32, settings.Batch ?? Batch, perSecond, cancel);
        (LoadTotals totals, TimeSpan elapsed) = await WatchAsync(
            terminal, "latency", load, events, load.RunAsync(events, connections: 32, settings.Batch ?? Batch, perSecond, cancel));
        return [new BenchResult("latency", totals.Events, elapsed) { Latency = totals.Latency, Figures = [("asked_per_second", perSecond)] }];
    }

    /// <summary>Events per second as fast as they go, from a short run on a server that is warm.</summary>
    public static async Task<double> PeakAsync(BatchLoad load, Terminal terminal, CancellationToken cancel)
    {
        const int Events = 6_000_000;
        (LoadTotals peak, TimeSpan took) = await WatchAsync(terminal, "finding the peak", load, Events, load.RunAsync(Events, DefaultConnections, DefaultBatch, perSecond: 0, cancel));
        return peak.Events / took.TotalSeconds;
    }

    /// <summary>Long enough for the server's code to be compiled with what was learnt of it.</summary>
    /// <param name="events">Of the run that follows; a short one has a short one before it.</param>
    public static Task WarmUpAsync(BatchLoad load, long events, CancellationToken cancel) =>
        load.RunAsync(Math.Min(2_000_000, events), DefaultConnections, DefaultBatch, perSecond: 0, cancel);

    public static Task<T> WatchAsync<T>(Terminal terminal, string label, BatchLoad load, long events, Task<T> work)
    {
        long before = load.Acknowledged;
        return Progress.WatchAsync(terminal, () => label, "events", () => events, () => load.Acknowledged - before, work);
    }

    private static async Task<BenchResult> MeasureAsync(string name, BenchSettings settings, Terminal terminal, long events, int partitions, CancellationToken cancel)
    {
        using BenchServer server = await BenchServer.StartAsync(settings, events, partitions, cancel);
        var load = new BatchLoad(server.Address, BenchServer.Stream, UserChoice.Random);
        await WarmUpAsync(load, events, cancel);
        long countedBefore = await server.CountedAsync(cancel);
        double? allocatedBefore = await server.AllocatedBytesAsync(cancel);
        (LoadTotals totals, TimeSpan elapsed) = await WatchAsync(
            terminal, name, load, events, load.RunAsync(events, settings.Connections ?? DefaultConnections, settings.Batch ?? DefaultBatch, settings.PerSecond ?? 0, cancel));
        double? allocated = await server.AllocatedBytesAsync(cancel) - allocatedBefore;
        long counted = await server.CountedAsync(cancel) - countedBefore;
        if (counted != totals.Counted)
        {
            throw new WeirException(ErrorCode.RecountMismatch, $"{totals.Counted} votes were acknowledged as counted, the view has {counted}: the figure means nothing");
        }

        return new BenchResult(name, totals.Events, elapsed)
        {
            Latency = totals.Latency,
            AllocatedBytesPerEvent = allocated / totals.Events,
            Figures = [("taken", totals.NotCounted)],
        };
    }
}
