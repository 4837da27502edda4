using Weir.Core;
using Weir.Engine;
using Weir.Server.Kafka;
using Weir.Sql;

namespace Weir.Server.Configuration;

/// <summary>A stream that the configuration names; checked.</summary>
public sealed record ConfiguredStream(string Name, StreamDefinition Definition, ConfigurationOrigin Origin);

/// <summary>A view that the configuration names. Its SQL is checked; whether its stream exists is seen when it is defined.</summary>
public sealed record ConfiguredView(string Name, ViewDefinition Definition, ConfigurationOrigin Origin);

/// <summary>One row of <c>weir config explain</c>.</summary>
/// <param name="Value">The effective value; empty where there is none.</param>
/// <param name="Default">What it would be if nobody set it.</param>
public sealed record ExplainedValue(string Key, string Value, ConfigurationOrigin Origin, string Default, string Meaning);

/// <summary>
/// The effective configuration: checked as a whole, immutable. What was defined by PUT and is not named in the file stays as it is;
/// what is named is defined anew at every start.
/// </summary>
public sealed class WeirConfiguration
{
    private readonly IReadOnlyList<ExplainedValue> _explained;

    private WeirConfiguration(IReadOnlyList<ExplainedValue> explained) => _explained = explained;

    /// <summary>Default <c>./data</c>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Default 127.0.0.1:8080.</summary>
    public required ListenAddress Listen { get; init; }

    /// <summary>Idle connections are closed after this. Default 130 s, Kestrel's own.</summary>
    public required TimeSpan KeepAlive { get; init; }

    /// <summary>See <see cref="ConfigurationKeys.Drain"/>. Default 5 s, nothing on a terminal.</summary>
    public required TimeSpan Drain { get; init; }

    /// <summary>Default 20,000.</summary>
    public required int MaxConnections { get; init; }

    /// <summary>Bytes of bodies in memory at most. Default 256 MiB.</summary>
    public required long RequestBytes { get; init; }

    /// <summary>Null: the engine's default, half of memory.</summary>
    public required long? MemoryBytes { get; init; }

    /// <summary>Null: the engine's default.</summary>
    public required long? QueueBytes { get; init; }

    /// <summary>Null: the engine's default, 256 MiB.</summary>
    public required long? FreeDiskBytes { get; init; }

    /// <summary>Null: the engine's default, one per core.</summary>
    public required int? WriterThreads { get; init; }

    /// <summary>Null: the engine's default, 100 ms.</summary>
    public required TimeSpan? PublishInterval { get; init; }

    /// <summary>Null: the engine's default.</summary>
    public required long? SegmentBytes { get; init; }

    /// <summary>Null: the engine's default.</summary>
    public required long? SnapshotBytes { get; init; }

    /// <summary>Null: no Kafka port.</summary>
    public required KafkaOptions? Kafka { get; init; }

    public required IReadOnlyList<ConfiguredStream> Streams { get; init; }

    public required IReadOnlyList<ConfiguredView> Views { get; init; }

    /// <summary>Every key with its value and where it comes from; a stream's and a view's keys once per stream and view.</summary>
    /// <param name="key">A key or a section to keep to; null for all.</param>
    public IReadOnlyList<ExplainedValue> Explain(string? key = null) =>
        [.. _explained.Where(value => key is null || value.Key == key || value.Key.StartsWith(key + ".", StringComparison.Ordinal))];

    /// <summary>Reads, merges and checks.</summary>
    /// <exception cref="ConfigurationException">Something is wrong: the exception has all of it. A retry does not help.</exception>
    public static WeirConfiguration Load(ConfigurationSources sources)
    {
        var faults = new List<ConfigurationFault>();
        var tree = new ConfigurationTree(ReadFile(sources, faults), faults);
        tree.OverlayEnvironment(sources.Environment);
        tree.OverlayCommandLine(sources.CommandLine);
        tree.CheckKeys();
        WeirConfiguration configuration = Read(tree, sources);
        if (faults.Count > 0)
        {
            throw new ConfigurationException([.. faults.OrderBy(fault => fault.Origin.Layer).ThenBy(fault => fault.Origin.Line).ThenBy(fault => fault.Origin.Column)]);
        }

        return configuration;
    }

