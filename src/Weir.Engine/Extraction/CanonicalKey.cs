using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// The canonical bytes of keys and ids. One field: the string's UTF-8, or the number's exact decimal text. A list: a JSON array of those,
/// minimally escaped, without spaces. No Unicode normalisation. Golden vectors: docs/internals/keys.md.
/// </summary>
internal static class CanonicalKey
{
    /// <summary>Appends one part.</summary>
    /// <param name="quoted">True inside a list: strings are quoted and escaped.</param>
    /// <param name="maxBytes">Longest part.</param>
    /// <param name="destination">Holds at least six times <paramref name="maxBytes"/> beyond <paramref name="length"/>.</param>
    /// <returns>Null, or why the cell cannot be part of a key.</returns>
    public static ErrorCode? AppendPart(Cell cell, ReadOnlySpan<byte> json, bool quoted, int maxBytes, Span<byte> destination, ref int length)
    {
        ReadOnlySpan<byte> text = json.Slice(cell.Start, cell.Length);
        switch (cell.Kind)
        {
            case CellKind.String when text.Length > maxBytes:
                return ErrorCode.KeyTooLong;

            case CellKind.String when !quoted:
                text.CopyTo(destination[length..]);
                length += text.Length;
                return text.IsEmpty ? ErrorCode.KeyMissing : null;

            case CellKind.String or CellKind.EscapedString:
                return AppendStringSlow(cell.Kind, text, quoted, maxBytes, destination, ref length);

            case CellKind.Number:
                if (!CanonicalNumber.TryWrite(text, destination[length..], out int written))
                {
                    return ErrorCode.NumberTooLong;
                }

                length += written;
                return null;

            case CellKind.Missing or CellKind.Null:
                return ErrorCode.KeyMissing;

            case CellKind.Ambiguous:
                return ErrorCode.DuplicateField;

            default:
                return ErrorCode.KeyWrongType;
        }
    }

    private static ErrorCode? AppendStringSlow(CellKind kind, ReadOnlySpan<byte> text, bool quoted, int maxBytes, Span<byte> destination, ref int length)
    {
        if (text.Length > maxBytes * 6)
        {
            return ErrorCode.KeyTooLong;
        }

        Span<byte> plain = new byte[text.Length];
        int plainLength = text.Length;
        if (kind == CellKind.String)
        {
            text.CopyTo(plain);
        }
        else if (!JsonText.TryUnescape(text, plain, out plainLength))
        {
            return ErrorCode.InvalidUtf8;
        }

        // NUL ends a string in too many programs for two keys that differ behind it to stay two.
        if (plain[..plainLength].Contains((byte)0))
        {
            return ErrorCode.InvalidUtf8;
        }

        if (plainLength == 0)
        {
            return ErrorCode.KeyMissing;
        }

        if (plainLength > maxBytes)
        {
            return ErrorCode.KeyTooLong;
        }

        plain = plain[..plainLength];
        if (!quoted)
        {
            plain.CopyTo(destination[length..]);
            length += plainLength;
            return null;
        }

        destination[length++] = (byte)'"';
        length += JsonText.WriteEscaped(plain, destination[length..]);
        destination[length++] = (byte)'"';
        return null;
    }
}
