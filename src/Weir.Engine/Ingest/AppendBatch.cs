using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// A record batch on its way into one partition: its bytes, columns beside them, and room for the verdicts. The request's thread owns it until
/// <see cref="Partition.TryEnqueue"/>, the writer thread until <see cref="Complete"/>, the request again after.
/// </summary>
public abstract class AppendBatch
{
    private protected AppendBatch()
    {
    }

    internal ColumnBatch Columns { get; } = new();

    /// <summary>Per record verdict and reason, as <see cref="Admission.Decide"/> packs them.</summary>
    internal byte[] Verdicts { get; private set; } = [];

    /// <summary>Per record the original's or replaced one's offset, or -1.</summary>
    internal long[] Others { get; private set; } = [];

    /// <summary>Null once the records are decided and flushed; why they are not, or not known to be, otherwise.</summary>
    internal ErrorCode? Failure { get; private protected set; }

    /// <summary>Offset of the first record.</summary>
    internal long AppendedAt { get; private protected set; }

    /// <summary>The records are on disk: only of a batch that <see cref="IsToldWhenFlushed"/>.</summary>
    internal bool IsFlushed { get; private protected set; }

    /// <summary>Whether <see cref="OnFlushEnded"/> is called when the flush is done, while the records may still be folded.</summary>
    internal abstract bool IsToldWhenFlushed { get; }

    /// <summary>When it was received, milliseconds since 1970 UTC; at closing it decides on which side of the marker the events lie.</summary>
    internal abstract long ReceivedAtMs { get; }

    /// <summary>The batch as the log gets it; base offset and leader epoch are filled in there.</summary>
    internal abstract Span<byte> Bytes { get; }

    /// <summary>The same batch with its records uncompressed: what the columns are ranges of.</summary>
    internal abstract ReadOnlyMemory<byte> Content { get; }

    internal int RecordCount => Columns.RecordCount;

    private protected long VerdictBytes => Verdicts.Length * 9L;

    private protected bool IsFlushTold { get; set; }

    /// <summary>
    /// The last look before it gets its offsets, with the state as it is behind everything appended so far. Writer thread. Leaves records out, or all of
    /// them: where <see cref="RecordCount"/> is 0 afterwards nothing is appended, and the batch completes with its round all the same.
    /// </summary>
    /// <param name="isStateFull">Records that would take memory in the fold's tables are left out (limits.state_bytes).</param>
    /// <param name="nowMs">The append time it would get.</param>
    internal abstract void BeforeAppend(Admission admission, StreamPlan plan, bool isStateFull, long nowMs, EventScratch scratch);

    /// <summary>Once for every batch that <see cref="IsToldWhenFlushed"/>: it is flushed, or never will be. On the flusher thread, or the writer's.</summary>
    private protected abstract void OnFlushEnded();

    /// <summary>Once: the partition is done with it.</summary>
    internal abstract void Complete();

    /// <summary>The log has given the records their offsets.</summary>
    internal void NoteAppended(long offset, long appendTimeMs)
    {
        AppendedAt = offset;
        Columns.BaseOffset = offset;
        Columns.AppendTimeMs = appendTimeMs;
    }

    /// <summary>Tells an owner who waits for no more than the flush. On the flusher thread, while the records may still be folded.</summary>
    /// <param name="failure">Null: it succeeded.</param>
    internal void EndFlush(ErrorCode? failure)
    {
        IsFlushed = failure is null;
        Failure = failure;
        IsFlushTold = true;
        OnFlushEnded();
    }

    /// <summary>The records are not acknowledged; the owner learns why.</summary>
    internal void Fail(ErrorCode code)
    {
        Failure = code;
        if (IsToldWhenFlushed && !IsFlushTold)
        {
            OnFlushEnded();
        }

        Complete();
    }

    internal void EnsureVerdicts()
    {
        if (Verdicts.Length < RecordCount)
        {
            int capacity = Math.Max(4, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)RecordCount));
            Verdicts = new byte[capacity];
            Others = new long[capacity];
        }
    }

    private protected void Reset()
    {
        Failure = null;
        IsFlushed = false;
        IsFlushTold = false;
        AppendedAt = -1;
    }
}
