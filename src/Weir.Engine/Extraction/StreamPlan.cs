using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>
/// A stream's definition compiled: which columns to find in an event, and how key, identity and validity follow from them.
/// Immutable and thread-safe. Ingest and replay use the same plan, so both see the same columns (a property test holds it).
/// </summary>
public sealed class StreamPlan
{
    internal static readonly StreamPlan None = new(new StreamDefinition(), default, ColumnSet.Empty);

    private readonly int[] _key;
    private readonly int _id;
    private readonly (int Column, DeclaredField Field)[] _fields;
    private readonly (int Column, byte[] Header)[] _cloudEventColumns;
    private readonly bool _needsPayloadPrint;

    private StreamPlan(StreamDefinition definition, KeyedHash hash, ColumnSet columns)
    {
        Definition = definition;
        Hash = hash;
        Columns = columns;
        _key = [.. definition.Key.Select(columns.IndexOf)];
        _id = definition.Id is { } id ? columns.IndexOf(id) : -1;
        _fields = [.. definition.Fields.Select(field => (columns.IndexOf(field.Path), field))];
        _cloudEventColumns = [.. columns.Columns.Select((path, index) => (path, index)).Where(column => column.path.Root == ColumnRoot.CloudEvent)
            .Select(column => (column.index, System.Text.Encoding.UTF8.GetBytes("ce_" + column.path.Steps[0].Name)))];
        _needsPayloadPrint = definition.Claim is not null && definition.Id is null;
    }

    public StreamDefinition Definition { get; }

    public ColumnSet Columns { get; }

    internal KeyedHash Hash { get; }

    internal bool HasCloudEventColumns => _cloudEventColumns.Length > 0;

    public static StreamPlan For(StreamDefinition definition, KeyedHash hash, ColumnSet columns) =>
        new(definition, hash, columns.With([.. definition.Key, .. definition.Id is { } id ? [id] : Array.Empty<ColumnPath>(), .. definition.Fields.Select(field => field.Path)]));

    /// <summary>The same rules with more columns, for a view that was added.</summary>
    public StreamPlan With(IEnumerable<ColumnPath> paths) => new(Definition, Hash, Columns.With(paths));

    /// <summary>Whether both extract the same: a batch made with the one needs no second extraction under the other. Cheap for one object, once per change otherwise.</summary>
    internal bool IsSameAs(StreamPlan other) =>
        this == other || (Columns.Columns.SequenceEqual(other.Columns.Columns) && Definition.ToJson().AsSpan().SequenceEqual(other.Definition.ToJson()));

    /// <summary>Other rules (a mutable part changed), the same columns and more.</summary>
    internal StreamPlan With(StreamDefinition definition) => For(definition, Hash, Columns);

    /// <summary>Checks one event and works out its key and what admission needs.</summary>
    /// <param name="headers">Record headers in wire form.</param>
    /// <param name="cells">Receives the columns, relative to <paramref name="value"/>; all missing when the text is no JSON object.</param>
    /// <param name="result">Key, admission input, and the place of an error.</param>
    /// <returns>Null when the event is valid; otherwise why it is not.</returns>
    internal ErrorCode? Analyze(ReadOnlySpan<byte> value, ReadOnlySpan<byte> headers, int headerCount, Span<Cell> cells, EventScratch scratch, ref EventAnalysis result)
    {
        result = default;
        result.KeyLength = -1;
        ErrorCode? error = Columns.Scanner.Scan(value, cells, Definition.Limits.Depth, out result.ErrorAt);
        if (error is not null)
        {
            cells[..Columns.Count].Clear();
            return error;
        }

        foreach ((int column, DeclaredField field) in _fields)
        {
            if (cells[column].Kind == CellKind.Ambiguous)
            {
                return Fail(ErrorCode.DuplicateField, cells[column], field.Path, ref result);
            }

            if (!field.Accepts(cells[column], value))
            {
                return Fail(ErrorCode.FieldMismatch, cells[column], field.Path, ref result);
            }
        }

        return AnalyzeKey(value, cells, scratch, ref result)
            ?? AnalyzeIdentity(value, headers, headerCount, cells, scratch, ref result);
    }

