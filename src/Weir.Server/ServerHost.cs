using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Weir.Core;
using Weir.Engine;
using Weir.Server.Configuration;
using Weir.Server.Http;
using Weir.Server.Kafka;
using Weir.Server.Metrics;
using Weir.Storage;

namespace Weir.Server;

/// <summary>
/// One server: node, HTTP, health, metrics, in the order they start and stop. Listening begins before recovery, so that /livez and /readyz
/// can be asked; requests that need the state get 503 until it is there.
/// </summary>
/// <remarks>
/// Stopping: 1. /readyz says 503 while everything is served on (the drain); 2. writes are refused with Retry-After; 3. live subscribers get
/// <c>bye</c>; 4. the node finishes what is queued, flushes and closes; 5. connections are closed. Signals belong to whoever calls this.
/// A server that is still recovering has nobody to drain: its recovery ends at the next batch.
/// </remarks>
public sealed partial class ServerHost : IAsyncDisposable
{
    private static readonly TimeSpan ConnectionsCloseWithin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenApplications = TimeSpan.FromSeconds(2);

    private readonly WeirConfiguration _configuration;
    private readonly WebApplication _app;
    private readonly ServerState _state;
    private readonly Recounts _recounts;
    private readonly PrometheusPage _metrics;
    private readonly ServerMetrics _serverMetrics;
    private readonly KafkaServer? _kafka;
    private ListenOptions? _kafkaListener;
    private readonly IngestAdmission _admission;
    private readonly ITimer _rates;
    private readonly ILogger _log;
    private Task _applying = Task.CompletedTask;
    private bool _hasStopped;

