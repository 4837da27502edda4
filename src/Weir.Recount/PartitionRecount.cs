using System.Globalization;
using Weir.Core;
using Weir.Sql;
using Weir.Storage;

namespace Weir.Recount;

/// <summary>
/// Counts one partition up to an offset. When its owners fit into the memory given, one reading does: each record is
/// decided and, if counted, shown to the view. When they do not, the log is read once per class of owners to find out which
/// records are counted, one bit each, and once more for the view. The same with <c>keep: last</c>, where a record counts
/// only until its owner's next one, which takes another bit.
/// </summary>
internal sealed class PartitionRecount
{
    private readonly RecountRequest _request;
    private readonly ViewShape _shape;
    private readonly PartitionLog _log;
    private readonly int _partition;
    private readonly long _end;
    private readonly long _eventsBefore;
    private readonly long _eventsAfter;
    private readonly CancellationToken _cancellation;
    private readonly EventHeaders _headers = new();
    private long _passedOver;

    /// <param name="eventsBefore">Records passed over in the partitions before, for progress.</param>
    /// <param name="eventsAfter">Records of the partitions to come, for progress.</param>
    public PartitionRecount(RecountRequest request, ViewShape shape, PartitionLog log, int partition, long end, long eventsBefore, long eventsAfter, CancellationToken cancellation)
    {
        _request = request;
        _shape = shape;
        _log = log;
        _partition = partition;
        _end = end;
        _eventsBefore = eventsBefore;
        _eventsAfter = eventsAfter;
        _cancellation = cancellation;
        Tally = new ViewTally(shape, request.KeepWindows);
    }

    private delegate bool RecordVisitor(in LoggedEvent logged, Stamp stamp);

    public ViewTally Tally { get; private set; }

    public RecountVerdicts Verdicts { get; private set; }

    /// <summary>Records passed over, those of every pass.</summary>
    public long PassedOver => _passedOver;

    public void Run()
    {
        if (_end == 0)
        {
            return;
        }

        StreamRules rules = ReadFirstRules();
        int classes = 1;
        while (!(classes == 1 && !rules.KeepsLast ? TryRunOnce(rules, ref classes) : TryRunInClasses(rules, ref classes)))
        {
            Tally = new ViewTally(_shape, _request.KeepWindows);
            Verdicts = default;
        }
    }

    private bool TryRunOnce(StreamRules rules, ref int classes)
    {
        var admission = new Admission(rules, Tally.AddFields, ownerClass: 0, classes: 1, _request.OwnerMemoryBytes);
        long reached = Read(ref admission, pass: 1, passes: 1, (in LoggedEvent logged, Stamp stamp) =>
        {
            Verdict verdict = admission.Decide(logged, out _);
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
        var counted = new OffsetSet(_end);
        var replaced = new OffsetSet(rules.KeepsLast ? _end : 0);
        Admission admission;
        for (int ownerClass = 0; ownerClass < classes; ownerClass++)
        {
            admission = new Admission(rules, Tally.AddFields, ownerClass, classes, _request.OwnerMemoryBytes);
            long reached = Read(ref admission, pass: ownerClass + 1, passes: classes + 1, (in LoggedEvent logged, Stamp _) =>
            {
                if (!admission.IsMine(logged))
                {
                    return true;
                }

                Verdict verdict = admission.Decide(logged, out long earlier);
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

        admission = new Admission(rules, Tally.AddFields, ownerClass: 0, classes, _request.OwnerMemoryBytes);
        Read(ref admission, pass: classes + 1, passes: classes + 1, (in LoggedEvent logged, Stamp stamp) =>
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

    /// <summary>Whether a pass came to the end; if not, into how many classes the next try divides the owners.</summary>
    private bool Finished(long reached, ref int classes)
    {
        if (reached == _end)
        {
            return true;
        }

        // As many as the part that did fit says, and some more: owners are seldom spread evenly over the log.
        classes = (int)Math.Max(2L * classes, Math.Min(int.MaxValue / 2, 1 + (long)(classes * 1.25 * _end / Math.Max(reached, 1))));
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
        using LogReader reader = _log.OpenReader(Offset.Zero);
        long next = 0;
        while (reader.TryReadNext(out StoredBatch stored))
        {
            _cancellation.ThrowIfCancellationRequested();
            if (stored.IsControl)
            {
                Apply(stored, ref admission);
                next = stored.End.Value;
                continue;
            }

            if (!RecordBatch.TryRead(stored.Bytes, out RecordBatch batch) || batch.Codec != 0)
            {
                throw new WeirException(ErrorCode.LogDamaged, string.Create(CultureInfo.InvariantCulture, $"The batch at offset {stored.BaseOffset} of partition {_partition} is compressed, which a recount cannot read yet."));
            }

            RecordBatch.Enumerator records = batch.GetEnumerator();
            while (next < _end && records.MoveNext())
            {
                Record record = records.Current;
                var logged = new LoggedEvent
                {
                    Json = stored.Memory.Slice(record.ValueAt, Math.Max(record.ValueLength, 0)),
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

                next = logged.Offset + 1;
                _passedOver++;
            }

            if (records.IsDamaged)
            {
                throw new WeirException(ErrorCode.LogDamaged, string.Create(CultureInfo.InvariantCulture, $"The batch at offset {stored.BaseOffset} of partition {_partition} holds no whole records behind offset {next}."));
            }

            _request.Progress?.Invoke(new RecountProgress(
                _partition, pass, passes, _eventsBefore + _passedOver, _eventsBefore + _passedOver + (_end - next) + ((passes - pass) * _end) + _eventsAfter));
        }

        return _end;
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

    private EventHeaders ReadHeaders(ReadOnlySpan<byte> batch, in Record record)
    {
        if (record.HeaderCount == 0)
        {
            return EventHeaders.None;
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
