using Weir.Core;

namespace Weir.Storage;

/// <summary>One batch as the log holds it: a view into the reader's buffer, valid until the reader's next call.</summary>
public readonly ref struct StoredBatch
{
    internal StoredBatch(ReadOnlyMemory<byte> memory, Offset baseOffset, int recordCount, long appendTimeMs, bool isControl)
    {
        Memory = memory;
        BaseOffset = baseOffset;
        RecordCount = recordCount;
        AppendTimeMs = appendTimeMs;
        IsControl = isControl;
    }

    /// <summary>The complete record batch, without its frame. Checksums were verified.</summary>
    public ReadOnlySpan<byte> Bytes => Memory.Span;

    /// <summary>The same bytes for code that needs memory; as short-lived.</summary>
    public ReadOnlyMemory<byte> Memory { get; }

    /// <summary>Offset of the first record.</summary>
    public Offset BaseOffset { get; }

    public int RecordCount { get; }

    /// <summary>End (exclusive) of the batch's offsets.</summary>
    public Offset End => BaseOffset + RecordCount;

    /// <summary>Epoch milliseconds; the same for all records of the batch, never below the batch before.</summary>
    public long AppendTimeMs { get; }

    /// <summary>A batch of markers.</summary>
    public bool IsControl { get; }
}
