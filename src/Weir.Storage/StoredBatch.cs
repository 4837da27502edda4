using Weir.Core;

namespace Weir.Storage;

/// <summary>One batch as the log holds it: a view into the reader's buffer, valid until the reader's next call.</summary>
public readonly ref struct StoredBatch
{
    private readonly BatchContent _content;

    internal StoredBatch(ReadOnlyMemory<byte> memory, BatchContent content, Offset baseOffset, int recordCount, long appendTimeMs, bool isControl)
    {
        Memory = memory;
        _content = content;
        BaseOffset = baseOffset;
        RecordCount = recordCount;
        AppendTimeMs = appendTimeMs;
        IsControl = isControl;
    }

    /// <summary>The complete record batch, without its frame. Checksums were verified.</summary>
    public ReadOnlySpan<byte> Bytes => Memory.Span;

    /// <summary>The same bytes for code that needs memory; as short-lived.</summary>
    public ReadOnlyMemory<byte> Memory { get; }

    /// <summary>The batch with its records uncompressed, for whoever reads records; the same bytes where it came like that. Expands at each call; as short-lived.</summary>
    /// <exception cref="WeirException">As <see cref="BatchContent.Expand"/>.</exception>
    public ReadOnlyMemory<byte> Content => _content.Expand(Memory);

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
