using System.Globalization;
using Weir.Core;
using Weir.Sql;
using Weir.Storage;

namespace Weir.Recount;

/// <summary>
/// Counts one partition up to an offset, from the log's start or from the base that retention cut it at. When its owners fit into the
/// memory given, one reading does: each record is decided and, if counted, shown to the view. When they do not, the log is read
/// once per class of owners to find out which records are counted, one bit each, and once more for the view. The same with
/// <c>keep: last</c>, where a record counts only until its owner's next one, which takes another bit.
/// Belongs to one thread.
/// </summary>
internal sealed class PartitionRecount
{
    private readonly RecountRequest _request;
    private readonly ViewShape _shape;
    private readonly PartitionLog _log;
    private readonly BaseState? _base;
    private readonly int _partition;
    private readonly long _end;
    private readonly RecountMeter _meter;
    private readonly CancellationToken _cancellation;
    private readonly RecordHeaders _headers = new();
    private Owners _owners = null!;
    private Owners _identities = null!;
    private long _memoryBytes;
    private long _passed;
    private long _expected;

    /// <param name="from">What the log begins with; null: with its first record.</param>
    /// <param name="end">Exclusive.</param>
    public PartitionRecount(RecountRequest request, ViewShape shape, PartitionLog log, BaseState? from, int partition, long end, RecountMeter meter, CancellationToken cancellation)
    {
        _request = request;
        _shape = shape;
        _log = log;
        _base = from;
        _partition = partition;
        _end = end;
        _meter = meter;
        _cancellation = cancellation;
        Tally = new ViewTally(shape, request.KeepWindows);
    }

    private delegate bool RecordVisitor(in LoggedEvent logged, Stamp stamp);

    public ViewTally Tally { get; private set; }

    public RecountVerdicts Verdicts { get; private set; }

    private long Start => _base?.Offset ?? 0;

    /// <param name="owners">The thread's tables, whatever they hold.</param>
    /// <param name="memoryBytes">For both.</param>
    /// <param name="recordsThatFit">Records whose owners fit into memory as far as the thread's earlier partitions say, so that the next one begins with as many classes; only time depends on it.</param>
    public void Run(Owners owners, Owners identities, long memoryBytes, ref long recordsThatFit)
    {
        if (_end == Start)
        {
            BeginTally();
            return;
        }

        (_owners, _identities, _memoryBytes) = (owners, identities, memoryBytes);
        _expected = _end - Start;
        StreamRules rules = _base?.Rules ?? ReadFirstRules();
        long records = _end - Start;
        int classes = (int)(1 + ((records - 1) / recordsThatFit));
        while (!(classes == 1 && !rules.KeepsLast ? TryRunOnce(rules, ref classes) : TryRunInClasses(rules, ref classes)))
        {
            Verdicts = default;
        }

        recordsThatFit = classes == 1 ? recordsThatFit : 1 + ((records - 1) / classes);
    }

    private bool TryRunOnce(StreamRules rules, ref int classes)
    {
        BeginTally();
        if (!TryBegin(rules, ownerClass: 0, ref classes, out Admission admission))
        {
            return false;
        }

        long reached = Read(ref admission, pass: 1, passes: 1, (in LoggedEvent logged, Stamp stamp) =>
        {
            _ = admission.TryDecide(logged, out Verdict verdict, out _);
            Verdicts = Verdicts.Plus(verdict);
            if (verdict == Verdict.Counted)
            {
                Tally.Apply(logged, admission.Fields, stamp, isReplaced: false);
            }

            return !admission.IsFull;
        });
        return Finished(reached, ref classes);
    }

