using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// The key files of a partition's sealed segments: which records may carry an owner or an id (docs/internals/keys-file.md). Receipts look in
/// them on any thread; one thread of the node makes those that are missing (<see cref="MakeNext"/>), never the writer's and never a request's.
/// </summary>
/// <remarks>
/// Making one reads a whole segment, so it takes a tenth of a core and rests in between. Whoever needs the directory for himself (recovery,
/// deletion, retention) has it abandoned first: nothing is made but while the partition serves.
/// </remarks>
internal sealed class PartitionKeys(EventStream stream, Partition partition)
{
    private const int RestPerWork = 9;
    private static readonly TimeSpan WorkBetweenRests = TimeSpan.FromMilliseconds(5);

    private readonly Lock _making = new();
    private readonly HashSet<Offset> _wanted = [];
    private volatile TaskCompletionSource _abandoned = new();
    private int _abandoning;
    private long _madeEnd;
    private long _start;
    private long _workedSince;

    /// <summary>Whether <see cref="MakeNext"/> would find something to do. Any thread, a moment late.</summary>
    public bool HasWork
    {
        get
        {
            lock (_wanted)
            {
                return partition.State == PartitionState.Serving && partition.Log is { } log && (_wanted.Count > 0 || log.SealedEnd.Value > Volatile.Read(ref _madeEnd));
            }
        }
    }

    /// <summary>The records of a sealed segment that may carry a hash, ascending. Any thread.</summary>
    /// <returns>Null when there is no key file that can be used: the segment has to be read, and a new file is made soon.</returns>
    public List<long>? Find(PartitionLog log, SegmentInfo segment, ulong hash)
    {
        List<Offset> offsets = [];
        using KeyFile? keys = Open(log, segment);
        if (keys is not null && keys.TryFind(hash, offsets))
        {
            return offsets.ConvertAll(offset => offset.Value);
        }

        lock (_wanted)
        {
            // Behind that end it is made in its turn.
            if (segment.End.Value <= Volatile.Read(ref _madeEnd))
            {
                _wanted.Add(segment.BaseOffset);
            }
        }

        return null;
    }

    /// <summary>Makes the key file of one segment that has none, or looks at one that is there. One thread at a time.</summary>
    /// <returns>False when there is nothing to do, or not now.</returns>
    /// <exception cref="WeirException">The file cannot be written, or the segment not be read; a retry may help.</exception>
    public bool MakeNext()
    {
        lock (_making)
        {
            if (partition.State != PartitionState.Serving || partition.Log is not { } log || Next(log) is not { } segment)
            {
                return false;
            }

            bool isWanted;
            lock (_wanted)
            {
                isWanted = _wanted.Contains(segment.BaseOffset);
            }

            try
            {
                if (isWanted || !IsThere(log, segment))
                {
                    Make(log, segment);
                }
            }
            catch (OperationCanceledException)
            {
                return false;
            }
            catch (LogDamagedException)
            {
                // Receipts read the segment and say what is damaged; trying again would find the same.
            }

            lock (_wanted)
            {
                _wanted.Remove(segment.BaseOffset);
            }

            Volatile.Write(ref _madeEnd, Math.Max(_madeEnd, segment.End.Value));
            return true;
        }
    }

    /// <summary>Ends what is being made and waits for that. Any thread; the next file is made when the partition serves (again).</summary>
    /// <param name="newStart">Segments below this offset get no key file any more: they are about to be deleted.</param>
    public void Abandon(Offset newStart)
    {
        Interlocked.Increment(ref _abandoning);
        _abandoned.TrySetResult();
        lock (_making)
        {
            _start = Math.Max(_start, newStart.Value);
            _madeEnd = _start;
            if (Interlocked.Decrement(ref _abandoning) == 0)
            {
                _abandoned = new();
            }
        }
    }

    private KeyFile? Open(PartitionLog log, SegmentInfo segment) =>
        KeyFile.TryOpen(stream.Disk, partition.Directory, log.Identity, segment.BaseOffset, segment.End - segment.BaseOffset);

    private bool IsThere(PartitionLog log, SegmentInfo segment)
    {
        using KeyFile? keys = Open(log, segment);
        return keys is not null;
    }

    private SegmentInfo? Next(PartitionLog log)
    {
        lock (_wanted)
        {
            return log.Segments.FirstOrDefault(segment => segment.IsSealed && segment.BaseOffset.Value >= _start && (segment.End.Value > _madeEnd || _wanted.Contains(segment.BaseOffset)));
        }
    }

    private void Make(PartitionLog log, SegmentInfo segment)
    {
        _workedSince = stream.Time.GetTimestamp();
        var keys = new ReceiptKeys(stream.Definition, stream.Plan.Hash);
        using var writer = new KeyFileWriter(stream.Disk, partition.Directory, log.Identity, segment.BaseOffset, segment.End - segment.BaseOffset);
        using LogReader reader = log.OpenReader(segment.BaseOffset);
        while (reader.TryReadNext(out StoredBatch stored) && stored.BaseOffset < segment.End)
        {
            if (!stored.IsControl && RecordBatch.TryRead(stored.Content.Span, out RecordBatch batch))
            {
                uint record = checked((uint)(stored.BaseOffset - segment.BaseOffset));
                foreach (Record one in batch)
                {
                    Add(ReceiptBy.Owner, batch.Bytes, one, record);
                    Add(ReceiptBy.Id, batch.Bytes, one, record++);
                }
            }

            Pace();
        }

        writer.Commit(Pace);

        void Add(ReceiptBy by, ReadOnlySpan<byte> bytes, in Record one, uint record)
        {
            if (keys.Of(by, bytes, one) is { Length: > 0 } canonical)
            {
                writer.Add(keys.HashOf(by, canonical), record);
            }
        }
    }

    private void Pace()
    {
        TimeSpan worked = stream.Time.GetElapsedTime(_workedSince);
        if (worked >= WorkBetweenRests)
        {
            stream.Threads.Wait(_abandoned.Task, worked * RestPerWork);
            _workedSince = stream.Time.GetTimestamp();
        }

        if (Volatile.Read(ref _abandoning) > 0)
        {
            throw new OperationCanceledException();
        }
    }
}
