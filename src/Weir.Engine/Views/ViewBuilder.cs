using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// Makes a view over a running stream from log and verdicts, beside the traffic, and hands each partial to its partition when it has caught up.
/// One thread per build; it belongs to the node.
/// </summary>
internal sealed class ViewBuilder(View view, IDisk disk, IThreads threads, Func<bool> isStopping)
{
    // What the writer thread applies itself at the hand-over: about a millisecond.
    private const long HandOverRecords = 20_000;

    /// <summary>First offset that the view has seen in each partition that was built here.</summary>
    private readonly long[] _since = new long[view.Stream.PartitionCount];

    /// <summary>Builds all partitions that have no partial yet and can be read; the view goes live when that is all of them.</summary>
    /// <exception cref="WeirException">The log or the verdicts cannot be read.</exception>
    public void Build()
    {
        IReadOnlyList<Partition> partitions = view.Stream.PartitionList;
        while (!isStopping() && view.CanBuildOn)
        {
            for (int i = 0; i < partitions.Count && !isStopping(); i++)
            {
                if (view.PartialOf(i) is null && partitions[i].Log is not null)
                {
                    BuildPartition(partitions[i]);
                }

                view.SetProgress((i + 1.0) / partitions.Count);
            }
        }

        if (!isStopping() && view.IsComplete)
        {
            // Where retention had cut the log before the view was made, it begins behind the cut and says so.
            if (_since.Any(start => start > 0))
            {
                view.Model.Since = new Position(view.Stream.Name, _since);
            }

            view.GoLive();
        }
    }

    // Returns when the partition has a partial; or when it was opened anew meanwhile, and the caller begins again.
    private void BuildPartition(Partition partition)
    {
        PartitionLog log = partition.Log!;
        PartialView partial = Begin(partition, log);
        // Of a view that has stopped nothing is read any more.
        using LogReader reader = log.OpenReader(new Offset(Math.Max(partial.End, log.LogStart.Value)));
        using var earlier = new EarlierRecords(partition, []);
        var only = new AttachedViews(earlier);
        only.Add(view, partial);
        var replay = new Replay(partition, view.StreamPlan, admission: null, only, earlier);
        bool isDone = false;
        while (!isDone && !isStopping())
        {
            CatchUp(partition, partial, reader, replay);

            // No time limit: the writer thread uses partial and reader from when it gets there, however late that is.
            Task<bool> asked = partition.AskAsync(() => TryHandOver(partition, partial, log, reader, replay));
            threads.Wait(asked, Timeout.InfiniteTimeSpan);
            isDone = asked.GetAwaiter().GetResult();
        }
    }

    // A cut log begins with its base, which has the view's rows unless it was made later; also when a crash left segments below the base.
    private PartialView Begin(Partition partition, PartitionLog log)
    {
        _since[partition.Id] = 0;
        if (log.LogStart == Offset.Zero)
        {
            return view.NewPartial(partition.Id);
        }

        Offset start = log.LogStart;
        if (SnapshotReader.TryOpenBase(disk, partition.Directory, log.Identity, out SnapshotReader? based))
        {
            using (based)
            {
                start = based.Offset;
                while (based.TryNextSection(out string? name))
                {
                    if (name == view.Section && view.ReadPartial(SnapshotState.ReadAll(based), partition.Id) is { } known)
                    {
                        return known;
                    }
                }
            }
        }

        _since[partition.Id] = start.Value;
        PartialView partial = view.NewPartial(partition.Id);
        partial.Advance(start.Value);
        return partial;
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
