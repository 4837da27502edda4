using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Weir.Server.Kafka.Groups;
using Weir.Server.Kafka.Handlers;
using Weir.Server.Metrics;

namespace Weir.Server.Kafka;

/// <summary>The Kafka port: what all its connections share. Kestrel accepts them and gives each to <see cref="OnConnectedAsync"/>.</summary>
internal sealed class KafkaServer : ConnectionHandler, IDisposable
{
    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<KafkaConnection, bool> _connections = new();
    private readonly ILogger _log;
    private readonly GroupCoordinator _groups;
    private readonly ITimer _sweeps;
    private readonly CancellationTokenRegistration _ending;

    public KafkaServer(ServerState state, KafkaOptions options, ServerMetrics metrics, ILogger log)
    {
        Options = options;
        Time = state.Time;
        _log = log;
        Memory = new KafkaMemory(options.MemoryBytes);
        Quotas = new ClientQuotas(options.ClientBytesPerSecond, state.Time);
        var topics = new KafkaTopics(state);
        var offsets = new GroupOffsets(state);
        _groups = new GroupCoordinator(state.Time);
        Metrics = new KafkaMetrics(state, this, _groups);
        Apis = new KafkaApis(
        [
            .. new MetadataHandler(topics, this).Apis,
            .. new ProduceHandler(state, topics, Memory, metrics).Apis,
            .. new FetchHandler(topics, new FetchSessions(state.Time), Memory, Metrics, state.Time).Apis,
            .. new ListOffsetsHandler(topics).Apis,
            .. new InitProducerIdHandler(state).Apis,
            .. new TopicAdminHandler(state, topics).Apis,
            .. new TopicConfigHandler(state, topics, options).Apis,
            .. new ClusterHandler(topics, this, state).Apis,
            .. new FindCoordinatorHandler(this).Apis,
            .. new MembershipHandler(_groups).Apis,
            .. new GroupOffsetsHandler(_groups, offsets, topics).Apis,
            .. new GroupAdminHandler(_groups, offsets).Apis,
        ]);
        _groups.Start();
        _sweeps = state.Time.CreateTimer(_ => Sweep(), null, BetweenSweeps, BetweenSweeps);
        _ending = state.IsEnding.Register(() => AbortAll("The server stops."));
    }

    public KafkaOptions Options { get; }

    public TimeProvider Time { get; }

    public KafkaMemory Memory { get; }

    public ClientQuotas Quotas { get; }

    public KafkaApis Apis { get; }

    public KafkaMetrics Metrics { get; }

    public FetchReaderTurns ReaderTurns { get; } = new();

    /// <summary>Port that is listened on, once it is; clients are told it unless another one is configured.</summary>
    public int Port { get; set; }

    public int Connections => _connections.Count;

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        using var one = new KafkaConnection(connection, this, _log);
        _connections[one] = true;
        try
        {
            await one.RunAsync();
        }
        finally
        {
            _connections.TryRemove(one, out _);
        }
    }

    /// <summary>Where a client of this connection is to connect to.</summary>
    public (string Host, int Port) AdvertisedTo(KafkaConnection connection)
    {
        IPAddress? reached = connection.Reached?.Address;
        string host = Options.AdvertisedHost ?? (reached is { IsIPv4MappedToIPv6: true } ? reached.MapToIPv4() : reached)?.ToString() ?? "127.0.0.1";
        return (host, Options.AdvertisedPort != 0 ? Options.AdvertisedPort : Port);
    }

    public void Dispose()
    {
        _ending.Dispose();
        _groups.Dispose();
        _sweeps.Dispose();
        Metrics.Dispose();
    }

    private void Sweep()
    {
        foreach (KafkaConnection connection in _connections.Keys)
        {
            if (connection.IsStale(Options.Idle))
            {
                Metrics.Closed("idle");
                connection.Abort("The connection was idle for too long, or a request did not arrive in time.");
            }
        }
    }

    private void AbortAll(string reason)
    {
        foreach (KafkaConnection connection in _connections.Keys)
        {
            connection.Abort(reason);
        }
    }
}