    /// <summary>The reason that the fold records for an error that <see cref="Analyze"/> found.</summary>
    internal static VerdictReason ReasonOf(ErrorCode code) => code switch
    {
        ErrorCode.KeyMissing => VerdictReason.KeyMissing,
        ErrorCode.KeyWrongType => VerdictReason.KeyWrongType,
        ErrorCode.IdMissing => VerdictReason.IdMissing,
        ErrorCode.IdWrongType => VerdictReason.IdWrongType,
        ErrorCode.FieldMismatch => VerdictReason.FieldMismatch,
        ErrorCode.DuplicateField => VerdictReason.DuplicateField,
        ErrorCode.TooDeep or ErrorCode.KeyTooLong or ErrorCode.IdTooLong or ErrorCode.NumberTooLong => VerdictReason.OverLimit,
        _ => VerdictReason.NotAnObject,
    };

    /// <summary>Extracts a stored batch anew: replay, and batches made under an older plan.</summary>
    internal void Extract(ReadOnlyMemory<byte> bytes, ColumnBatch target, EventScratch scratch) => Extract(bytes, target, scratch, isDecided: false);

    /// <summary>
    /// Extracts only the columns of a batch whose verdicts are known already: for views built later, and for records that are replaced.
    /// The rules of now must not be asked again about an event that was counted under earlier ones.
    /// </summary>
    internal void ExtractDecided(ReadOnlyMemory<byte> bytes, ColumnBatch target, EventScratch scratch) => Extract(bytes, target, scratch, isDecided: true);

    /// <param name="isDecided">As <see cref="ExtractDecided"/>.</param>
    internal void Extract(ReadOnlyMemory<byte> bytes, ColumnBatch target, EventScratch scratch, bool isDecided)
    {
        target.Clear(this);
        target.Memory = bytes;
        if (!RecordBatch.TryRead(bytes.Span, out RecordBatch batch) || batch.Codec != 0)
        {
            throw new WeirException(ErrorCode.LogDamaged, "A batch in the log is not an uncompressed record batch v2, although its checksum holds.");
        }

        Span<Cell> cells = scratch.Cells(Columns.Count);
        EventAnalysis analysis = default;
        RecordBatch.Enumerator records = batch.GetEnumerator();
        while (records.MoveNext())
        {
            Record record = records.Current;
            int valueLength = Math.Max(record.ValueLength, 0);
            ReadOnlySpan<byte> headers = batch.Bytes[record.HeadersAt..];
            ReadOnlySpan<byte> value = batch.Bytes.Slice(record.ValueAt, valueLength);
            if (isDecided)
            {
                Columns.Scanner.Scan(value, cells, StreamLimits.MaxDepth, out _);
            }
            else if (Analyze(value, headers, record.HeaderCount, cells, scratch, ref analysis) is { } error)
            {
                analysis.Input = new AdmissionInput { Invalid = ReasonOf(error) };
            }

            target.Add(new RecordRange(record.KeyAt, record.KeyLength, record.ValueAt, valueLength), analysis.Input, cells);
            FillCloudEventColumns(target, target.RecordCount - 1, record.HeadersAt, record.HeaderCount);
        }

        if (records.IsDamaged)
        {
            throw new WeirException(ErrorCode.LogDamaged, "A batch in the log holds fewer records than its header says, although its checksum holds.");
        }
    }

    /// <summary>Sets the columns <c>ce.*</c> of a record from its headers in the batch.</summary>
    internal void FillCloudEventColumns(ColumnBatch target, int record, int headersAt, int headerCount)
    {
        if (_cloudEventColumns.Length == 0)
        {
            return;
        }

        ReadOnlySpan<byte> bytes = target.Bytes;
        for (int i = 0; i < headerCount && Record.TryReadHeader(bytes, ref headersAt, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> header, out int valueAt); i++)
        {
            foreach ((int column, byte[] wanted) in _cloudEventColumns)
            {
                if (name.SequenceEqual(wanted))
                {
                    target.SetCell(record, column, new Cell(CellKind.String, valueAt, header.Length));
                }
            }
        }
    }

