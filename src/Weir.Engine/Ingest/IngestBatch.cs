using System.Globalization;
using System.Threading.Tasks.Sources;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>
/// One piece of a request's body on its way into a stream: events are checked, keyed and encoded as they are added, submitted together,
/// and each has an outcome afterwards. Rented from <see cref="EventStream.NewBatch"/>; dispose returns it. One thread at a time, not before
/// its submission has completed (one that is disposed before keeps its buffers, because partitions still read them). Keep a piece at or below 1 MiB of values.
/// </summary>
public sealed class IngestBatch : IDisposable, IValueTaskSource, IThreadPoolWorkItem
{
    // A batch with larger buffers is not kept for the next request.
    private const long RetainedBytes = 8L << 20;

    private readonly EventStream _stream;
    private readonly PartitionBatch?[] _parts;
    private readonly List<int> _used = [];
    private readonly List<Refusal> _refusals = [];
    private readonly long[] _ends;
    private EventSlot[] _slots = [];
    private StreamPlan _plan = StreamPlan.None;
    private IngestGate.Pass _pass;
    private int _keylessPartition;
    private int _pending;
    private int _unflushed;
    private int _holders;
    private volatile bool _isInFlight;
    private bool _isRented;
    private ManualResetValueTaskSourceCore<bool> _completion;

    internal IngestBatch(EventStream stream)
    {
        _stream = stream;
        _parts = new PartitionBatch?[stream.PartitionCount];
        _ends = new long[stream.PartitionCount];
    }

    /// <summary>Events added, refused ones included; the next one gets this index.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of values added; the caller's measure for the size of a piece.</summary>
    public long ValueBytes { get; private set; }

    /// <summary>Whether it was submitted with <see cref="SubmitDurablyAsync"/>: told when it is flushed, while partitions may still fold it.</summary>
    internal bool IsToldWhenFlushed { get; private set; }

    /// <summary>Valid after <see cref="SubmitAsync"/> or <see cref="SubmitDurablyAsync"/> has completed.</summary>
    public IngestTotals Totals { get; private set; }

    /// <summary>Exclusive end per partition that covers this batch; of partitions it did not touch, what was flushed. Valid after completion.</summary>
    public ReadOnlySpan<long> Ends => _ends;

    /// <summary>Memory held when it was disposed, bytes.</summary>
    internal long PooledBytes { get; private set; }

    /// <summary>When the piece was received, milliseconds since 1970 UTC; at closing it decides on which side of the marker the events lie.</summary>
    internal long ReceivedAtMs => _pass.EnteredAtMs;

    /// <summary>What goes to each partition that this batch touches.</summary>
    internal IEnumerable<PartitionBatch> Parts => _used.Select(partition => _parts[partition]!);

    /// <summary>Adds one event: checked against RFC 8259 and the stream's definition, keyed, and encoded for its partition.</summary>
    /// <returns>Null when it was taken into the batch; otherwise why it is refused. Either way it takes the next index.</returns>
    public ErrorCode? Add(ReadOnlySpan<byte> value, in EventHeaders headers)
    {
        int index = NextIndex();

        if (value.Length > _plan.Definition.Limits.EventBytes)
        {
            return Refuse(index, ErrorCode.EventTooLarge, value.Length, null);
        }

        ValueBytes += value.Length;
        EventScratch scratch = EventScratch.OfThread;
        Span<Cell> cells = scratch.Cells(_plan.Columns.Count);
        EventAnalysis analysis = default;
        ErrorCode? error = _plan.Analyze(value, headers.Wire, headers.Count, cells, scratch, ref analysis);
        if (error is not null)
        {
            if (_plan.Definition.OnInvalid != OnInvalid.DeadLetter)
            {
                return Refuse(index, error.Value, analysis.ErrorAt, analysis.ErrorPath);
            }

            analysis = new EventAnalysis { KeyLength = -1, Input = new AdmissionInput { Invalid = StreamPlan.ReasonOf(error.Value) } };
        }

        bool hasKey = analysis.KeyLength >= 0;
        ReadOnlySpan<byte> key = hasKey ? scratch.Key.AsSpan(0, analysis.KeyLength) : default;
        int partition = hasKey ? Partitioner.PartitionOf(_plan.Definition.Partitioner, key, _parts.Length) : KeylessPartition();
        PartitionBatch part = PartOf(partition);
        int record = part.RecordCount;
        int valueAt = part.Writer.Append(hasKey, key, value, headers.Wire, headers.Count);
        int keyAt = valueAt - Varint.SizeOf(value.Length) - key.Length;
        part.Columns.Add(new RecordRange(keyAt, analysis.KeyLength, valueAt, value.Length), analysis.Input, cells);
        if (headers.Count > 0 && _plan.HasCloudEventColumns)
        {
            part.Columns.Memory = part.Writer.Memory;
            _plan.FillCloudEventColumns(part.Columns, record, valueAt + value.Length + Varint.SizeOf(headers.Count), headers.Count);
        }

        _slots[index] = new EventSlot(partition, record);
        return null;
    }

