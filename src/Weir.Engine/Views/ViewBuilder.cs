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

    private const int VerdictChunk = 1 << 16;

    private readonly EventScratch _scratch = new();
    private readonly ColumnBatch _columns = new();
    private byte[] _verdicts = new byte[VerdictChunk];
    private long[] _replaced = new long[VerdictChunk];

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
        using var earlier = new EarlierRecords(partition);
        partial.Advance(log.LogStart.Value);
        bool isDone = false;
        while (!isDone && !isStopping())
        {
            CatchUp(partition, partial, reader, earlier);

            // No time limit: the writer thread uses partial and reader from when it gets there, however late that is.
            isDone = partition.AskAsync(() => TryHandOver(partition, partial, log, reader, earlier)).GetAwaiter().GetResult();
        }
    }

    // On the writer thread, between rounds: everything folded is flushed, so the reader reaches it. False: there is still too much to catch up with.
    private bool TryHandOver(Partition partition, PartialView partial, PartitionLog log, LogReader reader, EarlierRecords earlier)
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

        CatchUp(partition, partial, reader, earlier);
        partition.AttachView(view, partial, view.Stream.Plan);
        view.SetPartial(partition.Id, partial);
        return true;
    }

    // As far as verdicts are: records are flushed a moment before their verdicts can be read.
    private void CatchUp(Partition partition, PartialView partial, LogReader reader, EarlierRecords earlier)
    {
        while (partial.Stop is null && partial.End < partition.DecidedEnd && !isStopping() && reader.TryReadNext(out StoredBatch batch))
        {
            if (batch.IsControl)
            {
                partial.Advance(batch.End.Value);
                continue;
            }

            view.StreamPlan.ExtractDecided(batch.Memory, _columns, _scratch);
            _columns.BaseOffset = batch.BaseOffset.Value;
            _columns.AppendTimeMs = batch.AppendTimeMs;
            _columns.Partition = partition.Id;
            Apply(partition, partial, earlier);
        }
    }

    private void Apply(Partition partition, PartialView partial, EarlierRecords earlier)
    {
        int count = _columns.RecordCount;
        if (_verdicts.Length < count)
        {
            _verdicts = new byte[count];
            _replaced = new long[count];
        }

        bool keepsLast = partition.RemembersReplaced;
        Span<byte> verdicts = _verdicts.AsSpan(0, count);
        Span<long> replaced = keepsLast ? _replaced.AsSpan(0, count) : default;
        ReadVerdicts(partition, verdicts, replaced);
        if (!keepsLast)
        {
            partial.Apply(_columns, verdicts);
            return;
        }

        for (int i = 0; i < count; i++)
        {
            var verdict = (Verdict)(verdicts[i] & 0xF);
            if (verdict == Verdict.Replaced)
            {
                (ColumnBatch batch, int record) = earlier.Find(replaced[i], view.StreamPlan, [], _columns);
                partial.Retract(batch, record, _columns.BaseOffset + i);
            }

            if (verdict.IsCounted())
            {
                partial.Apply(_columns, i);
            }
        }

        partial.Advance(_columns.BaseOffset + count);
    }

    private void ReadVerdicts(Partition partition, Span<byte> verdicts, Span<long> replaced)
    {
        partition.Verdicts!.Read(new Offset(_columns.BaseOffset), verdicts, replaced);
        int missing = verdicts.IndexOf(VerdictLog.Unknown);
        if (missing >= 0)
        {
            throw new WeirException(
                ErrorCode.LogDamaged,
                $"The verdict of {partition.Id}:{_columns.BaseOffset + missing} is not on disk any more. Delete the .verdicts and .snapshot files of the partition and start again: both are made anew from the log.");
        }
    }
}
