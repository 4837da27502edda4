using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// What receipts are found by: a record's owner (its key) and its id, and the 64-bit hash that stands for each of them in key files.
/// Depends on nothing of the definition that can change, so a key file stays right whatever is defined later; and an event is found by its
/// id whatever became of it, an invalid one too. For one thread.
/// </summary>
internal sealed class ReceiptKeys
{
    private readonly KeyedHash _hash;
    private readonly ColumnSet _columns;
    private readonly ColumnSet _keyColumns;
    private readonly int[] _key;
    private readonly bool _hasIdentity;
    private readonly bool _hasIds;

    public ReceiptKeys(StreamDefinition definition, KeyedHash hash)
    {
        _hash = hash;
        _columns = ColumnSet.Empty.With(definition.Id is { } id ? [id] : []);

        _keyColumns = ColumnSet.Empty.With(definition.Key);
        _key = [.. definition.Key.Select(_keyColumns.IndexOf)];

        // Without a declared key the id is the key.
        _hasIdentity = definition.Id is not null || definition.EnforcesIdentity;
        _hasIds = definition.Key.Count > 0 && _hasIdentity;
    }

    /// <summary>The hash under the stream's secret; its last bit tells ids (1) from owners (0).</summary>
    public ulong HashOf(ReceiptBy by, ReadOnlySpan<byte> canonical) => (unchecked((ulong)_hash.Hash(canonical)) & ~1UL) | (by == ReceiptBy.Id ? 1UL : 0);

    /// <summary>Owner or id of a record in its canonical form; empty without one. Valid until the thread analyses another record.</summary>
    /// <param name="batch">The batch that the record's places refer to.</param>
    public ReadOnlySpan<byte> Of(ReceiptBy by, ReadOnlySpan<byte> batch, in Record record) =>
        by == ReceiptBy.Id ? IdOf(batch, record) : record.KeyLength < 0 ? KeyInValue(batch, record) : batch.Slice(record.KeyAt, record.KeyLength);

    // A Kafka client may leave the key out of a record that lies in the right partition.
    private ReadOnlySpan<byte> KeyInValue(ReadOnlySpan<byte> batch, in Record record)
    {
        if (record.ValueLength < 0)
        {
            return default;
        }

        if (_key.Length == 0)
        {
            return _hasIdentity ? IdentityOf(batch, record) : default;
        }

        ReadOnlySpan<byte> value = batch.Slice(record.ValueAt, record.ValueLength);
        EventScratch scratch = EventScratch.OfThread;
        Span<Cell> cells = scratch.Cells(_keyColumns.Count);
        return _keyColumns.Scanner.Scan(value, cells, StreamLimits.MaxDepth, out _) is null
            && StreamPlan.WriteKey(_key, value, cells, StreamLimits.MaxKeyBytes, scratch.Key, out int length, out _) is null
            ? scratch.Key.AsSpan(0, length)
            : default;
    }

    private ReadOnlySpan<byte> IdOf(ReadOnlySpan<byte> batch, in Record record) => _hasIds && record.ValueLength >= 0 ? IdentityOf(batch, record) : default;

    private ReadOnlySpan<byte> IdentityOf(ReadOnlySpan<byte> batch, in Record record)
    {
        ReadOnlySpan<byte> value = batch.Slice(record.ValueAt, record.ValueLength);
        EventScratch scratch = EventScratch.OfThread;
        Span<Cell> cells = scratch.Cells(_columns.Count);
        if (_columns.Count > 0 && _columns.Scanner.Scan(value, cells, StreamLimits.MaxDepth, out _) is not null)
        {
            return default;
        }

        Cell declared = _columns.Count > 0 ? cells[0] : default;
        return StreamPlan.WriteIdentity(declared, value, batch[record.HeadersAt..], record.HeaderCount, StreamLimits.MaxKeyBytes, scratch.Identity, out int length) is null && length > 0
            ? scratch.Identity.AsSpan(1, length - 1)
            : default;
    }
}
