using System.Numerics;
using System.Text;
using System.Text.Json;
using Weir.Core;
using Weir.Sql;

namespace Weir.Recount;

/// <summary>Where a counted event stands in the one order of all partitions.</summary>
internal readonly record struct Stamp(long AppendTimeMs, int Partition, long Offset) : IComparable<Stamp>
{
    public int CompareTo(Stamp other) => (AppendTimeMs, Partition, Offset).CompareTo((other.AppendTimeMs, other.Partition, other.Offset));
}

/// <summary>What an aggregate has seen, as far as its function shows it. Rows of one partition first, then merged.</summary>
internal struct Aggregate
{
    /// <summary><c>count sum avg</c>: values that are not NULL.</summary>
    public long Count;

    /// <summary><c>sum avg</c>.</summary>
    public BigInteger Sum;

    /// <summary><c>min max first latest</c>: the value so far; NULL: none.</summary>
    public Value Kept;

    /// <summary><c>first latest</c>: where it comes from.</summary>
    public Stamp At;
}

/// <summary>
/// A view over the counted events of one partition, in offset order: WHERE, group key, aggregates, errors, as
/// docs/reference/sql.md has it. Partitions are tallied one by one and merged by <see cref="Merge"/>.
/// </summary>
internal sealed class ViewTally
{
    private const int MaxBytes = 4_096;

    private readonly ViewShape _shape;
    private readonly Conditions _conditions;
    private readonly Dictionary<Operand, int> _columnOf = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<ColumnPath, int> _columns = [];
    private readonly int[] _slots;
    private readonly int[] _keyColumns;
    private readonly int[] _argumentColumns;
    private readonly int _keepWindows;
    private readonly bool _readsRecordKey;
    private readonly SortedDictionary<long, List<string>> _windows = [];
    private readonly Value[] _values;
    private readonly bool[] _hasValue;
    private readonly StringBuilder _keyText = new();
    private readonly char[] _keyChars = new char[MaxBytes];

    private ReadOnlyMemory<byte> _json;
    private JsonField[] _fields = [];
    private RecordHeaders _headers = RecordHeaders.None;
    private Stamp _stamp;
    private byte[]? _recordKey;
    private bool _failed;

    public ViewTally(ViewShape shape, int keepWindows)
    {
        _shape = shape;
        _keepWindows = keepWindows;
        _conditions = new Conditions(operand => ValueOf(operand));
        for (int i = 0; i < shape.RecordColumns.Count; i++)
        {
            _columns.Add(shape.RecordColumns[i], i);
        }

        _readsRecordKey = _columns.ContainsKey(ColumnPath.Of(ColumnRoot.Key));
        _slots = new int[shape.RecordColumns.Count];
        _values = new Value[shape.RecordColumns.Count];
        _hasValue = new bool[shape.RecordColumns.Count];
        _keyColumns = [.. shape.Query.GroupBy.Select(item => _columns[item is GroupColumn column ? column.Path : ((GroupTumble)item).Time ?? ColumnPath.Of(ColumnRoot.Time)])];
        _argumentColumns = [.. shape.Aggregates.Select(aggregate => aggregate.Argument is null ? -1 : _columns[aggregate.Argument])];
        if (shape.Query.GroupBy.Count == 0)
        {
            Groups.Add("[]", NewGroup());
        }
    }

    /// <summary>The aggregates of each row by the canonical bytes of its group key, one character a byte.</summary>
    public Dictionary<string, Aggregate[]> Groups { get; } = new(StringComparer.Ordinal);

    /// <summary>Counted events that the view cannot evaluate.</summary>
    public long Errors { get; private set; }

    /// <summary>Adds what the view reads from the event to the fields that are picked up.</summary>
    public void AddFields(FieldTree tree)
    {
        for (int i = 0; i < _slots.Length; i++)
        {
            _slots[i] = _shape.RecordColumns[i].Root == ColumnRoot.Field ? tree.Add(_shape.RecordColumns[i].Steps) : -1;
        }
    }

