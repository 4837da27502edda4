namespace Weir.Engine;

/// <summary>Sizes and intervals of one node. Defaults suit a machine with a few cores and one disk.</summary>
public sealed class NodeOptions
{
    /// <summary>Where everything is kept. One process per directory.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Threads that run partitions. Default: one per core.</summary>
    public int WriterThreads { get; init; } = Environment.ProcessorCount;

    /// <summary>Threads that wait for fdatasync. Default 8: ADR 0001 measured a third of the throughput with 2.</summary>
    public int FlusherThreads { get; init; } = 8;

    /// <summary>So many small rounds of one pass are flushed by the writer thread itself. Default 2: 15 % more single posts on two cores (docs/benchmarks.md).</summary>
    internal int MostFlushedByWriter { get; init; } = 2;

    /// <summary>Memory for owners and identities of a stream that sets no <c>limits.state_bytes</c>, bytes. Default: half of what the process may use.</summary>
    public long MemoryBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    /// <summary>How often views are published. Default 100 ms.</summary>
    public TimeSpan PublishInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Bytes that may wait in front of one partition; beyond, events are not taken (503). Default 32 MiB.</summary>
    public long QueueBytesPerPartition { get; init; } = 32L << 20;

    /// <summary>Size at which a segment is sealed. Default 256 MiB.</summary>
    public long SegmentBytes { get; init; } = 256L << 20;

    /// <summary>Log written since the last snapshot that starts the next one, unless the state is larger. Default 1 GiB.</summary>
    public long SnapshotBytes { get; init; } = 1L << 30;

    /// <summary>About how much of the state is copied for a snapshot between two rounds, bytes. Default 64 KiB: half a millisecond.</summary>
    internal int SnapshotPieceBytes { get; init; } = 64 << 10;

    /// <summary>Free disk below which writes are refused (507), so that recovery and snapshots still have room. Default 256 MiB.</summary>
    public long MinFreeDiskBytes { get; init; } = 256L << 20;
}

/// <summary>What a node is doing.</summary>
public enum NodeState
{
    Created,
    Recovering,
    Serving,
    Draining,
    Stopped,

    /// <summary>A loop died of a defect. The process should end with an error so that its supervisor restarts it.</summary>
    Failed,
}

/// <summary>Kinds of things that a node tells its operator; the numbers are the event ids of the log and are never reused.</summary>
public enum EngineEvent
{
    TailCut = 1002,
    LogDamaged = 1003,
    PartitionStopped = 1004,
    PartitionRecovered = 1005,
    PartitionRecoveryFailed = 1006,
    SnapshotRejected = 1007,
    SnapshotFailed = 1008,
    ViewBuilt = 1009,
    ViewBuildFailed = 1010,
    DiskFull = 1011,
    DiskHasRoom = 1012,
    NodeFailed = 1013,
    Retained = 1015,
    RetentionStopped = 1016,
    KeyFileFailed = 1017,
    PartitionUnwritable = 1018,
    DefinitionUnreadable = 1019,
}
