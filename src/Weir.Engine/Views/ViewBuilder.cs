using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// Makes a view over a running stream from log and verdicts, beside the traffic, and hands each partial to its partition when it has caught up.
/// One thread per build; it belongs to the node.
/// </summary>
internal sealed class ViewBuilder(View view, Func<bool> isStopping)
{
    // What the writer thread applies itself at the hand-over: about a millisecond.
    private const long HandOverRecords = 20_000;

    /// <summary>Builds all partitions that have no partial yet.</summary>
    /// <exception cref="WeirException">The log or the verdicts cannot be read.</exception>
    public void Build()
    {
        IReadOnlyList<Partition> partitions = view.Stream.PartitionList;
        NoteSince(partitions);
        while (!isStopping() && !view.IsComplete)
        {
            for (int i = 0; i < partitions.Count && !isStopping(); i++)
            {
                if (view.PartialOf(i) is null)
                {
                    BuildPartition(partitions[i]);
                }

                view.SetProgress((i + 1.0) / partitions.Count);
            }
        }

        if (!isStopping())
        {
            view.GoLive();
        }
    }

    // Where retention has cut the log, a view made now begins behind the cut and says so.
    private void NoteSince(IReadOnlyList<Partition> partitions)
    {
        var starts = new long[partitions.Count];
        for (int i = 0; i < starts.Length; i++)
        {
            starts[i] = view.PartialOf(i) is null ? partitions[i].Log?.LogStart.Value ?? 0 : 0;
        }

        if (starts.Any(start => start > 0))
        {
            view.Model.Since = new Position(view.Stream.Name, starts);
        }
    }

    // Returns when the partition has a partial; or when it was opened anew meanwhile, and the caller begins again.
    private void BuildPartition(Partition partition)
    {
        PartialView partial = view.NewPartial(partition.Id);
        PartitionLog log = partition.Log!;
        using LogReader reader = log.OpenReader(log.LogStart);
        using var earlier = new EarlierRecords(partition, []);
        var only = new AttachedViews(earlier);
        only.Add(view, partial);
        var replay = new Replay(partition, view.StreamPlan, admission: null, only);
        partial.Advance(log.LogStart.Value);
        bool isDone = false;
        while (!isDone && !isStopping())
        {
            CatchUp(partition, partial, reader, replay);

            // No time limit: the writer thread uses partial and reader from when it gets there, however late that is.
            isDone = partition.AskAsync(() => TryHandOver(partition, partial, log, reader, replay)).GetAwaiter().GetResult();
        }
    }

    // On the writer thread, between rounds: everything folded is flushed, so the reader reaches it. False: there is still too much to catch up with.
    private bool TryHandOver(Partition partition, PartialView partial, PartitionLog log, LogReader reader, Replay replay)
    {
        // After a recovery this log is no longer written, and the partition may have got the view from a snapshot.
        if (partition.Log != log || view.PartialOf(partition.Id) is not null || isStopping())
        {
            return true;
        }

        if (partition.DecidedEnd - partial.End > HandOverRecords && partial.Stop is null)
        {
            return false;
        }

        CatchUp(partition, partial, reader, replay);
        partition.AttachView(view, partial, view.Stream.Plan);
        view.SetPartial(partition.Id, partial);
        return true;
    }

    // As far as verdicts are: records are flushed a moment before their verdicts can be read.
    private void CatchUp(Partition partition, PartialView partial, LogReader reader, Replay replay)
    {
        while (partial.Stop is null && partial.End < partition.DecidedEnd && !isStopping() && reader.TryReadNext(out StoredBatch batch))
        {
            replay.Apply(batch);
        }
    }
}
