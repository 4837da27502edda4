using System.Collections.Concurrent;
using System.Reflection;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Weir.BrowserTests;

/// <summary>
/// A server that plays whatever a test hands it: the real pages over a feed and documents of the test's own making. For the
/// states that are hard to bring about in a real node (a view that is behind, stopped, reopened, out of groups). What the
/// frames look like is held by the test against the real server.
/// </summary>
public sealed class FakeNode : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly Channel<string> _frames = Channel.CreateBounded<string>(1_000);
    private readonly ConcurrentDictionary<string, (int Status, string Json)> _documents = new();

    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private FakeNode(WebApplication application) => _application = application;

    public string Address { get; private set; } = "";

    /// <summary>What the feed was last asked to resume after; null: from a snapshot.</summary>
    public string? AskedAfter { get; private set; }

    public static async Task<FakeNode> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var node = new FakeNode(builder.Build());
        node.Map();
        await node._application.StartAsync();
        node.Address = node._application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return node;
    }

    /// <summary>What a GET or POST of <paramref name="path"/> answers from now on.</summary>
    public void Answer(string path, string json, int status = 200) => _documents[path] = (status, json);

    /// <summary>Takes back what <see cref="Answer"/> said.</summary>
    public void Forget(string path) => _documents.Remove(path, out _);

    /// <summary>Sends one frame to whoever reads the feed.</summary>
    public void Send(string @event, string data, string id = "1;votes:0=0") => _frames.Writer.TryWrite($"id: {id}\nevent: {@event}\ndata: {data}\n\n");

    /// <summary>Completes when the reader of the feed has gone away.</summary>
    public Task Disconnected() => _gone.Task.WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>Ends the feed's current connection, as a server that goes down does.</summary>
    public void Hang() => _frames.Writer.TryWrite("");

    private void Map()
    {
        _application.Use(async (context, next) =>
        {
            context.Response.Headers.ContentSecurityPolicy = "default-src 'self'";
            await next();
        });
        _application.MapGet("/", () => File("overview.html"));
        _application.MapGet("/live/{view}", () => File("live.html"));
        _application.MapGet("/assets/{name}", (string name) => File($"assets/{name}"));
        _application.MapGet("/v1/views/{view}/live", FeedAsync);
        _application.MapFallback((HttpContext context) =>
            _documents.TryGetValue(context.Request.Path.Value!, out (int Status, string Json) document)
                ? Results.Content(document.Json, "application/json", statusCode: document.Status)
                : Results.NotFound());
    }

    private async Task FeedAsync(HttpContext context)
    {
        if (_documents.TryGetValue(context.Request.Path.Value!, out (int Status, string Json) refusal))
        {
            context.Response.StatusCode = refusal.Status;
            await context.Response.WriteAsync(refusal.Json);
            return;
        }

        context.RequestAborted.Register(() => _gone.TrySetResult());
        AskedAfter = context.Request.Query["after"].FirstOrDefault();
        context.Response.ContentType = "text/event-stream";
        await context.Response.Body.FlushAsync();
        await foreach (string frame in _frames.Reader.ReadAllAsync(context.RequestAborted))
        {
            if (frame.Length == 0)
            {
                return;
            }

            await context.Response.WriteAsync(frame);
            await context.Response.Body.FlushAsync();
        }
    }

    private static IResult File(string name)
    {
        Stream? content = Assembly.Load("Weir.Server").GetManifestResourceStream($"Weir.Server.Console.{name}");
        return content is null ? Results.NotFound() : Results.Stream(content, Path.GetExtension(name) switch
        {
            ".html" => "text/html; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        });
    }

    public async ValueTask DisposeAsync()
    {
        _frames.Writer.TryComplete();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _application.StopAsync(limit.Token);
        await _application.DisposeAsync();
    }
}
