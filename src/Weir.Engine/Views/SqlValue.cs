using System.Buffers;
using System.Text.Json;
using Weir.Core;

namespace Weir.Engine;

/// <summary>A value of a row: evaluated, on the heap, immutable.</summary>
internal readonly struct SqlValue(DatumKind kind, Exact number, byte[]? text) : IEquatable<SqlValue>
{
    // In halves: as one 128-bit field it would make each value a third larger by alignment, and a large view has millions.
    private readonly ulong _high = unchecked((ulong)(number.Scaled >> 64));
    private readonly ulong _low = unchecked((ulong)number.Scaled);

    public DatumKind Kind { get; } = kind;

    public Exact Number => new(new Int128(_high, _low));

    /// <summary>UTF-8 of a string, JSON text of a composite; null otherwise.</summary>
    public byte[]? Text { get; } = text;

    public static SqlValue Null => default;

    public static SqlValue FromInteger(long value) => new(DatumKind.Number, Exact.FromInteger(value), null);

    public static SqlValue FromNumber(Exact value) => new(DatumKind.Number, value, null);

    public static SqlValue FromText(byte[] utf8) => new(DatumKind.String, default, utf8);

    public Datum ToDatum() => Kind switch
    {
        DatumKind.Number => Datum.FromNumber(Number),
        DatumKind.String => Datum.FromUtf8(Text),
        DatumKind.Composite => Datum.FromComposite(Text),
        _ => Datum.FromKind(Kind),
    };

    public bool Equals(SqlValue other) =>
        Kind == other.Kind && Number == other.Number && (ReferenceEquals(Text, other.Text) || Text.AsSpan().SequenceEqual(other.Text));

    public override bool Equals(object? obj) => obj is SqlValue other && Equals(other);

    public override int GetHashCode() => throw new NotSupportedException("Values of rows are no keys.");

    /// <summary>The order of ORDER BY, ascending, without the rule for NULL: by kind, then by content.</summary>
    public static int Compare(SqlValue left, SqlValue right)
    {
        if (left.Kind != right.Kind)
        {
            return left.Kind.CompareTo(right.Kind);
        }

        return left.Kind switch
        {
            DatumKind.Number => left.Number.CompareTo(right.Number),
            DatumKind.String or DatumKind.Composite => left.Text.AsSpan().SequenceCompareTo(right.Text),
            _ => 0,
        };
    }

    /// <summary>Appends the value as JSON, in the one form that rows and group keys have.</summary>
    public void WriteJson(IBufferWriter<byte> json)
    {
        switch (Kind)
        {
            case DatumKind.False:
                json.Write("false"u8);
                break;
            case DatumKind.True:
                json.Write("true"u8);
                break;
            case DatumKind.Number:
                json.Advance(Number.Write(json.GetSpan(Exact.MaxBytes)));
                break;
            case DatumKind.String:
                WriteJsonString(json, Text);
                break;
            case DatumKind.Composite:
                json.Write(Text);
                break;
            default:
                json.Write("null"u8);
                break;
        }
    }

    /// <summary>Reads the value the reader stands on, from JSON of <see cref="WriteJson"/>'s form; false for a number that is not exact.</summary>
    /// <param name="json">What the reader reads, from its first byte.</param>
    public static bool TryRead(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, out SqlValue value)
    {
        value = default;
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return true;
            case JsonTokenType.False:
                value = new SqlValue(DatumKind.False, default, null);
                return true;
            case JsonTokenType.True:
                value = new SqlValue(DatumKind.True, default, null);
                return true;
            case JsonTokenType.Number:
                bool isExact = Exact.TryParse(reader.ValueSpan, out Exact number);
                value = FromNumber(number);
                return isExact;
            case JsonTokenType.String:
                byte[] text = new byte[reader.ValueSpan.Length];
                int length = reader.CopyString(text);
                value = FromText(text.AsSpan(0, length).ToArray());
                return true;
            case JsonTokenType.StartArray or JsonTokenType.StartObject:
                int start = (int)reader.TokenStartIndex;
                reader.Skip();
                value = new SqlValue(DatumKind.Composite, default, json[start..(int)reader.BytesConsumed].ToArray());
                return true;
            default:
                return false;
        }
    }

    public static void WriteJsonString(IBufferWriter<byte> json, ReadOnlySpan<byte> utf8)
    {
        Span<byte> target = json.GetSpan(JsonText.MaxEscapedBytes(utf8.Length) + 2);
        target[0] = (byte)'"';
        int length = JsonText.WriteEscaped(utf8, target[1..]) + 1;
        target[length] = (byte)'"';
        json.Advance(length + 1);
    }
}

/// <summary>A row's values as an expression reads them.</summary>
internal readonly ref struct RowData(ReadOnlySpan<SqlValue> values) : IDatumSource
{
    private readonly ReadOnlySpan<SqlValue> _values = values;

    public Datum Read(int slot) => _values[slot].ToDatum();
}
