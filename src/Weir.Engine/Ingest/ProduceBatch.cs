using System.Text;
using System.Threading.Tasks.Sources;
using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// One record batch that a Kafka client encoded, on its way into a partition: checked and extracted by <see cref="TryRead"/>, appended as it came,
/// told when it is flushed. Rented from <see cref="EventStream.NewProduceBatch"/>; dispose returns it, also while the partition still folds it.
/// One thread at a time, not before <see cref="SubmitAsync"/> has completed.
/// </summary>
public sealed class ProduceBatch : AppendBatch, IDisposable, IValueTaskSource, IThreadPoolWorkItem
{
    /// <summary>Records of one batch whose faults are told; the rest is refused with them.</summary>
    public const int MostRefusals = 100;

    private const int ShownKeyBytes = 64;

    // Memory for expanding that is kept for the next request.
    private const int KeptBytes = 4 << 20;

    private readonly EventStream _stream;
    private readonly List<RecordRefusal> _refusals = [];
    private StreamPlan _plan = StreamPlan.None;
    private IngestGate.Pass _pass;
    private Memory<byte> _bytes;
    private readonly BatchContent _expanded = new();
    private ReadOnlyMemory<byte> _content;
    private IDisposable? _bytesOwner;
    private int _partition;
    private int _holders;
    private bool _isAppended;
    private long _original;
    private ManualResetValueTaskSourceCore<bool> _completion;

    internal ProduceBatch(EventStream stream) => _stream = stream;

    /// <summary>Why the batch is not in the log; final when <see cref="TryRead"/> has returned false or <see cref="SubmitAsync"/> has completed.</summary>
    public ProduceError Error { get; private set; }

    /// <summary>A sentence beside <see cref="Error"/>; null where the error says all.</summary>
    public string? Detail { get; private set; }

    /// <summary>The records that <see cref="ProduceError.InvalidRecord"/> is about, at most <see cref="MostRefusals"/>.</summary>
    public IReadOnlyList<RecordRefusal> Refusals => _refusals;

    /// <summary>
    /// After submission: null, or what kept the batch from being known to be on disk (<see cref="ErrorCode.QueueFull"/> and states of the partition before it
    /// was appended; <see cref="ErrorCode.PartitionStopped"/> also when it may be there). The same batch may be sent again.
    /// </summary>
    public ErrorCode? Unacknowledged => IsFlushed ? null : Failure;

    /// <summary>After submission: offset of the first record, the original's when the batch was sent before; -1 when it is not acknowledged.</summary>
    public long BaseOffset { get; private set; } = -1;

    /// <summary>Records found in the batch as it was sent; 1 where its records could not be read.</summary>
    public int Events { get; private set; } = 1;

    /// <summary>After submission: it is on disk already, from an earlier sending by the same producer, and nothing was appended.</summary>
    public bool IsRepeated => IsFlushed && Error == ProduceError.None && !_isAppended;

    /// <summary>Memory held, bytes; what it is a view of not included.</summary>
    internal long CapacityBytes => Columns.CapacityBytes + VerdictBytes + _expanded.CapacityBytes + 512;

    internal override bool IsToldWhenFlushed => true;

    internal override long ReceivedAtMs => _pass.EnteredAtMs;

    internal override Span<byte> Bytes => _bytes.Span;

    internal override ReadOnlyMemory<byte> Content => _content;

