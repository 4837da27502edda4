using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>Which event of an owner counts.</summary>
public enum ClaimKeep
{
    /// <summary>The first one; later ones are <c>taken</c>.</summary>
    First,

    /// <summary>The last one, in log order; it replaces the earlier one.</summary>
    Last,
}

/// <summary>What an acknowledgement promises, and whether identity and claim are enforced.</summary>
public enum Delivery
{
    /// <summary>Acknowledged from memory: a crash may lose it.</summary>
    AtMostOnce,

    /// <summary>On disk before the acknowledgement; retries count again.</summary>
    AtLeastOnce,

    /// <summary>On disk before the acknowledgement; identity and claim are enforced.</summary>
    ExactlyOnce,
}

/// <summary>What becomes of an event that the definition calls invalid.</summary>
public enum OnInvalid
{
    /// <summary>Nothing is declared: HTTP refuses it, because it can refuse one line of many; of a Kafka batch it becomes a dead letter.</summary>
    ByProtocol,

    /// <summary>Not appended; the sender is told.</summary>
    Refuse,

    /// <summary>Appended; the fold says <c>invalid</c> and it is a dead letter.</summary>
    DeadLetter,
}

/// <summary>Bounds of one stream's events and state.</summary>
public sealed record StreamLimits
{
    /// <summary>The deepest <see cref="Depth"/> that a definition may allow.</summary>
    public const int MaxDepth = 512;

    /// <summary>The longest <see cref="IdBytes"/> and <see cref="KeyBytes"/> that a definition may allow.</summary>
    public const int MaxKeyBytes = 4096;

    /// <summary>Largest event, bytes. Default 1,000,000; at most 16 MiB.</summary>
    public int EventBytes { get; init; } = 1_000_000;

    /// <summary>Longest id in its canonical form, bytes. Default 512, at most <see cref="MaxKeyBytes"/>.</summary>
    public int IdBytes { get; init; } = 512;

    /// <summary>Longest key in its canonical form, bytes. Default 1,024, at most <see cref="MaxKeyBytes"/>.</summary>
    public int KeyBytes { get; init; } = 1024;

    /// <summary>Deepest nesting; the event itself is level 1. Default 64, at most <see cref="MaxDepth"/>.</summary>
    public int Depth { get; init; } = 64;

    /// <summary>Memory for owners and identities of the whole stream, bytes. 0, the default: half of the machine's memory.</summary>
    public long StateBytes { get; init; }
}

/// <summary>How much of the log is kept. At least one bound is set.</summary>
/// <param name="Age">Whole segments whose newest append time is older than this go.</param>
/// <param name="Bytes">The oldest whole segments go while a partition's log is larger than this.</param>
public sealed record RetentionDefinition(TimeSpan? Age, long? Bytes)
{
    /// <summary>The largest <see cref="Bytes"/>, inclusive: 1 EiB.</summary>
    public const long MaxBytes = 1L << 60;
}

/// <summary>
/// A stream's rules: the document of <c>PUT /v1/streams/{stream}</c> and of the configuration file, normalised. Immutable.
/// Partitions, partitioner, key, id, claim, delivery and remember hold for the stream's life; the rest can change by a further define marker.
/// </summary>
public sealed record StreamDefinition
{
    public const int MaxPartitions = 1024;

    /// <summary>1 to <see cref="MaxPartitions"/>. Default 4.</summary>
    public int Partitions { get; init; } = 4;

    public PartitionerKind Partitioner { get; init; }

    /// <summary>Fields that form the key; empty: the identity is the key, and without one records have none.</summary>
    public IReadOnlyList<ColumnPath> Key { get; init; } = [];

    /// <summary>Field that holds the event's id; null: identity comes from headers only.</summary>
    public ColumnPath? Id { get; init; }

    /// <summary>Null: no claim. Its owner is the key.</summary>
    public ClaimKeep? Claim { get; init; }

    /// <summary>Exactly once where the stream has an id or a claim, else at least once, unless declared.</summary>
    public Delivery Delivery { get; init; }

    public DateTimeOffset? Opens { get; init; }

    public DateTimeOffset? Closes { get; init; }

    /// <summary>Longest wait at closing for requests that were complete before it. Default 1 s, at most 60 s.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Declared types by field; a mismatch makes the event invalid.</summary>
    public IReadOnlyList<DeclaredField> Fields { get; init; } = [];

    /// <summary>Identity is remembered for this many records of the partition; null: for as long as the stream lives.</summary>
    public long? Remember { get; init; }

    public OnInvalid OnInvalid { get; init; }

    /// <summary>Null: everything is kept.</summary>
    public RetentionDefinition? Retention { get; init; }

    public StreamLimits Limits { get; init; } = new();

    /// <summary>Whether the fold keeps identities (an exactly-once stream without a claim, or with <c>keep: last</c>).</summary>
    internal bool EnforcesIdentity => Delivery == Delivery.ExactlyOnce;

    /// <summary>Reads and checks a definition.</summary>
    /// <exception cref="DefinitionException">With every fault at once, each naming its path in the document.</exception>
    public static StreamDefinition Parse(ReadOnlyMemory<byte> json) => StreamDefinitionReader.Read(json);

    /// <summary>The document, with defaults left out: what the define marker holds. Parsing it gives an equal definition.</summary>
    public byte[] ToJson() => StreamDefinitionWriter.Write(this);

    /// <summary>The names of the parts that cannot change and differ from <paramref name="other"/>.</summary>
    public IReadOnlyList<string> ImmutableDifferences(StreamDefinition other)
    {
        List<string> parts = [];
        Note("partitions", Partitions == other.Partitions);
        Note("partitioner", Partitioner == other.Partitioner);
        Note("key", Key.SequenceEqual(other.Key));
        Note("id", Id == other.Id);
        Note("claim", Claim == other.Claim);
        Note("delivery", Delivery == other.Delivery);

        // What was forgotten under a smaller number cannot be remembered under a larger one.
        Note("remember", Remember == other.Remember);
        return parts;

        void Note(string part, bool equal)
        {
            if (!equal)
            {
                parts.Add(part);
            }
        }
    }
}
