using System.Net;
using System.Text;

namespace Weir.CrashTests;

/// <summary>One run of the sweep's workload, what it was told, and what is left.</summary>
internal sealed class SweptRun
{
    // A partition that has to be recovered takes this long at most; where the disk stays broken nobody waits longer.
    private const int Tries = 25;

    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<SentEvent> _sent = [];
    private readonly HashSet<string> _acknowledged = [];
    private readonly List<(SentEvent First, decimal At)> _answers = [];
    private string _data = "";

    private SweptRun(FileFault? fault)
    {
        Fault = fault;
    }

    public FileFault? Fault { get; }

    public IReadOnlyList<SystemCall> Calls { get; private set; } = [];

    /// <summary>What did not hold; null: everything did.</summary>
    public string? Problem { get; private set; }

    /// <summary>The process did not start, and said why.</summary>
    public bool Refused { get; private set; }

    public bool IsHit => Calls.Any(call => call.IsInjected);

    public int Acknowledged => _acknowledged.Count;

    public int Unknown => _sent.Count - _acknowledged.Count;

    /// <summary>System call and kind of file.</summary>
    public IEnumerable<string> Sites(Func<SystemCall, bool> isMeant) =>
        Calls.Where(call => FileFault.Calls.Contains(call.Name) && isMeant(call)).Select(call => $"{call.Name}, {KindOf(PathOf(call))}").Distinct();

    public static async Task<SweptRun> RunAsync(SweptStore store, FileFault? fault)
    {
        var run = new SweptRun(fault);
        using WorkDirectory copy = store.Copy();
        run._data = copy.Data;
        try
        {
            await run.WorkAsync(copy);
            StraceLog.AssertNoSecondFlush(run.Calls);
            run.EveryAnswerRestsOnAFlush();
            run.Problem ??= await store.ProveAsync(copy, run._sent, run._acknowledged).WaitAsync(Patience);
        }
        catch (Exception broken)
        {
            run.Problem ??= $"{broken.GetType().Name}: {broken.Message}";
        }

        return run;
    }

    private async Task WorkAsync(WorkDirectory copy)
    {
        string log = copy.PathOf("strace");
        string[] paths = [.. SweptStore.PathsOf(copy).SelectMany(path => new[] { "-P", path })];
        string[] wrapper =
        [
            "strace", "-D", "-f", "--seccomp-bpf", "-y", "-ttt", "-T", "-s", "500", "-o", log, "-e", "signal=none", .. paths,
            "-e", "trace=" + string.Join(',', FileFault.Calls), .. Fault is null ? Array.Empty<string>() : ["-e", "inject=" + Fault.Injection],
        ];
        using (ServerUnderTest server = ServerUnderTest.Launch(copy.Configuration, wrapper))
        {
            try
            {
                await UseAsync(await server.Ready.WaitAsync(Patience));
                int code = await server.StopAsync();
                Note(code == 0 ? null : $"It ended with code {code}:\n{server.Output}");
            }
            catch (InvalidOperationException) when (server.HasExited)
            {
                // It never was ready. Then it has to say why, and to end as documented.
                Refused = true;
                (int code, string said) = (await server.EndAsync(), server.Output);
                Note(code == 1 && said.Contains("WEIR-", StringComparison.Ordinal) ? null : $"It ended with code {code}:\n{said}");
            }
            catch (TimeoutException)
            {
                Note($"It neither serves nor ends:\n{server.Output}");
            }

            Note(server.Output.Contains("\"EventId\":1013", StringComparison.Ordinal) ? $"The node failed:\n{server.Output}" : null);
            server.Kill();
            Calls = await StraceLog.ReadAsync(log, server.ProcessId);
        }
    }

