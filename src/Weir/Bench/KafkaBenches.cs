using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Weir.Cli.Load;
using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Cli.Bench;

/// <summary>`kafka`, `fetch`: the Kafka port, flushed before the acknowledgement, exactly-once with claim, 4 partitions.</summary>
internal static class KafkaBenches
{
    private const int Partitions = 4;
    private const int DefaultBatch = 1000;
    private const int FetchBytes = 16 << 20;
    private const int PartitionBytes = 4 << 20;

    /// <summary>Made requests over 1, 4 and 16 connections, and a librdkafka producer where kcat is installed.</summary>
    public static async Task<IReadOnlyList<BenchResult>> ProduceAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        long events = settings.Events ?? 6_000_000;
        int batch = settings.Batch ?? DefaultBatch;
        var results = new List<BenchResult>();
        foreach (int connections in settings.Connections is { } one ? [one] : (int[])[1, 4, 16])
        {
            using BenchServer server = await BenchServer.StartAsync(settings, events * 2, Partitions, cancel, withKafka: true);
            var votes = new KafkaVotes(Partitions);
            var load = new KafkaLoad(server.KafkaAddress);
            await load.RunAsync(votes.Make(Math.Min(1_000_000, events) / batch, batch), connections, cancel);
            byte[][] requests = votes.Make(events / batch, batch);
            string name = string.Create(CultureInfo.InvariantCulture, $"kafka {connections}");
            results.Add(await MeasureAsync(name, server, terminal, load, requests, connections, batch, cancel));
        }

        if (Kcat.Find() is { } kcat)
        {
            results.Add(await LibrdkafkaAsync(kcat, settings, terminal, cancel));
        }
        else
        {
            await terminal.Error.WriteLineAsync("kcat is not installed: the librdkafka producer is left out.");
        }

