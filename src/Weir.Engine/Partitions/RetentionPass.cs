using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// One pass of retention over a partition: decides where the log shall begin, makes the fold state at that offset from the old base and the
/// segments that will go, writes it as a base (two copies, read back), and only then lets the segments go.
/// Runs on a thread of its own beside the traffic; memory for the state at the cut is held once more meanwhile.
/// </summary>
internal sealed class RetentionPass(EventStream stream, Partition partition, IReadOnlyList<View> views)
{
    // Append times never go back, so a gap this wide between neighbouring frames is a clock that jumped, and ages mean nothing.
    private static readonly TimeSpan WidestGap = TimeSpan.FromHours(24);

    private const int BasePieceBytes = 1 << 20;

    /// <summary>The offset that the log can begin at; null when nothing may go.</summary>
    /// <param name="doubt">Why nothing goes by its age although it seems old; null: it does not, or it goes.</param>
    public static Offset? FindCut(PartitionLog log, RetentionDefinition retention, long nowMs, out string? doubt)
    {
        Offset? cut = null;
        long bytes = log.TotalBytes;
        long newestMs = AppendMsBefore(log, log.FlushedEnd);
        bool isClockBelieved = nowMs - WidestGap.TotalMilliseconds <= newestMs;
        doubt = null;
        foreach (SegmentInfo segment in log.Segments)
        {
            bool isTooMuch = retention.Bytes is { } most && bytes > most;
            bool isTooOld = retention.Age is { } age && segment.IsSealed && segment.End > segment.BaseOffset && AppendMsBefore(log, segment.End) < nowMs - (long)age.TotalMilliseconds;
            if (isTooOld && !isClockBelieved)
            {
                doubt = $"It is {TimeText.FormatRfc3339(nowMs)} by the clock and the last record is of {TimeText.FormatRfc3339(newestMs)}: nothing is deleted for its age, because the clock may have jumped.";
                isTooOld = false;
            }

            if (!segment.IsSealed || !(isTooMuch || isTooOld))
            {
                break;
            }

            cut = segment.End;
            bytes -= segment.Bytes;
        }

        return cut > log.LogStart ? cut : null;
    }

    /// <summary>
    /// Where the clock jumped in what would stay, as a reason to stop; null: nowhere. What would go was found with a clock that had jumped by then. A segment is read
    /// only where the ends of what it holds are too far apart.
    /// </summary>
    public static string? FindJumpBehind(PartitionLog log, Offset cut, Func<bool> isStopping)
    {
        long previousMs = AppendMsBefore(log, cut);
        foreach (SegmentInfo segment in log.Segments)
        {
            if (segment.End <= cut || segment.End == segment.BaseOffset)
            {
                continue;
            }

            long lastMs = AppendMsBefore(log, segment.End);
            if (!IsTooWide(previousMs, lastMs))
            {
                previousMs = lastMs;
                continue;
            }

            using LogReader reader = log.OpenReader(segment.BaseOffset);
            while (!isStopping() && reader.TryReadNext(out StoredBatch batch) && batch.BaseOffset < segment.End)
            {
                if (IsTooWide(previousMs, batch.AppendTimeMs))
                {
                    return Jump(previousMs, batch);
                }

                previousMs = batch.AppendTimeMs;
            }
        }

        return null;
    }

