using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weir.Core;

namespace Weir.Cli.Http;

/// <summary>
/// A Weir server over its public HTTP API, as docs/reference/http.md describes it. Every failure comes out as a <see cref="WeirException"/>:
/// the server's own problem document, or <see cref="ErrorCode.ServerUnreachable"/>.
/// </summary>
internal sealed class ServerClient : IDisposable
{
    private readonly HttpClient _http;

    public ServerClient(Uri url)
    {
        Url = url;
        _http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            BaseAddress = url,
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public Uri Url { get; }

    public async Task<JsonObject> GetAsync(string path, CancellationToken cancel) => (await RequestAsync(HttpMethod.Get, path, body: null, cancel)).Body;

    /// <summary>Also returns the status, where 200 and 202 mean different things.</summary>
    public Task<(HttpStatusCode Status, JsonObject Body)> PostAsync(string path, CancellationToken cancel) => RequestAsync(HttpMethod.Post, path, body: null, cancel);

    public async Task<JsonObject> PutAsync(string path, JsonObject document, CancellationToken cancel) =>
        (await RequestAsync(HttpMethod.Put, path, document, cancel)).Body;

    /// <summary>Sends one request as it is; the caller reads status and answer. Fails only when there is no answer.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancel)
    {
        try
        {
            return await _http.SendAsync(request, completion, cancel);
        }
        catch (HttpRequestException failure)
        {
            throw new WeirException(ErrorCode.ServerUnreachable, $"{Url} does not answer: {failure.Message}", failure);
        }
    }

    /// <summary>The events of a live view, one JSON document per frame, with its SSE event name. Ends when the server closes the stream.</summary>
    public async IAsyncEnumerable<(string Event, JsonObject Data)> ReadLiveAsync(
        string view, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"v1/views/{Uri.EscapeDataString(view)}/live");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        using HttpResponseMessage response = await SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        await ThrowIfProblemAsync(response, cancel);
        await using Stream stream = await response.Content.ReadAsStreamAsync(cancel);
        await foreach (System.Net.ServerSentEvents.SseItem<string> item in
            System.Net.ServerSentEvents.SseParser.Create(stream).EnumerateAsync(cancel))
        {
            if (JsonNode.Parse(item.Data) is JsonObject data)
            {
                yield return (item.EventType, data);
            }
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Turns a problem document (RFC 9457), the text of <paramref name="response"/>, into the exception of its code.</summary>
    public static WeirException ReadProblem(HttpResponseMessage response, string text)
    {
        string path = response.RequestMessage?.RequestUri?.PathAndQuery ?? "";
        JsonObject? problem = null;
        try
        {
            problem = JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            // Something else than Weir answered, a proxy perhaps; its status and first line say more than a parse error.
        }

        if (problem?["code"]?.GetValue<string>() is { } name && WeirErrors.TryFind(name, out ErrorInfo? info))
        {
            string detail = problem["detail"]?.GetValue<string>() ?? problem["title"]?.GetValue<string>() ?? path;
            return new WeirException(info.Code, detail);
        }

        string first = text.Split('\n')[0].Trim();
        return new WeirException(ErrorCode.Internal, $"{path} answered {(int)response.StatusCode} {response.ReasonPhrase}: {(first.Length > 200 ? first[..200] : first)}");
    }

    private async Task<(HttpStatusCode Status, JsonObject Body)> RequestAsync(HttpMethod method, string path, JsonObject? body, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json");
        }

        using HttpResponseMessage response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancel);
        await ThrowIfProblemAsync(response, cancel);
        string text = await response.Content.ReadAsStringAsync(cancel);
        return (response.StatusCode, text.Length == 0 ? [] : JsonNode.Parse(text)!.AsObject());
    }

    private static async Task ThrowIfProblemAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw ReadProblem(response, await response.Content.ReadAsStringAsync(cancel));
        }
    }
}
