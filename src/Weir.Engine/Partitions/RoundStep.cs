using Weir.Core;

namespace Weir.Engine;

/// <summary>One thing that a round appends, in log order: the events of a batch, or a marker.</summary>
internal readonly record struct RoundStep(AppendBatch? Batch, MarkerAppend? Marker);

/// <summary>A marker on its way into a partition's log.</summary>
/// <param name="Definition">The new definition of a define marker; null otherwise.</param>
internal sealed record MarkerAppend(MarkerType Type, byte[] Json, StreamDefinition? Definition)
{
    private readonly TaskCompletionSource<long> _appended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the exclusive end after the marker once it is flushed and folded.</summary>
    public Task<long> Appended => _appended.Task;

    public void Complete(long end) => _appended.TrySetResult(end);

    public void Fail(WeirException failure) => _appended.TrySetException(failure);
}

/// <summary>An open or close marker with a time: what was received before it lies in front of it in the log, the rest behind.</summary>
/// <param name="AtMs">Events received at or after this time lie behind the marker.</param>
/// <param name="GateSide">The side of the <see cref="IngestGate"/> to wait for; -1: none.</param>
/// <param name="Deadline">Timestamp of the monotonic clock at which the marker is appended even if not everybody has come through.</param>
internal sealed record TimedMarker(MarkerAppend Marker, long AtMs, int GateSide, long Deadline);
