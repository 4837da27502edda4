using System.Diagnostics.Metrics;

namespace Weir.Engine;

/// <summary>The engine's instruments. Names are public: docs/reference/metrics.md; gauges that need a node are made by the server.</summary>
public static class EngineMetrics
{
    public const string MeterName = "Weir.Engine";

    private static readonly Meter Meter = new(MeterName);

    /// <summary>Duration of one fdatasync, seconds.</summary>
    internal static readonly Histogram<double> FlushDuration = Meter.CreateHistogram<double>("weir.log.fsync.duration", "s", "Duration of one fdatasync.");

    /// <summary>Bytes appended to logs.</summary>
    internal static readonly Counter<long> AppendBytes = Meter.CreateCounter<long>("weir.log.append.bytes", "By", "Bytes of record batches appended to logs.");

    /// <summary>Rounds that failed and stopped their partition.</summary>
    internal static readonly Counter<long> PartitionStops = Meter.CreateCounter<long>("weir.partition.stops", "{stop}", "Partitions stopped by a failed write or flush or a broken invariant.");
}
