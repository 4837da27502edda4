using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text;

namespace Weir.BrowserTests;

/// <summary><c>weir serve</c> as a process of its own, with a folder that goes when the test ends.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("weir-pages-").FullName;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly HttpClient _client;
    private Process? _process;

    /// <param name="definitions">Streams and views, as in weir.yaml.</param>
    public ServerProcess(string definitions)
    {
        int port = FreePort();
        Address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
        _client = new HttpClient { BaseAddress = new Uri(Address) };
        File.WriteAllText(Path.Combine(_folder, "weir.yaml"), string.Create(CultureInfo.InvariantCulture, $$"""
            data: {{_folder}}/data
            http: { listen: "127.0.0.1:{{port}}" }
            {{definitions}}
            """));
    }

    /// <summary>One stream with one vote per user, a view by choice and one without groups.</summary>
    public const string Votes = """
        streams:
          votes:
            partitions: 2
            key: user
            id: id
            claim: { by: user, keep: first }
        views:
          results: SELECT choice, count(*) AS votes FROM votes GROUP BY choice
          turnout: SELECT count(*) AS votes FROM votes
        """;

    public string Address { get; }

    /// <summary>What the build wrote into this assembly: where the program is, where the examples are.</summary>
    public static string BuildFact(string name) =>
        typeof(ServerProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(each => each.Key == name).Value!;

    /// <summary>Starts the program and waits until it is ready.</summary>
    public async Task StartAsync()
    {
        _process = Process.Start(new ProcessStartInfo(BuildFact("WeirProgram"), ["serve", Path.Combine(_folder, "weir.yaml")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();

        var waited = Stopwatch.StartNew();
        while (!await IsReadyAsync())
        {
            if (_process.HasExited || waited.Elapsed > StartLimit)
            {
                throw new InvalidOperationException($"weir serve was not ready within {waited.Elapsed.TotalSeconds:F0} s:\n{string.Join("\n", _output)}");
            }

            await Task.Delay(20);
        }
    }

    /// <summary>SIGKILL: no chance to say goodbye.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Sends votes for one choice, by users that number from <paramref name="firstUser"/>; fails unless all are counted.</summary>
    public async Task VoteAsync(string choice, int firstUser, int count)
    {
        var body = new StringBuilder();
        for (int user = firstUser; user < firstUser + count; user++)
        {
            body.Append(CultureInfo.InvariantCulture, $$"""{"id":"v-{{user}}","user":"u-{{user}}","choice":"{{choice}}"}""").Append('\n');
        }

        string answer = await PostAsync("/v1/streams/votes/events", new StringContent(body.ToString(), Encoding.UTF8, "application/x-ndjson"));
        Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $$"""{"counted":{{count}},"""), answer, StringComparison.Ordinal);
    }

    /// <summary>Sends one event as it stands; fails unless it is counted.</summary>
    public async Task SendAsync(string json) => Assert.StartsWith("""{"counted":1,""",
        await PostAsync("/v1/streams/votes/events", new StringContent(json, Encoding.UTF8, "application/json")), StringComparison.Ordinal);

    /// <summary>Sends a gzip file of lines; fails unless the server takes it.</summary>
    public async Task SendFileAsync(string stream, string path)
    {
        var content = new ByteArrayContent(await File.ReadAllBytesAsync(path));
        content.Headers.ContentType = new("application/x-ndjson");
        content.Headers.ContentEncoding.Add("gzip");
        await PostAsync($"/v1/streams/{stream}/events", content);
    }

    /// <summary>Closes the stream and with it the vote.</summary>
    public Task CloseAsync() => PostAsync("/v1/streams/votes/close", null);

    private async Task<string> PostAsync(string path, HttpContent? content)
    {
        using HttpResponseMessage response = await _client.PostAsync(path, content);
        string answer = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {answer}");
        return answer;
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            using HttpResponseMessage response = await _client.GetAsync("/readyz");
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    // Chosen here and not by the server, because it has to be the same after a restart.
    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        if (_process is not null)
        {
            await KillAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }
}
