using System.Runtime.InteropServices;
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

    private readonly ColumnBatch _columns = new();
    private readonly EventScratch _scratch = new();
    private long _previousAppendMs = long.MinValue;

    /// <summary>The offset that the log can begin at; null when nothing may go.</summary>
    public static Offset? FindCut(PartitionLog log, RetentionDefinition retention, long nowMs)
    {
        Offset? cut = null;
        long bytes = log.TotalBytes;
        foreach (SegmentInfo segment in log.Segments)
        {
            bool isTooMuch = retention.Bytes is { } most && bytes > most;
            bool isTooOld = retention.Age is { } age && segment.IsSealed && segment.End > segment.BaseOffset && LastAppendMs(log, segment) < nowMs - (long)age.TotalMilliseconds;
            if (!segment.IsSealed || !(isTooMuch || isTooOld))
            {
                break;
            }

            cut = segment.End;
            bytes -= segment.Bytes;
        }

        return cut > log.LogStart ? cut : null;
    }

    /// <summary>Writes the base at <paramref name="cut"/>; the caller then lets the segments below it go.</summary>
    /// <returns>Null, or why retention stops here.</returns>
    public string? WriteBase(IDisk disk, Offset cut)
    {
        PartitionLog log = partition.Log!;
        using var admission = new Admission(stream.Definition, log.LogStart.Value);
        StreamPlan plan = stream.Plan;
        var partials = new PartialView?[views.Count];
        Offset from = log.LogStart;
        if (TryLoad(disk, log, admission, partials, out Offset based))
        {
            // Not the log's start: a crash between base and deletion leaves segments that the base covers already.
            if (cut <= based)
            {
                return null;
            }

            from = based;
            plan = plan.With(admission.Definition);
        }

        using (LogReader reader = log.OpenReader(from))
        {
            while (reader.TryReadNext(out StoredBatch batch) && batch.BaseOffset < cut)
            {
                if (_previousAppendMs != long.MinValue && batch.AppendTimeMs - _previousAppendMs > WidestGap.TotalMilliseconds)
                {
                    return $"The clock jumped: {TimeText.FormatRfc3339(_previousAppendMs)} is followed by {TimeText.FormatRfc3339(batch.AppendTimeMs)} at offset {batch.BaseOffset}. Retention stops here; raise or remove it to go on.";
                }

                _previousAppendMs = batch.AppendTimeMs;
                plan = Fold(batch, admission, plan, partials);
            }
        }

        Write(disk, log, cut, admission, partials);
        return null;
    }

    // False: nothing has gone yet, and the log has everything from its first definition on.
    private bool TryLoad(IDisk disk, PartitionLog log, Admission admission, PartialView?[] partials, out Offset based)
    {
        bool hasBase = false;
        based = log.LogStart;
        Dictionary<string, byte[]> sections = [];
        if (SnapshotReader.TryOpenBase(disk, partition.Directory, log.Identity, out SnapshotReader? old))
        {
            using (old)
            {
                sections = SnapshotState.Load(old, admission);
                hasBase = true;
                based = old.Offset;
            }
        }

        for (int i = 0; i < partials.Length; i++)
        {
            // A view made after an earlier cut is in no base: it is built again from the log's start when it is needed.
            partials[i] = !hasBase ? views[i].NewPartial(partition.Id) : sections.TryGetValue(views[i].Section, out byte[]? state) ? views[i].ReadPartial(state, partition.Id) : null;
        }

        return hasBase;
    }

    private StreamPlan Fold(StoredBatch batch, Admission admission, StreamPlan plan, PartialView?[] partials)
    {
        if (batch.IsControl)
        {
            if (RecordBatch.TryRead(batch.Bytes, out RecordBatch markers))
            {
                foreach (Record record in markers)
                {
                    if (Marker.TryReadType(batch.Bytes.Slice(record.KeyAt, record.KeyLength), out MarkerType type))
                    {
                        ReadOnlyMemory<byte> json = batch.Memory.Slice(record.ValueAt, record.ValueLength);
                        StreamDefinition? definition = type == MarkerType.Define ? MarkerJson.ReadDefine(json) : null;
                        admission.ApplyMarker(type, json.Span, definition);
                        plan = definition is null ? plan : plan.With(definition);
                    }
                }
            }
        }
        else
        {
            plan.Extract(batch.Memory, _columns, _scratch);
            _columns.BaseOffset = batch.BaseOffset.Value;
            _columns.AppendTimeMs = batch.AppendTimeMs;
            _columns.Partition = partition.Id;
            var verdicts = new byte[_columns.RecordCount];
            admission.Decide(_columns, verdicts, new long[_columns.RecordCount]);
            foreach (PartialView? partial in partials)
            {
                partial?.Apply(_columns, verdicts);
            }
        }

        foreach (PartialView? partial in partials)
        {
            partial?.Advance(batch.End.Value);
        }

        return plan;
    }

    private void Write(IDisk disk, PartitionLog log, Offset cut, Admission admission, PartialView?[] partials)
    {
        using SnapshotWriter writer = SnapshotWriter.BeginBase(disk, partition.Directory, log.Identity, cut);
        var state = new byte[Admission.StateHeaderBytes];
        admission.WriteState(state);
        writer.WriteSection(SnapshotState.AdmissionSection);
        writer.Write(state);

        writer.WriteSection(SnapshotState.DefineSection);
        writer.Write(MarkerJson.Define(admission.Definition, stream.Secret));
        for (int i = 0; i < partials.Length; i++)
        {
            if (partials[i] is { } partial)
            {
                writer.WriteSection(views[i].Section);
                partial.Freeze().WriteTo(writer.Write);
            }
        }

        List<OwnerEntry> shard = [];
        int number = 0;
        foreach (OwnerTable table in admission.Tables)
        {
            writer.WriteSection(SnapshotState.TableSection(number++));
            table.BeginSnapshot(cut.Value);
            while (table.CopyNextShard(shard))
            {
                writer.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(shard)));
            }
        }

        writer.Commit();
    }

    private static long LastAppendMs(PartitionLog log, SegmentInfo segment)
    {
        using LogReader reader = log.OpenReader(new Offset(segment.End.Value - 1));
        return reader.TryReadNext(out StoredBatch batch) ? batch.AppendTimeMs : long.MaxValue;
    }
}