    /// <summary>One counted event, in offset order.</summary>
    /// <param name="isReplaced">A later event of its owner counts in its place: it is no row any more, but stays among the errors if it was one.</param>
    public void Apply(in LoggedEvent logged, ReadOnlySpan<JsonField> fields, Stamp stamp, bool isReplaced)
    {
        Take(logged, fields, stamp);
        if (_shape.Query.Where is { } where)
        {
            _conditions.Failed = false;
            bool? kept = _conditions.Evaluate(where);
            if (_conditions.Failed || _failed)
            {
                Errors++;
                return;
            }

            if (kept != true)
            {
                return;
            }
        }

        ReadKey(out long window);
        Aggregate[]? group = null;
        if (!_failed)
        {
            _keyText.CopyTo(0, _keyChars, _keyText.Length);
            _ = Groups.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(_keyChars.AsSpan(0, _keyText.Length), out group);
            CheckArguments(group);
        }

        if (_failed)
        {
            Errors++;
        }
        else if (!isReplaced)
        {
            AddTo(group, window);
        }
    }

    /// <summary>Whether an aggregate counts rows, as <c>count(*)</c> does.</summary>
    public bool IsCountOfRows(int aggregate) => _argumentColumns[aggregate] < 0;

    /// <summary>Adds what the view could not evaluate before the log's beginning.</summary>
    public void AddErrors(long errors) => Errors += errors;

    /// <summary>Adds a group as it was where the log begins; the caller fills its aggregates.</summary>
    /// <param name="window">Begin of the window, epoch milliseconds; 0 without tumble.</param>
    public Aggregate[] AddGroup(Value[] key, long window)
    {
        if (key.Length == 0)
        {
            return Groups["[]"];
        }

        _keyText.Clear().Append('[');
        for (int i = 0; i < key.Length; i++)
        {
            AppendKeyPart(i, _shape.Query.GroupBy[i] is GroupTumble ? Value.OfInteger(window) : key[i]);
        }

        _keyText.Append(']');
        Aggregate[] group = NewGroup();
        Groups.Add(_keyText.ToString(), group);
        if (_shape.Window is not null)
        {
            TryKeepWindow(window);
        }

        return group;
    }

    /// <summary>The values of a canonical group key; those of a window as the text of its begin.</summary>
    public static Value[] ReadKey(byte[] key)
    {
        var values = new List<Value>();
        var json = new Utf8JsonReader(key);
        json.Read();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            values.Add(ReadValue(new JsonField(json.TokenType, (int)json.TokenStartIndex, (int)json.BytesConsumed, IsTwice: false), key));
        }

