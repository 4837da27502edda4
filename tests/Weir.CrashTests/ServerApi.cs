using System.Net;
using System.Text;
using System.Text.Json;
using Weir.Cli.Http;

namespace Weir.CrashTests;

/// <summary>The calls of the HTTP API that the tests make, on one server address.</summary>
internal sealed class ServerApi : IDisposable
{
    private readonly HttpClient _http;

    public ServerApi(Uri address)
    {
        Client = new ServerClient(address);
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, Timeout = ServerUnderTest.Patience };
    }

    /// <summary>The same address by the client of the <c>weir</c> command.</summary>
    public ServerClient Client { get; }

    /// <summary>Sends one event as an object, several as lines.</summary>
    /// <exception cref="HttpRequestException">Nobody knows what became of them.</exception>
    public async Task<Answer> SendAsync(string stream, IReadOnlyList<SentEvent> events)
    {
        using var content = new StringContent(string.Join('\n', events.Select(one => one.Body)), Encoding.UTF8, events.Count == 1 ? "application/json" : "application/x-ndjson");
        using HttpResponseMessage response = await _http.PostAsync($"v1/streams/{stream}/events?verdicts=all", content);
        return Answer.Read((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async Task<JsonElement> GetAsync(string path)
    {
        using HttpResponseMessage response = await _http.GetAsync(path);
        string text = await response.Content.ReadAsStringAsync();
        return response.StatusCode == HttpStatusCode.OK
            ? JsonDocument.Parse(text).RootElement
            : throw new HttpRequestException($"GET {path}: {(int)response.StatusCode} {text}", null, response.StatusCode);
    }

    public Task<string> GetTextAsync(string path) => _http.GetStringAsync(path);

    /// <summary>A view's rows once they cover everything that is flushed now.</summary>
    public async Task<JsonElement> CurrentViewAsync(string view, string stream)
    {
        string position = (await GetAsync($"v1/streams/{stream}")).GetProperty("position").GetString()!;
        return await GetAsync($"v1/views/{view}?at={position}&wait=30s&limit=100000");
    }

    /// <summary>Counts a view again and waits for what comes out.</summary>
    public async Task<JsonElement> RecountAsync(string view)
    {
        HttpResponseMessage response = await _http.PostAsync($"v1/views/{view}/recount", null);
        while (response.StatusCode == HttpStatusCode.TooManyRequests)
        {
            // One at a time: the process of the one before has not quite ended.
            await Task.Delay(50);
            response.Dispose();
            response = await _http.PostAsync($"v1/views/{view}/recount", null);
        }

        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"recount of {view}: {text}");
        JsonElement recount = JsonDocument.Parse(text).RootElement;
        while (recount.GetProperty("state").GetString() == "running")
        {
            await Task.Delay(50);
            recount = await GetAsync("v1/recounts/" + recount.GetProperty("id").GetString());
        }

        return recount;
    }

    /// <summary>A partition's records from an offset to the flushed end.</summary>
    public Task<List<LoggedRecord>> ReadLogAsync(string stream, int partition, long from = 0) => Logs.ReadAsync(Client, stream, partition, from, CancellationToken.None);

    public void Dispose()
    {
        Client.Dispose();
        _http.Dispose();
    }
}
