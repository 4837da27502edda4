using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Weir.Cli.Http;
using Weir.Cli.Load;
using Weir.Core;

namespace Weir.Cli.Bench;

/// <summary>
/// A server for one benchmark: its own process, its own data, exactly-once with claim as in examples/voting. Disposing stops it and
/// deletes the data.
/// </summary>
internal sealed class BenchServer : IDisposable
{
    public const string Stream = "votes";
    public const string View = "results";

    // Record, batch and frame headers, verdict and key file of a 120-byte vote, and as much again for snapshots and room to breathe.
    private const long DiskBytesPerEvent = 400;

    // Above this many events a benchmark wants the disk to itself.
    private const long LargeEvents = 50_000_000;
    private const long LargeFreeBytes = 40L << 30;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly string _directory;

    private BenchServer(string directory, ServerProcess process, IPEndPoint kafka)
    {
        _directory = directory;
        Process = process;
        KafkaAddress = kafka;
    }

    public ServerProcess Process { get; }

    public IPEndPoint Address => Process.Address;

    /// <summary>The Kafka port of a server that was started with one.</summary>
    public IPEndPoint KafkaAddress { get; }

    public static Task<BenchServer> StartAsync(BenchSettings settings, long events, int partitions, CancellationToken cancel, bool withKafka = false) =>
        StartAsync(settings, events, partitions, "SELECT choice, count(*) AS votes FROM votes GROUP BY choice", cancel, withKafka);

    /// <param name="events">How many will be written; too little free disk for them refuses.</param>
    /// <exception cref="WeirException"><see cref="ErrorCode.NotEnoughDisk"/>, or the server does not start.</exception>
    public static async Task<BenchServer> StartAsync(BenchSettings settings, long events, int partitions, string view, CancellationToken cancel, bool withKafka = false)
    {
        long needed = Math.Max(events * DiskBytesPerEvent, events >= LargeEvents ? LargeFreeBytes : 0);
        long free = Machine.FreeBytes(settings.Directory);
        if (free < needed)
        {
            throw new WeirException(ErrorCode.NotEnoughDisk, string.Create(
                CultureInfo.InvariantCulture, $"{Path.GetFullPath(settings.Directory)} has {free >> 30} GiB free; {events:N0} events need {needed >> 30} GiB"));
        }

        string directory = Path.Combine(Path.GetFullPath(settings.Directory), $"run-{Environment.ProcessId}");
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }

        Directory.CreateDirectory(directory);
        int port = ServerProcess.FreePort();
        int kafkaPort = withKafka ? ServerProcess.FreePort() : 0;
        string configuration = Path.Combine(directory, "weir.yaml");
        await File.WriteAllTextAsync(
            configuration,
            string.Create(CultureInfo.InvariantCulture, $$"""
                data: "{{Path.Combine(directory, "data")}}"
                http: { listen: "127.0.0.1:{{port}}", drain: 0s }
                {{(withKafka ? $"kafka: {{ listen: \"127.0.0.1:{kafkaPort}\" }}" : "")}}
                streams:
                  {{Stream}}:
                    partitions: {{partitions}}
                    key: user
                    id: id
                    claim: { by: user, keep: first }
                views:
                  {{View}}: {{view}}

                """),
            cancel);
        var server = new BenchServer(directory, new ServerProcess(["serve", configuration], Path.Combine(directory, "server.log"), new IPEndPoint(IPAddress.Loopback, port)), new IPEndPoint(IPAddress.Loopback, kafkaPort));
        try
        {
            await server.Process.StartAsync(Patience, cancel);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Starts it again after a kill.</summary>
    /// <returns>Time from start to serving.</returns>
    public Task<TimeSpan> RestartAsync(CancellationToken cancel) => Process.StartAsync(Patience, cancel);

    /// <summary>Bytes the server has allocated on its garbage-collected heap since it started; null when it does not say.</summary>
    public async Task<double?> AllocatedBytesAsync(CancellationToken cancel)
    {
        using var http = new HttpClient { BaseAddress = Process.Url };
        string metrics = await http.GetStringAsync("metrics", cancel);
        string? line = metrics.Split('\n').FirstOrDefault(line => line.StartsWith("dotnet_gc_heap_total_allocated", StringComparison.Ordinal));
        return line is null ? null : double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }

    /// <summary>The view's total, once it has reached everything that is acknowledged: a figure for wrong sums would be no figure.</summary>
    public async Task<long> CountedAsync(CancellationToken cancel)
    {
        using var client = new ServerClient(Process.Url);
        JsonObject stream = await client.GetAsync($"v1/streams/{Stream}", cancel);
        JsonObject view = await client.GetAsync($"v1/views/{View}?limit=1000&wait=30s&at={Uri.EscapeDataString(stream["position"]!.ToString())}", cancel);
        return view["rows"]!.AsArray().Sum(row => row!["votes"]!.GetValue<long>());
    }

    public void Dispose()
    {
        Process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
