using Weir.Server.Configuration;

namespace Weir.Server.Kafka;

/// <summary>The section <c>kafka</c> of the configuration. There is a Kafka port only where <c>kafka.listen</c> is written.</summary>
public sealed record KafkaOptions
{
    public required ListenAddress Listen { get; init; }

    /// <summary>Host that clients are told to connect to; null: the address they reached.</summary>
    public required string? AdvertisedHost { get; init; }

    /// <summary>Port that clients are told; 0: the one that is listened on.</summary>
    public required int AdvertisedPort { get; init; }

    /// <summary>Longest request, bytes. Default 16 MiB.</summary>
    public required int RequestBytes { get; init; }

    /// <summary>Bytes of requests and answers of all connections in memory at most. Default 256 MiB.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>A connection without a request for this long is closed. Default 10 minutes, as Kafka's.</summary>
    public required TimeSpan Idle { get; init; }

    /// <summary>Bytes per second that the connections of one client id may send and be sent; 0: any number.</summary>
    public required long ClientBytesPerSecond { get; init; }
}
