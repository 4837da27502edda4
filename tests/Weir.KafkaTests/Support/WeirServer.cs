using System.Net;
using System.Text;
using System.Text.Json;

namespace Weir.KafkaTests.Support;

/// <summary>
/// <c>weir serve</c> in a process of its own, at ports that the system chooses, over a directory that is deleted in the end. Between it and the clients there may be
/// a <see cref="CuttingProxy"/>, whose port stays while the server is killed and started again.
/// </summary>
internal sealed class WeirServer : IAsyncDisposable
{
    private const int Ready = 2;
    private const int ListeningForKafka = 6;

    private readonly string _directory = Directory.CreateTempSubdirectory("weir-kafka-").FullName;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = LineProcess.Patience };
    private readonly CuttingProxy? _proxy;
    private LineProcess? _process;
    private Uri? _address;
    private int _kafkaPort;

    private WeirServer(CuttingProxy? proxy)
    {
        _proxy = proxy;
    }

    /// <summary>What clients are given as their first server.</summary>
    public string KafkaServers => $"127.0.0.1:{_proxy?.Port ?? _kafkaPort}";

    public string Data => Path.Combine(_directory, "data");

    /// <param name="definitions">The sections streams and views.</param>
    /// <param name="proxy">What clients reach it through, if not directly. Belongs to the caller.</param>
    public static async Task<WeirServer> StartAsync(string definitions, CuttingProxy? proxy = null)
    {
        var server = new WeirServer(proxy);
        string advertised = proxy is null ? "" : $", advertised: \"127.0.0.1:{proxy.Port}\"";
        await File.WriteAllTextAsync(
            Path.Combine(server._directory, "weir.yaml"),
            $$"""
            data: {{server.Data}}
            http: { listen: "127.0.0.1:0", drain: 0s }
            kafka: { listen: "127.0.0.1:0"{{advertised}} }
            engine: { publish_interval: 20ms }
            {{definitions}}
            """);
        try
        {
            await server.LaunchAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>SIGKILL, and another process over the same data.</summary>
    public async Task KillAndStartAgainAsync()
    {
        _process!.Kill();
        _proxy?.Target = null;
        _process.Dispose();
        await LaunchAsync();
    }

    /// <summary>Sends events, one JSON object each.</summary>
    public async Task SendAsync(string stream, IEnumerable<string> events)
    {
        using var content = new StringContent(string.Join('\n', events), Encoding.UTF8, "application/x-ndjson");
        using HttpResponseMessage response = await _http.PostAsync(new Uri(_address!, $"v1/streams/{stream}/events"), content);
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    public async Task<JsonElement> GetAsync(string path)
    {
        using HttpResponseMessage response = await _http.GetAsync(new Uri(_address!, path));
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"GET {path}: {(int)response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    public async Task<HttpStatusCode> StatusOfAsync(string path)
    {
        using HttpResponseMessage response = await _http.GetAsync(new Uri(_address!, path));
        return response.StatusCode;
    }

    /// <summary>A view's rows, key to number, once they cover everything that is flushed now.</summary>
    public async Task<SortedDictionary<string, long>> CountsAsync(string view, string stream)
    {
        string position = (await GetAsync($"v1/streams/{stream}")).GetProperty("position").GetString()!;
        JsonElement rows = (await GetAsync($"v1/views/{view}?at={position}&wait=30s&limit=100000")).GetProperty("rows");
        return new SortedDictionary<string, long>(
            rows.EnumerateArray().ToDictionary(row => row.GetProperty("choice").GetString()!, row => row.GetProperty("n").GetInt64()), StringComparer.Ordinal);
    }

    /// <summary>Has the second implementation count a view again.</summary>
    public async Task MustAgreeWithRecountAsync(string view) => await RunAsync("recount", view, "--url", _address!.ToString());

    /// <summary>The frames of a partition, as <c>weir log dump</c> has them.</summary>
    public async Task<IReadOnlyList<JsonElement>> FramesAsync(string stream, int partition) =>
        [.. (await RunAsync("log", "dump", Data, "--stream", stream, "--partition", $"{partition}", "--limit", "100000", "--json")).Select(line => JsonDocument.Parse(line).RootElement)];

    public async ValueTask DisposeAsync()
    {
        _process?.Dispose();
        _http.Dispose();
        await Task.Run(() => Directory.Delete(_directory, recursive: true));
    }

    private static async Task<IReadOnlyList<string>> RunAsync(params string[] arguments)
    {
        using LineProcess weir = LineProcess.Start([Paths.Weir, .. arguments]);
        return await weir.EndAsync();
    }

    // The log is one JSON object per line: event 6 has the Kafka port, event 2 says that it is ready.
    private async Task LaunchAsync()
    {
        _process = LineProcess.Start([Paths.Weir, "serve", Path.Combine(_directory, "weir.yaml")]);
        await _process.WaitAsync(lines => lines.Any(line => StateOf(line, Ready) is not null), "readiness");
        _address = new Uri(Told(Ready).GetProperty("Address").GetString()!);
        _kafkaPort = Told(ListeningForKafka).GetProperty("Port").GetInt32();
        _proxy?.Target = _kafkaPort;

        JsonElement Told(int id) => _process.Lines.Select(line => StateOf(line, id)).First(state => state is not null)!.Value;
    }

    private static JsonElement? StateOf(string line, int id)
    {
        if (!line.StartsWith('{'))
        {
            return null;
        }

        JsonElement entry = JsonDocument.Parse(line).RootElement;
        return entry.GetProperty("Category").GetString() == "Weir" && entry.GetProperty("EventId").GetInt32() == id ? entry.GetProperty("State") : null;
    }
}
