using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// Snapshots that no acknowledgement waits for: phase, totals and views are copied between two rounds at the flushed offset S, the tables
/// shard by shard between later rounds, and a thread of its own writes and flushes them.
/// </summary>
internal sealed partial class Partition
{
    private SnapshotJob? _snapshot;
    private SnapshotJob? _abandonedSnapshot;
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
        var admission = new byte[Admission.StateHeaderBytes];
        _admission.WriteState(admission);
        List<(string Name, PartialImage State)> views = [];
        foreach ((View view, PartialView partial) in _views.All)
        {
            if (partial.End == end.Value || partial.Stop is not null)
            {
                views.Add((view.Section, partial.Freeze()));
            }
        }

        foreach (OwnerTable table in _admission.Tables)
        {
            table.BeginSnapshot(end.Value);
        }

        _snapshotEndBytes = _log.TotalBytes;
        _snapshot = new SnapshotJob(_stream.Disk, Directory, _log.Identity, end, MarkerJson.Define(_admission.Definition, _stream.Secret), admission, views, _admission.Tables, _verdicts!, onStep: () => _thread?.Wake());
    }

    // One shard at a time: at 100 million owners that is 0.6 MB, a tenth of a millisecond.
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

            _snapshot = null;
            if (_holdsSnapshotTurn)
            {
                _holdsSnapshotTurn = false;
                _stream.ReturnSnapshotTurn();
            }
        }
    }
}