    private bool TryRunInClasses(StreamRules rules, ref int classes)
    {
        BeginTally();
        var counted = new OffsetSet(Start, _end);
        var replaced = new OffsetSet(Start, rules.KeepsLast ? _end : Start);
        int passes = classes + 1;
        Expect(passes);
        Admission admission;
        for (int ownerClass = 0; ownerClass < classes; ownerClass++)
        {
            if (!TryBegin(rules, ownerClass, ref classes, out admission))
            {
                return false;
            }

            long reached = Read(ref admission, pass: ownerClass + 1, passes, (in LoggedEvent logged, Stamp _) =>
            {
                if (!admission.TryDecide(logged, out Verdict verdict, out long earlier))
                {
                    return true;
                }

                Verdicts = Verdicts.Plus(verdict);
                if (verdict.IsCounted())
                {
                    counted.Add(logged.Offset);
                }

                if (earlier >= 0)
                {
                    replaced.Add(earlier);
                }

                return !admission.IsFull;
            });
            if (!Finished(reached, ref classes))
            {
                return false;
            }
        }

        admission = new Admission(rules, Tally.AddFields, ownerClass: 0, classes, _owners, _identities, _base);
        Read(ref admission, pass: passes, passes, (in LoggedEvent logged, Stamp stamp) =>
        {
            if (counted.Contains(logged.Offset))
            {
                admission.ReadFields(logged);
                Tally.Apply(logged, admission.Fields, stamp, isReplaced: rules.KeepsLast && replaced.Contains(logged.Offset));
            }

            return true;
        });
        return true;
    }

    private void BeginTally()
    {
        Tally = new ViewTally(_shape, _request.KeepWindows);
        _base?.LoadView(_request.BaseSection, Tally, _partition);
    }

    /// <summary>Empties the tables, but for what the base says of this class.</summary>
    private bool TryBegin(StreamRules rules, int ownerClass, ref int classes, out Admission admission)
    {
        long expected = _end - Start + (_base?.MostOwners ?? 0);
        _owners.Clear(expected, rules.KeepsLast ? _memoryBytes / 2 : _memoryBytes);
        _identities.Clear(rules.KeepsLast ? expected : 0, _memoryBytes / 2);
        admission = new Admission(rules, Tally.AddFields, ownerClass, classes, _owners, _identities, _base);
        if (_base is null || _base.TryLoadOwners(_owners, admission))
        {
            return true;
        }

        classes *= 2;
        return false;
    }

    /// <summary>Tells the meter how many records this try passes over, beside what earlier ones have.</summary>
    private void Expect(int passes)
    {
        long needed = _passed + (passes * (_end - Start));
        _meter.Expect(needed - _expected);
        _expected = needed;
    }

    /// <summary>Whether a pass came to the end; if not, into how many classes the next try divides the owners.</summary>
    private bool Finished(long reached, ref int classes)
    {
        if (reached == _end)
        {
            return true;
        }

        // As many as the part that did fit says, and some more: owners are seldom spread evenly over the log.
        long records = _end - Start;
        classes = (int)Math.Max(2L * classes, Math.Min(int.MaxValue / 2, 1 + (long)(classes * 1.25 * records / Math.Max(reached - Start, 1))));
        return false;
    }

    private StreamRules ReadFirstRules()
    {
        using LogReader reader = _log.OpenReader(Offset.Zero);
        if (!reader.TryReadNext(out StoredBatch stored) || !stored.IsControl || !TryReadMarker(stored, out MarkerType type, out ReadOnlyMemory<byte> json) || type != MarkerType.Define)
        {
            throw new WeirException(ErrorCode.LogDamaged, string.Create(CultureInfo.InvariantCulture, $"Partition {_partition} does not begin with a define marker."));
        }

        return StreamRules.Read(json);
    }

    /// <summary>Reads from the start and shows every event to <paramref name="visit"/> until it says false; markers go into <paramref name="admission"/>.</summary>
    /// <returns>End (exclusive) of what was read.</returns>
    private long Read(ref Admission admission, int pass, int passes, RecordVisitor visit)
    {
        using LogReader reader = _log.OpenReader(new Offset(Start));
        while (reader.TryReadNext(out StoredBatch stored))
        {
            _cancellation.ThrowIfCancellationRequested();
            long next = Math.Min(stored.End.Value, _end);
            if (stored.IsControl)
            {
                Apply(stored, ref admission);
            }
            else if (VisitAll(stored, visit) is { } full)
            {
                return full;
            }

            _passed += next - stored.BaseOffset.Value;
            _meter.Pass(_partition, pass, passes, next - stored.BaseOffset.Value);
        }

        return _end;
    }

