namespace Weir.Server.Configuration;

/// <summary>
/// Every key of weir.yaml. docs/reference/configuration.md is generated from this table, unknown keys are found with it, and
/// <c>weir config explain</c> prints it. What a stream's keys may hold is checked by the engine's definition, in one place for file and PUT.
/// </summary>
public static class ConfigurationKeys
{
    public const string Data = "data";
    public const string Auth = "auth";
    public const string Listen = "http.listen";
    public const string KeepAlive = "http.keep_alive";
    public const string Drain = "http.drain";
    public const string KafkaListen = "kafka.listen";
    public const string KafkaAdvertised = "kafka.advertised";
    public const string KafkaRequestBytes = "kafka.request_bytes";
    public const string KafkaMemoryBytes = "kafka.memory_bytes";
    public const string KafkaIdle = "kafka.idle";
    public const string KafkaClientBytesPerSecond = "kafka.client_bytes_per_second";
    public const string Connections = "limits.connections";
    public const string RequestBytes = "limits.request_bytes";
    public const string Memory = "limits.memory_bytes";
    public const string QueueBytes = "limits.queue_bytes";
    public const string FreeDiskBytes = "limits.free_disk_bytes";
    public const string WriterThreads = "engine.writer_threads";
    public const string PublishInterval = "engine.publish_interval";
    public const string SegmentBytes = "engine.segment_bytes";
    public const string SnapshotBytes = "engine.snapshot_bytes";

