namespace Weir.Server.Http.Bodies;

/// <summary>
/// Splits NDJSON: lines end with LF, a CR before it belongs to the end, blank lines are skipped. Hands out spans over the piece; nothing is copied.
/// </summary>
/// <param name="piece">From the beginning of a line on.</param>
/// <param name="isLast">True when the body ends with this piece: what follows the last LF is then a line too.</param>
internal ref struct LineSplitter(ReadOnlySpan<byte> piece, bool isLast)
{
    private readonly ReadOnlySpan<byte> _piece = piece;

    /// <summary>Bytes up to the end of the last line taken; the rest begins the next piece.</summary>
    public int Consumed { get; private set; }

    /// <summary>The next line without its end and without white space around it.</summary>
    /// <returns>False when no whole line is left.</returns>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            ReadOnlySpan<byte> rest = _piece[Consumed..];
            int end = rest.IndexOf((byte)'\n');
            if (end >= 0)
            {
                line = Trim(rest[..end]);
                Consumed += end + 1;
            }
            else if (isLast && !rest.IsEmpty)
            {
                line = Trim(rest);
                Consumed = _piece.Length;
            }
            else
            {
                line = default;
                return false;
            }

            if (!line.IsEmpty)
            {
                return true;
            }
        }
    }

    // Nearly every line begins with '{' and ends with '}': two comparisons, no loop.
    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> line) =>
        line.IsEmpty || (line[0] > ' ' && line[^1] > ' ') ? line : line.Trim(" \t\r\n"u8);
}
