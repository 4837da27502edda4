using System.Runtime.CompilerServices;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>Where the value of one column of a record comes from.</summary>
/// <param name="Column">Index in the <see cref="ColumnSet"/>; meaningless for metadata.</param>
internal readonly record struct RecordSlot(ColumnRoot Root, int Column);

/// <summary>The records of a batch as values: slot i is column i of <see cref="ViewShape.RecordColumns"/>. One record at a time.</summary>
internal ref struct RecordData(RecordSlot[] slots, ColumnBatch batch) : IDatumSource
{
    private readonly ReadOnlySpan<byte> _bytes = batch.Bytes;

    /// <summary>Index of the record in the batch.</summary>
    public int Record { get; set; }

    public readonly long Offset => batch.BaseOffset + Record;

    public readonly long AppendTimeMs => batch.AppendTimeMs;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Datum Read(int slot)
    {
        RecordSlot source = slots[slot];
        return source.Root == ColumnRoot.Field ? Datum.FromCell(batch.GetCell(Record, source.Column), _bytes) : ReadMetadata(source);
    }

    private readonly Datum ReadMetadata(RecordSlot source)
    {
        switch (source.Root)
        {
            case ColumnRoot.Key:
                return batch.HasKey(Record) ? Datum.FromUnchecked(batch.KeyOf(Record)) : Datum.Null;
            case ColumnRoot.Time:
                return Datum.FromNumber(batch.AppendTimeMs);
            case ColumnRoot.Partition:
                return Datum.FromNumber(batch.Partition);
            case ColumnRoot.Offset:
                return Datum.FromNumber(Offset);
            case ColumnRoot.CloudEvent:
                // A header is no JSON string: it may hold quotes, and bytes that are not UTF-8.
                Cell cell = batch.GetCell(Record, source.Column);
                return cell.IsNull ? Datum.Null : Datum.FromUnchecked(_bytes.Slice(cell.Start, cell.Length));
            default:
                throw new InvalidOperationException($"{source.Root} is not a column of a record.");
        }
    }
}