    /// <summary>In the order of the reference page.</summary>
    public static IReadOnlyList<ConfigurationKey> All { get; } =
    [
        new(Data, ConfigurationKind.Text, "./data", "a directory", "Where the log and everything else is kept. One process per directory. A relative path starts at the working directory."),
        new(Auth, ConfigurationKind.Choice, "", "none", "There are no keys yet. `none` says in writing that whoever reaches the address may do everything; any address but this machine's own needs it."),
        new(Listen, ConfigurationKind.Address, "127.0.0.1:8080", "host:port; host is an IP address, `localhost` or `*`", "Where the server listens. Port 0 takes a free one; the banner shows which. Where it is not set, `ASPNETCORE_URLS` is."),
        new(KeepAlive, ConfigurationKind.Duration, "130s", "1s to 1h", "How long an idle connection is kept."),
        new(Drain, ConfigurationKind.Duration, "5s; 0s on a terminal", "0s to 10m", "How long a stopping server still serves while `/readyz` already answers 503, so that load balancers leave first."),
        new(KafkaListen, ConfigurationKind.Address, "", "host:port, as `http.listen`", "Where Kafka clients connect. Not set: there is no Kafka port. docs/kafka.md."),
        new(KafkaAdvertised, ConfigurationKind.Text, "the address that the client reached", "host:port", "Where Kafka clients are told to connect to, where that is another address than the one that they reached first: behind a proxy or in a container."),
        new(KafkaRequestBytes, ConfigurationKind.Size, "16MiB", "64KiB to 64MiB", "Longest Kafka request."),
        new(KafkaMemoryBytes, ConfigurationKind.Size, "256MiB", "16MiB to 1TiB", "Bytes of Kafka requests and answers in memory at most; beyond it connections are read no further until there is room."),
        new(KafkaIdle, ConfigurationKind.Duration, "10m", "1s to 24h", "How long an idle Kafka connection is kept."),
        new(KafkaClientBytesPerSecond, ConfigurationKind.Size, "any number", "1KiB to 1TiB", "Bytes per second that the connections of one Kafka client id may send and be sent; beyond it they are read no further for a while."),
        new(Connections, ConfigurationKind.Integer, "20000", "1 to 1000000", "Open connections at most, live subscribers included."),
        new(RequestBytes, ConfigurationKind.Size, "256MiB", "2MiB to 1TiB", "Bytes of request bodies in memory at most; beyond it 429 with `Retry-After`."),
        new(Memory, ConfigurationKind.Size, "half of memory", "16MiB to 16TiB", "Memory for owners and identities of a stream that sets no `limits.state_bytes`; when reached, new owners are refused with 507."),
        new(QueueBytes, ConfigurationKind.Size, "32MiB", "2MiB to 16GiB", "Bytes that may wait for the disk per partition; beyond it 503 with `Retry-After`."),
        new(FreeDiskBytes, ConfigurationKind.Size, "256MiB", "0 to 1TiB", "Free disk below which writes are refused with 507, so that recovery and snapshots have room."),
        new(WriterThreads, ConfigurationKind.Integer, "one per core", "1 to 256", "Threads that own the partitions."),
        new(PublishInterval, ConfigurationKind.Duration, "100ms", "10ms to 10s", "How often views publish what was counted."),
        new(SegmentBytes, ConfigurationKind.Size, "256MiB", "1MiB to 2GiB", "Size at which a log file is sealed and the next one begun."),
        new(SnapshotBytes, ConfigurationKind.Size, "1GiB", "1MiB to 1TiB", "Log written since the last snapshot of a partition at which the next one is made. Smaller opens faster after a crash and writes more."),

        new("streams.*.partitions", ConfigurationKind.Integer, "4", "1 to 1024", "Parts of the stream that are written side by side. For ever."),
        new("streams.*.partitioner", ConfigurationKind.Choice, "murmur2", "murmur2, crc32", "How a key finds its partition: as Kafka's Java client does, or as librdkafka does by default. For ever."),
        new("streams.*.key", ConfigurationKind.TextOrList, "the id, if there is one", "a path or a list of paths", "The fields that form the key: order, identity and claim hold per key. For ever."),
        new("streams.*.id", ConfigurationKind.Text, "", "a path", "The field that makes two events with the same key the same event. For ever."),
        new("streams.*.claim.by", ConfigurationKind.TextOrList, "", "the stream's key", "Who has the right to be counted once. For ever."),
        new("streams.*.claim.keep", ConfigurationKind.Choice, "first", "first, last", "Which of an owner's events counts. For ever."),
        new("streams.*.delivery", ConfigurationKind.Choice, "exactly-once with an id or a claim, else at-least-once", "at-most-once, at-least-once, exactly-once", "What an acknowledgement means. For ever."),
        new("streams.*.opens", ConfigurationKind.Time, "", "RFC 3339", "Events before it are `closed`."),
        new("streams.*.closes", ConfigurationKind.Time, "", "RFC 3339, after `opens`", "When every partition writes its close marker; events after the marker are `closed`."),
        new("streams.*.grace", ConfigurationKind.Duration, "1s", "0s to 1m", "How long closing waits for requests that were complete before it."),
        new("streams.*.fields.*", ConfigurationKind.Text, "", "string, boolean, integer, time, decimal(precision,scale)", "Declared types: an event that does not fit is `invalid`."),
        new("streams.*.remember", ConfigurationKind.Integer, "for ever", "1 to 2^47", "Records of the partition over which an id is remembered. Not with a claim. For ever: what was forgotten under a smaller number cannot be remembered under a larger one."),
        new("streams.*.on-invalid", ConfigurationKind.Choice, "refuse over HTTP, dead-letter over Kafka", "refuse, dead-letter", "Whether an invalid event is turned away at the door or kept as a dead letter."),
        new("streams.*.retention", ConfigurationKind.DurationOrSize, "none", "a duration or a size", "How much of the log is kept. Not with `keep: last`."),
        new("streams.*.limits.event_bytes", ConfigurationKind.Integer, "1000000", "16 to 16777216", "Longest event."),
        new("streams.*.limits.id_bytes", ConfigurationKind.Integer, "512", "1 to 4096", "Longest id."),
        new("streams.*.limits.key_bytes", ConfigurationKind.Integer, "1024", "1 to 4096", "Longest key."),
        new("streams.*.limits.depth", ConfigurationKind.Integer, "64", "1 to 512", "Deepest nesting."),
        new("streams.*.limits.state_bytes", ConfigurationKind.Integer, "half of memory", "up to 2^42", "State of this stream at most; then new owners are refused with 507."),

        new("views.*", ConfigurationKind.Text, "", "SQL", "The view's query; or a map with the keys below."),
        new("views.*.sql", ConfigurationKind.Text, "", "SQL", "The view's query. docs/reference/sql.md."),
        new("views.*.max_groups", ConfigurationKind.Integer, "1000000", "1 or more", "Groups at which the view stops at its position, with a reason."),
        new("views.*.keep", ConfigurationKind.Integer, "10000", "1 or more", "Windows that a view with `tumble` keeps."),
    ];

    /// <summary>Keys and sections directly below a path, the path given with <c>*</c>; "" for the top.</summary>
    internal static IReadOnlyList<string> Below(string path)
    {
        string prefix = path.Length == 0 ? "" : path + ".";
        return [.. All.Where(key => key.Path.StartsWith(prefix, StringComparison.Ordinal)).Select(key => key.Path[prefix.Length..].Split('.')[0]).Where(name => name.Length > 0).Distinct()];
    }

    internal static ConfigurationKey? Find(string path) => All.FirstOrDefault(key => key.Path == path);

    internal static ConfigurationKey Get(string path) => Find(path) ?? throw new ArgumentException($"There is no key {path}.", nameof(path));
}
