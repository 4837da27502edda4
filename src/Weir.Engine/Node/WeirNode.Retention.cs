using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>Lets old segments go where a stream's definition says so.</summary>
public sealed partial class WeirNode
{
    private static readonly TimeSpan RetentionEvery = TimeSpan.FromSeconds(30);

    private readonly HashSet<Partition> _retentionStopped = [];
    private int _isRetaining;
    private long _retainedAt;

    /// <summary>About twice a minute, one pass at a time, on a thread of its own. Publisher thread.</summary>
    internal void ConsiderRetention()
    {
        if (Time.GetElapsedTime(_retainedAt) < RetentionEvery || !_streams.Values.Any(stream => stream.Definition.Retention is not null) || Interlocked.Exchange(ref _isRetaining, 1) == 1)
        {
            return;
        }

        _retainedAt = Time.GetTimestamp();
        var thread = new Thread(() =>
        {
            try
            {
                RetainOnce();
            }
            finally
            {
                Volatile.Write(ref _isRetaining, 0);
            }
        })
        { Name = "weir-retain", IsBackground = true };
        thread.Start();
    }

    /// <summary>One pass over all streams with retention. Blocks for as long as folding what goes takes.</summary>
    internal void RetainOnce()
    {
        foreach (EventStream stream in _streams.Values.Where(stream => stream.Definition.Retention is not null))
        {
            foreach (Partition partition in stream.PartitionList.Where(partition => partition.State == PartitionState.Serving))
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
        if (_retentionStopped.Contains(partition) || RetentionPass.FindCut(partition.Log!, stream.Definition.Retention!, Time.GetUtcNow().ToUnixTimeMilliseconds()) is not { } cut)
        {
            return;
        }

        if (new RetentionPass(stream, partition, ViewsOf(stream)).WriteBase(Disk, cut) is { } reason)
        {
            _retentionStopped.Add(partition);
            _report(EngineEvent.RetentionStopped, $"{stream.Name}/{partition.Id}: {reason}");
            return;
        }

        // A key file that is made now would outlive its segment.
        partition.Keys.Abandon(cut);

        // The log's owner deletes: it alone changes the list of segments.
        bool applied = partition.AskAsync(() =>
        {
            partition.Log!.ApplyRetention(cut);
            return true;
        }).Wait(TimeSpan.FromMinutes(1));
        if (applied)
        {
            _report(EngineEvent.Retained, $"{stream.Name}/{partition.Id} now begins at offset {cut}.");
        }
    }
}
