namespace Weir.Engine;

/// <summary>What the extractor found at a column's path.</summary>
public enum CellKind : byte
{
    /// <summary>The path leads nowhere. NULL in SQL.</summary>
    Missing = 0,

    /// <summary>JSON null. NULL in SQL.</summary>
    Null = 1,
    False = 2,
    True = 3,

    /// <summary>The number's text as it was sent: text until it is needed, so nothing is rounded on the way.</summary>
    Number = 4,

    /// <summary>A string without escapes; the range excludes the quotes and is UTF-8.</summary>
    String = 5,

    /// <summary>A string with escapes; the range excludes the quotes and is still escaped (<see cref="JsonText.TryUnescape"/>).</summary>
    EscapedString = 6,

    /// <summary>An object or array; the range is its whole text.</summary>
    Composite = 7,

    /// <summary>The member stands twice in its object. Readers disagree about which wins, so no view evaluates such a row, and a stream that needs the field calls the event invalid.</summary>
    Ambiguous = 8,
}

/// <summary>One column of one record: a kind and a byte range, in 8 bytes. The bytes stay where they are, in the batch.</summary>
public readonly record struct Cell
{
    private const int KindBits = 4;
    private const int LengthBits = 28;

    private readonly ulong _packed;

    /// <param name="start">First byte, 0 to 2^32-1.</param>
    /// <param name="length">Bytes, 0 to 2^28-1; events are far smaller (at most 1 MB by default).</param>
    public Cell(CellKind kind, int start, int length) =>
        _packed = (ulong)(uint)start << (KindBits + LengthBits) | (ulong)(uint)length << KindBits | (byte)kind;

    private Cell(ulong packed) => _packed = packed;

    public CellKind Kind => (CellKind)(_packed & 0xF);

    public int Start => unchecked((int)(_packed >> (KindBits + LengthBits)));

    public int Length => unchecked((int)((_packed >> KindBits) & ((1u << LengthBits) - 1)));

    public bool IsNull => Kind is CellKind.Missing or CellKind.Null;

    /// <summary>The same range seen from a buffer that begins <paramref name="distance"/> bytes earlier. A missing cell stays as it is.</summary>
    internal Cell Shifted(int distance) => Kind == CellKind.Missing ? this : new Cell(_packed + ((ulong)(uint)distance << (KindBits + LengthBits)));
}
