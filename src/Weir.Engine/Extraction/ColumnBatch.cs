using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// The columns of one record batch, kept beside its bytes: made once at ingest, or again at replay by the same extractor.
/// Reused; one owner at a time. Record <c>i</c> has the offset <see cref="BaseOffset"/> + i.
/// </summary>
public sealed class ColumnBatch
{
    private Cell[] _cells = [];
    private RecordRange[] _ranges = [];
    private AdmissionInput[] _inputs = [];
    private int _columnCount;

    /// <summary>The plan the columns were made with; a batch made with an older one is extracted again.</summary>
    internal StreamPlan Plan { get; private set; } = StreamPlan.None;

    public int RecordCount { get; private set; }

    /// <summary>The batch, header included; cells and keys are ranges of it.</summary>
    public ReadOnlySpan<byte> Bytes => Memory.Span;

    /// <summary>Given by the log. Until then zero.</summary>
    public long BaseOffset { get; internal set; }

    /// <summary>Milliseconds since 1970 UTC; never before the previous batch's.</summary>
    public long AppendTimeMs { get; internal set; }

    public int Partition { get; internal set; }

    internal ReadOnlyMemory<byte> Memory { get; set; }

    /// <summary>What admission needs to know of each record.</summary>
    internal ReadOnlySpan<AdmissionInput> Inputs => _inputs.AsSpan(0, RecordCount);

    /// <summary>A column of a record, <see cref="ColumnSet.IndexOf"/> giving the column.</summary>
    public Cell GetCell(int record, int column) => _cells[(record * _columnCount) + column];

    /// <summary>Whether the record has a key at all.</summary>
    public bool HasKey(int record) => _ranges[record].KeyLength >= 0;

    /// <summary>The record's key; empty without one.</summary>
    public ReadOnlySpan<byte> KeyOf(int record)
    {
        RecordRange range = _ranges[record];
        return range.KeyLength <= 0 ? default : Bytes.Slice(range.KeyAt, range.KeyLength);
    }

    /// <summary>The record's value.</summary>
    public ReadOnlySpan<byte> ValueOf(int record)
    {
        RecordRange range = _ranges[record];
        return Bytes.Slice(range.ValueAt, range.ValueLength);
    }

    /// <summary>Memory held, bytes.</summary>
    internal unsafe long CapacityBytes => ((long)_cells.Length * sizeof(Cell)) + ((long)_ranges.Length * (sizeof(RecordRange) + sizeof(AdmissionInput)));

    internal void Clear(StreamPlan plan)
    {
        Plan = plan;
        _columnCount = plan.Columns.Count;
        RecordCount = 0;
        BaseOffset = 0;
        Memory = default;
    }

    /// <summary>Adds a record whose cells are relative to its value.</summary>
    internal void Add(in RecordRange range, in AdmissionInput input, ReadOnlySpan<Cell> cells)
    {
        int columns = _columnCount;
        if (RecordCount == _ranges.Length)
        {
            Grow();
        }

        if ((RecordCount + 1) * columns > _cells.Length)
        {
            Array.Resize(ref _cells, _ranges.Length * columns);
        }

        _ranges[RecordCount] = range;
        _inputs[RecordCount] = input;
        Span<Cell> target = _cells.AsSpan(RecordCount * columns, columns);
        for (int i = 0; i < target.Length; i++)
        {
            target[i] = cells[i].Shifted(range.ValueAt);
        }

        RecordCount++;
    }

    /// <summary>Tells admission that the record's payload only has the print of its owner's event.</summary>
    internal void NoteLookalike(int record) => _inputs[record].IsLookalike = true;

    /// <summary>Sets a cell whose range is already relative to the batch: a header's.</summary>
    internal void SetCell(int record, int column, Cell cell) => _cells[(record * _columnCount) + column] = cell;

    private void Grow()
    {
        int capacity = Math.Max(4, _ranges.Length * 2);
        Array.Resize(ref _ranges, capacity);
        Array.Resize(ref _inputs, capacity);
    }
}

/// <summary>Where a record's key and value lie in its batch.</summary>
/// <param name="KeyLength">-1: no key.</param>
internal readonly record struct RecordRange(int KeyAt, int KeyLength, int ValueAt, int ValueLength);

/// <summary>96 bits of the stream's keyed hash: what stands for an owner or an identity in the fold's tables.</summary>
internal readonly record struct OwnerHash(ulong Low, uint High)
{
    public static OwnerHash Of(UInt128 hash) => unchecked(new OwnerHash((ulong)hash, (uint)(hash >> 64)));
}

/// <summary>All that admission knows of a record; a pure function of the record, the definition and the stream's secret.</summary>
internal struct AdmissionInput
{
    /// <summary>The owner of the claim; without a claim the pair (key, identity).</summary>
    public OwnerHash Owner;

    /// <summary>The pair (key, identity), for streams that keep identities beside claims (<c>keep: last</c>).</summary>
    public OwnerHash Identity;

    /// <summary>24 bits of the identity.</summary>
    public uint IdentityPrint;

    /// <summary>24 bits of the payload; only made where a claim has no id.</summary>
    public uint PayloadPrint;

    /// <summary>Its payload is not that of the owner's event before this batch, although their prints are equal.</summary>
    public bool IsLookalike;

    public bool HasIdentity;

    /// <summary>Why the record is invalid; <see cref="VerdictReason.None"/> when it is not.</summary>
    public VerdictReason Invalid;
}