    /// <summary>Takes the next index for an event that the caller could not even take apart, such as a CloudEvent without its attributes.</summary>
    /// <param name="detail">What <see cref="RefusalDetail"/> says; a full sentence.</param>
    public void Refuse(ErrorCode code, string detail) => Refuse(NextIndex(), code, at: -1, path: null, detail);

    /// <summary>The sentence that says what was wrong with a refused event, and where.</summary>
    public string RefusalDetail(int index)
    {
        // In the order of their indexes, as they were added.
        int at = _refusals.BinarySearch(new Refusal(index, default, 0, null, null), Comparer<Refusal>.Create((left, right) => left.Index.CompareTo(right.Index)));
        return at >= 0 ? Describe(_refusals[at]) : throw new ArgumentOutOfRangeException(nameof(index), index, "The event was not refused.");
    }

    /// <summary>Hands the events to their partitions. Completes when each is decided and flushed, or is known not to be; never throws for what becomes of events.</summary>
    public ValueTask SubmitAsync() => Submit(isToldWhenFlushed: false);

    /// <summary>
    /// As <see cref="SubmitAsync"/>, but completes when the flush is done: each event is on disk, or is known not to be, and has no verdict yet.
    /// </summary>
    public ValueTask SubmitDurablyAsync() => Submit(isToldWhenFlushed: true);

    private ValueTask Submit(bool isToldWhenFlushed)
    {
        // One more than the parts, so that the batch cannot complete while it is still being handed out.
        _isInFlight = true;
        IsToldWhenFlushed = isToldWhenFlushed;
        _pending = _unflushed = _used.Count + 1;

        // The flush, the fold and the request each let go of it, in any order.
        _holders = 3;
        foreach (int partition in _used)
        {
            PartitionBatch part = _parts[partition]!;
            part.SubmittedRecords = part.RecordCount;
            part.Writer.Finish();
            part.Columns.Memory = part.Writer.Memory;
            part.Columns.Partition = partition;
            part.EnsureVerdicts();
            if (_stream.TryEnqueue(partition, part) is { } failure)
            {
                part.Fail(failure);
            }
        }

        _stream.Gate.Exit(ref _pass);
        var told = new ValueTask(this, _completion.Version);
        if (isToldWhenFlushed)
        {
            CompleteFlush();
            Complete();
        }
        else if (Interlocked.Decrement(ref _pending) == 0)
        {
            Finish();
        }

        return told;
    }

    /// <summary>The outcome of the event at <paramref name="index"/>; valid after completion.</summary>
    public EventOutcome OutcomeOf(int index)
    {
        EventSlot slot = _slots[index];
        if (slot.Partition < 0)
        {
            return new EventOutcome(OutcomeKind.Refused, Verdict.None, VerdictReason.None, (ErrorCode)slot.Record, -1, -1);
        }

        PartitionBatch part = _parts[slot.Partition]!;
        if (FailureOf(part) is { } failure)
        {
#if WEIR_PLANTED
            if (Planted.UnknownToldRefused)
            {
                return new EventOutcome(OutcomeKind.Refused, Verdict.None, VerdictReason.None, failure, -1, -1);
            }
#endif
            return new EventOutcome(OutcomeKind.Unknown, Verdict.None, VerdictReason.None, failure, slot.Partition, -1);
        }

        int record = part.PlaceOf(slot.Record);
        if (record < 0)
        {
            return new EventOutcome(OutcomeKind.Refused, Verdict.None, VerdictReason.None, ErrorCode.StateFull, -1, -1);
        }

        if (IsToldWhenFlushed)
        {
            return new EventOutcome(OutcomeKind.Decided, Verdict.None, VerdictReason.None, null, slot.Partition, part.AppendedAt + record);
        }

        byte packed = part.Verdicts[record];
        var verdict = (Verdict)(packed & 0xF);
        var reason = (VerdictReason)(packed >> 4);
        long offset = verdict == Verdict.Duplicate ? part.Others[record] : part.Columns.BaseOffset + record;
        return new EventOutcome(OutcomeKind.Decided, verdict, reason, CodeOf(verdict, reason), slot.Partition, offset);
    }