    private static ConfigurationNode ReadFile(ConfigurationSources sources, List<ConfigurationFault> faults)
    {
        string file = sources.File ?? ConfigurationSources.DefaultFile;
        var origin = new ConfigurationOrigin(ConfigurationLayer.File, file);
        try
        {
            if (File.Exists(file))
            {
                return YamlReader.ReadMap(File.ReadAllText(file), file, faults);
            }

            if (sources.File is not null)
            {
                faults.Add(new ConfigurationFault(ErrorCode.ConfigurationFileMissing, "", $"There is no file {Path.GetFullPath(file)}.", origin));
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            faults.Add(new ConfigurationFault(ErrorCode.ConfigurationFileMissing, "", $"The file cannot be read: {failure.Message}", origin));
        }

        return new ConfigurationNode(ConfigurationNodeKind.Map, origin);
    }

    private static WeirConfiguration Read(ConfigurationTree tree, ConfigurationSources sources)
    {
        const long MiB = 1L << 20;
        const long GiB = 1L << 30;
        ListenAddress listen = ReadListen(tree, sources, out ConfigurationOrigin listenOrigin);
        CheckAuth(tree, ConfigurationKeys.Listen, listen, listenOrigin);
        TimeSpan drain = tree.Duration(ConfigurationKeys.Drain, TimeSpan.Zero, TimeSpan.FromMinutes(10)) ?? TimeSpan.FromSeconds(sources.IsTerminal ? 0 : 5);
        return new WeirConfiguration(ConfigurationExplanation.Of(tree, listen, listenOrigin, drain))
        {
            DataDirectory = tree.Text(ConfigurationKeys.Data) ?? "./data",
            Listen = listen,
            KeepAlive = tree.Duration(ConfigurationKeys.KeepAlive, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)) ?? TimeSpan.FromSeconds(130),
            Drain = drain,
            MaxConnections = (int)(tree.Integer(ConfigurationKeys.Connections, min: 1, max: 1_000_000) ?? 20_000),
            RequestBytes = tree.Size(ConfigurationKeys.RequestBytes, 2 * MiB, 1024 * GiB) ?? 256 * MiB,
            MemoryBytes = tree.Size(ConfigurationKeys.Memory, 16 * MiB, 16 * 1024 * GiB),
            QueueBytes = tree.Size(ConfigurationKeys.QueueBytes, 2 * MiB, 16 * GiB),
            FreeDiskBytes = tree.Size(ConfigurationKeys.FreeDiskBytes, 0, 1024 * GiB),
            WriterThreads = (int?)tree.Integer(ConfigurationKeys.WriterThreads, min: 1, max: 256),
            PublishInterval = tree.Duration(ConfigurationKeys.PublishInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(10)),
            SegmentBytes = tree.Size(ConfigurationKeys.SegmentBytes, MiB, 2 * GiB),
            SnapshotBytes = tree.Size(ConfigurationKeys.SnapshotBytes, MiB, 1024 * GiB),
            Kafka = ReadKafka(tree),
            Streams = ReadStreams(tree),
            Views = ReadViews(tree),
        };
    }

    private static ListenAddress ReadListen(ConfigurationTree tree, ConfigurationSources sources, out ConfigurationOrigin origin)
    {
        var fallback = new ListenAddress(System.Net.IPAddress.Loopback, 8080);
        origin = ConfigurationOrigin.Default;
        ListenAddress? listen;
        if (tree.Find(ConfigurationKeys.Listen) is { } node)
        {
            origin = node.Origin;
            if (node.Kind == ConfigurationNodeKind.Scalar && ListenAddress.TryParse(node.Text, out listen))
            {
                return listen;
            }

            tree.Fault(ErrorCode.ConfigurationValue, ConfigurationKeys.Listen, $"Expected host:port, where host is an IP address, localhost or *, as in 127.0.0.1:8080; found `{node}`.", origin);
            return fallback;
        }

        const string Standard = "ASPNETCORE_URLS";
        if (!sources.Environment.TryGetValue(Standard, out string? urls) || urls.Length == 0)
        {
            return fallback;
        }

        origin = new ConfigurationOrigin(ConfigurationLayer.Environment, Standard);
        if (ListenAddress.TryParseUrl(urls, out listen))
        {
            return listen;
        }

        tree.Fault(ErrorCode.ConfigurationValue, ConfigurationKeys.Listen, $"Expected one http:// address, as in http://127.0.0.1:8080; found `{urls}`. There is no TLS yet.", origin);
        return fallback;
    }

    private static KafkaOptions? ReadKafka(ConfigurationTree tree)
    {
        const long MiB = 1L << 20;
        if (tree.Find(ConfigurationKeys.KafkaListen) is not { } node)
        {
            return null;
        }

        if (node.Kind != ConfigurationNodeKind.Scalar || !ListenAddress.TryParse(node.Text, out ListenAddress? listen))
        {
            tree.Fault(ErrorCode.ConfigurationValue, ConfigurationKeys.KafkaListen, $"Expected host:port, where host is an IP address, localhost or *, as in 127.0.0.1:9092; found `{node}`.", node.Origin);
            return null;
        }

        CheckAuth(tree, ConfigurationKeys.KafkaListen, listen, node.Origin);
        (string? host, int port) = ReadAdvertised(tree);
        return new KafkaOptions
        {
            Listen = listen,
            AdvertisedHost = host,
            AdvertisedPort = port,
            RequestBytes = (int)(tree.Size(ConfigurationKeys.KafkaRequestBytes, 64 << 10, 64 * MiB) ?? 16 * MiB),
            MemoryBytes = tree.Size(ConfigurationKeys.KafkaMemoryBytes, 16 * MiB, 1024 * 1024 * MiB) ?? 256 * MiB,
            Idle = tree.Duration(ConfigurationKeys.KafkaIdle, TimeSpan.FromSeconds(1), TimeSpan.FromHours(24)) ?? TimeSpan.FromMinutes(10),
            ClientBytesPerSecond = tree.Size(ConfigurationKeys.KafkaClientBytesPerSecond, 1 << 10, 1024 * 1024 * MiB) ?? 0,
        };
    }

