using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weir.BrowserTests;

/// <summary>
/// A Chrome DevTools Protocol connection (https://chromedevtools.github.io/devtools-protocol/): numbered commands over one
/// web socket, answers by number, events by session. Commands may be sent from any thread; events are raised on the reading loop.
/// </summary>
public sealed class DevTools : IAsyncDisposable
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(60);

    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonObject>> _waiting = new();
    private readonly ConcurrentDictionary<string, Action<string, JsonObject>> _listeners = new();
    private Task _reading = Task.CompletedTask;
    private int _lastNumber;

    private DevTools()
    {
    }

    public static async Task<DevTools> ConnectAsync(Uri address)
    {
        var devTools = new DevTools();
        await devTools._socket.ConnectAsync(address, CancellationToken.None);
        devTools._reading = devTools.ReadAsync();
        return devTools;
    }

    /// <summary>Sends one command and waits for its answer.</summary>
    /// <param name="session">The page's session; null: the browser.</param>
    public async Task<JsonObject> SendAsync(string method, JsonObject? parameters = null, string? session = null)
    {
        int number = Interlocked.Increment(ref _lastNumber);
        var command = new JsonObject { ["id"] = number, ["method"] = method, ["params"] = parameters ?? [] };
        if (session is not null)
        {
            command["sessionId"] = session;
        }

        var answer = new TaskCompletionSource<JsonObject>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[number] = answer;
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(command), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        }
        finally
        {
            _sending.Release();
        }

        JsonObject received = await answer.Task.WaitAsync(AnswerLimit);
        return received["error"] is JsonObject error
            ? throw new InvalidOperationException($"{method}: {error["message"]}")
            : (JsonObject)received["result"]!;
    }

    /// <summary>Calls <paramref name="listener"/> with name and parameters of each event of a session.</summary>
    public void Listen(string session, Action<string, JsonObject> listener) => _listeners[session] = listener;

    private async Task ReadAsync()
    {
        try
        {
            var piece = new byte[64 * 1024];
            var whole = new MemoryStream();
            while (true)
            {
                WebSocketReceiveResult received = await _socket.ReceiveAsync(piece, CancellationToken.None);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }

                whole.Write(piece, 0, received.Count);
                if (received.EndOfMessage)
                {
                    Dispatch((JsonObject)JsonNode.Parse(whole.ToArray())!);
                    whole.SetLength(0);
                }
            }
        }
        catch (Exception failure) when (failure is WebSocketException or ObjectDisposedException)
        {
            foreach (TaskCompletionSource<JsonObject> waiting in _waiting.Values)
            {
                waiting.TrySetException(failure);
            }
        }
    }

    private void Dispatch(JsonObject received)
    {
        if (received["id"] is { } number)
        {
            if (_waiting.TryRemove(number.GetValue<int>(), out TaskCompletionSource<JsonObject>? answer))
            {
                answer.SetResult(received);
            }
        }
        else if (received["sessionId"] is { } session && _listeners.TryGetValue(session.GetValue<string>(), out Action<string, JsonObject>? listener))
        {
            listener(received["method"]!.GetValue<string>(), (JsonObject)received["params"]!);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _reading;
        _sending.Dispose();
    }
}
