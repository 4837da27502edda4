using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Engine;

/// <summary>What a producer's next batch is, held against the batches before it.</summary>
internal enum ProducerCheck
{
    /// <summary>It is the next one, or of no producer: append it.</summary>
    Next,

    /// <summary>It is one of the last five, sent again: the answer is the original's offset.</summary>
    Retry,

    /// <summary>It lies before the last five: appended once, its offset forgotten.</summary>
    Older,

    /// <summary>A batch before it is missing.</summary>
    Gap,

    /// <summary>A later epoch of the producer has appended since.</summary>
    Fenced,

    /// <summary>Nothing is known of the producer and this is not its first batch.</summary>
    Unknown,

    /// <summary>It is a new producer's, and the table is full of producers that were active lately.</summary>
    Full,
}

/// <summary>
/// The last batches of each idempotent producer in one partition: what recognises a batch that a Kafka client sends again. A pure function of the
/// log's batches, kept in snapshots and made again by replay. Rules: Apache Kafka, ProducerStateManager and ProducerAppendInfo.
/// Owned by whoever folds the partition.
/// </summary>
/// <remarks>
/// It says nothing about whether an event counts: that is the business of its identity, which also guards what a forgotten producer sends again.
/// </remarks>
internal sealed class ProducerTable
{
    /// <summary>Producers that a partition knows; beyond it the one that was silent for longest is forgotten.</summary>
    public const int MostProducers = 100_000;

    /// <summary>As many batches as a Kafka client may have in flight to one partition with idempotence on.</summary>
    public const int BatchesKept = 5;

    /// <summary>A producer that appended this recently, in the log's time, is never forgotten. Milliseconds; 24 h.</summary>
    public const long KeptForMs = 24L * 3600 * 1000;

    private const int BatchBytes = 4 + 4 + 8 + 8;
    private const int ProducerBytes = 8 + 2 + 1;

    private readonly Dictionary<long, LinkedListNode<Producer>> _producers = [];

    // The one that was silent for longest comes first.
    private readonly LinkedList<Producer> _byActivity = new();

    public int Count => _producers.Count;

    /// <summary>The highest producer id that appended and is remembered; -1: none.</summary>
    public long HighestId { get; private set; } = -1;

    /// <summary>Says what may become of a batch. Changes nothing.</summary>
    /// <param name="original">For <see cref="ProducerCheck.Retry"/>: the batch as it was appended.</param>
    /// <param name="nowMs">The append time that the batch would get.</param>
    public ProducerCheck Check(in RecordBatch batch, long nowMs, out AppendedBatch original)
    {
        original = default;
        if (batch.ProducerId < 0)
        {
            return ProducerCheck.Next;
        }

        int first = batch.BaseSequence;
        if (!_producers.TryGetValue(batch.ProducerId, out LinkedListNode<Producer>? node))
        {
            bool isFull = _producers.Count >= MostProducers && nowMs - _byActivity.First!.Value.LastAppendMs < KeptForMs;
            return first != 0 ? ProducerCheck.Unknown : isFull ? ProducerCheck.Full : ProducerCheck.Next;
        }

        Producer producer = node.Value;
        if (batch.ProducerEpoch != producer.Epoch)
        {
            return batch.ProducerEpoch < producer.Epoch ? ProducerCheck.Fenced : first == 0 ? ProducerCheck.Next : ProducerCheck.Gap;
        }

        int last = SequenceAfter(first, batch.RecordCount - 1);
        foreach (AppendedBatch kept in producer.Batches)
        {
            if (kept.FirstSequence == first && kept.LastSequence == last)
            {
                original = kept;
                return ProducerCheck.Retry;
            }
        }

        int expected = SequenceAfter(producer.Batches[^1].LastSequence, 1);
        if (first == expected)
        {
            return ProducerCheck.Next;
        }

        // Sequences go round after 2^31 - 1: half the circle behind is the past.
        return Distance(last, expected) is > 0 and <= int.MaxValue / 2 ? ProducerCheck.Older : ProducerCheck.Gap;
    }

    /// <summary>Remembers an appended batch; one of no producer changes nothing.</summary>
    public void Note(in RecordBatch batch, long baseOffset, long appendTimeMs)
    {
        if (batch.ProducerId < 0)
        {
            return;
        }

        if (_producers.TryGetValue(batch.ProducerId, out LinkedListNode<Producer>? node))
        {
            _byActivity.Remove(node);
        }
        else
        {
            if (_producers.Count >= MostProducers)
            {
                _producers.Remove(_byActivity.First!.Value.Id);
                _byActivity.RemoveFirst();
            }

            node = new LinkedListNode<Producer>(new Producer(batch.ProducerId));
            _producers.Add(batch.ProducerId, node);
            HighestId = Math.Max(HighestId, batch.ProducerId);
        }

        _byActivity.AddLast(node);
        node.Value.Add(batch.ProducerEpoch, new AppendedBatch(batch.BaseSequence, SequenceAfter(batch.BaseSequence, batch.RecordCount - 1), baseOffset, appendTimeMs));
    }