    /// <summary>Checks the batch against format 2 and the stream's rules and extracts what the stream and its views need. Copies nothing.</summary>
    /// <param name="bytes">Exactly one batch. Base offset and leader epoch in it are filled in when it is appended.</param>
    /// <param name="bytesOwner">Disposed once nobody needs <paramref name="bytes"/> any more, whatever becomes of the batch; at the latest when the partition has folded it.</param>
    /// <param name="mostExpanded">What a compressed batch may expand to, bytes; at most <see cref="BatchContent.MostBytes"/>.</param>
    /// <returns>False: the batch is refused, <see cref="Error"/> says why. Nothing of it is taken: a batch is one place in a producer's sequence.</returns>
    public bool TryRead(Memory<byte> bytes, int partition, IDisposable? bytesOwner, int mostExpanded = BatchContent.MostBytes)
    {
        _bytes = bytes;
        _bytesOwner = bytesOwner;
        _partition = partition;
        if (!RecordBatch.TryRead(bytes.Span, out RecordBatch batch) || batch.Bytes.Length != bytes.Length)
        {
            return bytes.Length > RecordBatch.MagicAt && bytes.Span[RecordBatch.MagicAt] is 0 or 1
                ? Refuse(ProduceError.UnsupportedFormat, $"Record batches have format 2; this one has {bytes.Span[RecordBatch.MagicAt]}.")
                : Refuse(ProduceError.Corrupt, $"{bytes.Length} bytes are not one whole record batch.");
        }

        if (!batch.HasValidCrc())
        {
            return Refuse(ProduceError.Corrupt, "The batch's checksum does not match its bytes.");
        }

        if (batch.IsControl || batch.IsTransactional)
        {
            return Refuse(ProduceError.NotAllowed, batch.IsControl ? "Control batches are written by the log alone." : "Transactions are not offered; an id in the event makes a retry harmless.");
        }

        if (batch.RecordCount == 0)
        {
            return Refuse(ProduceError.InvalidRecord, "A batch without records.");
        }

        if (batch.ProducerId >= 0 && !_stream.IsKnownProducerId(batch.ProducerId))
        {
            return Refuse(ProduceError.UnknownProducer, $"Producer id {batch.ProducerId} was not given out by this node.");
        }

        if (batch.ProducerId >= 0 && (batch.ProducerEpoch < 0 || batch.BaseSequence < 0))
        {
            return Refuse(ProduceError.Corrupt, "A batch with a producer id has an epoch and a sequence of at least 0.");
        }

        switch (_expanded.TryExpand(bytes, mostExpanded, out _content))
        {
            case ExpandResult.Corrupt:
                return Refuse(ProduceError.Corrupt, $"The records are not what {(BatchCodec)batch.Codec} writes.");
            case ExpandResult.TooLarge:
                return Refuse(ProduceError.TooLarge, $"The batch expands to more than {mostExpanded} bytes.");
            case ExpandResult.Unsupported:
                return Refuse(ProduceError.UnsupportedCompression, (BatchCodec)batch.Codec == BatchCodec.Zstd ? "zstd is read by libzstd.so.1, which is not installed here." : $"There is no codec {batch.Codec}.");
            default:
                bool isBatch = RecordBatch.TryRead(_content.Span, out RecordBatch content);
                Invariant.Check(isBatch, "An expanded batch is none.");
                return ReadRecords(content);
        }
    }

    private bool ReadRecords(in RecordBatch batch)
    {
        Columns.Clear(_plan);
        Columns.Memory = _content;
        Columns.Partition = _partition;
        EventScratch scratch = EventScratch.OfThread;
        Span<Cell> cells = scratch.Cells(_plan.Columns.Count);
        EventAnalysis analysis = default;
        int index = 0;
        int end = RecordBatch.HeaderBytes;
        RecordBatch.Enumerator records = batch.GetEnumerator();
        while (records.MoveNext())
        {
            Record record = records.Current;
            if (record.OffsetDelta != index || !HasWholeHeaders(batch.Bytes, record))
            {
                return Refuse(ProduceError.Corrupt, $"Record {index} has offset delta {record.OffsetDelta}, or headers that are none.");
            }

            if (record.ValueLength > _plan.Definition.Limits.EventBytes)
            {
                return Refuse(ProduceError.TooLarge, $"Record {index} has {record.ValueLength} bytes; the stream's limit is {_plan.Definition.Limits.EventBytes}.");
            }

            ReadRecord(batch.Bytes, record, index, cells, scratch, ref analysis);
            if (_refusals.Count == MostRefusals)
            {
                break;
            }

            index++;
            end = record.EndAt;
        }

        // What was there, not what the header says.
        Events = Math.Max(1, index);
        if (_refusals.Count > 0)
        {
            return Refuse(ProduceError.InvalidRecord, _refusals[0].Detail);
        }

        return (!records.IsDamaged && index == batch.RecordCount && end == batch.Bytes.Length)
            || Refuse(ProduceError.Corrupt, $"The batch says that it has {batch.RecordCount} records and has not exactly those; it ends after {index}.");
    }

