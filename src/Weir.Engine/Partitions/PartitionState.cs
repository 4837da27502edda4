namespace Weir.Engine;

/// <summary>What a partition can do now.</summary>
public enum PartitionState
{
    /// <summary>Its log is being opened and folded.</summary>
    Recovering,

    Serving,

    /// <summary>Its log is damaged; reads go on, writes are refused. Only a restored file and a restart end this.</summary>
    ReadOnly,

    /// <summary>A write or flush failed, or an invariant broke, or it could not be opened at all; it is being recovered from disk, again and again.</summary>
    Stopped,

    /// <summary>When it was opened, its disk took no writes (full, or read-only): what had been flushed is read, writes are refused. It tries again by itself.</summary>
    Unwritable,
}

/// <summary>A partition as operators see it.</summary>
/// <param name="Reason">Why it is not serving; null when it is.</param>
/// <param name="HotKey">A key that gets more than a quarter of the partition's recent events, with its share; null without one.</param>
public sealed record PartitionStatus(
    int Partition,
    PartitionState State,
    string? Reason,
    StreamPhase Phase,
    long LogStart,
    long FlushedEnd,
    long LogBytes,
    long QueuedBytes,
    long Owners,
    long StateBytes,
    string? HotKey,
    double HotKeyShare);
