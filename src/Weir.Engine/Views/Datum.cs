using System.Runtime.CompilerServices;
using Weir.Core;

namespace Weir.Engine;

/// <summary>Kinds of SQL values. The numbers are in snapshots and frozen. Their order is the order of kinds in ORDER BY, except that NULL comes last there.</summary>
internal enum DatumKind : byte
{
    Null = 0,
    False = 1,
    True = 2,
    Number = 3,
    String = 4,

    /// <summary>An object or array.</summary>
    Composite = 5,

    /// <summary>A field that stands twice in its object: whoever reads it has an error row.</summary>
    Unreadable = 6,
}

/// <summary>
/// A value as an expression meets it: its kind at once, its content only when somebody asks, because a number or string that
/// cannot be evaluated is an error only where it is needed (docs/reference/sql.md). Valid as long as the bytes it points into.
/// </summary>
internal readonly ref struct Datum
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly Exact _number;
    private readonly Form _form;

    private Datum(DatumKind kind, Form form, ReadOnlySpan<byte> bytes, Exact number)
    {
        Kind = kind;
        _form = form;
        _bytes = bytes;
        _number = number;
    }

    private enum Form : byte
    {
        /// <summary>A number that is evaluated already.</summary>
        Exact,

        /// <summary>A number as JSON text.</summary>
        NumberText,

        /// <summary>UTF-8 that needs no look: text of our own.</summary>
        Utf8,

        /// <summary>The inside of a JSON string without escapes: UTF-8 that can stand between quotes as it is.</summary>
        Plain,

        /// <summary>The inside of a JSON string with escapes.</summary>
        Escaped,

        /// <summary>Bytes that may not be UTF-8: a key or header from a Kafka producer.</summary>
        Unchecked,
    }

    public DatumKind Kind { get; }

    /// <summary>The text of an object or array as it was sent.</summary>
    public ReadOnlySpan<byte> CompositeText => _bytes;

    public static Datum Null => default;

    public static Datum FromNumber(long value) => FromNumber(Exact.FromInteger(value));

    public static Datum FromNumber(Exact value) => new(DatumKind.Number, Form.Exact, default, value);

    public static Datum FromUtf8(ReadOnlySpan<byte> text) => new(DatumKind.String, Form.Utf8, text, default);

    public static Datum FromUnchecked(ReadOnlySpan<byte> text) => new(DatumKind.String, Form.Unchecked, text, default);

    public static Datum FromComposite(ReadOnlySpan<byte> json) => new(DatumKind.Composite, Form.Utf8, json, default);

    public static Datum FromKind(DatumKind kind) => new(kind, Form.Exact, default, default);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Datum FromCell(Cell cell, ReadOnlySpan<byte> bytes) => cell.Kind switch
    {
        CellKind.Number => new Datum(DatumKind.Number, Form.NumberText, bytes.Slice(cell.Start, cell.Length), default),
        CellKind.String => new Datum(DatumKind.String, Form.Plain, bytes.Slice(cell.Start, cell.Length), default),
        _ => FromCellSlow(cell, bytes),
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Datum FromCellSlow(Cell cell, ReadOnlySpan<byte> bytes) => cell.Kind switch
    {
        CellKind.Missing or CellKind.Null => default,
        CellKind.False => FromKind(DatumKind.False),
        CellKind.True => FromKind(DatumKind.True),
        CellKind.EscapedString => new Datum(DatumKind.String, Form.Escaped, bytes.Slice(cell.Start, cell.Length), default),
        CellKind.Composite => FromComposite(bytes.Slice(cell.Start, cell.Length)),
        _ => FromKind(DatumKind.Unreadable),
    };

    /// <summary>The value of a number; false when it has no exact form.</summary>
    public bool TryGetNumber(out Exact value)
    {
        if (_form == Form.NumberText)
        {
            return Exact.TryParse(_bytes, out value);
        }

        value = _number;
        return true;
    }

    /// <summary>The text of a string that is canonical JSON as it is, without the quotes; false for every other value.</summary>
    public bool TryGetPlainText(out ReadOnlySpan<byte> text)
    {
        text = _bytes;
        return _form == Form.Plain;
    }

    /// <summary>The UTF-8 of a string; false when it has none. Points into the batch or into <paramref name="buffer"/>.</summary>
    public bool TryGetText(TextBuffer buffer, out ReadOnlySpan<byte> utf8)
    {
        utf8 = _bytes;
        return _form switch
        {
            Form.Utf8 or Form.Plain => true,
            Form.Escaped => TryUnescape(buffer, out utf8),
            _ => JsonText.IsUtf8(_bytes),
        };
    }

    private bool TryUnescape(TextBuffer buffer, out ReadOnlySpan<byte> utf8)
    {
        Span<byte> target = buffer.Take(_bytes.Length);
        bool decoded = JsonText.TryUnescape(_bytes, target, out int written);
        utf8 = target[..written];
        return decoded;
    }
}

/// <summary>Where an expression reads its values: a record (<see cref="RecordData"/>) or a row of the view (<see cref="RowData"/>).</summary>
internal interface IDatumSource
{
    Datum Read(int slot);
}

/// <summary>Room for one decoded string at a time; grows to the longest seen. One owner.</summary>
internal sealed class TextBuffer
{
    private byte[] _bytes = [];

    /// <summary>At least <paramref name="length"/> bytes, valid until the next call.</summary>
    public Span<byte> Take(int length)
    {
        if (_bytes.Length < length)
        {
            _bytes = new byte[Math.Max(length, 256)];
        }

        return _bytes.AsSpan(0, length);
    }
}
