using System.Buffers;

namespace Weir.Server.Http.Bodies;

/// <summary>
/// Finds where a JSON value ends by brackets and strings alone, without saying whether it is JSON: that is checked where the event is taken,
/// so that one bad event of an array does not spoil the others.
/// </summary>
internal static class JsonExtent
{
    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{}[]"u8);
    private static readonly SearchValues<byte> StructureAndComma = SearchValues.Create("\"{}[],"u8);

    /// <summary>Length of the object or array at the beginning of <paramref name="text"/>.</summary>
    /// <returns>-1 when it does not end within the text.</returns>
    public static int OfBracketed(ReadOnlySpan<byte> text)
    {
        int depth = 0;
        int at = 0;
        while (true)
        {
            int next = text[at..].IndexOfAny(Structure);
            if (next < 0)
            {
                return -1;
            }

            at += next;
            switch (text[at])
            {
                case (byte)'"':
                    int length = OfString(text[at..]);
                    if (length < 0)
                    {
                        return -1;
                    }

                    at += length;
                    break;
                case (byte)'{' or (byte)'[':
                    depth++;
                    at++;
                    break;
                default:
                    at++;
                    if (--depth <= 0)
                    {
                        return at;
                    }

                    break;
            }
        }
    }

    /// <summary>Length of an array's element at the beginning of <paramref name="text"/>: up to the comma or bracket after it.</summary>
    /// <returns>-1 when neither comes.</returns>
    public static int OfElement(ReadOnlySpan<byte> text)
    {
        int at = 0;
        while (true)
        {
            int next = text[at..].IndexOfAny(StructureAndComma);
            if (next < 0)
            {
                return -1;
            }

            at += next;
            int length = text[at] switch
            {
                (byte)',' or (byte)']' or (byte)'}' => 0,
                (byte)'"' => OfString(text[at..]),
                _ => OfBracketed(text[at..]),
            };
            if (length <= 0)
            {
                return length < 0 ? -1 : at;
            }

            at += length;
        }
    }

    /// <summary>Length of the string at the beginning, quotes included; -1 when it does not end.</summary>
    private static int OfString(ReadOnlySpan<byte> text)
    {
        int at = 1;
        while (true)
        {
            int next = text[at..].IndexOfAny((byte)'"', (byte)'\\');
            if (next < 0)
            {
                return -1;
            }

            at += next;
            if (text[at] == '"')
            {
                return at + 1;
            }

            at += 2;
            if (at > text.Length)
            {
                return -1;
            }
        }
    }
}