    private ErrorCode? AnalyzeKey(ReadOnlySpan<byte> value, ReadOnlySpan<Cell> cells, EventScratch scratch, ref EventAnalysis result)
    {
        if (_key.Length == 0)
        {
            return null;
        }

        if (WriteKey(_key, value, cells, Definition.Limits.KeyBytes, scratch.Key, out int length, out int part) is { } error)
        {
            return Fail(error, cells[_key[part]], Definition.Key[part], ref result);
        }

        ReadOnlySpan<byte> buffer = scratch.Key;
        result.KeyLength = length;
        if (Definition.Claim is not null)
        {
            result.Input.Owner = OwnerHash.Of(Hash.Hash(buffer[..length]));
            if (_needsPayloadPrint)
            {
                result.Input.PayloadPrint = Hash.Fingerprint(value);
            }
        }

        return null;
    }

    /// <summary>Writes an event's key in its canonical form: one field's text, or a list of them.</summary>
    /// <param name="columns">The key's columns in <paramref name="cells"/>.</param>
    /// <param name="maxBytes">Longest key.</param>
    /// <param name="part">Which of the columns an error is about.</param>
    /// <returns>Null, or why there is no key.</returns>
    internal static ErrorCode? WriteKey(ReadOnlySpan<int> columns, ReadOnlySpan<byte> value, ReadOnlySpan<Cell> cells, int maxBytes, Span<byte> destination, out int length, out int part)
    {
        length = 0;
        part = 0;
        bool isList = columns.Length > 1;
        if (isList)
        {
            destination[length++] = (byte)'[';
        }

        for (; part < columns.Length; part++)
        {
            if (part > 0)
            {
                destination[length++] = (byte)',';
            }

            if (CanonicalKey.AppendPart(cells[columns[part]], value, quoted: isList, maxBytes, destination, ref length) is { } error)
            {
                return error;
            }

            if (length > maxBytes)
            {
                return ErrorCode.KeyTooLong;
            }
        }

        part = columns.Length - 1;
        if (isList)
        {
            destination[length++] = (byte)']';
        }

        return length > maxBytes ? ErrorCode.KeyTooLong : null;
    }

    private ErrorCode? AnalyzeIdentity(ReadOnlySpan<byte> value, ReadOnlySpan<byte> headers, int headerCount, ReadOnlySpan<Cell> cells, EventScratch scratch, ref EventAnalysis result)
    {
        // A stream that declares an id has it in every event, and as key where it declares none, also where retries count again.
        if (!Definition.EnforcesIdentity && _id < 0)
        {
            return null;
        }

        Span<byte> identity = scratch.Identity;
        Cell declared = _id >= 0 ? cells[_id] : default;
        if (WriteIdentity(declared, value, headers, headerCount, Definition.Limits.IdBytes, identity, out int length) is { } error)
        {
            return Fail(error, declared, Definition.Id!, ref result);
        }

        if (length == 0)
        {
            // A claim guards by itself; without one, or where an id is declared, an event that nobody can recognise again cannot be counted once.
            return Definition.Claim is null || _id >= 0 ? FailWithoutPlace(ErrorCode.IdMissing, Definition.Id, ref result) : null;
        }

        if (length - 1 > Definition.Limits.IdBytes)
        {
            return FailWithoutPlace(ErrorCode.IdTooLong, Definition.Id, ref result);
        }

        ReadOnlySpan<byte> bytes = identity[..length];
        result.IdentityLength = length;
        result.Input.HasIdentity = true;
        result.Input.IdentityPrint = Hash.Fingerprint(bytes);
        if (_key.Length == 0)
        {
            // No key declared: the identity, without its tag, is the key.
            bytes[1..].CopyTo(scratch.Key);
            result.KeyLength = length - 1;
            result.Input.Owner = OwnerHash.Of(Hash.Hash(bytes));
        }
        else if (Definition.Claim != ClaimKeep.First)
        {
            Span<byte> pair = scratch.Pair;
            int at = Varint.Write(pair, result.KeyLength);
            scratch.Key.AsSpan(0, result.KeyLength).CopyTo(pair[at..]);
            at += result.KeyLength;
            bytes.CopyTo(pair[at..]);
            OwnerHash hash = OwnerHash.Of(Hash.Hash(pair[..(at + length)]));
            result.Input.Identity = hash;
            if (Definition.Claim is null)
            {
                result.Input.Owner = hash;
            }
        }

        return null;
    }

