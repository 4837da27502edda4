using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// The part of an <see cref="IngestBatch"/> that goes to one partition: encoded bytes, columns beside them, and room for the verdicts.
/// The request's thread owns it until <see cref="Partition.TryEnqueue"/>, the writer thread until <see cref="IngestBatch.Complete"/>, the request again after.
/// </summary>
internal sealed class PartitionBatch(IngestBatch owner)
{
    public IngestBatch Owner { get; } = owner;

    public RecordBatchWriter Writer { get; } = new(initialBytes: 512);

    public ColumnBatch Columns { get; } = new();

    /// <summary>Memory held, bytes.</summary>
    public long CapacityBytes => Writer.CapacityBytes + Columns.CapacityBytes + (Verdicts.Length * 9L);

    /// <summary>Per record verdict and reason, as <see cref="Admission.Decide"/> packs them.</summary>
    public byte[] Verdicts { get; private set; } = [];

    /// <summary>Per record the original's or replaced one's offset, or -1.</summary>
    public long[] Others { get; private set; } = [];

    /// <summary>Null once the records are decided and flushed; why they are not, or not known to be, otherwise.</summary>
    public ErrorCode? Failure { get; set; }

    /// <summary>Records that were handed in, those that <see cref="KeepOnly"/> left out included.</summary>
    public int SubmittedRecords { get; set; }

    /// <summary>Offset of the first record.</summary>
    public long AppendedAt { get; private set; }

    /// <summary>The records are on disk: only of a batch whose owner is told then.</summary>
    public bool IsFlushed { get; private set; }

    private bool _isFlushTold;

    /// <summary>The log has given the records their offsets.</summary>
    public void NoteAppended(long offset, long appendTimeMs)
    {
        AppendedAt = offset;
        Columns.BaseOffset = offset;
        Columns.AppendTimeMs = appendTimeMs;
    }

    /// <summary>Tells an owner who waits for no more than the flush. On the flusher thread, while the records may still be folded.</summary>
    /// <param name="failure">Null: it succeeded.</param>
    public void EndFlush(ErrorCode? failure)
    {
        IsFlushed = failure is null;
        Failure = failure;
        _isFlushTold = true;
        Owner.CompleteFlush();
    }

    /// <summary>The records are not acknowledged; the owner learns why.</summary>
    public void Fail(ErrorCode code)
    {
        Failure = code;
        if (Owner.IsToldWhenFlushed && !_isFlushTold)
        {
            Owner.CompleteFlush();
        }

        Owner.Complete();
    }

    /// <summary>Whether it belongs to the batch being made; the others are left over from earlier requests.</summary>
    public bool IsUsed { get; set; }

    public int RecordCount => Columns.RecordCount;

    /// <summary>Leaves out the records that would take memory in the fold's tables: it is used up (limits.state_bytes).</summary>
    public void KeepOnly(Admission admission, StreamPlan plan, EventScratch scratch)
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

    /// <summary>Records that <see cref="KeepOnly"/> left out.</summary>
    public int LeftOut { get; private set; }

    /// <summary>Where the record that was added as the n-th is now; -1: left out.</summary>
    public int PlaceOf(int record) => _placeOf is null ? record : _placeOf[record];

    private int[]? _placeOf;

    public void EnsureVerdicts()
    {
        if (Verdicts.Length < RecordCount)
        {
            int capacity = Math.Max(4, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)RecordCount));
            Verdicts = new byte[capacity];
            Others = new long[capacity];
        }
    }

    public void Begin(StreamPlan plan, long nowMs)
    {
        Writer.Begin(nowMs);
        Columns.Clear(plan);
        Failure = null;
        IsFlushed = false;
        _isFlushTold = false;
        IsUsed = true;
        LeftOut = 0;
        _placeOf = null;
    }
}