    private void ReadRecord(ReadOnlySpan<byte> bytes, in Record record, int index, Span<Cell> cells, EventScratch scratch, ref EventAnalysis analysis)
    {
        // Without a value it is no event: the fold says so.
        int valueLength = Math.Max(record.ValueLength, 0);
        ErrorCode? error = _plan.Analyze(bytes.Slice(record.ValueAt, valueLength), bytes[record.HeadersAt..], record.HeaderCount, cells, scratch, ref analysis);
        if (error is not null)
        {
            if (_plan.Definition.OnInvalid == OnInvalid.Refuse)
            {
                string field = analysis.ErrorPath is { } path ? $" Field {path}." : "";
                _refusals.Add(new RecordRefusal(index, $"Record {index}: {WeirErrors.Get(error.Value).Sentence}{field}"));
                return;
            }

            analysis.Input = new AdmissionInput { Invalid = StreamPlan.ReasonOf(error.Value) };
        }
        else if (analysis.KeyLength >= 0 && WrongPlace(bytes, record, index, scratch.Key.AsSpan(0, analysis.KeyLength)) is { } sentence)
        {
            _refusals.Add(new RecordRefusal(index, sentence));
            return;
        }

        Columns.Add(new RecordRange(record.KeyAt, record.KeyLength, record.ValueAt, valueLength), analysis.Input, cells);
        _plan.FillCloudEventColumns(Columns, index, record.HeadersAt, record.HeaderCount);
    }

    // The key is the value's, and what a client calls the key must be that. A client that computes partitions otherwise than the stream says would spread an owner over two of them.
    private string? WrongPlace(ReadOnlySpan<byte> bytes, in Record record, int index, ReadOnlySpan<byte> key)
    {
        StreamDefinition definition = _plan.Definition;
        if (record.KeyLength >= 0 && !bytes.Slice(record.KeyAt, record.KeyLength).SequenceEqual(key))
        {
            return $"Record {index}: the key is {Shown(bytes.Slice(record.KeyAt, record.KeyLength))}, but {KeyFields(definition)} in the value makes it {Shown(key)}. Send that, or no key and the right partition.";
        }

        int expected = Partitioner.PartitionOf(definition.Partitioner, key, _stream.PartitionCount);
        if (expected == _partition)
        {
            return null;
        }

        PartitionerKind other = definition.Partitioner == PartitionerKind.Murmur2 ? PartitionerKind.Crc32 : PartitionerKind.Murmur2;
        string matches = Partitioner.PartitionOf(other, key, _stream.PartitionCount) == _partition ? $" {NameOf(other)} puts it here: set the client's partitioner to {NameOf(definition.Partitioner)}, or define the stream with {NameOf(other)}." : "";
        return $"Record {index}: the key {Shown(key)} ({KeyFields(definition)}) belongs in partition {expected} by {NameOf(definition.Partitioner)}; it came to {_partition}.{matches}";
    }

    private static string KeyFields(StreamDefinition definition) => definition.Key.Count > 0 ? string.Join(", ", definition.Key) : definition.Id?.ToString() ?? "the id in the headers";

    private static string NameOf(PartitionerKind kind) => kind == PartitionerKind.Murmur2 ? "murmur2" : "crc32";

    private static string Shown(ReadOnlySpan<byte> key) => $"'{Encoding.UTF8.GetString(key[..Math.Min(key.Length, ShownKeyBytes)])}{(key.Length > ShownKeyBytes ? "…" : "")}'";

    private static bool HasWholeHeaders(ReadOnlySpan<byte> bytes, in Record record)
    {
        ReadOnlySpan<byte> body = bytes[..record.EndAt];
        int at = record.HeadersAt;
        for (int i = 0; i < record.HeaderCount; i++)
        {
            if (!Record.TryReadHeader(body, ref at, out _, out _, out _))
            {
                return false;
            }
        }

        return at == record.EndAt;
    }

