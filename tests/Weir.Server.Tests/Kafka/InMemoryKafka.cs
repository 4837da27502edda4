using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Engine;
using Weir.Server.Configuration;
using Weir.Server.Http;
using Weir.Server.Kafka;
using Weir.Server.Metrics;
using Weir.TestKit;

namespace Weir.Server.Tests.Kafka;

/// <summary>The Kafka port without sockets, over a node on a simulated disk and a clock that only <see cref="Time"/> moves: bytes come in the pieces in which a test sends them.</summary>
internal sealed class InMemoryKafka : IAsyncDisposable
{
    /// <summary>Longest request that is taken, bytes.</summary>
    public const int RequestBytes = 16 << 20;

    private readonly Random _random = new(7);
    private readonly WeirNode _node;
    private readonly ServerState _state;
    private readonly ServerMetrics _metrics;
    private int _connected;

    private InMemoryKafka()
    {
        _node = WeirNode.Create(
            new NodeOptions { DataDirectory = "/data", WriterThreads = 1, FlusherThreads = 1, SegmentBytes = 128 << 10, MinFreeDiskBytes = 0, MemoryBytes = 1 << 30 },
            new SimulatedDisk { KeepsOperations = false },
            Time,
            count =>
            {
                var bytes = new byte[count];
                _random.NextBytes(bytes);
                return bytes;
            },
            static (_, _) => { });
        _state = new ServerState(_node, Time);
        Server = new KafkaServer(
            _state,
            new KafkaOptions
            {
                Listen = new ListenAddress(IPAddress.Loopback, 9092),
                AdvertisedHost = null,
                AdvertisedPort = 9092,
                RequestBytes = RequestBytes,
                MemoryBytes = 256 << 20,
                Idle = TimeSpan.FromHours(24),
                ClientBytesPerSecond = 0,
            },
            _metrics = new ServerMetrics(_state, new LiveEndpoint(_state, NullLoggerFactory.Instance)),
            Log);
    }

    public FakeTime Time { get; } = new();

    public CapturedLog Log { get; } = new();

    public KafkaServer Server { get; }

    public static async Task<InMemoryKafka> StartAsync()
    {
        var kafka = new InMemoryKafka();
        await kafka._node.StartAsync();
        kafka._state.HasDefinitions = true;
        return kafka;
    }

    public Task DefineAsync(string stream) => _node.DefineStreamAsync(stream, StreamDefinition.Parse("""{"partitions":1}"""u8.ToArray()));

    /// <summary>A view that reads the stream: it cannot be deleted then.</summary>
    public Task KeepAsync(string stream) => _node.DefineViewAsync("kept", new ViewDefinition($"SELECT count(*) FROM {stream}"));

    public Task DeleteAsync(string stream) => _node.DeleteStreamAsync(stream);

    /// <summary>A client with an address of its own.</summary>
    public InMemoryConnection Connect() => new(Server, ++_connected);

    /// <summary>What the server sends to a client that sends these pieces and nothing more. Each is read before the next one is there.</summary>
    public async Task<byte[]> AnswersAsync(params IEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        await using InMemoryConnection connection = Connect();
        foreach (ReadOnlyMemory<byte> piece in pieces)
        {
            await connection.SendAsync(piece);
        }

        connection.EndSending();
        return await connection.ReadToEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _node.StopAsync();
        Server.Dispose();
        _metrics.Dispose();
        _state.Dispose();
    }
}

/// <summary>What was logged, in its order. Any thread.</summary>
internal sealed class CapturedLog : ILogger
{
    public ConcurrentQueue<(LogLevel Level, string Text)> Lines { get; } = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue((logLevel, $"{formatter(state, exception)} {exception}"));
}
