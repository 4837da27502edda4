using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Weir.Cli.Http;
using Weir.Cli.Load;
using Weir.Core;

namespace Weir.Cli.Demo;

/// <summary>
/// One run of the demo: a server as its own process, a flood of votes with a SIGKILL in the middle, then a comparison of what the
/// server counted with what the <see cref="Oracle"/> knows it must have counted.
/// </summary>
internal sealed class DemoRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Terminal _terminal;
    private readonly DemoSettings _settings;
    private readonly TextWriter _text;

    public DemoRun(Terminal terminal, DemoSettings settings)
    {
        _terminal = terminal;
        _settings = settings;
        _text = settings.Json ? terminal.Error : terminal.Out;
    }

    /// <returns><see cref="ExitCode.Ok"/> when nothing was lost, nothing was double and the recount is equal.</returns>
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        int port = _settings.Port == 0 ? ServerProcess.FreePort() : _settings.Port;
        if (!ServerProcess.IsPortFree(port))
        {
            throw new WeirException(ErrorCode.PortInUse, $"127.0.0.1:{port}; `weir demo --port 0` takes a free one");
        }

        DemoDirectory directory = DemoDirectory.Create(_settings.Directory, port);
        using var server = new ServerProcess(["serve", directory.ConfigurationFile], directory.LogFile, new IPEndPoint(IPAddress.Loopback, port));
        await server.StartAsync(Patience, cancel);
        WriteBanner(server, directory);

        DemoReport report = await FloodAsync(server, directory, cancel);
        _text.WriteLine();
        report.WriteTo(_text);
        if (_settings.Json)
        {
            _terminal.WriteJson(report.ToJson());
        }

        if (_settings.Wait)
        {
            await WaitForTheReaderAsync(server, cancel);
        }

        await server.StopAsync();
        return report.IsRight ? ExitCode.Ok : ExitCode.Failed;
    }

    private async Task<DemoReport> FloodAsync(ServerProcess server, DemoDirectory directory, CancellationToken cancel)
    {
        var oracle = new Oracle(_settings.PacedLines + _settings.FastLines + _settings.AfterCloseLines);
        var load = new DemoLoad(server, oracle, Patience);

        // Part one: watchable, with the kill in the middle. Sending does not stop for it.
        string label = _settings.Fast ? "votes" : string.Create(CultureInfo.InvariantCulture, $"{_settings.PacedPerSecond:N0} votes/s");
        long pacedStarted = Stopwatch.GetTimestamp();
        Task<LatencyHistogram> paced = load.SendMixAsync(
            connections: 4, batchLines: 250, _settings.PacedLines, _settings.Fast ? 0 : _settings.PacedPerSecond, cancel);
        Task<(TimeSpan Recovery, long DecidedAtKill)> kill = KillAndRestartAsync(server, oracle, paced, text => label = text, cancel);
        await Progress.WatchAsync(_terminal, () => Volatile.Read(ref label), "votes", () => _settings.PacedLines, () => oracle.DecidedTotal, Task.WhenAll(paced, kill));
        (TimeSpan recovery, long decidedAtKill) = await kill;
        _text.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $" {oracle.DecidedTotal:N0} votes in {Stopwatch.GetElapsedTime(pacedStarted).TotalSeconds:F1} s; killed with SIGKILL at {decidedAtKill:N0}, serving again {recovery.TotalSeconds:F2} s after its start"));

        // Part two: as fast as they go.
        long before = oracle.DecidedTotal;
        long fastStarted = Stopwatch.GetTimestamp();
        LatencyHistogram fast = await Progress.WatchAsync(
            _terminal,
            () => "as fast as they go",
            "votes",
            () => _settings.FastLines,
            () => oracle.DecidedTotal - before,
            load.SendMixAsync(connections: 8, batchLines: 2000, _settings.FastLines, perSecond: 0, cancel));
        TimeSpan fastTime = Stopwatch.GetElapsedTime(fastStarted);

        using var client = new ServerClient(server.Url);
        await client.PostAsync("v1/streams/votes/close", cancel);
        await load.SendAfterCloseAsync(_settings.AfterCloseLines, cancel);
        var audit = await Audit.RunAsync(client, oracle, cancel);
        JsonObject[] recounts = [await RecountCall.RunAsync(_terminal, client, "results", cancel), await RecountCall.RunAsync(_terminal, client, "audit", cancel)];

        return new DemoReport
        {
            Oracle = oracle,
            Counted = audit.Counted,
            Lost = audit.Lost,
            Double = audit.Double + oracle.DoubleVerdicts,
            Findings = [.. oracle.Findings, .. audit.Findings, .. recounts.Where(result => !RecountCall.IsEqual(result)).Select(result => result["differences"]?.ToJsonString() ?? "the recount differs")],
            RecountEqual = recounts.All(RecountCall.IsEqual),
            RecountedEvents = recounts[0]["events"]?.GetValue<long>() ?? 0,
            FastLines = _settings.FastLines,
            FastTime = fastTime,
            FastLatency = fast,
            Recovery = recovery,
            DecidedAtKill = decidedAtKill,
            Machine = Machine.Describe(directory.Data),
        };
    }

    /// <summary>When half of part one has its answers, which is at 10 s of the paced demo.</summary>
    private async Task<(TimeSpan Recovery, long DecidedAtKill)> KillAndRestartAsync(
        ServerProcess server, Oracle oracle, Task paced, Action<string> show, CancellationToken cancel)
    {
        while (oracle.DecidedTotal < _settings.PacedLines / 2 && !paced.IsCompleted)
        {
            await Task.Delay(1, cancel);
        }

        long decided = oracle.DecidedTotal;
        server.Kill();
        show("server killed");
        TimeSpan recovery = await server.StartAsync(Patience, cancel);
        show("serving again");
        return (recovery, decided);
    }

    private void WriteBanner(ServerProcess server, DemoDirectory directory)
    {
        string relative = Path.GetRelativePath(".", directory.Path);
        string pace = _settings.Fast
            ? string.Create(CultureInfo.InvariantCulture, $"{_settings.PacedLines:N0} votes")
            : string.Create(CultureInfo.InvariantCulture, $"{_settings.PacedLines / _settings.PacedPerSecond:N0} s at {_settings.PacedPerSecond:N0} votes/s");
        _text.WriteLine($" Weir {typeof(DemoRun).Assembly.GetName().Version!.ToString(3)} · data: {relative} (delete any time) · {Environment.ProcessorCount} cores · server: process {server.ProcessId}");
        _text.WriteLine($" ├─ Live results   {server.Url}live/results   ← open this");
        _text.WriteLine($" ├─ Overview       {server.Url}");
        _text.WriteLine($" ├─ Ingest         {server.Url}v1/streams/votes/events");
        _text.WriteLine($" └─ Server's log   {Path.Combine(relative, "server.log")}");
        _text.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $" {pace} with a SIGKILL halfway, then {_settings.FastLines:N0} as fast as they go; 1 % retries, 1 % second votes, 0.1 % malformed lines"));
        _text.Flush();
    }

    private async Task WaitForTheReaderAsync(ServerProcess server, CancellationToken cancel)
    {
        _text.WriteLine($"""

             The server keeps running; Ctrl-C stops it. Try:
               curl '{server.Url}v1/views/results?order=-votes&limit=3'
               curl '{server.Url}v1/streams/votes/receipts?id=v00000001'
               curl -N {server.Url}v1/views/results/live
               ./weir recount results --url {server.Url}
             The poll is closed; open it again and vote, twice:
               curl -X POST '{server.Url}v1/streams/votes/open?reopen=true'
               curl -d '{DemoVoteForTheReader}' {server.Url}v1/streams/votes/events
            """);
        _text.Flush();
        try
        {
            await server.WaitForExitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is how the reader ends it.
        }
    }

    private const string DemoVoteForTheReader = """{"id":"mine-1","user":"ada","choice":"teal","nr":0}""";
}
