using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// Folds the batches of a log again, in their order: when a partition is opened, up to where retention cuts, and for a view that is built
/// later. The first two decide every record anew. The third takes the verdicts from their file: the rules of now must not be asked about an
/// event that was counted under earlier ones.
/// </summary>
/// <param name="plan">Definitions that are met in the log take its place.</param>
/// <param name="admission">Decides, from its state before the first batch; null: the verdict file does.</param>
internal sealed class Replay(Partition partition, StreamPlan plan, Admission? admission, AttachedViews views, EarlierRecords earlier)
{
    private readonly ColumnBatch _columns = new();
    private byte[] _verdicts = [];
    private long[] _others = [];
    private int _count;
    private VerdictReader? _verdictReader;

    /// <summary>The rules in force behind the batch applied last.</summary>
    public StreamPlan Plan => plan;

    /// <summary>Of the batch applied last, one per record, markers included.</summary>
    public ReadOnlySpan<byte> Verdicts => _verdicts.AsSpan(0, _count);

    /// <summary>As <see cref="Admission.Decide"/> gives them.</summary>
    public ReadOnlySpan<long> Others => _others.AsSpan(0, _count);

    /// <exception cref="WeirException"><see cref="ErrorCode.LogDamaged"/>: the batch is none, or its verdicts are not on disk any more.</exception>
    public void Apply(StoredBatch batch)
    {
        _count = batch.RecordCount;
        if (_verdicts.Length < _count)
        {
            _verdicts = new byte[_count];
            _others = new long[_count];
        }

        if (batch.IsControl)
        {
            ApplyMarkers(batch);
        }
        else
        {
            ApplyEvents(batch);
        }

        views.Advance(batch.End.Value);
    }

    private void ApplyMarkers(StoredBatch batch)
    {
        _verdicts.AsSpan(0, _count).Fill((byte)Verdict.None);
        _others.AsSpan(0, _count).Fill(-1);
        bool isBatch = RecordBatch.TryRead(batch.Bytes, out RecordBatch records);
        Invariant.Check(isBatch, "A control batch that is not a batch, although its checksum holds.");
        foreach (Record record in records)
        {
            if (admission is not null && Marker.TryReadType(batch.Bytes.Slice(record.KeyAt, record.KeyLength), out MarkerType type))
            {
                ReadOnlyMemory<byte> json = batch.Memory.Slice(record.ValueAt, record.ValueLength);
                StreamDefinition? definition = type == MarkerType.Define ? MarkerJson.ReadDefine(json) : null;
                admission.ApplyMarker(type, json.Span, definition);
                plan = definition is null ? plan : plan.With(definition);
            }
        }
    }

    private void ApplyEvents(StoredBatch batch)
    {
        plan.Extract(batch.Content, _columns, EventScratch.OfThread, isDecided: admission is null);
        _columns.BaseOffset = batch.BaseOffset.Value;
        _columns.AppendTimeMs = batch.AppendTimeMs;
        _columns.Partition = partition.Id;
        if (admission is null)
        {
            ReadVerdicts();
        }
        else
        {
            earlier.CompareLookalikes(admission, _columns);
            admission.Decide(_columns, _verdicts, _others);
            admission.NoteAppended(batch.Bytes, batch.BaseOffset.Value, batch.AppendTimeMs);
        }

        views.Apply(plan, _columns, Verdicts, Others);
    }

    private void ReadVerdicts()
    {
        VerdictLog verdicts = partition.Verdicts!;
        if (_verdictReader?.Verdicts != verdicts)
        {
            // The partition has been opened anew.
            _verdictReader = new VerdictReader(verdicts);
        }

        _verdictReader.Read(new Offset(_columns.BaseOffset), _verdicts.AsSpan(0, _count), partition.RemembersReplaced ? _others.AsSpan(0, _count) : default);
        int missing = Verdicts.IndexOf(VerdictLog.Unknown);
        if (missing >= 0)
        {
            throw new WeirException(
                ErrorCode.LogDamaged,
                $"The verdict of {partition.Id}:{_columns.BaseOffset + missing} is not on disk any more. Delete the .verdicts and .snapshot files of the partition and start again: both are made anew from the log.");
        }
    }
}
