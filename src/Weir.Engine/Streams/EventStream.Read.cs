using System.Text;
using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>Reading records back. Any thread; each call reads the log with files of its own.</summary>
public sealed partial class EventStream
{
    // One answer's values. A reader goes on behind the last event it got.
    private const long MostBytes = 16L << 20;

    private const int VerdictChunk = 4096;

    /// <summary>Records of a partition from an offset on, markers included.</summary>
    /// <param name="limit">At most this many, 1 to 10,000; fewer when their values reach 16 MiB.</param>
    /// <exception cref="OffsetNotStoredException">The offset is before the log's start or behind its end.</exception>
    /// <exception cref="LogDamagedException">The record cannot be read.</exception>
    public IReadOnlyList<StoredEvent> ReadEvents(int partition, long offset, int limit)
    {
        var found = new Found();
        Scan(_partitions[partition], offset, _ => true, found, limit);
        return found.Events;
    }

    /// <summary>All events of an owner, or with an id, in log order; reads the partitions concerned from their start.</summary>
    /// <param name="canonical">The owner's or id's canonical bytes.</param>
    /// <param name="limit">At most this many; fewer when their values reach 16 MiB.</param>
    public IReadOnlyList<StoredEvent> FindReceipts(ReadOnlyMemory<byte> canonical, ReceiptBy by, int limit)
    {
        var found = new Found();
        bool keyIsKnown = by == ReceiptBy.Owner || Definition.Key.Count == 0;
        IEnumerable<Partition> candidates = keyIsKnown
            ? [_partitions[Partitioner.PartitionOf(Definition.Partitioner, canonical.Span, _partitions.Length)]]
            : _partitions;
        StreamPlan plan = _plan;
        var scratch = new EventScratch();
        foreach (Partition partition in candidates)
        {
            if (partition.Log is { } log)
            {
                Scan(partition, log.LogStart.Value, keyIsKnown ? HasKey : HasId, found, limit);
            }
        }

        return found.Events;

        bool HasKey(ScannedRecord record) => !record.IsControl && record.Key.SequenceEqual(canonical.Span);

        bool HasId(ScannedRecord record)
        {
            EventAnalysis analysis = default;
            return !record.IsControl
                && plan.Analyze(record.Value, record.Headers, record.HeaderCount, scratch.Cells(plan.Columns.Count), scratch, ref analysis) is null
                && analysis.IdentityLength > 0
                && scratch.Identity.AsSpan(1, analysis.IdentityLength - 1).SequenceEqual(canonical.Span);
        }
    }

    /// <summary>Dead letters (taken, closed, late, invalid) from a position on.</summary>
    /// <param name="after">Exclusive end per partition of what the caller has; null: from the start.</param>
    /// <param name="next">Where to go on.</param>
    public IReadOnlyList<StoredEvent> ReadDeadLetters(long[]? after, int limit, out long[] next)
    {
        var found = new Found();
        next = new long[_partitions.Length];
        for (int i = 0; i < _partitions.Length; i++)
        {
            Partition partition = _partitions[i];
            long start = partition.Log?.LogStart.Value ?? 0;
            next[i] = Math.Max(after is null ? start : after[i], start);
            if (partition.Log is null || partition.Verdicts is not { } verdicts)
            {
                continue;
            }

            var chunk = new byte[VerdictChunk];
            long end = partition.DecidedEnd;
            while (next[i] < end && found.Takes(limit))
            {
                Span<byte> bytes = chunk.AsSpan(0, (int)Math.Min(chunk.Length, end - next[i]));
                verdicts.Read(new Offset(next[i]), bytes, default);
                for (int at = 0; at < bytes.Length && found.Takes(limit); at++)
                {
                    if (bytes[at] != VerdictLog.Unknown && ((Verdict)(bytes[at] & 0xF)).IsDeadLetter())
                    {
                        Scan(partition, next[i], _ => true, found, found.Events.Count + 1);
                    }

                    next[i]++;
                }
            }
        }

        return found.Events;
    }

    private void Scan(Partition partition, long from, Func<ScannedRecord, bool> isWanted, Found found, int limit)
    {
        PartitionLog log = partition.Log ?? throw new WeirException(ErrorCode.Recovering, $"Partition {partition.Id} of {Name} is being opened.");
        using LogReader reader = log.OpenReader(new Offset(from));
        long decidedEnd = partition.DecidedEnd;
        while (found.Takes(limit) && reader.TryReadNext(out StoredBatch stored) && stored.BaseOffset.Value < decidedEnd)
        {
            if (!RecordBatch.TryRead(stored.Bytes, out RecordBatch batch))
            {
                continue;
            }

            long offset = stored.BaseOffset.Value - 1;
            foreach (Record record in batch)
            {
                offset++;
                if (offset >= from && found.Takes(limit) && isWanted(new ScannedRecord(batch.Bytes, record, stored.IsControl)))
                {
                    found.Add(Read(partition, batch.Bytes, record, offset, stored));
                }
            }
        }
    }

    private static StoredEvent Read(Partition partition, ReadOnlySpan<byte> bytes, Record record, long offset, StoredBatch stored)
    {
        List<KeyValuePair<string, string>> headers = [];
        int at = record.HeadersAt;
        for (int i = 0; i < record.HeaderCount && Record.TryReadHeader(bytes, ref at, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> header, out _); i++)
        {
            headers.Add(new(Encoding.UTF8.GetString(name), Encoding.UTF8.GetString(header)));
        }

        byte[]? key = record.KeyLength < 0 ? null : bytes.Slice(record.KeyAt, record.KeyLength).ToArray();
        byte[] value = bytes.Slice(record.ValueAt, Math.Max(record.ValueLength, 0)).ToArray();
        Span<byte> verdict = [VerdictLog.Unknown];
        Span<long> replaced = [-1];
        partition.Verdicts?.Read(new Offset(offset), verdict, partition.RemembersReplaced ? replaced : default);
        byte packed = verdict[0] == VerdictLog.Unknown ? (byte)0 : verdict[0];
        MarkerType? marker = stored.IsControl && key is not null && Marker.TryReadType(key, out MarkerType type) ? type : null;
        var decided = (Verdict)(packed & 0xF);
        return new StoredEvent(partition.Id, offset, stored.AppendTimeMs, key, value, headers, decided, (VerdictReason)(packed >> 4), decided == Verdict.Replaced ? replaced[0] : -1, marker);
    }

    /// <summary>What a read has collected, bounded by number and bytes.</summary>
    private sealed class Found
    {
        private long _bytes;

        public List<StoredEvent> Events { get; } = [];

        public bool Takes(int limit) => Events.Count < limit && _bytes < MostBytes;

        public void Add(StoredEvent stored)
        {
            Events.Add(stored);
            _bytes += stored.Value.Length;
        }
    }

    /// <summary>A record while it is looked at; nothing of it is kept.</summary>
    private readonly ref struct ScannedRecord(ReadOnlySpan<byte> batch, Record record, bool isControl)
    {
        private readonly ReadOnlySpan<byte> _batch = batch;

        public bool IsControl { get; } = isControl;

        public int HeaderCount => record.HeaderCount;

        public ReadOnlySpan<byte> Key => record.KeyLength <= 0 ? default : _batch.Slice(record.KeyAt, record.KeyLength);

        public ReadOnlySpan<byte> Value => record.ValueLength <= 0 ? default : _batch.Slice(record.ValueAt, record.ValueLength);

        public ReadOnlySpan<byte> Headers => _batch[record.HeadersAt..];
    }
}
