using Weir.Core;

namespace Weir.Engine;

/// <summary>The part of an <see cref="IngestBatch"/> that goes to one partition, encoded here.</summary>
internal sealed class PartitionBatch(IngestBatch owner) : AppendBatch
{
    private int[]? _placeOf;

#if WEIR_PLANTED
    public RecordBatchWriter Writer { get; init; } = new(initialBytes: 512);
#else
    public RecordBatchWriter Writer { get; } = new(initialBytes: 512);
#endif

    /// <summary>Memory held, bytes.</summary>
    public long CapacityBytes => Writer.CapacityBytes + Columns.CapacityBytes + VerdictBytes;

    /// <summary>Records that were handed in, those that were left out included.</summary>
    public int SubmittedRecords { get; set; }

    /// <summary>Records that were left out for want of memory.</summary>
    public int LeftOut { get; private set; }

    /// <summary>Whether it belongs to the batch being made; the others are left over from earlier requests.</summary>
    public bool IsUsed { get; set; }

    internal override bool IsToldWhenFlushed => owner.IsToldWhenFlushed;

    internal override long ReceivedAtMs => owner.ReceivedAtMs;

    internal override Span<byte> Bytes => Writer.Bytes;

    internal override ReadOnlyMemory<byte> Content => Writer.Memory;

    /// <summary>Where the record that was added as the n-th is now; -1: left out.</summary>
    public int PlaceOf(int record) => _placeOf is null ? record : _placeOf[record];

    public void Begin(StreamPlan plan, long nowMs)
    {
        Reset();
        Writer.Begin(nowMs);
        Columns.Clear(plan);
        IsUsed = true;
        LeftOut = 0;
        _placeOf = null;
    }


    internal override void Complete() => owner.Complete();

    private protected override void OnFlushEnded() => owner.CompleteFlush();

    internal override void BeforeAppend(Admission admission, StreamPlan plan, bool isStateFull, long nowMs, EventScratch scratch)
    {
        if (isStateFull)
        {
            KeepOnlyKnown(admission, plan, scratch);
        }
    }

    private void KeepOnlyKnown(Admission admission, StreamPlan plan, EventScratch scratch)
    {
        var kept = new List<int>();
        for (int i = 0; i < Columns.RecordCount; i++)
        {
            if (admission.NeedsNoMemory(Columns.Inputs[i]))
            {
                kept.Add(i);
            }
        }

        if (kept.Count == Columns.RecordCount)
        {
            return;
        }

        _placeOf = new int[Columns.RecordCount];
        Array.Fill(_placeOf, -1);
        byte[] original = Writer.Bytes.ToArray();
        bool isBatch = RecordBatch.TryRead(original, out RecordBatch batch);
        Invariant.Check(isBatch, "An encoded batch cannot be read back.");
        Writer.Begin(batch.BaseTimestampMs);
        int index = 0;
        foreach (Record record in batch)
        {
            if (Writer.RecordCount < kept.Count && kept[Writer.RecordCount] == index)
            {
                _placeOf[index] = Writer.RecordCount;
                ReadOnlySpan<byte> key = record.KeyLength < 0 ? default : original.AsSpan(record.KeyAt, record.KeyLength);
                Writer.Append(record.KeyLength >= 0, key, original.AsSpan(record.ValueAt, record.ValueLength), original.AsSpan(record.HeadersAt, record.EndAt - record.HeadersAt), record.HeaderCount);
            }

            index++;
        }

        LeftOut = index - kept.Count;
        if (kept.Count == 0)
        {
            // Nothing to append, and a batch without records is none.
            Columns.Clear(plan);
            return;
        }

        Writer.Finish();
        plan.Extract(Writer.Memory, Columns, scratch);
    }
}