    // Without it the framework takes a compressed body that was broken off for one that ended. Set before its first use.
    static ServerHost() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    private ServerHost(WeirConfiguration configuration, ServerHostOptions options)
    {
        _configuration = configuration;
        WebApplicationBuilder builder = CreateBuilder(configuration, options, ListenForKafka);
        _app = builder.Build();
        ILoggerFactory loggers = _app.Services.GetRequiredService<ILoggerFactory>();
        _log = loggers.CreateLogger("Weir");
        var node = WeirNode.Create(NodeOptionsOf(configuration), options.Disk, options.Time, RandomNumberGenerator.GetBytes, Report);
        _state = new ServerState(node, options.Time);
        _recounts = new Recounts(_state, configuration.DataDirectory, options.RecountCommand);
        _metrics = new PrometheusPage(_state, _app.Services.GetRequiredService<IMeterFactory>());
        var live = new LiveEndpoint(_state, loggers);
        _serverMetrics = new ServerMetrics(_state, live);
        _kafka = configuration.Kafka is { } kafka ? new KafkaServer(_state, kafka, _serverMetrics, _log) : null;
        _admission = new IngestAdmission(Math.Min(configuration.RequestBytes, IngestAdmission.BytesPerProcessor * Environment.ProcessorCount), configuration.RequestBytes, options.Time);
        _rates = options.Time.CreateTimer(_ => SampleRates(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        Router router = CreateRouter(live, options.Time);
        _app.Run(router.HandleAsync);
    }

    /// <summary>Where the server listens, with the port it got.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1:0/");

    /// <summary>The port for Kafka clients; 0: there is none.</summary>
    public int KafkaPort => _kafka?.Port ?? 0;

    /// <summary>
    /// Completes when the state is recovered and the configuration's definitions are applied, but for those that the disk does not take now, which are tried
    /// again; faults when that fails.
    /// </summary>
    public Task Ready { get; private set; } = Task.CompletedTask;

    /// <summary>Faults when the node has failed for good; the process should end with an error then.</summary>
    public Task Failure => _state.Node.Failure;

    /// <summary>Listens, and begins to recover.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.PortInUse"/>.</exception>
    public static async Task<ServerHost> StartAsync(WeirConfiguration configuration, ServerHostOptions options)
    {
        var host = new ServerHost(configuration, options);
        try
        {
            await host._app.StartAsync();
        }
        catch (IOException taken) when (taken.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            await host.DisposeAsync();
            ListenAddress address = configuration.Kafka is { } kafka && taken.Message.Contains(kafka.Listen.ToString(), StringComparison.Ordinal) ? kafka.Listen : configuration.Listen;
            throw new WeirException(ErrorCode.PortInUse, $"{address} is in use by another program.", taken);
        }

        if (host._kafka is not null)
        {
            host._kafka.Port = host._kafkaListener!.IPEndPoint!.Port;
        }

        ICollection<string> bound = host._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        host.Address = new Uri(bound.First().Replace("//[::]:", "//127.0.0.1:", StringComparison.Ordinal).Replace("//0.0.0.0:", "//127.0.0.1:", StringComparison.Ordinal) + "/");
        host.Ready = host.RecoverAsync();
        return host;
    }

    /// <summary>Runs a server until it is told to stop; what <c>weir serve</c> does.</summary>
    /// <param name="output">Takes the banner where somebody reads it.</param>
    /// <param name="stop">Cancelled once, at the first SIGTERM or SIGINT.</param>
    /// <exception cref="WeirException">It could not start, or the node failed: the process should end with an error.</exception>
    public static async Task RunAsync(WeirConfiguration configuration, ServerHostOptions options, TextWriter output, CancellationToken stop)
    {
        long began = Stopwatch.GetTimestamp();
        await using ServerHost host = await StartAsync(configuration, options);
        Log.Listening(host._log, host.Address);
        if (host._kafkaListener?.IPEndPoint is { } kafka)
        {
            Log.ListeningForKafka(host._log, kafka.Address.ToString(), kafka.Port);
        }

        var stopped = Task.Delay(Timeout.Infinite, stop);
        await Task.WhenAny(host.Ready, host.Failure, stopped);
        if (host.Ready.IsFaulted)
        {
            await host.Ready;
        }

        if (host.Ready.IsCompletedSuccessfully)
        {
            TimeSpan took = Stopwatch.GetElapsedTime(began);
            Log.Ready(host._log, host.Address, took.TotalSeconds);
            if (options.IsTerminal)
            {
                await output.WriteAsync(Banner.Of(configuration, host._state.Node, host.Address, host.KafkaPort, took));
            }
        }

        await Task.WhenAny(host.Failure, stopped);
        if (host.Failure.IsFaulted)
        {
            throw new WeirException(ErrorCode.Internal, $"The node has failed: {host.Failure.Exception.GetBaseException().Message}", host.Failure.Exception.GetBaseException());
        }

        Log.Stopping(host._log, configuration.Drain.TotalSeconds);
        await host.StopAsync();
        Log.Stopped(host._log);
    }

    /// <summary>Stops in order; returns when everything taken is on disk and the connections are closed.</summary>
    public async Task StopAsync()
    {
        if (_hasStopped)
        {
            return;
        }

        _hasStopped = true;
        _state.IsStopping = true;
        if (_state.IsReady)
        {
            await Task.Delay(_configuration.Drain);
        }

        _state.RefusesWrites = true;
        _state.End();
        await _recounts.DisposeAsync();

        // A recovery that is under way ends by this: the next start begins it again.
        await _state.Node.StopAsync();
        try
        {
            await Ready;
        }
        catch (Exception notReady) when (notReady is WeirException or OperationCanceledException)
        {
            // It never was ready; whoever waits for Ready has been told.
        }

        await _applying;
        using var patience = new CancellationTokenSource(ConnectionsCloseWithin);
        await _app.StopAsync(patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _kafka?.Dispose();
        await _rates.DisposeAsync();
        _admission.Dispose();
        _serverMetrics.Dispose();
        _metrics.Dispose();
        _state.Dispose();
        await _app.DisposeAsync();
    }

    private static NodeOptions NodeOptionsOf(WeirConfiguration configuration)
    {
        var defaults = new NodeOptions { DataDirectory = configuration.DataDirectory };
        return new NodeOptions
        {
            DataDirectory = configuration.DataDirectory,
            WriterThreads = configuration.WriterThreads ?? defaults.WriterThreads,
            MemoryBytes = configuration.MemoryBytes ?? defaults.MemoryBytes,
            PublishInterval = configuration.PublishInterval ?? defaults.PublishInterval,
            QueueBytesPerPartition = configuration.QueueBytes ?? defaults.QueueBytesPerPartition,
            SegmentBytes = configuration.SegmentBytes ?? defaults.SegmentBytes,
            SnapshotBytes = configuration.SnapshotBytes ?? defaults.SnapshotBytes,
            MinFreeDiskBytes = configuration.FreeDiskBytes ?? defaults.MinFreeDiskBytes,
        };
    }

    // The empty builder: no appsettings.json, no DOTNET_ variables, no middleware; everything this server has is written here.
    private static WebApplicationBuilder CreateBuilder(WeirConfiguration configuration, ServerHostOptions options, Action<ListenOptions> kafka)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.SetMinimumLevel(LogLevel.Information).AddFilter("Microsoft", LogLevel.Warning);

        // While anybody could log under this name, hosting makes an activity and a log scope for every request: a fifth of what a small one costs.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        if (options.LogsToConsole)
        {
            AddConsole(builder.Logging, options.IsTerminal);
        }

        builder.Services.AddSingleton<IHostLifetime, CallerOwnsSignals>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, configuration, kafka));
        return builder;
    }

