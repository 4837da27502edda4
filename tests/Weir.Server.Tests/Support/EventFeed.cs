using System.Text.Json.Nodes;

namespace Weir.Server.Tests.Support;

internal sealed record LiveEvent(string Event, string Id, string Text)
{
    public JsonObject Data => JsonNode.Parse(Text)!.AsObject();
}

/// <summary>Reads server-sent events one by one.</summary>
internal sealed class EventFeed : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;

    private EventFeed(HttpResponseMessage response, Stream body)
    {
        _response = response;
        _reader = new StreamReader(body);
    }

    public static async Task<EventFeed> OpenAsync(TestServer server, string path, string? lastId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastId is not null)
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastId);
        }

        HttpResponseMessage response = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.EnsureSuccessStatusCode().Content.Headers.ContentType!.MediaType);
        return new EventFeed(response, await response.Content.ReadAsStreamAsync());
    }

    /// <summary>The next event that has data.</summary>
    public async Task<LiveEvent> NextAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        var fields = new Dictionary<string, string>();
        while (true)
        {
            string line = await _reader.ReadLineAsync(patience.Token) ?? throw new EndOfStreamException("The feed ended.");
            if (line.Length == 0 && fields.TryGetValue("data", out string? data))
            {
                return new LiveEvent(fields["event"], fields.GetValueOrDefault("id", ""), data);
            }

            if (line.Split(": ", 2) is [{ Length: > 0 } name, string value])
            {
                fields[name] = value;
            }
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        _response.Dispose();
    }
}
