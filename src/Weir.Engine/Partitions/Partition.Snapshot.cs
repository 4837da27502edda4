using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// Snapshots that no acknowledgement waits for: begun between two rounds at the flushed offset S, copied piece by piece between later rounds
/// as everything was at S, and written and flushed by a thread of its own.
/// </summary>
internal sealed partial class Partition
{
    private SnapshotJob? _snapshot;
    private SnapshotJob? _abandonedSnapshot;
    private List<(View View, PartialView Partial)> _snapshotViews = [];
    private long _snapshotEndBytes;
    private long? _snapshotFailedAt;
    private bool _holdsSnapshotTurn;

    /// <summary>Begins a snapshot at the next chance. Any thread; used at a clean stop and by tests.</summary>
    public Task SnapshotAsync() => AskAsync(() =>
    {
        if (_snapshot is null && _state == PartitionState.Serving)
        {
            BeginSnapshot();
        }

        return _snapshot?.Finished ?? Task.CompletedTask;
    }).Unwrap();

    private void ConsiderSnapshot()
    {
        // Retried a minute after a failure, not at once: the disk may be full.
        long grown = _log!.TotalBytes - _snapshotEndBytes;
        if (_snapshot is null
            && grown >= Math.Max(_options.SnapshotBytes, _admission.StateBytes)
            && (_snapshotFailedAt is not { } failedAt || _stream.Time.GetElapsedTime(failedAt) >= TimeSpan.FromMinutes(1))
            && _stream.TryTakeSnapshotTurn())
        {
            _holdsSnapshotTurn = true;
            BeginSnapshot();
        }
    }

    private void BeginSnapshot()
    {
        // Between rounds everything folded is flushed.
        Offset end = _log!.FlushedEnd;
        Invariant.Check(end == _log.LogEnd, "A snapshot begins between rounds.");
        _snapshotViews = [.. _views.All.Where(attached => attached.Partial.End == end.Value || attached.Partial.Stop is not null)];
        IEnumerable<(string, byte[])> pieces = SnapshotState.BeginCopy(_admission, _stream.Secret, end.Value, _snapshotViews, _options.SnapshotPieceBytes);
        _snapshotEndBytes = _log.TotalBytes;
        _snapshot = new SnapshotJob(_stream.Disk, Directory, _log.Identity, end, pieces, _verdicts!, _stream.Threads, onStep: () => _thread?.Wake());
    }

    // One piece at a time: some thousand groups or owners, at least a shard, which at 100 million owners is 0.6 MB. Half a millisecond.
    private void StepSnapshot()
    {
        if (_snapshot is not { } job)
        {
            return;
        }

        job.CopyNext();
        if (job.Finished.IsCompleted)
        {
            if (job.Finished.IsFaulted)
            {
                _snapshotFailedAt = _stream.Time.GetTimestamp();
                _stream.Report(EngineEvent.SnapshotFailed, $"The snapshot of {_stream.Name}/{Id} failed: {job.Finished.Exception!.InnerException!.Message} The next one is tried in a minute; nothing else depends on it.");
            }

            AbandonSnapshot();
        }
    }

    private void AbandonSnapshot()
    {
        if (_snapshot is { } job)
        {
            job.Abandon();
            _abandonedSnapshot = job;
            foreach (OwnerTable table in _admission.Tables)
            {
                table.AbandonSnapshot();
            }

            foreach ((_, PartialView partial) in _snapshotViews)
            {
                partial.AbandonCopy();
            }

            _snapshotViews = [];
            _snapshot = null;
            if (_holdsSnapshotTurn)
            {
                _holdsSnapshotTurn = false;
                _stream.ReturnSnapshotTurn();
            }
        }
    }
}
