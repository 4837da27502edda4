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

    // Batches nearer than this are read through rather than looked up.
    private const int NearbyRecords = 1000;

    /// <summary>End (exclusive) of what is flushed: to a Kafka consumer, the high watermark.</summary>
    public long FlushedEnd(int partition) => _partitions[partition].FlushedEnd;

    /// <summary>First offset that is still in the log; 0 while the partition could not be opened yet.</summary>
    public long LogStart(int partition) => _partitions[partition].Log?.LogStart.Value ?? 0;

    /// <summary>Reads a partition's batches as they were appended, markers included, from an offset on. One thread at a time; dispose it.</summary>
    /// <exception cref="OffsetNotStoredException">The offset is before the log's start or behind what is flushed.</exception>
    /// <exception cref="WeirException">The partition could not be opened yet; retry.</exception>
    public LogReader OpenReader(int partition, long offset) => _partitions[partition].ReadableLog.OpenReader(new Offset(offset));

    /// <summary>Whether a reader still reads what the partition writes: after a recovery it has another log object.</summary>
    public bool IsCurrent(int partition, LogReader reader) => reader.Reads(_partitions[partition].Log);

    /// <summary>Calls back whenever the partition has flushed more, or has stopped. On the thread that flushes: the callback must not block. Dispose the result to end it.</summary>
    public IDisposable WatchFlushes(int partition, Action callback) => _partitions[partition].FlushWatchers.Add(callback);

    /// <summary>Records of a partition from an offset on, markers included.</summary>
    /// <param name="limit">At most this many, 1 to 10,000; fewer when their values reach 16 MiB.</param>
    /// <returns>Empty at the end of what is flushed, or behind it.</returns>
    /// <exception cref="OffsetNotStoredException">The offset is before the log's start.</exception>
    /// <exception cref="LogDamagedException">The record cannot be read.</exception>
    /// <exception cref="WeirException">The partition could not be opened; retry.</exception>
    public IReadOnlyList<StoredEvent> ReadEvents(int partition, long offset, int limit)
    {
        var found = new Found(limit);
        Partition from = _partitions[partition];
        PartitionLog log = from.ReadableLog;
        if (new Offset(offset) >= log.FlushedEnd)
        {
            return found.Events;
        }

        using LogReader reader = log.OpenReader(new Offset(offset));
        try
        {
            ReadRange(from, reader, VerdictsOf(from), offset, long.MaxValue, static (_, _, _) => true, found);
        }
        catch (LogDamagedException) when (found.Events.Count > 0)
        {
            // What lies before the damage is an answer; the next read begins at the damage and says so.
        }

        return found.Events;
    }

    /// <summary>
    /// All events of an owner, or with an id, in log order within each partition concerned: looked up in the key files of sealed segments; the
    /// active segment, and one whose key file is not made yet, is read from its start.
    /// </summary>
    /// <param name="canonical">The owner's or id's canonical bytes.</param>
    /// <param name="limit">At most this many; fewer when their values reach 16 MiB.</param>
    /// <exception cref="LogDamagedException">A segment that has to be read, or a record found, is damaged.</exception>
    public IReadOnlyList<StoredEvent> FindReceipts(ReadOnlyMemory<byte> canonical, ReceiptBy by, int limit)
    {
        // Without a declared key the id is the key.
        ReceiptBy kind = Definition.Key.Count == 0 ? ReceiptBy.Owner : by;
        var keys = new ReceiptKeys(Definition, _plan.Hash);
        ulong hash = keys.HashOf(kind, canonical.Span);
        var found = new Found(limit);
        IEnumerable<Partition> candidates = kind == ReceiptBy.Owner
            ? [_partitions[Partitioner.PartitionOf(Definition.Partitioner, canonical.Span, _partitions.Length)]]
            : _partitions;
        foreach (Partition partition in candidates)
        {
            FindIn(partition, partition.ReadableLog, hash, IsWanted, found);
        }

        // An invalid event has no owner, although its value may have the field: it can lie in any partition.
        return kind == ReceiptBy.Owner ? [.. found.Events.Where(one => one.Key is not null || one.Verdict != Verdict.Invalid)] : found.Events;

        bool IsWanted(StoredBatch batch, ReadOnlySpan<byte> content, Record record) => !batch.IsControl && keys.Of(kind, content, record).SequenceEqual(canonical.Span);
    }

    /// <summary>Dead letters (taken, closed, late, invalid) from a position on.</summary>
    /// <param name="after">Exclusive end per partition of what the caller has; null: from the start.</param>
    /// <param name="next">Where to go on.</param>
    public IReadOnlyList<StoredEvent> ReadDeadLetters(long[]? after, int limit, out long[] next)
    {
        var found = new Found(limit);
        next = new long[_partitions.Length];
        for (int i = 0; i < _partitions.Length; i++)
        {
            Partition partition = _partitions[i];
            long start = partition.ReadableLog.LogStart.Value;
            next[i] = Math.Max(after is null ? start : after[i], start);
            if (partition.Verdicts is { } verdicts)
            {
                next[i] = ReadDeadLetters(partition, partition.ReadableLog, verdicts, next[i], found);
            }
        }

        return found.Events;
    }

    private static long ReadDeadLetters(Partition partition, PartitionLog log, VerdictLog verdicts, long next, Found found)
    {
        var chunk = new byte[VerdictChunk];
        List<long> offsets = [];
        long end = partition.DecidedEnd;
        if (next >= end || found.IsFull)
        {
            return next;
        }

        var verdictReader = new VerdictReader(verdicts);
        using LogReader reader = log.OpenReader(new Offset(next));
        while (next < end && !found.IsFull)
        {
            Span<byte> bytes = chunk.AsSpan(0, (int)Math.Min(chunk.Length, end - next));
            verdictReader.Read(new Offset(next), bytes, default);
            offsets.Clear();
            for (int at = 0; at < bytes.Length; at++)
            {
                if (bytes[at] != VerdictLog.Unknown && ((Verdict)(bytes[at] & 0xF)).IsDeadLetter())
                {
                    offsets.Add(next + at);
                }
            }

            int read = ReadAt(partition, reader, verdictReader, offsets, static (_, _, _) => true, found);
            next = read < offsets.Count ? offsets[read] : next + bytes.Length;
        }

        return next;
    }

    private static void FindIn(Partition partition, PartitionLog log, ulong hash, Wanted isWanted, Found found)
    {
        VerdictReader? verdicts = VerdictsOf(partition);
        using LogReader reader = log.OpenReader(log.FlushedEnd);
        foreach (SegmentInfo segment in log.Segments.TakeWhile(_ => !found.IsFull))
        {
            try
            {
                if (segment.IsSealed && partition.Keys.Find(log, segment, hash) is { } offsets)
                {
                    offsets.RemoveAll(offset => offset >= partition.ReadableEnd);
                    ReadAt(partition, reader, verdicts, offsets, isWanted, found);
                }
                else
                {
                    reader.Seek(segment.BaseOffset);
                    ReadRange(partition, reader, verdicts, segment.BaseOffset.Value, segment.End.Value, isWanted, found);
                }
            }
            catch (OffsetNotStoredException) when (segment.BaseOffset < log.LogStart)
            {
                // Retention has deleted the segment since the list was made.
            }
        }
    }

    // The reader stands at `from`.
    private static void ReadRange(Partition partition, LogReader reader, VerdictReader? verdicts, long from, long end, Wanted isWanted, Found found)
    {
        end = Math.Min(end, partition.ReadableEnd);
        while (!found.IsFull && reader.TryReadNext(out StoredBatch stored) && stored.BaseOffset.Value < end)
        {
            long offset = stored.BaseOffset.Value;
            RecordBatch batch = Records(stored);
            foreach (Record record in batch)
            {
                if (offset >= from && !found.IsFull && isWanted(stored, batch.Bytes, record))
                {
                    found.Add(Read(partition, verdicts, batch.Bytes, record, offset, stored));
                }

                offset++;
            }
        }
    }

    // Of ascending offsets; a run of neighbours is read through. Returns how many of them were looked at.
    private static int ReadAt(Partition partition, LogReader reader, VerdictReader? verdicts, List<long> offsets, Wanted isWanted, Found found)
    {
        int next = 0;
        long readEnd = long.MinValue;
        while (next < offsets.Count && !found.IsFull)
        {
            if (readEnd == long.MinValue || offsets[next] - readEnd > NearbyRecords)
            {
                reader.Seek(new Offset(offsets[next]));
            }

            if (!reader.TryReadNext(out StoredBatch stored))
            {
                break;
            }

            readEnd = stored.End.Value;
            long offset = stored.BaseOffset.Value;
            RecordBatch batch = Records(stored);
            foreach (Record record in batch)
            {
                if (next < offsets.Count && offset == offsets[next] && !found.IsFull)
                {
                    next++;
                    if (isWanted(stored, batch.Bytes, record))
                    {
                        found.Add(Read(partition, verdicts, batch.Bytes, record, offset, stored));
                    }
                }

                offset++;
            }
        }

        return next;
    }

    private static RecordBatch Records(StoredBatch stored)
    {
        bool isBatch = RecordBatch.TryRead(stored.Content.Span, out RecordBatch batch);
        Invariant.Check(isBatch, "The log returned a batch that is none.");
        return batch;
    }

    private static VerdictReader? VerdictsOf(Partition partition) => partition.Verdicts is { } verdicts ? new VerdictReader(verdicts) : null;

    private static StoredEvent Read(Partition partition, VerdictReader? verdicts, ReadOnlySpan<byte> bytes, Record record, long offset, StoredBatch stored)
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
        verdicts?.Read(new Offset(offset), verdict, partition.RemembersReplaced ? replaced : default);
        byte packed = verdict[0] == VerdictLog.Unknown ? (byte)0 : verdict[0];
        MarkerType? marker = stored.IsControl && key is not null && Marker.TryReadType(key, out MarkerType type) ? type : null;
        var decided = (Verdict)(packed & 0xF);
        return new StoredEvent(partition.Id, offset, stored.AppendTimeMs, key, value, headers, decided, (VerdictReason)(packed >> 4), decided == Verdict.Replaced ? replaced[0] : -1, marker);
    }

    private delegate bool Wanted(StoredBatch batch, ReadOnlySpan<byte> content, Record record);

    /// <summary>What a read has collected, bounded by number and bytes.</summary>
    private sealed class Found(int limit)
    {
        private long _bytes;

        public List<StoredEvent> Events { get; } = [];

        public bool IsFull => Events.Count >= limit || _bytes >= MostBytes;

        public void Add(StoredEvent stored)
        {
            Events.Add(stored);
            _bytes += stored.Value.Length;
        }
    }
}