        return [.. values];
    }

    /// <summary>Adds the rows of another partition of the same view.</summary>
    public void Merge(ViewTally other)
    {
        Errors += other.Errors;
        foreach ((string key, Aggregate[] group) in other.Groups)
        {
            if (!Groups.TryGetValue(key, out Aggregate[]? mine))
            {
                Groups.Add(key, group);
                continue;
            }

            for (int i = 0; i < mine.Length; i++)
            {
                Merge(_shape.Aggregates[i].Function, ref mine[i], group[i]);
            }
        }

        foreach ((long window, List<string> keys) in other._windows)
        {
            if (_windows.TryGetValue(window, out List<string>? mine))
            {
                mine.AddRange(keys);
            }
            else
            {
                _windows.Add(window, keys);
            }
        }

        DropOldWindows();
    }

    private static void Merge(AggregateFunction function, ref Aggregate mine, in Aggregate theirs)
    {
        mine.Count += theirs.Count;
        mine.Sum = CheckedSum(mine.Sum + theirs.Sum);
        if (!theirs.Kept.IsNull && (mine.Kept.IsNull || TakesPlace(function, theirs, mine)))
        {
            (mine.Kept, mine.At) = (theirs.Kept, theirs.At);
        }
    }

    private static bool TakesPlace(AggregateFunction function, in Aggregate theirs, in Aggregate mine) => function switch
    {
        AggregateFunction.Min => Order(theirs.Kept, mine.Kept) < 0,
        AggregateFunction.Max => Order(theirs.Kept, mine.Kept) > 0,
        AggregateFunction.First => theirs.At.CompareTo(mine.At) < 0,
        _ => theirs.At.CompareTo(mine.At) > 0,
    };

    /// <summary>Numbers come before strings; within one partition and group the kinds never meet.</summary>
    private static int Order(in Value left, in Value right) => left.Kind != right.Kind ? left.Kind.CompareTo(right.Kind) : left.CompareTo(right);

    private static BigInteger CheckedSum(in BigInteger sum) => JsonText.IsInRange(sum)
        ? sum
        : throw new WeirException(ErrorCode.SumOverflow, "A sum leaves 128 bits within the position that is recounted.");

    private void Take(in LoggedEvent logged, ReadOnlySpan<JsonField> fields, Stamp stamp)
    {
        _failed = false;
        _hasValue.AsSpan().Clear();
        _stamp = stamp;
        _headers = logged.Headers;
        _recordKey = logged.HasKey && _readsRecordKey ? logged.Key.ToArray() : null;
        _json = logged.Json;
        if (_fields.Length != fields.Length)
        {
            _fields = new JsonField[fields.Length];
        }

        fields.CopyTo(_fields);
    }

    private Value ValueOf(Operand operand)
    {
        switch (operand)
        {
            case ColumnOperand column:
                if (!_columnOf.TryGetValue(column, out int index))
                {
                    _columnOf.Add(column, index = _columns[column.Path]);
                }

                return Column(index);
            default:
                return Literal(operand);
        }
    }

    internal static Value Literal(Operand operand) => operand switch
    {
        NumberOperand number => Value.OfNumber((BigInteger)number.Value.Scaled),
        StringOperand text => Value.OfString(text.Value),
        BooleanOperand boolean => Value.OfBoolean(boolean.Value),
        NullOperand => Value.Null,
        _ => throw new ArgumentOutOfRangeException(nameof(operand), operand, null),
    };

    /// <summary>A column of the event in hand, read once.</summary>
    private Value Column(int index)
    {
        if (!_hasValue[index])
        {
            _values[index] = ReadColumn(_shape.RecordColumns[index], index);
            _hasValue[index] = true;
        }

        return _values[index];
    }

    private Value ReadColumn(ColumnPath path, int index) => path.Root switch
    {
        ColumnRoot.Field => ReadField(_fields[_slots[index]]),
        ColumnRoot.Key => _recordKey is null ? Value.Null : OfBytes(_recordKey),
        ColumnRoot.Time => Value.OfInteger(_stamp.AppendTimeMs),
        ColumnRoot.Partition => Value.OfInteger(_stamp.Partition),
        ColumnRoot.Offset => Value.OfInteger(_stamp.Offset),
        ColumnRoot.CloudEvent => _headers.CloudEvent.TryGetValue(JsonText.Raw(Encoding.UTF8.GetBytes(path.Steps[0].Name!)), out string? value)
            ? OfBytes(JsonText.Bytes(value))
            : Value.Null,
        _ => throw new ArgumentOutOfRangeException(nameof(path), path, null),
    };

    private static Value OfBytes(byte[] bytes) => Value.OfString(System.Text.Unicode.Utf8.IsValid(bytes) ? bytes : null);

    private Value ReadField(in JsonField field)
    {
        if (field.IsTwice)
        {
            _failed = true;
            return Value.Null;
        }

        return ReadValue(field, _json.Span);
    }

    /// <summary>What a field of an event, or of a row, is worth.</summary>
    internal static Value ReadValue(in JsonField field, ReadOnlySpan<byte> json)
    {
        ReadOnlySpan<byte> bytes = field.Of(json);
        return field.Token switch
        {
            JsonTokenType.True => Value.OfBoolean(true),
            JsonTokenType.False => Value.OfBoolean(false),
            JsonTokenType.Number => JsonText.TryScale(bytes, out BigInteger scaled) ? Value.OfNumber(scaled) : new Value(ValueKind.Number, default, null, IsUnusable: true),
            JsonTokenType.String => Value.OfString(JsonText.TryUnescape(bytes, out ReadOnlySpan<byte> text) ? text.ToArray() : null),
            JsonTokenType.StartObject or JsonTokenType.StartArray => new Value(ValueKind.Composite, default, JsonText.Compact(bytes), IsUnusable: false),
            _ => Value.Null,
        };
    }

    /// <summary>Writes the group key's canonical bytes into <see cref="_keyText"/>; sets <see cref="_failed"/> where there is none.</summary>
    private void ReadKey(out long window)
    {
        window = 0;
        _keyText.Clear().Append('[');
        for (int i = 0; i < _keyColumns.Length; i++)
        {
            Value value = Column(_keyColumns[i]);
            _failed |= value.IsUnusable || value.Kind == ValueKind.Composite;
            if (!_failed && _shape.Query.GroupBy[i] is GroupTumble tumble)
            {
                _failed = !TryReadWindow(value, tumble.SizeMs, out window);
                value = Value.OfInteger(window);
            }

            if (!_failed)
            {
                AppendKeyPart(i, value);
            }
        }

        _keyText.Append(']');
        _failed |= _keyText.Length > MaxBytes;
    }

    private void AppendKeyPart(int i, in Value value)
    {
        _keyText.Append(i > 0 ? "," : "");
        if (_shape.Query.GroupBy[i] is GroupTumble tumble)
        {
            _keyText.Append('"').Append(EventTime.Text((long)(value.Number / JsonText.One), tumble.SizeMs)).Append('"');
        }
        else
        {
            value.AppendTo(_keyText);
        }
    }

    private static bool TryReadWindow(in Value time, long sizeMs, out long start)
    {
        start = 0;
        long epochMs;
        if (time.Kind == ValueKind.Number)
        {
            if (!(time.Number % JsonText.One).IsZero || BigInteger.Abs(time.Number / JsonText.One) > EventTime.End)
            {
                return false;
            }

            epochMs = (long)(time.Number / JsonText.One);
        }
        else if (time.Kind != ValueKind.String || !EventTime.TryRead(time.Text, out epochMs))
        {
            return false;
        }

        start = EventTime.WindowStart(epochMs, sizeMs);
        return start >= EventTime.Earliest && start + sizeMs < EventTime.End;
    }

    /// <summary>Sets <see cref="_failed"/> where one of the aggregates cannot take its value.</summary>
    private void CheckArguments(Aggregate[]? group)
    {
        for (int i = 0; i < _argumentColumns.Length; i++)
        {
            if (_argumentColumns[i] < 0)
            {
                continue;
            }

            Value value = Column(_argumentColumns[i]);
            _failed |= !value.IsNull && _shape.Aggregates[i].Function switch
            {
                AggregateFunction.Count => false,
                AggregateFunction.Sum or AggregateFunction.Avg => value.Kind != ValueKind.Number || value.IsUnusable,
                AggregateFunction.Min or AggregateFunction.Max => value.Kind is ValueKind.Boolean or ValueKind.Composite || !CanBeKept(value)
                    || (group?[i].Kept is { IsNull: false } kept && kept.Kind != value.Kind),
                _ => !CanBeKept(value),
            };
        }
    }

    private static bool CanBeKept(in Value value) => !value.IsUnusable && (value.Text is null || value.Text.Length <= MaxBytes);

    private void AddTo(Aggregate[]? group, long window)
    {
        if (group is null)
        {
            if (_shape.Window is not null && !TryKeepWindow(window))
            {
                return;
            }

            group = NewGroup();
            Groups.Add(_keyText.ToString(), group);
        }

        for (int i = 0; i < _argumentColumns.Length; i++)
        {
            ref Aggregate aggregate = ref group[i];
            Value value = _argumentColumns[i] < 0 ? Value.OfBoolean(true) : Column(_argumentColumns[i]);
            if (value.IsNull)
            {
                continue;
            }

            aggregate.Count++;
            switch (_shape.Aggregates[i].Function)
            {
                case AggregateFunction.Sum or AggregateFunction.Avg:
                    aggregate.Sum = CheckedSum(aggregate.Sum + value.Number);
                    break;
                case AggregateFunction.Min when aggregate.Kept.IsNull || value.CompareTo(aggregate.Kept) < 0:
                case AggregateFunction.Max when aggregate.Kept.IsNull || value.CompareTo(aggregate.Kept) > 0:
                    aggregate.Kept = value;
                    break;
                case AggregateFunction.First when aggregate.Kept.IsNull:
                case AggregateFunction.Latest:
                    (aggregate.Kept, aggregate.At) = (value, _stamp);
                    break;
            }
        }
    }

    private Aggregate[] NewGroup() => new Aggregate[_shape.Aggregates.Count];

    /// <summary>Keeps the newest windows. An event for a window older than those that are kept has no effect.</summary>
    private bool TryKeepWindow(long window)
    {
        if (!_windows.TryGetValue(window, out List<string>? keys))
        {
            if (_windows.Count >= _keepWindows && window < _windows.Keys.First())
            {
                return false;
            }

            _windows.Add(window, keys = []);
        }

        keys.Add(_keyText.ToString());
        DropOldWindows();
        return true;
    }

    private void DropOldWindows()
    {
        while (_windows.Count > _keepWindows)
        {
            (long oldest, List<string> keys) = _windows.First();
            _windows.Remove(oldest);
            foreach (string key in keys)
            {
                Groups.Remove(key);
            }
        }
    }
}
