using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>Lets old segments go where a stream's definition says so.</summary>
public sealed partial class WeirNode
{
    private static readonly TimeSpan RetentionEvery = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan CutWithin = TimeSpan.FromMinutes(1);

    // Whose turn a cut is: the partition begins it, or retention gives it up, whichever is first.
    private const int Waiting = 0;
    private const int Begun = 1;
    private const int GivenUp = 2;

    private readonly HashSet<Partition> _retentionStopped = [];
    private readonly HashSet<Partition> _retentionDoubted = [];
    private readonly Lock _retaining = new();
    private Task _retention = Task.CompletedTask;
    private long _retainedAt;

    /// <summary>About twice a minute, one pass at a time, on a thread of its own. Publisher thread.</summary>
    internal void ConsiderRetention()
    {
        if (Time.GetElapsedTime(_retainedAt) < RetentionEvery || !_streams.Values.Any(stream => stream.Definition.Retention is not null) || !_retention.IsCompleted)
        {
            return;
        }

        _retainedAt = Time.GetTimestamp();
        lock (_jobs)
        {
            // A pass that began after the stop would be waited for by nobody.
            if (MayRecover)
            {
                _retention = StartJob("weir-retain", RetainOnce);
                _jobs.RemoveAll(ended => ended.IsCompleted);
                _jobs.Add(_retention);
            }
        }
    }

    /// <summary>One pass over all streams with retention, after the one that may be running. Blocks for as long as folding what goes takes.</summary>
    internal void RetainOnce()
    {
        using Lock.Scope alone = _retaining.EnterScope();
        foreach (EventStream stream in _streams.Values.Where(stream => stream.Definition.Retention is not null))
        {
            foreach (Partition partition in stream.PartitionList.Where(partition => partition.State == PartitionState.Serving && !_stopping.Task.IsCompleted))
            {
                try
                {
                    Retain(stream, partition);
                }
                catch (Exception exception) when (exception is WeirException or InvariantException or OverflowException or AggregateException)
                {
                    _report(EngineEvent.RetentionStopped, $"Retention of {stream.Name}/{partition.Id} failed and nothing was deleted: {exception.GetBaseException().Message}");
                }
            }
        }
    }

    private void Retain(EventStream stream, Partition partition)
    {
        if (_retentionStopped.Contains(partition) || FindCut(stream, partition) is not { } cut)
        {
            return;
        }

        if (stream.Definition.Retention!.Age is not null && RetentionPass.FindJumpBehind(partition.Log!, cut, isStopping: () => _stopping.Task.IsCompleted) is { } jump)
        {
            StopRetention(stream, partition, jump);
            return;
        }

        // A view that is being made reads what would go, and the base must have what it has read: another time.
        IReadOnlyList<View> views = ViewsOf(stream);
        if (views.Any(view => view.State == ViewState.Building))
        {
            return;
        }

        bool isHeld = false;
        try
        {
            bool isWritten = new RetentionPass(stream, partition, views).WriteBase(Disk, cut, MayCommit, isStopping: () => _stopping.Task.IsCompleted, out string? reason);
            if (isWritten)
            {
                Cut(stream, partition, cut);
            }
            else if (reason is not null)
            {
                StopRetention(stream, partition, reason);
            }
        }
        finally
        {
            if (isHeld)
            {
                _defining.Release();
            }
        }

        // From here until the segments have gone nobody defines a view: it would begin where the log does, and the base would not have it.
        bool MayCommit()
        {
            Threads.Wait(_defining.WaitAsync(), Timeout.InfiniteTimeSpan);
            isHeld = true;
            return !_stopping.Task.IsCompleted && ViewsOf(stream).SequenceEqual(views) && !views.Any(view => view.State == ViewState.Building);
        }
    }

    // Nothing is deleted while the clock is not believed, which is said once each time it begins.
    private Offset? FindCut(EventStream stream, Partition partition)
    {
        Offset? cut = RetentionPass.FindCut(partition.Log!, stream.Definition.Retention!, Time.GetUtcNow().ToUnixTimeMilliseconds(), out string? doubt);
        if (doubt is null)
        {
            _retentionDoubted.Remove(partition);
        }
        else if (_retentionDoubted.Add(partition))
        {
            _report(EngineEvent.RetentionStopped, $"{stream.Name}/{partition.Id}: {doubt}");
        }

        return cut;
    }

    private void StopRetention(EventStream stream, Partition partition, string reason)
    {
        _retentionStopped.Add(partition);
        _report(EngineEvent.RetentionStopped, $"{stream.Name}/{partition.Id}: {reason}");
    }

    private void Cut(EventStream stream, Partition partition, Offset cut)
    {
        // A key file that is made now would outlive its segment.
        partition.Keys.Abandon(cut);

        // The log's owner deletes: it alone changes the list of segments. Not when nobody waits for it any more: views are defined again then, which the base does not have.
        int turn = Waiting;
        Task<bool> applied = partition.AskAsync(() =>
        {
            if (Interlocked.CompareExchange(ref turn, Begun, Waiting) != Waiting)
            {
                return false;
            }

            partition.Log!.ApplyRetention(cut);
            return true;
        });
        Threads.Wait(applied, CutWithin, _failed.Task);
        if (Interlocked.CompareExchange(ref turn, GivenUp, Waiting) == Begun)
        {
            Threads.Wait(applied, Timeout.InfiniteTimeSpan, _failed.Task);
        }

        if (applied.IsCompleted && applied.GetAwaiter().GetResult())
        {
            _report(EngineEvent.Retained, $"{stream.Name}/{partition.Id} now begins at offset {cut}.");
        }
        else
        {
            _report(EngineEvent.RetentionStopped, $"{stream.Name}/{partition.Id} did nothing for {CutWithin.TotalSeconds:0} s, busy or stopped, and nothing was deleted. The next pass tries it again.");
        }
    }
}