    /// <summary>The table as a section of a snapshot: producers by activity, each with its batches, little-endian.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[_byActivity.Sum(producer => ProducerBytes + (producer.Batches.Count * BatchBytes))];
        Span<byte> rest = bytes;
        foreach (Producer producer in _byActivity)
        {
            BinaryPrimitives.WriteInt64LittleEndian(rest, producer.Id);
            BinaryPrimitives.WriteInt16LittleEndian(rest[8..], producer.Epoch);
            rest[10] = (byte)producer.Batches.Count;
            rest = rest[ProducerBytes..];
            foreach (AppendedBatch batch in producer.Batches)
            {
                BinaryPrimitives.WriteInt32LittleEndian(rest, batch.FirstSequence);
                BinaryPrimitives.WriteInt32LittleEndian(rest[4..], batch.LastSequence);
                BinaryPrimitives.WriteInt64LittleEndian(rest[8..], batch.BaseOffset);
                BinaryPrimitives.WriteInt64LittleEndian(rest[16..], batch.AppendTimeMs);
                rest = rest[BatchBytes..];
            }
        }

        return bytes;
    }

    /// <summary>Fills an empty table from a snapshot's section.</summary>
    /// <exception cref="InvariantException">The section has another form than this program writes.</exception>
    public void Load(ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            Invariant.Check(source.Length >= ProducerBytes, "A producer in a snapshot ends early.");
            var producer = new Producer(BinaryPrimitives.ReadInt64LittleEndian(source));
            short epoch = BinaryPrimitives.ReadInt16LittleEndian(source[8..]);
            int count = source[10];
            source = source[ProducerBytes..];
            Invariant.Check(
                producer.Id >= 0 && count is >= 1 and <= BatchesKept && source.Length >= count * BatchBytes && _producers.Count < MostProducers && !_producers.ContainsKey(producer.Id),
                "A producer in a snapshot has another form than this program writes.");
            for (int i = 0; i < count; i++)
            {
                producer.Add(epoch, new AppendedBatch(
                    BinaryPrimitives.ReadInt32LittleEndian(source),
                    BinaryPrimitives.ReadInt32LittleEndian(source[4..]),
                    BinaryPrimitives.ReadInt64LittleEndian(source[8..]),
                    BinaryPrimitives.ReadInt64LittleEndian(source[16..])));
                source = source[BatchBytes..];
            }

            _producers.Add(producer.Id, _byActivity.AddLast(producer));
            HighestId = Math.Max(HighestId, producer.Id);
        }
    }

    /// <summary>Equal logs give equal hashes; an empty table gives 0.</summary>
    public UInt128 ContentHash()
    {
        UInt128 hash = 0;
        foreach (Producer producer in _byActivity)
        {
            hash = unchecked((hash * 1_000_003) + (ulong)producer.Id + ((ulong)(ushort)producer.Epoch << 32));
            foreach (AppendedBatch batch in producer.Batches)
            {
                hash = unchecked((hash * 1_000_003) + (ulong)batch.BaseOffset + (uint)batch.FirstSequence + ((ulong)(uint)batch.LastSequence << 32) + (ulong)batch.AppendTimeMs);
            }
        }

        return hash;
    }

    private static int SequenceAfter(int sequence, int records) => unchecked(sequence + records) & int.MaxValue;

    private static int Distance(int from, int to) => unchecked(to - from) & int.MaxValue;

    private sealed class Producer(long id)
    {
        public long Id => id;

        public short Epoch { get; private set; }

        public List<AppendedBatch> Batches { get; } = new(1);

        public long LastAppendMs => Batches[^1].AppendTimeMs;

        public void Add(short epoch, AppendedBatch batch)
        {
            if (epoch != Epoch)
            {
                Batches.Clear();
                Epoch = epoch;
            }
            else if (Batches.Count == BatchesKept)
            {
                Batches.RemoveAt(0);
            }

            Batches.Add(batch);
        }
    }
}

/// <summary>A producer's batch in the log.</summary>
internal readonly record struct AppendedBatch(int FirstSequence, int LastSequence, long BaseOffset, long AppendTimeMs);