    private static (string? Host, int Port) ReadAdvertised(ConfigurationTree tree)
    {
        if (tree.Find(ConfigurationKeys.KafkaAdvertised) is not { } node)
        {
            return (null, 0);
        }

        int colon = node.Kind == ConfigurationNodeKind.Scalar ? node.Text.LastIndexOf(':') : -1;
        if (colon > 0 && ushort.TryParse(node.Text.AsSpan(colon + 1), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out ushort port) && port > 0)
        {
            return (node.Text[..colon].Trim('[', ']'), port);
        }

        tree.Fault(ErrorCode.ConfigurationValue, ConfigurationKeys.KafkaAdvertised, $"Expected host:port, as in events.example.org:9092; found `{node}`.", node.Origin);
        return (null, 0);
    }

    private static void CheckAuth(ConfigurationTree tree, string key, ListenAddress listen, ConfigurationOrigin listenOrigin)
    {
        ConfigurationNode? auth = tree.Find(ConfigurationKeys.Auth);
        if (auth is { } node && (node.Kind != ConfigurationNodeKind.Scalar || node.Text != "none"))
        {
            if (key == ConfigurationKeys.Listen)
            {
                tree.Fault(ErrorCode.ConfigurationValue, ConfigurationKeys.Auth, $"Expected `none`; found `{node}`. There are no keys yet.", node.Origin);
            }
        }
        else if (auth is null && !listen.IsLoopback)
        {
            tree.Fault(ErrorCode.UnsafeListenAddress, key, $"{listen} can be reached from other machines, and there are no keys yet. Listen on 127.0.0.1, or write `auth: none`.", listenOrigin);
        }
    }

    private static void RefuseReserved(ConfigurationTree tree, string section, ConfigurationEntry entry)
    {
        if (ServerState.IsReserved(entry.Key))
        {
            tree.Fault(ErrorCode.ReservedName, $"{section}.{entry.Key}", "Names that begin with two underscores belong to the server.", entry.Origin);
        }
    }

    private static List<ConfiguredStream> ReadStreams(ConfigurationTree tree)
    {
        var streams = new List<ConfiguredStream>();
        foreach (ConfigurationEntry entry in tree.Find("streams")?.Entries ?? [])
        {
            RefuseReserved(tree, "streams", entry);
            try
            {
                byte[] json = entry.Value.IsNull ? "{}"u8.ToArray() : entry.Value.ToJson();
                streams.Add(new ConfiguredStream(entry.Key, StreamDefinition.Parse(json), entry.Origin));
            }
            catch (DefinitionException wrong)
            {
                foreach (DefinitionFault fault in wrong.Faults)
                {
                    string key = $"streams.{entry.Key}" + (fault.Path.Length == 0 ? "" : "." + fault.Path);
                    tree.Fault(fault.Code, key, fault.Detail, OriginOf(entry.Value, fault.Path));
                }
            }
        }

        return streams;
    }

    private static List<ConfiguredView> ReadViews(ConfigurationTree tree)
    {
        var views = new List<ConfiguredView>();
        foreach (ConfigurationEntry entry in tree.Find("views")?.Entries ?? [])
        {
            RefuseReserved(tree, "views", entry);
            ConfigurationNode sql = entry.Value.Kind == ConfigurationNodeKind.Map ? entry.Value.Find("sql") ?? entry.Value : entry.Value;
            try
            {
                byte[] json = entry.Value.Kind == ConfigurationNodeKind.Scalar ? new ConfigurationNode(ConfigurationNodeKind.Scalar, sql.Origin) { Text = sql.Text, IsText = true }.ToJson() : entry.Value.ToJson();
                ViewDefinition definition = ViewDefinition.Parse(json);
                ViewQuery.Parse(definition.Sql).Check();
                views.Add(new ConfiguredView(entry.Key, definition, entry.Origin));
            }
            catch (WeirException wrong)
            {
                tree.Fault(wrong.Code, $"views.{entry.Key}", wrong.Message, sql.Origin);
            }
        }

        return views;
    }

    // A fault names its place in the definition, claim.by; names in it may have dots of their own.
    private static ConfigurationOrigin OriginOf(ConfigurationNode node, string path)
    {
        foreach (ConfigurationEntry entry in node.Entries)
        {
            if (path == entry.Key)
            {
                return entry.Value.Origin;
            }

            if (path.StartsWith(entry.Key + ".", StringComparison.Ordinal))
            {
                return OriginOf(entry.Value, path[(entry.Key.Length + 1)..]);
            }
        }

        return node.Origin;
    }
}
