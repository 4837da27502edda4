using System.Globalization;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebSockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Weir.Engine;

namespace Weir.Server.Http;

/// <summary>
/// GET /v1/views/{view}/live: a snapshot, then what changes, as server-sent events or, on upgrade, as WebSocket messages with the same JSON.
/// A frame is encoded once for everybody; a subscriber holds a place in the sequence and no frames, so a slow one skips to the newest state.
/// </summary>
internal sealed class LiveEndpoint
{
    private const string ViewItem = "weir.view";

    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(15);

    // Clients come back after a time of their own, or all of them would come back at once.
    private const int MinRetryMs = 500;
    private const int RetrySpreadMs = 2_000;

    private static readonly byte[] Ping = ":\n\n"u8.ToArray();

    private readonly ServerState _server;
    private readonly WebSocketMiddleware _upgrades;
    private long _subscribers;

    public LiveEndpoint(ServerState server, ILoggerFactory loggers)
    {
        _server = server;

        // Handshakes are looked for on the one path that has them, not on every request.
        _upgrades = new WebSocketMiddleware(ServeAsync, Options.Create(new WebSocketOptions { KeepAliveInterval = PingInterval }), loggers);
    }

    public long Subscribers => Interlocked.Read(ref _subscribers);

    public Task HandleAsync(HttpContext context, string name)
    {
        context.Items[ViewItem] = name;
        return _upgrades.Invoke(context);
    }

    private async Task ServeAsync(HttpContext context)
    {
        View view = _server.View((string)context.Items[ViewItem]!);
        ReadModel model = await _server.BuiltAsync(view, ServerState.BuildPatience, context.RequestAborted);
        string? after = context.Request.Headers["Last-Event-ID"];
        LiveSubscription subscription = model.Subscribe(after ?? context.Request.Query["after"]);
        Interlocked.Increment(ref _subscribers);
        try
        {
            await (context.WebSockets.IsWebSocketRequest ? SendMessagesAsync(context, subscription) : SendEventsAsync(context, subscription));
        }
        catch (Exception gone) when (context.RequestAborted.IsCancellationRequested || gone is WebSocketException)
        {
            // The subscriber has left; that is how most subscriptions end.
        }
        finally
        {
            Interlocked.Decrement(ref _subscribers);
        }
    }

    private async Task SendEventsAsync(HttpContext context, LiveSubscription subscription)
    {
        HttpResponse response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        await response.BodyWriter.WriteAsync(Text($"retry: {RetryMs()}\n\n"));
        using var window = new PingWindow(context.RequestAborted, _server.IsEnding);
        while (!_server.IsEnding.IsCancellationRequested)
        {
            LiveFrame? frame = await window.NextAsync(subscription);
            if (!_server.IsEnding.IsCancellationRequested)
            {
                await response.BodyWriter.WriteAsync(frame?.ServerSentEvent ?? Ping);
            }
        }

        await response.BodyWriter.WriteAsync(Text($"retry: {RetryMs()}\nevent: bye\ndata: {{\"reason\":\"the server is stopping\"}}\n\n"));
    }

    private async Task SendMessagesAsync(HttpContext context, LiveSubscription subscription)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        using var closed = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        Task reading = ReadToCloseAsync(socket, closed);
        try
        {
            using var window = new PingWindow(closed.Token, _server.IsEnding);
            while (!_server.IsEnding.IsCancellationRequested && socket.State == WebSocketState.Open)
            {
                if (await window.NextAsync(subscription) is { } frame)
                {
                    await socket.SendAsync(frame.Json, WebSocketMessageType.Text, endOfMessage: true, closed.Token);
                }
            }
        }
        catch (OperationCanceledException) when (closed.IsCancellationRequested)
        {
        }

        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
        {
            bool isEnding = _server.IsEnding.IsCancellationRequested;
            await socket.CloseOutputAsync(isEnding ? WebSocketCloseStatus.EndpointUnavailable : WebSocketCloseStatus.NormalClosure, isEnding ? "bye" : "", context.RequestAborted);
        }

        await reading;
    }

    /// <summary>Subscribers have nothing to say: what they send is dropped, however much it is, until they close.</summary>
    private static async Task ReadToCloseAsync(WebSocket socket, CancellationTokenSource closed)
    {
        var dropped = new byte[256];
        try
        {
            while ((await socket.ReceiveAsync(dropped.AsMemory(), closed.Token)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or IOException)
        {
        }

        await closed.CancelAsync();
    }

    private static int RetryMs() => MinRetryMs + Random.Shared.Next(RetrySpreadMs);

    private static byte[] Text(FormattableString text) => System.Text.Encoding.UTF8.GetBytes(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>Waits for frames with one timer per <see cref="PingInterval"/>, not one per frame: ten thousand subscribers get ten frames a second each.</summary>
    private sealed class PingWindow(CancellationToken gone, CancellationToken ending) : IDisposable
    {
        private CancellationTokenSource _window = Open(gone, ending);

        /// <returns>The next frame; null when it is time for a sign of life, or when the server is ending.</returns>
        /// <exception cref="OperationCanceledException">The subscriber has left.</exception>
        public async ValueTask<LiveFrame?> NextAsync(LiveSubscription subscription)
        {
            try
            {
                return await subscription.NextAsync(_window.Token);
            }
            catch (OperationCanceledException) when (!gone.IsCancellationRequested)
            {
                _window.Dispose();
                _window = Open(gone, ending);
                return null;
            }
        }

        public void Dispose() => _window.Dispose();

        private static CancellationTokenSource Open(CancellationToken gone, CancellationToken ending)
        {
            var window = CancellationTokenSource.CreateLinkedTokenSource(gone, ending);
            window.CancelAfter(PingInterval);
            return window;
        }
    }
}