    private static void AddConsole(ILoggingBuilder logging, bool isTerminal)
    {
        if (isTerminal)
        {
            logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss ";
            });
        }
        else
        {
            logging.AddJsonConsole(console =>
            {
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
            });
        }
    }

    private static void Configure(KestrelServerOptions kestrel, WeirConfiguration configuration, Action<ListenOptions> kafka)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = configuration.MaxConnections;
        kestrel.Limits.MaxConcurrentUpgradedConnections = configuration.MaxConnections;
        kestrel.Limits.KeepAliveTimeout = configuration.KeepAlive;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        kestrel.Limits.MaxRequestHeaderCount = 100;
        kestrel.Limits.MaxRequestLineSize = 8 * 1024;
        // Calls that take less say so themselves; EventsEndpoint has the limits of each form.
        kestrel.Limits.MaxRequestBodySize = EventsEndpoint.MaxLinesBodyBytes;
        // Read ahead of who asks for it, of each connection: what waits for its turn lies in its client's and the kernel's buffers.
        kestrel.Limits.MaxRequestBufferSize = 128 * 1024;
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(10));
        kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(10));
        Listen(kestrel, configuration.Listen, listener => listener.Protocols = HttpProtocols.Http1);
        if (configuration.Kafka is { } options)
        {
            Listen(kestrel, options.Listen, kafka);
        }
    }

    private void ListenForKafka(ListenOptions listener)
    {
        _kafkaListener = listener;
        listener.Run(connection => _kafka!.OnConnectedAsync(connection));
    }

    private static void Listen(KestrelServerOptions kestrel, ListenAddress address, Action<ListenOptions> configure)
    {
        if (address.Address is null)
        {
            kestrel.ListenAnyIP(address.Port, configure);
        }
        else
        {
            kestrel.Listen(new IPEndPoint(address.Address, address.Port), configure);
        }
    }

    private Router CreateRouter(LiveEndpoint live, TimeProvider time)
    {
        var events = new EventsEndpoint(_state, new IngestBudget(_configuration.RequestBytes), _admission, _serverMetrics);
        byte[] openApi = [];
        IReadOnlyList<Route> routes = ApiRoutes.Of(
            events, new StreamEndpoints(_state), new ViewEndpoints(_state, time), live, _recounts, new HealthEndpoints(_state), StaticAssets.Load(), WriteMetricsAsync, WriteOpenApiAsync);
        openApi = OpenApiDocument.Of(routes, Version);
        return new Router(events, routes, _log);

        Task WriteOpenApiAsync(HttpContext context, string name)
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = openApi.Length;
            return context.Response.BodyWriter.WriteAsync(openApi).AsTask();
        }
    }

    private Task WriteMetricsAsync(HttpContext context, string name)
    {
        context.Response.ContentType = PrometheusPage.ContentType;
        return context.Response.WriteAsync(_metrics.Write());
    }

    private async Task RecoverAsync()
    {
        // Recovery reads the log: off the caller's thread from its first step on.
        await Task.Yield();
        await _state.Node.StartAsync();
        await ApplyAsync();
        _state.HasDefinitions = true;
        await WaitForViewsAsync();
        _state.IsReady = true;
        _applying = ApplyDelayedAsync();
    }

    /// <summary>Defines what the configuration says. What only the disk keeps from being defined is no reason to serve nothing: it is delayed.</summary>
    private async Task ApplyAsync()
    {
        Dictionary<string, WeirException> delayed = [];
        foreach (ConfiguredStream stream in _configuration.Streams)
        {
            await TryAsync($"stream {stream.Name}", () => _state.Node.DefineStreamAsync(stream.Name, stream.Definition));
        }

        foreach (ConfiguredView view in _configuration.Views)
        {
            await TryAsync($"view {view.Name}", () => _state.Node.DefineViewAsync(view.Name, view.Definition));
        }

        _state.Delayed = delayed;

        async Task TryAsync(string what, Func<Task> define)
        {
            try
            {
                await define();
            }
            catch (WeirException failure) when (IsOfTheDisk(failure.Code) || (failure.Code == ErrorCode.UnknownStream && delayed.Count > 0))
            {
                delayed[what] = failure.Code == ErrorCode.UnknownStream ? delayed.Values.First() : failure;
                if (_state.Delayed.Count == 0)
                {
                    Log.Delayed(_log, what, failure.Message);
                }
            }
        }
    }

    private async Task ApplyDelayedAsync()
    {
        try
        {
            while (_state.Delayed.Count > 0)
            {
                await Task.Delay(BetweenApplications, _state.Time, _state.IsEnding);
                await ApplyAsync();
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or WeirException && _state.IsEnding.IsCancellationRequested)
        {
            // The next start applies them.
        }
    }

    private static bool IsOfTheDisk(ErrorCode code) =>
        code is ErrorCode.DiskFull or ErrorCode.DiskError or ErrorCode.FlushFailed or ErrorCode.PartitionStopped or ErrorCode.PartitionReadOnly or ErrorCode.Recovering;

    // Pages that are open while a server starts again should find their view; a long build does not hold up events.
    private async Task WaitForViewsAsync()
    {
        long began = _state.Time.GetTimestamp();
        foreach (View view in _state.Node.Views)
        {
            try
            {
                await _state.BuiltAsync(view, ServerState.BuildPatience - _state.Time.GetElapsedTime(began), _state.IsEnding);
            }
            catch (WeirException notBuilt) when (notBuilt.Code is ErrorCode.ViewBuilding or ErrorCode.ViewStopped)
            {
                // GET /v1/views says how far it is, or why not.
            }
        }
    }

    private void SampleRates()
    {
        if (_state.Node.State == NodeState.Serving)
        {
            _state.Rates.Sample(_state.Node.Streams);
        }
    }

    private void Report(EngineEvent kind, string text)
    {
        LogLevel level = kind switch
        {
            EngineEvent.PartitionRecovered or EngineEvent.ViewBuilt or EngineEvent.DiskHasRoom or EngineEvent.Retained => LogLevel.Information,
            EngineEvent.PartitionUnwritable or EngineEvent.TailCut or EngineEvent.SnapshotRejected or EngineEvent.SnapshotFailed or EngineEvent.KeyFileFailed => LogLevel.Warning,
            _ => LogLevel.Error,
        };
        if (_log.IsEnabled(level))
        {
            _log.Log(level, new EventId((int)kind, kind.ToString()), text, null, static (message, _) => message);
        }
    }

    private static string Version => typeof(ServerHost).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>Signals are handled by the command line, which also decides what a second one does.</summary>
    private sealed class CallerOwnsSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
