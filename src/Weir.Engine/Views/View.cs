using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>What a view is doing.</summary>
public enum ViewState
{
    /// <summary>It is being made from the log, beside the traffic.</summary>
    Building,
    Live,

    /// <summary>It could not be built; see its reason. It is tried again, every ten minutes at the latest. A view that stopped while live stays live and says so in its answers.</summary>
    Failed,
}

/// <summary>A view over a stream: its definition, its partial per partition, and the read model they are merged into. Thread-safe.</summary>
public sealed class View
{
    private readonly PartialView?[] _partials;
    private readonly StreamPhase[] _phases;
    private volatile string? _failure;
    private volatile bool _isLive;
    private int _isBeingBuilt;
    private volatile TaskCompletionSource _buildWanted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private double _buildProgress;

    internal View(string name, int version, ViewDefinition definition, ViewShape shape, EventStream stream, bool keepsLast)
    {
        Name = name;
        Version = version;
        Definition = definition;
        Stream = stream;
        StreamPlan = stream.AddColumns(shape.RecordColumns);
        Plan = ViewPlan.Compile(definition, shape, StreamPlan.Columns, keepsLast);
        Model = new ReadModel(name, version, Plan, stream.Name, stream.PartitionCount);
        _partials = new PartialView?[stream.PartitionCount];
        _phases = new StreamPhase[stream.PartitionCount];
    }

    public string Name { get; }

    /// <summary>Higher for each definition of this name, also when the view was deleted in between; the first part of ETags and of live ids.</summary>
    public int Version { get; }

    public ViewDefinition Definition { get; }

    public EventStream Stream { get; }

    /// <summary>What is read.</summary>
    public ReadModel Model { get; }

    /// <summary>Live once it shows what every partition has: a model that some are still missing from after a start would show less than was read before.</summary>
    public ViewState State => _failure is not null ? ViewState.Failed : _isLive && (Model.HasAllPartitions || Model.Stop is not null) ? ViewState.Live : ViewState.Building;

    /// <summary>Why it failed; null unless it did.</summary>
    public string? Failure => _failure;

    /// <summary>What its build waits for: a partition that could not be opened. Null when it waits for nothing.</summary>
    public string? WaitsFor
    {
        get
        {
            Partition? closed = State == ViewState.Building ? Stream.PartitionList.FirstOrDefault(partition => partition.Log is null) : null;
            return closed is null ? null : $"partition {closed.Id} of {Stream.Name} cannot be opened: {closed.Reason}";
        }
    }

    /// <summary>0 to 1 while it is being built.</summary>
    public double BuildProgress => Volatile.Read(ref _buildProgress);

    internal ViewPlan Plan { get; }

    /// <summary>A stream plan that extracts this view's columns.</summary>
    internal StreamPlan StreamPlan { get; }

    /// <summary>
    /// Name of its section in snapshots: the state belongs to this definition and no other. The definition itself is part of the name, because
    /// a definition file can be put back from a copy while snapshots hold the state of another one with its version.
    /// </summary>
    public string Section => $"{SnapshotState.ViewPrefix}{Name}:{Version}:{new KeyedHash(0, 0).Hash(Definition.ToJson()):x32}";

    internal PartialView NewPartial(int partition) => new(Plan, partition, SeedOf(partition));

    /// <summary>The partial that a snapshot holds; null when the section cannot be used, and the view is built from the log instead.</summary>
    internal PartialView? ReadPartial(ReadOnlySpan<byte> section, int partition) => PartialView.ReadFrom(section, Plan, partition, SeedOf(partition));

    internal PartialView? PartialOf(int partition) => Volatile.Read(ref _partials[partition]);

    /// <summary>Whether it is one of this view's partials; those of a view over another stream may be of a partition that this one does not have.</summary>
    internal bool Owns(PartialView partial) => partial.Partition < _partials.Length && PartialOf(partial.Partition) == partial;

    internal void ClearPartial(int partition) => Volatile.Write(ref _partials[partition], null);

    internal void SetPartial(int partition, PartialView partial) => Volatile.Write(ref _partials[partition], partial);

    internal void SetProgress(double progress) => Volatile.Write(ref _buildProgress, progress);

    /// <summary>True for one caller at a time, who builds what is missing until <see cref="EndBuild"/>.</summary>
    internal bool TryBeginBuild()
    {
        if (Interlocked.Exchange(ref _isBeingBuilt, 1) != 0)
        {
            return false;
        }

        _buildWanted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return true;
    }

    /// <summary>There may be more to build from than when the build began.</summary>
    internal void WantBuild() => _buildWanted.TrySetResult();

    /// <summary>Completes when that was said since the build began.</summary>
    internal Task BuildWanted => _buildWanted.Task;

    internal void EndBuild() => Volatile.Write(ref _isBeingBuilt, 0);

    /// <summary>Whether there is a partition without its partial that has a log to build it from. A partition that could not be opened brings the build on when it is.</summary>
    internal bool CanBuildOn
    {
        get
        {
            for (int i = 0; i < _partials.Length; i++)
            {
                if (PartialOf(i) is null && Stream.PartitionList[i].Log is not null)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Whether every partition has its partial.</summary>
    internal bool IsComplete
    {
        get
        {
            for (int i = 0; i < _partials.Length; i++)
            {
                if (PartialOf(i) is null)
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>All partitions are attached: once they are merged it is read.</summary>
    internal void GoLive()
    {
        _failure = null;
        _isLive = true;
    }

    internal void Fail(string reason) => _failure = reason;

    /// <summary>Merges what partitions collected. Publisher thread only.</summary>
    internal void Merge(IReadOnlyList<(PartialChanges Changes, StreamPhase Phase)> collected, long nowMs)
    {
        foreach ((PartialChanges changes, StreamPhase phase) in collected)
        {
            _phases[changes.Partition] = phase;
        }

        // Final when what has been merged covers every close marker, not when the stream happens to be closed by now.
        bool isFinal = Array.TrueForAll(_phases, phase => phase == StreamPhase.Final);
        Model.Merge([.. collected.Select(one => one.Changes)], isFinal, nowMs);
    }

    private ulong SeedOf(int partition) => unchecked((ulong)partition * 0x9E37_79B9_7F4A_7C15) ^ Stream.Plan.Hash.K0;
}