    private async Task UseAsync(Uri address)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, Timeout = Patience };
        for (int body = 0; body < 3; body++)
        {
            await SendAsync(http, SweptStore.Votes($"a{body}", 3));
        }

        await SendAsync(http, [new SentEvent("gifts", "g0", "g0", """{"id":"g0"}""")]);
        for (int body = 0; body < 2; body++)
        {
            await SendAsync(http, SweptStore.Votes($"b{body}", 16, 40_000));
        }

        await TellAsync(http, HttpMethod.Put, "v1/views/more", """{"sql":"SELECT count(*) AS n FROM votes"}""");
        await TellAsync(http, HttpMethod.Get, "v1/streams/votes/events?partition=0&offset=80&limit=5");
        await TellAsync(http, HttpMethod.Get, "v1/streams/votes/receipts?owner=ut0-3");
        await TellAsync(http, HttpMethod.Get, "v1/views/tally");
        await TellAsync(http, HttpMethod.Post, "v1/streams/gifts/close");
        await SendAsync(http, SweptStore.Votes("c", 3));
        await TellAsync(http, HttpMethod.Get, "readyz");
    }

    private async Task SendAsync(HttpClient http, SentEvent[] events)
    {
        _sent.AddRange(events);
        for (int i = 0; i < Tries; i++)
        {
            using var content = new StringContent(string.Join('\n', events.Select(one => one.Body)), Encoding.UTF8, events.Length == 1 ? "application/json" : "application/x-ndjson");
            using HttpResponseMessage response = await http.PostAsync($"v1/streams/{events[0].Stream}/events?verdicts=all", content);
            string text = await response.Content.ReadAsStringAsync();
            decimal at = (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks / (decimal)TimeSpan.TicksPerSecond;
            Answer answer = Answer.Read((int)response.StatusCode, text);
            foreach (Outcome outcome in answer.Outcomes.Where(outcome => outcome.Verdict is "counted" or "duplicate"))
            {
                if (_acknowledged.Add(events[outcome.Index].Id))
                {
                    _answers.Add((events[outcome.Index], at));
                }
            }

            if (response.StatusCode == HttpStatusCode.OK)
            {
                return;
            }

            Note(answer.Status is 503 or 507 ? null : $"Events are answered with {answer.Status}: {text}");
            await Task.Delay(BetweenTries);
        }
    }

    // Whatever the disk does it is not answered as a defect of the server.
    private async Task TellAsync(HttpClient http, HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        using HttpResponseMessage response = await http.SendAsync(request);
        Note(response.StatusCode == HttpStatusCode.InternalServerError ? $"{method} {path} is answered with {await response.Content.ReadAsStringAsync()}" : null);
    }

    // The first event of a write is shown in the log of calls; those behind it came with it.
    private void EveryAnswerRestsOnAFlush()
    {
        foreach ((SentEvent sent, decimal at) in _answers)
        {
            SystemCall[] writes = [.. Calls.Where(call => call.Name == "pwrite64" && !call.Failed && !call.IsInjected && call.Arguments.Contains($"\\\"id\\\":\\\"{sent.Id}\\\"", StringComparison.Ordinal) && PathOf(call).Contains(".log", StringComparison.Ordinal))];
            bool isFlushed = writes.Any(write => Calls.Any(call => call.Name == "fdatasync" && call.File == write.File && call.HasReturned && !call.Failed && call.Began > write.Ended && call.EndedAt <= at));
            Note(writes.Length == 0 || isFlushed ? null : $"{sent.Id} was acknowledged at {at} without a flush that had ended.");
        }
    }

    private void Note(string? problem) => Problem ??= problem;

    private static string PathOf(SystemCall call) => call.File?.Path ?? call.Arguments.Split('"').ElementAtOrDefault(call.Name == "rename" ? 3 : 1) ?? "";

    private string KindOf(string path)
    {
        string name = Path.GetFileName(path).Replace(".tmp", "", StringComparison.Ordinal);
        return name.Length > 20 && char.IsAsciiDigit(name[0]) ? name[20..].TrimStart('.')
            : name is "definition.json" ? path.Contains("/views/", StringComparison.Ordinal) ? "view definition" : "stream definition"
            : path == _data || Directory.Exists(path) || !name.Contains('.') && name is not ("format" or "producers" or "view-version" or "probe") ? "directory" : name;
    }
}