    /// <summary>Returns the batch to its stream.</summary>
    public void Dispose()
    {
        _stream.Gate.Exit(ref _pass);
        if (!_isRented)
        {
            return;
        }

        if (IsToldWhenFlushed)
        {
            _isRented = false;
            LetGo();
        }
        else if (!_isInFlight)
        {
            _isRented = false;
            GiveBack();
        }
#if WEIR_PLANTED
        else if (Planted.BufferReused)
        {
            var next = new IngestBatch(_stream);
            for (int i = 0; i < _parts.Length; i++)
            {
                next._parts[i] = _parts[i] is { } part ? new PartitionBatch(next) { Writer = part.Writer } : null;
            }

            next.GiveBack();
        }
#endif
    }

    private void LetGo()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            _isInFlight = false;
            GiveBack();
        }
    }

    private void GiveBack()
    {
        // Parts of other requests' partitions are kept too: what a batch holds counts as a whole.
        PooledBytes = (_slots.Length * 8L) + (_ends.Length * 16L) + 512;
        foreach (PartitionBatch? part in _parts)
        {
            PooledBytes += part?.CapacityBytes ?? 0;
        }

        if (PooledBytes <= RetainedBytes)
        {
            _stream.Return(this);
        }
    }

    void IValueTaskSource.GetResult(short token) => _completion.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(continuation, state, token, flags);

    internal void Begin(StreamPlan plan, IngestGate.Pass pass)
    {
        _plan = plan;
        _pass = pass;
        _isRented = true;
        foreach (int partition in _used)
        {
            _parts[partition]!.IsUsed = false;
        }

        _used.Clear();
        _refusals.Clear();
        Count = 0;
        ValueBytes = 0;
        Totals = default;
        IsToldWhenFlushed = false;
        _keylessPartition = -1;
        _completion.Reset();
    }

    /// <summary>One part has ended; what the request does next runs on the pool, never on the caller's thread. Once for every part.</summary>
    internal void Complete()
    {
        if (Interlocked.Decrement(ref _pending) > 0)
        {
            return;
        }

        if (IsToldWhenFlushed)
        {
            LetGo();
        }
        else
        {
            _stream.Threads.Queue(this);
        }
    }

    /// <summary>One part is flushed, or never will be. Once for every part of a batch that <see cref="IsToldWhenFlushed"/>.</summary>
    internal void CompleteFlush()
    {
        if (Interlocked.Decrement(ref _unflushed) == 0)
        {
            _stream.Threads.Queue(this);
        }
    }

    private void Finish()
    {
        Tally();
        if (IsToldWhenFlushed)
        {
            _completion.SetResult(true);
            LetGo();
        }
        else
        {
            _isInFlight = false;
            _completion.SetResult(true);
        }
    }

    void IThreadPoolWorkItem.Execute() => Finish();

    private void Tally()
    {
        IngestTotals totals = default;
        _stream.ReadFlushedEnds(_ends);
        foreach (int partition in _used)
        {
            PartitionBatch part = _parts[partition]!;
            if (FailureOf(part) is not null)
            {
                totals.Unknown += part.SubmittedRecords;
                continue;
            }

            int appended = part.SubmittedRecords - part.LeftOut;
            totals.Refused += part.LeftOut;
            _ends[partition] = Math.Max(_ends[partition], part.AppendedAt + appended);
            if (IsToldWhenFlushed)
            {
                totals.Durable += appended;
                continue;
            }

            foreach (byte packed in part.Verdicts.AsSpan(0, part.RecordCount))
            {
                switch ((Verdict)(packed & 0xF))
                {
                    case Verdict.Counted:
                        totals.Counted++;
                        break;
                    case Verdict.Duplicate:
                        totals.Duplicate++;
                        break;
                    case Verdict.Replaced:
                        totals.Replaced++;
                        break;
                    case Verdict.Taken:
                        totals.Taken++;
                        break;
                    case Verdict.Closed:
                        totals.Closed++;
                        break;
                    case Verdict.Late:
                        totals.Late++;
                        break;
                    case Verdict.Invalid:
                        totals.Invalid++;
                        break;
                    default:
                        throw new InvariantException($"A record with the verdict {packed}.");
                }
            }
        }

        totals.Refused += _refusals.Count;
        Totals = totals;
    }

    // What is on disk is durable, even if its fold failed since.
    private static ErrorCode? FailureOf(PartitionBatch part) => part.IsFlushed ? null : part.Failure;

    private static ErrorCode? CodeOf(Verdict verdict, VerdictReason reason) => verdict switch
    {
        Verdict.Duplicate => ErrorCode.Duplicate,
        Verdict.Taken => ErrorCode.Taken,
        Verdict.Closed => reason == VerdictReason.NotOpenYet ? ErrorCode.NotOpenYet : ErrorCode.AfterClose,
        Verdict.Invalid => reason switch
        {
            VerdictReason.KeyMissing => ErrorCode.KeyMissing,
            VerdictReason.KeyWrongType => ErrorCode.KeyWrongType,
            VerdictReason.IdMissing => ErrorCode.IdMissing,
            VerdictReason.IdWrongType => ErrorCode.IdWrongType,
            VerdictReason.FieldMismatch => ErrorCode.FieldMismatch,
            VerdictReason.DuplicateField => ErrorCode.DuplicateField,
            VerdictReason.OverLimit => ErrorCode.KeyTooLong,
            _ => ErrorCode.MalformedJson,
        },
        _ => null,
    };

    private int NextIndex()
    {
        int index = Count++;
        if (index == _slots.Length)
        {
            Array.Resize(ref _slots, Math.Max(16, _slots.Length * 2));
        }

        return index;
    }

    private ErrorCode Refuse(int index, ErrorCode code, int at, ColumnPath? path, string? detail = null)
    {
        _slots[index] = new EventSlot(-1, (int)code);
        _refusals.Add(new Refusal(index, code, at, path, detail));
        return code;
    }

    private string Describe(in Refusal refusal)
    {
        if (refusal.Detail is { } detail)
        {
            return detail;
        }

        string sentence = WeirErrors.Get(refusal.Code).Sentence;
        string where = refusal switch
        {
            { Code: ErrorCode.EventTooLarge } => string.Create(CultureInfo.InvariantCulture, $" It has {refusal.At} bytes; the limit is {_plan.Definition.Limits.EventBytes}."),
            { Path: { } path, At: >= 0 } => string.Create(CultureInfo.InvariantCulture, $" Field {path}, at byte {refusal.At} of the event."),
            { Path: { } path } => $" Field {path}.",
            { At: >= 0 } => string.Create(CultureInfo.InvariantCulture, $" At byte {refusal.At} of the event."),
            _ => "",
        };
        return sentence + where;
    }

    private PartitionBatch PartOf(int partition)
    {
        PartitionBatch part = _parts[partition] ??= new PartitionBatch(this);
        if (!part.IsUsed)
        {
            part.Begin(_plan, ReceivedAtMs);
            _used.Add(partition);
        }

        return part;
    }

    private int KeylessPartition()
    {
        if (_keylessPartition < 0)
        {
            _keylessPartition = _stream.LeastQueuedPartition();
        }

        return _keylessPartition;
    }

    private readonly record struct Refusal(int Index, ErrorCode Code, int At, ColumnPath? Path, string? Detail);

    /// <param name="Partition">-1: refused, and <paramref name="Record"/> is the error's number.</param>
    private readonly record struct EventSlot(int Partition, int Record);
}
