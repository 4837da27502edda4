namespace Weir.Storage;

/// <summary>Sizes of one partition's log. They may change between runs: nothing on disk depends on them.</summary>
public sealed class LogOptions
{
    /// <summary>A segment that has reached this many bytes is sealed and the next one begun. Default 256 MiB: a recovery reads one whole segment.</summary>
    public long SegmentBytes { get; init; } = 256L << 20;

    /// <summary>Bytes of log per place in the sparse index. Default 64 KiB: a seek reads at most about this much before its record.</summary>
    public int IndexIntervalBytes { get; init; } = 64 << 10;
}