    /// <summary>Hands the batch to its partition; only after <see cref="TryRead"/> returned true. Completes when it is flushed, or is known not to be; never throws for what becomes of it.</summary>
    public ValueTask SubmitAsync()
    {
        // The request and the partition each let go of it, in any order.
        _holders = 2;
        EnsureVerdicts();
        var told = new ValueTask(this, _completion.Version);
        if (_stream.TryEnqueue(_partition, this) is { } failure)
        {
            Fail(failure);
        }

        _stream.Gate.Exit(ref _pass);
        return told;
    }

    /// <summary>Returns the batch to its stream.</summary>
    public void Dispose()
    {
        _stream.Gate.Exit(ref _pass);
        LetGo();
    }

    internal void Begin(StreamPlan plan, IngestGate.Pass pass)
    {
        Reset();
        _plan = plan;
        _pass = pass;
        _refusals.Clear();
        Error = ProduceError.None;
        Detail = null;
        BaseOffset = -1;
        Events = 1;
        _holders = 1;
        _isAppended = false;
        _completion.Reset();
    }

    internal override void BeforeAppend(Admission admission, StreamPlan plan, bool isStateFull, long nowMs, EventScratch scratch)
    {
        bool isBatch = RecordBatch.TryRead(_bytes.Span, out RecordBatch batch);
        Invariant.Check(isBatch, "A batch that was read is none any more.");
        ProducerCheck check = admission.Producers.Check(batch, nowMs, out AppendedBatch original);
        (Error, Detail) = check switch
        {
            ProducerCheck.Next when isStateFull && NeedsMemory(admission) => (ProduceError.StateFull, null),
            ProducerCheck.Next or ProducerCheck.Retry => (ProduceError.None, null),
            ProducerCheck.Older => (ProduceError.AppendedEarlier, null),
            ProducerCheck.Gap => (ProduceError.SequenceGap, $"Producer {batch.ProducerId}, epoch {batch.ProducerEpoch}: sequence {batch.BaseSequence} does not follow."),
            ProducerCheck.Fenced => (ProduceError.Fenced, $"Producer {batch.ProducerId} has a later epoch than {batch.ProducerEpoch}."),
            ProducerCheck.Unknown => (ProduceError.UnknownProducer, $"Nothing is known of producer {batch.ProducerId}, and sequence {batch.BaseSequence} is not its first."),
            _ => (ProduceError.TooManyProducers, $"The partition knows {ProducerTable.MostProducers} producers, all active within 24 h."),
        };
        _isAppended = check == ProducerCheck.Next && Error == ProduceError.None;
        if (!_isAppended)
        {
            // The answer comes with this round's flush all the same: an original that a retry is answered with may be a part of the round.
            _original = original.BaseOffset;
            Columns.Clear(plan);
        }
    }

    private bool NeedsMemory(Admission admission)
    {
        foreach (ref readonly AdmissionInput input in Columns.Inputs)
        {
            if (!admission.NeedsNoMemory(input))
            {
                return true;
            }
        }

        return false;
    }

    private protected override void OnFlushEnded()
    {
        // Not the columns: the fold has them meanwhile.
        if (IsFlushed && Error == ProduceError.None)
        {
            BaseOffset = _isAppended ? AppendedAt : _original;
        }

        // What the request does next runs on the pool, never on the flusher's thread.
        _stream.Threads.Queue(this);
    }

    void IThreadPoolWorkItem.Execute() => _completion.SetResult(true);

    internal override void Complete() => LetGo();

    private bool Refuse(ProduceError error, string detail)
    {
        Error = error;
        Detail = detail;
        return false;
    }

    private void LetGo()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            _bytesOwner?.Dispose();
            _bytesOwner = null;
            _bytes = default;
            _content = default;
            Columns.Memory = default;
            if (_expanded.CapacityBytes > KeptBytes)
            {
                _expanded.Release();
            }

            _stream.Return(this);
        }
    }

    void IValueTaskSource.GetResult(short token) => _completion.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(continuation, state, token, flags);
}

/// <summary>Why one record of a produced batch is refused.</summary>
/// <param name="Record">Its index in the batch.</param>
/// <param name="Detail">A full sentence.</param>
public readonly record struct RecordRefusal(int Record, string Detail);