    /// <summary>Writes an event's identity, its tag in front: of the declared field, else of the headers.</summary>
    /// <param name="declared">The field that the definition names as id; missing when it names none.</param>
    /// <param name="maxBytes">Longest id of the field.</param>
    /// <param name="length">0: the event has none.</param>
    /// <returns>Null, or why the field cannot be an id.</returns>
    internal static ErrorCode? WriteIdentity(Cell declared, ReadOnlySpan<byte> value, ReadOnlySpan<byte> headers, int headerCount, int maxBytes, Span<byte> destination, out int length)
    {
        length = 0;
        if (declared.IsNull)
        {
            length = headerCount > 0 ? HeaderIdentity.Write(headers, headerCount, destination) : 0;
            return null;
        }

        destination[length++] = (byte)'f';
        return CanonicalKey.AppendPart(declared, value, quoted: false, maxBytes, destination, ref length) switch
        {
            ErrorCode.KeyMissing => ErrorCode.IdMissing,
            ErrorCode.KeyWrongType => ErrorCode.IdWrongType,
            ErrorCode.KeyTooLong => ErrorCode.IdTooLong,
            var other => other,
        };
    }

    private static ErrorCode Fail(ErrorCode code, Cell cell, ColumnPath path, ref EventAnalysis result)
    {
        result.ErrorAt = cell.Kind is CellKind.Missing or CellKind.Ambiguous ? -1 : cell.Start;
        result.ErrorPath = path;
        return code;
    }

    private static ErrorCode FailWithoutPlace(ErrorCode code, ColumnPath? path, ref EventAnalysis result)
    {
        result.ErrorAt = -1;
        result.ErrorPath = path;
        return code;
    }
}

/// <summary>What <see cref="StreamPlan.Analyze"/> found out about one event.</summary>
internal struct EventAnalysis
{
    /// <summary>Bytes of the key in <see cref="EventScratch.Key"/>; -1: no key.</summary>
    public int KeyLength;

    /// <summary>Bytes of the identity in <see cref="EventScratch.Identity"/>, its tag included; 0: none.</summary>
    public int IdentityLength;

    public AdmissionInput Input;

    /// <summary>Byte of the event where the error is; -1 when it has no place, as a missing field.</summary>
    public int ErrorAt;

    /// <summary>The field that the error is about, if one.</summary>
    public ColumnPath? ErrorPath;
}

/// <summary>Buffers for analysing one event after the other; one thread at a time.</summary>
internal sealed class EventScratch
{
    // A key within its limit (at most 4,096 bytes) and one more part, of which escaping can make six bytes of one.
    private const int PartBytes = 4096 + (4096 * 6) + 64;

    [ThreadStatic]
    private static EventScratch? t_scratch;

    private Cell[] _cells = [];

    /// <summary>The calling thread's own: analysing an event never waits, so no other request on the thread can come between.</summary>
    public static EventScratch OfThread => t_scratch ??= new EventScratch();

    public byte[] Key { get; } = new byte[PartBytes];
    public byte[] Identity { get; } = new byte[PartBytes];
    public byte[] Pair { get; } = new byte[(4096 * 2) + 64];

    public Span<Cell> Cells(int count)
    {
        if (_cells.Length < count)
        {
            _cells = new Cell[Math.Max(count, 16)];
        }

        return _cells.AsSpan(0, count);
    }
}