        return results;
    }

    /// <summary>A consumer from the first offset, and one at the tail while votes come in.</summary>
    public static async Task<IReadOnlyList<BenchResult>> FetchAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        long events = settings.Events ?? 10_000_000;
        int batch = settings.Batch ?? DefaultBatch;
        using BenchServer server = await BenchServer.StartAsync(settings, events, Partitions, cancel, withKafka: true);
        var votes = new KafkaVotes(Partitions);
        var load = new KafkaLoad(server.KafkaAddress);
        byte[][] requests = votes.Make(events / batch, batch);
        long sent = (long)requests.Length * batch;

        var tail = new FetchLoad(server.KafkaAddress, Partitions);
        TimeSpan serverBefore = Cpu(server), before = OwnCpu();
        Task<TimeSpan> following = tail.RunAsync(sent, FetchBytes, PartitionBytes, cancel);
        (_, TimeSpan producing) = await Watch(terminal, "fetch at the tail", load, requests.Length, load.RunAsync(requests, connections: 4, cancel));
        TimeSpan followed = await following;
        BenchResult atTail = Result("fetch tail", tail, followed, Cpu(server) - serverBefore, OwnCpu() - before, [("behind_ms", (followed - producing).TotalMilliseconds)]);

        await new FetchLoad(server.KafkaAddress, Partitions).RunAsync(sent, FetchBytes, PartitionBytes, cancel);
        var start = new FetchLoad(server.KafkaAddress, Partitions);
        (serverBefore, before) = (Cpu(server), OwnCpu());
        TimeSpan took = await start.RunAsync(sent, FetchBytes, PartitionBytes, cancel);
        return [Result("fetch start", start, took, Cpu(server) - serverBefore, OwnCpu() - before, []), atTail];
    }

    private static BenchResult Result(string name, FetchLoad load, TimeSpan took, TimeSpan server, TimeSpan generator, (string, double)[] more) => new(name, load.Records, took)
    {
        FlushMode = more.Length > 0 ? Machine.FlushMode : null,
        Figures = [("megabytes_per_second", load.Bytes / 1e6 / took.TotalSeconds), ("server_cpu", server / took), ("generator_cpu", generator / took), .. more],
    };

    private static async Task<BenchResult> MeasureAsync(
        string name, BenchServer server, Terminal terminal, KafkaLoad load, byte[][] requests, int connections, int batch, CancellationToken cancel)
    {
        long countedBefore = await server.CountedAsync(cancel);
        double? allocatedBefore = await server.AllocatedBytesAsync(cancel);
        TimeSpan serverBefore = Cpu(server), before = OwnCpu();
        (LatencyHistogram latency, TimeSpan elapsed) = await Watch(terminal, name, load, requests.Length, load.RunAsync(requests, connections, cancel));
        TimeSpan serverCpu = Cpu(server) - serverBefore, generatorCpu = OwnCpu() - before;
        double? allocated = await server.AllocatedBytesAsync(cancel) - allocatedBefore;
        long events = (long)requests.Length * batch;
        await CheckAsync(server, countedBefore + events, cancel);
        return new BenchResult(name, events, elapsed)
        {
            Latency = latency,
            AllocatedBytesPerEvent = allocated / events,
            Figures = [("server_cpu", serverCpu / elapsed), ("generator_cpu", generatorCpu / elapsed)],
        };
    }

    private static async Task<BenchResult> LibrdkafkaAsync(Kcat kcat, BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        long events = Math.Min(settings.Events ?? 2_000_000, 2_000_000);
        using BenchServer server = await BenchServer.StartAsync(settings, events, Partitions, cancel, withKafka: true);
        string file = Path.Combine(Path.GetFullPath(settings.Directory), $"votes-{Environment.ProcessId}");
        try
        {
            await WriteVotesAsync(file, events, cancel);
            TimeSpan serverBefore = Cpu(server);
            (TimeSpan took, TimeSpan cpu) = await Progress.WatchAsync(terminal, () => "librdkafka", "events", () => events, () => 0, kcat.ProduceAsync(server.KafkaAddress, BenchServer.Stream, file, cancel));
            TimeSpan serverCpu = Cpu(server) - serverBefore;
            await CheckAsync(server, events, cancel);
            return new BenchResult("kafka librdkafka", events, took) { Figures = [("server_cpu", serverCpu / took), ("generator_cpu", cpu / took)] };
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task WriteVotesAsync(string file, long events, CancellationToken cancel)
    {
        await using var writer = new StreamWriter(file, append: false, Encoding.ASCII, bufferSize: 1 << 20);
        for (long i = 0; i < events; i++)
        {
            cancel.ThrowIfCancellationRequested();
            await writer.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"u{i:D8}\t{{\"id\":\"{i:D16}\",\"user\":\"u{i:D8}\",\"choice\":\"option-{i % 10:D2}\",\"pad\":\"....................\"}}\n"));
        }
    }

    private static async Task CheckAsync(BenchServer server, long expected, CancellationToken cancel)
    {
        long counted = await server.CountedAsync(cancel);
        if (counted != expected)
        {
            throw new WeirException(ErrorCode.RecountMismatch, $"{expected} votes were acknowledged, each of another user, and the view has {counted}: the figure means nothing");
        }
    }

    private static Task<T> Watch<T>(Terminal terminal, string label, KafkaLoad load, long requests, Task<T> work)
    {
        long before = load.Acknowledged;
        return Progress.WatchAsync(terminal, () => label, "requests", () => requests, () => load.Acknowledged - before, work);
    }

    private static TimeSpan Cpu(BenchServer server)
    {
        using var process = Process.GetProcessById(server.Process.ProcessId);
        return process.TotalProcessorTime;
    }

    private static TimeSpan OwnCpu() => Environment.CpuUsage.TotalTime;

    /// <summary>The command line client over librdkafka, as a program of its own.</summary>
    private sealed class Kcat(string path)
    {
        public static Kcat? Find() =>
            (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, "kcat")).FirstOrDefault(File.Exists) is { } found ? new Kcat(found) : null;

        /// <summary>Produces a file of keyed lines, idempotently.</summary>
        public async Task<(TimeSpan Took, TimeSpan Cpu)> ProduceAsync(IPEndPoint server, string topic, string file, CancellationToken cancel)
        {
            var start = new ProcessStartInfo(path) { RedirectStandardError = true };
            foreach (string argument in (string[])["-b", server.ToString(), "-P", "-t", topic, "-K", "\t", "-l", "-X", "enable.idempotence=true", "-X", "partitioner=murmur2_random", "-X", "batch.num.messages=10000", "-X", "queue.buffering.max.messages=1000000", file])
            {
                start.ArgumentList.Add(argument);
            }

            long began = Stopwatch.GetTimestamp();
            using Process process = Process.Start(start)!;
            Task<string> reading = process.StandardError.ReadToEndAsync(cancel);
            TimeSpan cpu = TimeSpan.Zero;
            while (!process.HasExited)
            {
                // Gone with the process: the last look before its end counts.
                cpu = process.TotalProcessorTime;
                await Task.Delay(10, cancel);
            }

            string errors = await reading;
            return process.ExitCode == 0
                ? (Stopwatch.GetElapsedTime(began), cpu)
                : throw new WeirException(ErrorCode.Internal, $"kcat ended with code {process.ExitCode}: {errors}");
        }
    }
}