    /// <summary>Writes the base at <paramref name="cut"/>; the caller then lets the segments below it go.</summary>
    /// <param name="mayCommit">Asked when all is written but the name.</param>
    /// <param name="isStopping">Asked at every batch: whether to end without a base.</param>
    /// <param name="reason">Why retention stops here for good; null: it does not.</param>
    /// <returns>False: there is no base at the cut.</returns>
    public bool WriteBase(IDisk disk, Offset cut, Func<bool> mayCommit, Func<bool> isStopping, out string? reason)
    {
        reason = null;
        PartitionLog log = partition.Log!;
        using var admission = new Admission(stream.Definition, log.LogStart.Value);
        using var earlier = new EarlierRecords(partition, []);
        var attached = new AttachedViews(earlier);
        StreamPlan plan = stream.Plan;
        Offset from = log.LogStart;
        if (log.LogStart == Offset.Zero)
        {
            // A base that is there all the same is of a pass that did not get to delete. Views made since then have counted from the first record, and it lacks them.
            views.ToList().ForEach(view => attached.Add(view, view.NewPartial(partition.Id)));
            cut = SnapshotReader.TryOpenBase(disk, partition.Directory, log.Identity, out SnapshotReader? left) && left.Offset > cut ? left.Offset : cut;
            left?.Dispose();
        }
        else if (TryLoad(disk, log, admission, attached, out Offset based))
        {
            // Not the log's start: a crash between base and deletion leaves segments that the base covers already.
            if (cut <= based)
            {
                return mayCommit();
            }

            from = based;
            plan = plan.With(admission.Definition);
        }

        var replay = new Replay(partition, plan, admission, attached, earlier);
        long previousAppendMs = long.MaxValue;
        using (LogReader reader = log.OpenReader(from))
        {
            while (reader.TryReadNext(out StoredBatch batch) && batch.BaseOffset < cut)
            {
                if (IsTooWide(previousAppendMs, batch.AppendTimeMs))
                {
                    reason = Jump(previousAppendMs, batch);
                    return false;
                }

                previousAppendMs = batch.AppendTimeMs;
                replay.Apply(batch);
                if (isStopping())
                {
                    return false;
                }
            }
        }

        return Write(disk, log, cut, admission, attached, mayCommit, isStopping);
    }

    // False: nothing has gone yet, and the log has everything from its first definition on.
    private bool TryLoad(IDisk disk, PartitionLog log, Admission admission, AttachedViews attached, out Offset based)
    {
        based = log.LogStart;
        Dictionary<string, byte[]>? sections = null;
        if (SnapshotReader.TryOpenBase(disk, partition.Directory, log.Identity, out SnapshotReader? old))
        {
            using (old)
            {
                sections = SnapshotState.Load(old, admission);
                based = old.Offset;
            }
        }

        foreach (View view in views)
        {
            // A view made after an earlier cut is not in that base: it began there with nothing, and its rows since then are part of the next one.
            byte[]? state = null;
            if (sections?.TryGetValue(view.Section, out state) != true)
            {
                attached.Add(view, view.NewPartial(partition.Id));
            }
            else if (view.ReadPartial(state!, partition.Id) is { } partial)
            {
                attached.Add(view, partial);
            }
        }

        return sections is not null;
    }

    private bool Write(IDisk disk, PartitionLog log, Offset cut, Admission admission, AttachedViews attached, Func<bool> mayCommit, Func<bool> isStopping)
    {
        using SnapshotWriter writer = SnapshotWriter.BeginBase(disk, partition.Directory, log.Identity, cut);
        SnapshotState.Write(writer, SnapshotState.BeginCopy(admission, stream.Secret, cut.Value, attached.All, BasePieceBytes).TakeWhile(_ => !isStopping()));
        if (isStopping() || !mayCommit())
        {
            return false;
        }

        writer.Commit();
        return true;
    }

    private static bool IsTooWide(long previousMs, long nextMs) => nextMs - WidestGap.TotalMilliseconds > previousMs;

    private static string Jump(long previousMs, in StoredBatch next) =>
        $"The clock jumped: {TimeText.FormatRfc3339(previousMs)} is followed by {TimeText.FormatRfc3339(next.AppendTimeMs)} at offset {next.BaseOffset}. Retention stops here; raise or remove it to go on.";

    // Of the last record below an offset; where there is none, no record is older.
    private static long AppendMsBefore(PartitionLog log, Offset end)
    {
        if (end <= log.LogStart)
        {
            return long.MaxValue;
        }

        using LogReader reader = log.OpenReader(new Offset(end.Value - 1));
        return reader.TryReadNext(out StoredBatch batch) ? batch.AppendTimeMs : long.MaxValue;
    }
}
