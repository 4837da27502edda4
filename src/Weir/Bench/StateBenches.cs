using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Weir.Cli.Http;
using Weir.Cli.Load;
using Weir.Core;

namespace Weir.Cli.Bench;

/// <summary>`memory`, `open`, `recount`: what many voters cost after their votes were counted.</summary>
internal static class StateBenches
{
    private const int Batch = 4_000;
    private const int Connections = 8;
    private const long SmallVoters = 10_000_000;
    private const long ManyVoters = 100_000_000;

    /// <summary>Bytes of physical memory per distinct voter, and of the owner table alone, at 10 and at 100 million voters, or at --events.</summary>
    public static async Task<IReadOnlyList<BenchResult>> MemoryAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        long[] sizes = settings.Events is { } asked ? [asked] : [SmallVoters, ManyVoters];
        using BenchServer server = await BenchServer.StartAsync(settings, sizes[^1], partitions: 4, cancel);
        var load = new BatchLoad(server.Address, BenchServer.Stream, UserChoice.Distinct);

        // What a busy server needs without voters: buffers and compiled code are there after the first votes.
        (LoadTotals first, _) = await load.RunAsync(Math.Min(400_000, sizes[0] / 2), Connections, Batch, perSecond: 0, cancel);
        long residentBefore = server.Process.ResidentBytes;
        long votersBefore = first.Counted;
        long voters = votersBefore;
        var results = new List<BenchResult>();
        foreach (long size in sizes)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"memory {size / 1e6:0.###}M voters");
            long more = size - voters;
            (LoadTotals totals, TimeSpan elapsed) = await ThroughputBenches.WatchAsync(terminal, name, load, more, load.RunAsync(more, Connections, Batch, perSecond: 0, cancel));
            voters += totals.Counted;
            (long owners, long stateBytes) = await StateAsync(server, cancel);
            results.Add(new BenchResult(name, totals.Events, elapsed)
            {
                Latency = totals.Latency,
                Figures =
                [
                    ("state_bytes_per_voter", (double)stateBytes / owners),
                    ("resident_bytes_per_voter", (double)(server.Process.ResidentBytes - residentBefore) / (voters - votersBefore)),
                    ("resident_mib", server.Process.ResidentBytes / (double)(1 << 20)),
                ],
            });
        }

        return results;
    }

    /// <summary>SIGKILL with 100 million votes in the log (or --events), then the time from start to serving.</summary>
    public static async Task<IReadOnlyList<BenchResult>> OpenAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        long events = settings.Events ?? ManyVoters;
        using BenchServer server = await BenchServer.StartAsync(settings, events, partitions: 4, cancel);
        var load = new BatchLoad(server.Address, BenchServer.Stream, UserChoice.Distinct);
        (LoadTotals totals, _) = await ThroughputBenches.WatchAsync(terminal, "votes", load, events, load.RunAsync(events, Connections, Batch, perSecond: 0, cancel));
        server.Process.Kill();
        TimeSpan open = await server.RestartAsync(cancel);
        (long owners, _) = await StateAsync(server, cancel);
        if (owners != totals.Counted)
        {
            throw new WeirException(ErrorCode.RecountMismatch, $"{totals.Counted} votes were acknowledged as counted, {owners} owners are there after opening: the figure means nothing");
        }

        return [new BenchResult("open", totals.Events, open) { Figures = [("open_seconds", open.TotalSeconds)] }];
    }

    /// <summary>The second implementation over 10 million votes (or --events), as a child process of the server.</summary>
    public static async Task<IReadOnlyList<BenchResult>> RecountAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        long events = settings.Events ?? SmallVoters;
        using BenchServer server = await BenchServer.StartAsync(settings, events, partitions: 4, cancel);
        var load = new BatchLoad(server.Address, BenchServer.Stream, UserChoice.Random);
        await ThroughputBenches.WatchAsync(terminal, "votes", load, events, load.RunAsync(events, Connections, Batch, perSecond: 0, cancel));
        using var client = new ServerClient(server.Process.Url);

        // A recount goes to the position that the view has reached, which is up to a publish interval behind the acknowledgements.
        await server.CountedAsync(cancel);
        using var watching = new CancellationTokenSource();
        Task<long> peak = PeakOfChildrenAsync(server.Process.ProcessId, watching.Token);
        long started = Stopwatch.GetTimestamp();
        JsonObject result = await RecountCall.RunAsync(terminal, client, BenchServer.View, cancel);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        await watching.CancelAsync();
        if (!RecountCall.IsEqual(result))
        {
            throw new WeirException(ErrorCode.RecountMismatch, result.ToJsonString());
        }

        return
        [
            new BenchResult("recount", result["events"]!.GetValue<long>(), elapsed)
            {
                FlushMode = null,
                Figures = [("peak_resident_mib", await peak / (double)(1 << 20))],
            },
        ];
    }

    private static async Task<(long Owners, long StateBytes)> StateAsync(BenchServer server, CancellationToken cancel)
    {
        using var client = new ServerClient(server.Process.Url);
        JsonArray partitions = (await client.GetAsync($"v1/streams/{BenchServer.Stream}", cancel))["partitions"]!.AsArray();
        return (partitions.Sum(partition => partition!["owners"]!.GetValue<long>()), partitions.Sum(partition => partition!["state_bytes"]!.GetValue<long>()));
    }

    /// <summary>Most physical memory that a child of <paramref name="parent"/> held (VmHWM), until cancelled.</summary>
    private static async Task<long> PeakOfChildrenAsync(int parent, CancellationToken cancel)
    {
        long peak = 0;
        while (!cancel.IsCancellationRequested)
        {
            foreach (string directory in Directory.EnumerateDirectories("/proc").Where(directory => char.IsAsciiDigit(Path.GetFileName(directory)[0])))
            {
                try
                {
                    string[] status = await File.ReadAllLinesAsync(Path.Combine(directory, "status"), CancellationToken.None);
                    if (status.Contains($"PPid:\t{parent}"))
                    {
                        string highest = status.FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)) ?? "VmHWM: 0 kB";
                        peak = Math.Max(peak, long.Parse(highest["VmHWM:".Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024);
                    }
                }
                catch (IOException)
                {
                    // It ended between the listing and the reading.
                }
            }

            await Task.Delay(100, CancellationToken.None);
        }

        return peak;
    }
}
