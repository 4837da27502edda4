using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weir.Cli.Load;

namespace Weir.Cli.Tests;

/// <summary>
/// The examples as a reader runs them: `weir serve` in a process of its own, the data over HTTP, then the same data again in
/// another order, and again after a SIGKILL. Every row of every view is held against a computation without Weir
/// (examples/*/expected.py, and the official table of the finals); then the recount has to agree.
/// </summary>
public sealed class ExamplesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("weir-examples-").FullName;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(2) };

    [Fact]
    public async Task Eurovision_adds_up_to_the_official_table_however_often_it_is_sent()
    {
        string[] votes = Lines("eurovision", "votes.ndjson.gz");
        string[] points = [.. File.ReadLines(Repository.PathOf("examples", "eurovision", "official.csv")).Skip(1).Select(line => line.Split(','))
            .Select(row => $$"""{"year":{{row[0]}},"to":"{{row[1]}}","points":{{row[2]}}}""")];
        Assert.Equal(1204, points.Length);

        await RunAsync("eurovision", "finals", votes, async at =>
        {
            Assert.Equal(points.Order(StringComparer.Ordinal), (await RowsAsync("points", at)).Order(StringComparer.Ordinal));
            Assert.Equal(Expected("eurovision", "douze_points"), await RowsAsync("douze_points", at));
            Assert.Equal(Expected("eurovision", "friends"), await RowsAsync("friends", at));
        });
    }

    [Fact]
    public Task Web_analytics_gives_hits_and_bytes_as_counted_without_Weir()
    {
        string[] views = ["status", "per_minute", "paths", "clients"];
        return RunAsync("web-analytics", "access", Lines("web-analytics", "access.ndjson.gz"), async at =>
        {
            foreach (string view in views)
            {
                Assert.Equal(Expected("web-analytics", view), await RowsAsync(view, at));
            }
        });
    }

    [Fact]
    public async Task Voting_counts_one_vote_per_user_and_says_what_the_others_were()
    {
        using ServerProcess server = await StartAsync("voting");
        string answers = await LoadAsync("voting");
        Assert.Contains("\"counted\":10000,\"replaced\":0,\"duplicate\":0,\"taken\":100,", answers, StringComparison.Ordinal);
        Assert.Contains("\"counted\":0,\"replaced\":0,\"duplicate\":10000,\"taken\":100,", answers, StringComparison.Ordinal);
        string[] expected = await File.ReadAllLinesAsync(Repository.PathOf("examples", "voting", "expected.ndjson"), TestContext.Current.CancellationToken);
        Assert.Equal(expected, await RowsAsync("results", at: null));
        Assert.Equal(0, await server.StopAsync());
    }

    public void Dispose()
    {
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task RunAsync(string example, string stream, string[] lines, Func<string, Task> check)
    {
        using ServerProcess server = await StartAsync(example);
        JsonNode first = JsonNode.Parse(await LoadAsync(example))!;
        Assert.Equal(lines.Length, (long)first["counted"]!);
        await check((string)first["position"]!);

        string[] shuffled = [.. lines];
        new Random(19_570_303).Shuffle(shuffled);
        await check(await SendAgainAsync(stream, shuffled));

        server.Kill();
        await server.StartAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        string position = await SendAgainAsync(stream, shuffled);
        await check(position);

        JsonNode views = JsonNode.Parse(await _http.GetStringAsync("/v1/views", TestContext.Current.CancellationToken))!;
        foreach (JsonNode? view in views["views"]!.AsArray())
        {
            await RecountAsync((string)view!["name"]!, 3 * lines.Length);
        }

        Assert.Equal(0, await server.StopAsync());
    }

    private async Task<ServerProcess> StartAsync(string example)
    {
        var address = new IPEndPoint(IPAddress.Loopback, ServerProcess.FreePort());
        string[] arguments = ["serve", Repository.PathOf("examples", example, "weir.yaml"), "--listen", address.ToString(), "--data", Path.Combine(_folder, "data")];
        var server = new ServerProcess(arguments, Path.Combine(_folder, "server.log"), address);
        await server.StartAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        _http.BaseAddress = server.Url;
        return server;
    }

    /// <summary>Runs the example's load.sh, as its README says.</summary>
    private async Task<string> LoadAsync(string example)
    {
        var start = new ProcessStartInfo(Repository.PathOf("examples", example, "load.sh")) { RedirectStandardOutput = true };
        start.Environment["WEIR_URL"] = _http.BaseAddress!.ToString().TrimEnd('/');
        using Process load = Process.Start(start)!;
        string output = await load.StandardOutput.ReadToEndAsync();
        await load.WaitForExitAsync();
        Assert.Equal(0, load.ExitCode);
        return output;
    }

    private async Task<string> SendAgainAsync(string stream, string[] lines)
    {
        using var body = new StringContent(string.Join('\n', lines), new MediaTypeHeaderValue("application/x-ndjson"));
        using HttpResponseMessage response = await _http.PostAsync($"/v1/streams/{stream}/events", body);
        JsonNode answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal((0, lines.Length), ((long)answer["counted"]!, (long)answer["duplicate"]!));
        return (string)answer["position"]!;
    }

    private async Task<string[]> RowsAsync(string view, string? at)
    {
        using JsonDocument answer = JsonDocument.Parse(await _http.GetStringAsync($"/v1/views/{view}?limit=100000&wait=30s" + (at is null ? "" : "&at=" + Uri.EscapeDataString(at))));
        Assert.Equal(0, answer.RootElement.GetProperty("errors").GetInt64());
        return [.. answer.RootElement.GetProperty("rows").EnumerateArray().Select(row => row.GetRawText())];
    }

    private async Task RecountAsync(string view, long events)
    {
        HttpResponseMessage started = await _http.PostAsync($"/v1/views/{view}/recount", content: null);
        while (started.StatusCode == HttpStatusCode.TooManyRequests)
        {
            // One recount at a time: the process of the one before is still ending.
            started.Dispose();
            await Task.Delay(50);
            started = await _http.PostAsync($"/v1/views/{view}/recount", content: null);
        }

        using HttpResponseMessage _ = started;
        JsonNode result = JsonNode.Parse(await started.Content.ReadAsStringAsync())!;
        while (result["equal"] is null && result["error"] is null && started.IsSuccessStatusCode)
        {
            await Task.Delay(50);
            result = JsonNode.Parse(await _http.GetStringAsync(started.Headers.Location))!;
        }

        Assert.True((bool?)result["equal"], $"{view}: {result.ToJsonString()}");
        Assert.Equal(events, (long)result["events"]!);
    }

    private static string[] Lines(string example, string file)
    {
        using var lines = new StreamReader(new GZipStream(File.OpenRead(Repository.PathOf("examples", example, file)), CompressionMode.Decompress));
        return lines.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string[] Expected(string example, string view) => File.ReadAllLines(Repository.PathOf("examples", example, "expected", view + ".ndjson"));
}
