using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Weir.Cli.Http;
using Weir.Cli.Load;
using Weir.Core;

namespace Weir.Cli.Verify;

/// <summary>
/// One run: a server of its own in a temporary folder, clients that send and retry over HTTP and Kafka, kills, reads; then everything that was sent and told is compared
/// with the log, the views and a recount.
/// </summary>
internal sealed class VerifyRun(Terminal terminal, VerifySettings settings)
{
    private const int Clients = 5;

    // Bounds what the record of a run takes in memory, some hundred bytes an event.
    private const int MostEvents = 1_000_000;
    private const double MostEventsPerSecond = 20_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly History _history = new();
    private readonly Anomalies _anomalies = new();

    /// <returns><see cref="ExitCode.Ok"/> when there is no anomaly.</returns>
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        string folder = Directory.CreateTempSubdirectory("weir-verify-").FullName;
        TextWriter text = settings.Json ? terminal.Error : terminal.Out;
        bool isKept = true;
        try
        {
            VerifyReport report = await RunInAsync(folder, text, cancel);
            report.WriteTo(text);
            if (settings.Json)
            {
                terminal.WriteJson(report.ToJson());
            }

            isKept = settings.Keep || !report.IsRight;
            return report.IsRight ? ExitCode.Ok : ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            isKept = settings.Keep;
            throw;
        }
        finally
        {
            if (isKept)
            {
                text.WriteLine($"   kept         {folder}");
            }
            else
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private async Task<VerifyReport> RunInAsync(string folder, TextWriter text, CancellationToken cancel)
    {
        string? skipped = settings.AtCalls ? Strace.WhyNot() : null;
        VerifySettings made = settings with { AtCalls = settings.AtCalls && skipped is null };
        var random = new Random(settings.Seed);
        var address = new IPEndPoint(IPAddress.Loopback, ServerProcess.FreePort());
        var kafka = new IPEndPoint(IPAddress.Loopback, ServerProcess.FreePort());
        using var server = new ServerProcess(["serve", Configure(folder, address, kafka)], Path.Combine(folder, "server.log"), address);
        var killer = new Killer(server, _history, made, random, Path.Combine(folder, "strace.log"), Patience);
        var reads = new Reads(Workload.Streams, Workload.Views, _anomalies);
        using var client = new ServerClient(server.Url);
        text.WriteLine(string.Create(CultureInfo.InvariantCulture, $" Verifying for {settings.Duration.TotalSeconds:N0} s with {settings.Kills} kills, seed {settings.Seed}, in {folder}"));
        await server.StartAsync(Patience, cancel);
        await Progress.WatchAsync(
            terminal,
            () => string.Create(CultureInfo.InvariantCulture, $"{killer.Kills} of {settings.Kills} kills"),
            "events",
            () => 0,
            () => _history.Sent,
            LoadAsync(server, kafka, killer, reads, client, random, cancel));

        long counted = await CheckAsync(client, kafka, reads, cancel);
        int code = await server.StopAsync();
        if (code != 0)
        {
            throw new WeirException(ErrorCode.Internal, $"the server ended with code {code} when it was told to stop; {server.LogFile}");
        }

        return new VerifyReport
        {
            Settings = made,
            History = _history,
            Killer = killer,
            SkippedAtCalls = skipped,
            Reads = reads.Count,
            Counted = counted,
            RecountedViews = Workload.Views.Count,
            Anomalies = _anomalies,
            Machine = Machine.Describe(folder),
        };
    }

    /// <summary>Small segments and snapshots, so that a short run has several of each.</summary>
    private static string Configure(string folder, IPEndPoint address, IPEndPoint kafka)
    {
        string file = Path.Combine(folder, "weir.yaml");
        File.WriteAllText(file, $$"""
            data: "{{Path.Combine(folder, "data")}}"
            http: { listen: "{{address}}", drain: 0s }
            kafka: { listen: "{{kafka}}" }
            engine: { segment_bytes: 1MiB, snapshot_bytes: 1MiB, publish_interval: 20ms }
            {{Workload.Definitions}}

            """);
        return file;
    }

    /// <summary>Clients send and a reader reads while the killer kills; all have ended in order when this returns.</summary>
    private async Task LoadAsync(ServerProcess server, IPEndPoint kafka, Killer killer, Reads reads, ServerClient reader, Random random, CancellationToken cancel)
    {
        long started = Stopwatch.GetTimestamp();
        using var abort = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(abort.Token);
        using var read = CancellationTokenSource.CreateLinkedTokenSource(abort.Token);
        double perSecond = Math.Min(MostEventsPerSecond, MostEvents / settings.Duration.TotalSeconds);
        Task[] clients = [.. Enumerable.Range(0, Clients).Select(i =>
        {
            var own = new Random(random.Next());
            string name = string.Create(CultureInfo.InvariantCulture, $"c{i}");
            var client = new Client(server, kafka, _history, new Workload(own, name), own, Patience);
            return Task.Factory.StartNew(() => client.Run(Pause, abort.Token), cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        })];
        Task reading = reads.RunAsync(() => Task.FromResult(reader), read.Token);
        Task killing = Task.WhenAll(killer.RunAsync(abort.Token), Task.Delay(settings.Duration, abort.Token));

        // Whoever fails first says why, and ends the others; otherwise the time and the kills end the run.
        Task first = await Task.WhenAny([killing, reading, .. clients]);
        if (!first.IsCompletedSuccessfully)
        {
            await abort.CancelAsync();
            await first;
        }

        await over.CancelAsync();
        await Task.WhenAll(clients);
        await read.CancelAsync();
        await reading;

        bool Pause()
        {
            while (!over.IsCancellationRequested && _history.Sent > Stopwatch.GetElapsedTime(started).TotalSeconds * perSecond)
            {
                Thread.Sleep(5);
            }

            return !over.IsCancellationRequested;
        }
    }

    /// <returns>How many records count.</returns>
    private async Task<long> CheckAsync(ServerClient server, IPEndPoint kafka, Reads reads, CancellationToken cancel)
    {
        // Views first, each at the end of its log: then nothing of the log is undecided any more.
        var pages = new Dictionary<CheckedView, JsonObject>();
        foreach (CheckedView view in Workload.Views)
        {
            string position = (await server.GetAsync("v1/streams/" + view.Stream.Name, cancel))["position"]!.ToString();
            pages[view] = await server.GetAsync($"v1/views/{view.Name}?at={position}&wait=30s&limit=100000", cancel);
            reads.OfView(view, pages[view]);
        }

        Logs logs = await Logs.ReadAsync(server, Workload.Streams, cancel);
        reads.Compare(logs);
        var checker = new Checker(_history, logs, Workload.Streams, _anomalies);
        checker.CheckLogs();
        KafkaLogs.Compare(kafka, Workload.Streams, logs, _anomalies);
        foreach (CheckedView view in Workload.Views)
        {
            checker.CheckView(view, pages[view]);
            checker.CheckRecount(view, await RecountCall.RunAsync(terminal, server, view.Name, cancel));
        }

        return Workload.Streams.Sum(stream => logs.EventsOf(stream).LongCount(entry => entry.Record.IsCounted));
    }
}
