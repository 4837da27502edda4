using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Weir.Engine;

/// <summary>JSON string contents: from escaped to UTF-8 and back in the one canonical form that keys and group keys use.</summary>
public static class JsonText
{
    private static readonly SearchValues<byte> MustEscape = SearchValues.Create(
        "\"\\\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009\u000a\u000b\u000c\u000d\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f"u8);

    /// <summary>Decodes the inside of a JSON string whose grammar has been checked.</summary>
    /// <param name="destination">At least as long as <paramref name="escaped"/>: decoding never lengthens.</param>
    /// <returns>False for a lone surrogate, which has no UTF-8 form.</returns>
    public static bool TryUnescape(ReadOnlySpan<byte> escaped, Span<byte> destination, out int written)
    {
        written = 0;
        int at = 0;
        while (at < escaped.Length)
        {
            int plain = escaped[at..].IndexOf((byte)'\\');
            plain = plain < 0 ? escaped.Length - at : plain;
            escaped.Slice(at, plain).CopyTo(destination[written..]);
            written += plain;
            at += plain;
            if (at == escaped.Length)
            {
                break;
            }

            byte kind = escaped[at + 1];
            at += 2;
            if (kind != 'u')
            {
                destination[written++] = kind switch
                {
                    (byte)'b' => 8,
                    (byte)'f' => 12,
                    (byte)'n' => 10,
                    (byte)'r' => 13,
                    (byte)'t' => 9,
                    _ => kind,
                };
                continue;
            }

            int unit = Hex4(escaped.Slice(at, 4));
            at += 4;
            Rune rune;
            if (char.IsHighSurrogate((char)unit) && escaped[at..].StartsWith("\\u"u8))
            {
                int low = Hex4(escaped.Slice(at + 2, 4));
                if (!Rune.TryCreate((char)unit, (char)low, out rune))
                {
                    return false;
                }

                at += 6;
            }
            else if (!Rune.TryCreate(unit, out rune))
            {
                return false;
            }

            written += rune.EncodeToUtf8(destination[written..]);
        }

        return true;
    }

    /// <summary>Bytes that <see cref="WriteEscaped"/> needs at most.</summary>
    public static int MaxEscapedBytes(int length) => checked(length * 6);

    /// <summary>Writes UTF-8 as the inside of a JSON string, minimally escaped: <c>\" \\ \b \f \n \r \t</c>, other controls as <c>\u00xx</c> in lower case, everything else as it is.</summary>
    public static int WriteEscaped(ReadOnlySpan<byte> utf8, Span<byte> destination)
    {
        int written = 0;
        while (true)
        {
            int plain = utf8.IndexOfAny(MustEscape);
            if (plain < 0)
            {
                utf8.CopyTo(destination[written..]);
                return written + utf8.Length;
            }

            utf8[..plain].CopyTo(destination[written..]);
            written += plain;
            byte b = utf8[plain];
            utf8 = utf8[(plain + 1)..];
            destination[written++] = (byte)'\\';
            byte letter = b switch { 8 => (byte)'b', 9 => (byte)'t', 10 => (byte)'n', 12 => (byte)'f', 13 => (byte)'r', (byte)'"' or (byte)'\\' => b, _ => 0 };
            if (letter != 0)
            {
                destination[written++] = letter;
                continue;
            }

            "u00"u8.CopyTo(destination[written..]);
            written += 3;
            destination[written++] = (byte)('0' + (b >> 4));
            destination[written++] = "0123456789abcdef"u8[b & 0xF];
        }
    }

    /// <summary>Whether the bytes are well-formed UTF-8.</summary>
    public static bool IsUtf8(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes);

    private static int Hex4(ReadOnlySpan<byte> digits)
    {
        int value = 0;
        foreach (byte b in digits)
        {
            value = (value << 4) | (b <= '9' ? b - '0' : (b | 0x20) - 'a' + 10);
        }

        return value;
    }
}
