namespace Weir.Server.Kafka.Groups;

/// <summary>Where a group will go on in a partition.</summary>
/// <param name="Offset">The next one to be read.</param>
/// <param name="LeaderEpoch">As the client gave it; -1: not given.</param>
/// <param name="Metadata">The client's own.</param>
internal sealed record CommittedOffset(long Offset, int LeaderEpoch, string Metadata);

/// <summary>What an offset is committed for.</summary>
internal readonly record struct OffsetKey(string Topic, int Partition);