    /// <returns>The offset at which <paramref name="visit"/> said false; null: it did not.</returns>
    private long? VisitAll(in StoredBatch stored, RecordVisitor visit)
    {
        ReadOnlyMemory<byte> content = stored.Content;
        if (!RecordBatch.TryRead(content.Span, out RecordBatch batch))
        {
            throw new WeirException(ErrorCode.LogDamaged, string.Create(CultureInfo.InvariantCulture, $"The batch at offset {stored.BaseOffset} of partition {_partition} is none."));
        }

        RecordBatch.Enumerator records = batch.GetEnumerator();
        for (long offset = stored.BaseOffset.Value; offset < _end && records.MoveNext(); offset++)
        {
            Record record = records.Current;
            var logged = new LoggedEvent
            {
                Json = content.Slice(record.ValueAt, Math.Max(record.ValueLength, 0)),
                HasValue = record.ValueLength >= 0,
                Key = batch.Bytes.Slice(record.KeyAt, Math.Max(record.KeyLength, 0)),
                HasKey = record.KeyLength >= 0,
                Headers = ReadHeaders(batch.Bytes, record),
                Offset = stored.BaseOffset.Value + record.OffsetDelta,
            };
            if (!visit(logged, new Stamp(stored.AppendTimeMs, _partition, logged.Offset)))
            {
                return logged.Offset;
            }
        }

        return !records.IsDamaged
            ? null
            : throw new WeirException(ErrorCode.LogDamaged, string.Create(CultureInfo.InvariantCulture, $"The batch at offset {stored.BaseOffset} of partition {_partition} does not hold the records that it declares."));
    }

    private void Apply(in StoredBatch stored, ref Admission admission)
    {
        if (!TryReadMarker(stored, out MarkerType type, out ReadOnlyMemory<byte> json))
        {
            throw new WeirException(ErrorCode.LogDamaged, string.Create(CultureInfo.InvariantCulture, $"The control record at offset {stored.BaseOffset} of partition {_partition} is no marker."));
        }

        switch (type)
        {
            case MarkerType.Open:
                admission.IsOpen = true;
                break;
            case MarkerType.Close:
                admission.IsOpen = false;
                break;
            case MarkerType.Define when stored.BaseOffset > Offset.Zero:
                admission = admission.WithRules(StreamRules.Read(json), Tally.AddFields);
                break;
        }
    }

    private static bool TryReadMarker(in StoredBatch stored, out MarkerType type, out ReadOnlyMemory<byte> json)
    {
        type = default;
        json = default;
        if (!RecordBatch.TryRead(stored.Bytes, out RecordBatch batch))
        {
            return false;
        }

        RecordBatch.Enumerator records = batch.GetEnumerator();
        if (!records.MoveNext() || records.Current.KeyLength < 0 || records.Current.ValueLength < 0)
        {
            return false;
        }

        json = stored.Memory.Slice(records.Current.ValueAt, records.Current.ValueLength);
        return Marker.TryReadType(batch.Bytes.Slice(records.Current.KeyAt, records.Current.KeyLength), out type);
    }

    private RecordHeaders ReadHeaders(ReadOnlySpan<byte> batch, in Record record)
    {
        if (record.HeaderCount == 0)
        {
            return RecordHeaders.None;
        }

        // One object for all records: nobody keeps it beyond the record. Of a name that is there twice the first counts.
        _headers.Clear();
        int at = record.HeadersAt;
        for (int i = 0; i < record.HeaderCount && Record.TryReadHeader(batch, ref at, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out _); i++)
        {
            if (name.SequenceEqual("id"u8))
            {
                _headers.Id ??= JsonText.Raw(value);
            }
            else if (name.SequenceEqual("idempotency-key"u8))
            {
                _headers.IdempotencyKey ??= JsonText.Raw(value);
            }
            else if (name.StartsWith("ce_"u8))
            {
                _headers.CloudEvent.TryAdd(JsonText.Raw(name["ce_"u8.Length..]), JsonText.Raw(value));
            }
        }

        return _headers;
    }
}
