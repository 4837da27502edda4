using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// The part of an <see cref="IngestBatch"/> that goes to one partition: encoded bytes, columns beside them, and room for the verdicts.
/// The request's thread owns it until <see cref="Partition.TryEnqueue"/>, the writer thread until <see cref="IngestBatch.Complete"/>, the request again after.
/// </summary>
internal sealed class PartitionBatch(IngestBatch owner)
{
    public IngestBatch Owner { get; } = owner;

    public RecordBatchWriter Writer { get; } = new();

    public ColumnBatch Columns { get; } = new();

    /// <summary>Per record verdict and reason, as <see cref="Admission.Decide"/> packs them.</summary>
    public byte[] Verdicts { get; private set; } = [];

    /// <summary>Per record the original's or replaced one's offset, or -1.</summary>
    public long[] Others { get; private set; } = [];

    /// <summary>Null once the records are decided and flushed; why they are not, or not known to be, otherwise.</summary>
    public ErrorCode? Failure { get; set; }

    /// <summary>True when the records may have reached the log although they were not acknowledged.</summary>
    public bool IsUnknown { get; set; }

    /// <summary>Whether it belongs to the batch being made; the others are left over from earlier requests.</summary>
    public bool IsUsed { get; set; }

    public int RecordCount => Columns.RecordCount;

    public void EnsureVerdicts()
    {
        if (Verdicts.Length < RecordCount)
        {
            int capacity = Math.Max(64, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)RecordCount));
            Verdicts = new byte[capacity];
            Others = new long[capacity];
        }
    }

    public void Begin(StreamPlan plan, long nowMs)
    {
        Writer.Begin(nowMs);
        Columns.Clear(plan);
        Failure = null;
        IsUnknown = false;
        IsUsed = true;
    }
}
