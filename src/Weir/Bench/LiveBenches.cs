using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Weir.Cli.Http;
using Weir.Cli.Load;
using Weir.Core;

namespace Weir.Cli.Bench;

/// <summary>`freshness` and `fanout`: how old what a subscriber sees is.</summary>
internal static class LiveBenches
{
    private const int Batch = 500;

    /// <summary>From sending a vote to the first live frame that contains it, under load at half the peak (or --rate).</summary>
    public static async Task<IReadOnlyList<BenchResult>> FreshnessAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        long events = settings.Events ?? 20_000_000;
        using BenchServer server = await BenchServer.StartAsync(settings, events, partitions: 4, cancel);
        var load = new BatchLoad(server.Address, BenchServer.Stream, UserChoice.Random);
        await ThroughputBenches.WarmUpAsync(load, events, cancel);
        double perSecond = settings.PerSecond ?? await ThroughputBenches.PeakAsync(load, terminal, cancel) / 2;

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var frames = new List<(long Timestamp, Position Position)>();
        Task reader = ReadFramesAsync(server, frames, stop.Token);
        Task<List<(long Timestamp, int Partition, long Offset)>> sampler = SampleAsync(server, stop.Token);
        (LoadTotals totals, TimeSpan elapsed) = await ThroughputBenches.WatchAsync(
            terminal, "freshness", load, events, load.RunAsync(events, connections: 32, Batch, perSecond, cancel));

        // The last samples' frames are still to come.
        await Task.Delay(TimeSpan.FromSeconds(1), cancel);
        await stop.CancelAsync();
        List<(long Timestamp, int Partition, long Offset)> samples = await sampler;
        await reader;
        return [new BenchResult("freshness", totals.Events, elapsed) { Latency = Ages(samples, frames), Figures = [("asked_per_second", perSecond), ("samples", samples.Count)] }];
    }

    /// <summary>Age of what each of many subscribers has, looked at every 100 ms while votes come in: at most the time since the vote was sent that is the newest in it.</summary>
    public static async Task<IReadOnlyList<BenchResult>> FanoutAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        int subscribers = settings.Subscribers ?? 10_000;
        double perSecond = settings.PerSecond ?? 10_000;
        long events = settings.Events ?? (long)(perSecond * 30);
        using BenchServer server = await BenchServer.StartAsync(settings, events, partitions: 4, "SELECT choice, count(*) AS votes, max(sent) AS newest FROM votes GROUP BY choice", cancel);
        long residentBefore = server.Process.ResidentBytes;
        using var crowd = new SubscriberCrowd(server.Address, BenchServer.View, subscribers);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task<(LoadTotals Totals, TimeSpan Elapsed)> sending = StampedLoad.RunAsync(server.Address, BenchServer.Stream, events, perSecond, cancel);
        Task<LatencyHistogram> watching = Task.Factory.StartNew(() => crowd.Watch(stop.Token), TaskCreationOptions.LongRunning);
        (LoadTotals totals, TimeSpan elapsed) = await Progress.WatchAsync(terminal, () => $"fanout to {subscribers}", "frames", () => 0, () => crowd.Frames, sending);
        long residentAfter = server.Process.ResidentBytes;
        await stop.CancelAsync();
        LatencyHistogram ages = await watching;
        return
        [
            new BenchResult("fanout", totals.Events, elapsed)
            {
                Latency = ages,
                Figures =
                [
                    ("subscribers", subscribers),
                    ("frames_per_second", crowd.Frames / elapsed.TotalSeconds),
                    ("oldest_ms", ages.Max.TotalMilliseconds),
                    ("resident_kib_per_subscriber", (residentAfter - residentBefore) / 1024.0 / subscribers),
                ],
            },
        ];
    }

    private static async Task ReadFramesAsync(BenchServer server, List<(long Timestamp, Position Position)> frames, CancellationToken cancel)
    {
        using var client = new ServerClient(server.Process.Url);
        try
        {
            await foreach ((string _, JsonObject frame) in client.ReadLiveAsync(BenchServer.View, cancel))
            {
                long now = Stopwatch.GetTimestamp();
                if (frame["position"]?.ToString() is { } text && Position.TryParse(text, BenchServer.Stream, partitions: 4, out Position? position))
                {
                    frames.Add((now, position));
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
        }
    }

    /// <summary>One vote every 20 ms over a connection of its own, with the place that it got.</summary>
    private static Task<List<(long Timestamp, int Partition, long Offset)>> SampleAsync(BenchServer server, CancellationToken cancel) => Task.Factory.StartNew(
        () =>
        {
            var samples = new List<(long, int, long)>();
            using var connection = new RawConnection(server.Address);
            for (int number = 0; !cancel.IsCancellationRequested; number++)
            {
                string body = string.Create(CultureInfo.InvariantCulture, $$"""{"id":"sample-{{number}}","user":"sample-{{number}}","choice":"option-01"}""");
                byte[] request = Encoding.ASCII.GetBytes($"POST /v1/streams/{BenchServer.Stream}/events?verdicts=all HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
                long sent = Stopwatch.GetTimestamp();
                connection.Exchange(request);
                JsonNode? place = JsonNode.Parse(connection.Body)?["verdicts"]?[0];
                if (connection.Status == 200 && place is not null)
                {
                    samples.Add((sent, place["partition"]!.GetValue<int>(), place["offset"]!.GetValue<long>()));
                }

                Thread.Sleep(20);
            }

            return samples;
        },
        TaskCreationOptions.LongRunning);

    private static LatencyHistogram Ages(List<(long Timestamp, int Partition, long Offset)> samples, List<(long Timestamp, Position Position)> frames)
    {
        var ages = new LatencyHistogram();
        foreach ((long sent, int partition, long offset) in samples)
        {
            int first = frames.FindIndex(frame => frame.Timestamp >= sent && frame.Position.Ends[partition] > offset);
            if (first >= 0)
            {
                ages.Record(Stopwatch.GetElapsedTime(sent, frames[first].Timestamp));
            }
        }

        return ages;
    }
}
