using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Weir.Recount;

/// <summary>
/// Text of JSON values: what a string says, how a value is written canonically, what a number is worth. Written from
/// docs/reference/sql.md and docs/internals/keys.md, and on purpose without Weir.Core's CanonicalNumber and Exact.
/// </summary>
internal static class JsonText
{
    /// <summary>Nine digits after the point.</summary>
    public static readonly BigInteger One = 1_000_000_000;

    private static readonly BigInteger Largest = (BigInteger.One << 127) - 1;
    private static readonly BigInteger Smallest = -(BigInteger.One << 127);

    /// <summary>Bytes to text and back without loss, one character a byte: keys, identities and group keys are compared as bytes and kept as strings.</summary>
    public static string Raw(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public static byte[] Bytes(string raw) => Encoding.Latin1.GetBytes(raw);

    /// <summary>The UTF-8 that a JSON string says.</summary>
    /// <param name="escaped">What stands between the quotes, by RFC 8259's grammar, in valid UTF-8.</param>
    /// <param name="text">Where nothing is escaped, the same bytes.</param>
    /// <returns>False: there is half of a surrogate pair.</returns>
    public static bool TryUnescape(ReadOnlySpan<byte> escaped, out ReadOnlySpan<byte> text)
    {
        text = escaped;
        return !escaped.Contains((byte)'\\') || TryUnescapeSlow(escaped, out text);
    }

    private static bool TryUnescapeSlow(ReadOnlySpan<byte> escaped, out ReadOnlySpan<byte> text)
    {
        var written = new ArrayBufferWriter<byte>(escaped.Length);
        Span<byte> utf8 = stackalloc byte[4];
        text = default;
        int at = 0;
        while (at < escaped.Length)
        {
            int plain = escaped[at..].IndexOf((byte)'\\');
            if (plain != 0)
            {
                plain = plain < 0 ? escaped.Length - at : plain;
                written.Write(escaped.Slice(at, plain));
                at += plain;
                continue;
            }

            byte kind = escaped[at + 1];
            at += 2;
            if (kind != 'u')
            {
                written.Write([kind switch { (byte)'b' => (byte)'\b', (byte)'t' => (byte)'\t', (byte)'n' => (byte)'\n', (byte)'f' => (byte)'\f', (byte)'r' => (byte)'\r', _ => kind }]);
                continue;
            }

            char first = Hex(escaped.Slice(at, 4));
            at += 4;
            char second = default;
            if (char.IsHighSurrogate(first) && escaped[at..].StartsWith("\\u"u8))
            {
                second = Hex(escaped.Slice(at + 2, 4));
                at += 6;
            }

            if (!(second == default ? Rune.TryCreate(first, out Rune rune) : Rune.TryCreate(first, second, out rune)))
            {
                return false;
            }

            written.Write(utf8[..rune.EncodeToUtf8(utf8)]);
        }

        text = written.WrittenSpan;
        return true;
    }

    private static char Hex(ReadOnlySpan<byte> digits) => (char)ushort.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>Appends a JSON string, minimally escaped: quote, backslash and what lies below U+0020.</summary>
    public static void AppendString(StringBuilder raw, ReadOnlySpan<byte> utf8)
    {
        raw.Append('"');
        foreach (byte b in utf8)
        {
            switch (b)
            {
                case (byte)'"': raw.Append("\\\""); break;
                case (byte)'\\': raw.Append(@"\\"); break;
                case (byte)'\b': raw.Append(@"\b"); break;
                case (byte)'\t': raw.Append(@"\t"); break;
                case (byte)'\n': raw.Append(@"\n"); break;
                case (byte)'\f': raw.Append(@"\f"); break;
                case (byte)'\r': raw.Append(@"\r"); break;
                case < 0x20: raw.Append(CultureInfo.InvariantCulture, $"\\u{b:x4}"); break;
                default: raw.Append((char)b); break;
            }
        }

        raw.Append('"');
    }

    /// <summary>An object or array as sent, without the white space between its parts.</summary>
    public static byte[] Compact(ReadOnlySpan<byte> json)
    {
        var compact = new byte[json.Length];
        int length = 0;
        bool inString = false;
        for (int i = 0; i < json.Length; i++)
        {
            byte b = json[i];
            if (!inString && b is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r')
            {
                continue;
            }

            compact[length++] = b;
            if (inString && b == '\\')
            {
                compact[length++] = json[++i];
            }
            else if (b == '"')
            {
                inString = !inString;
            }
        }

        return compact[..length];
    }

    /// <summary>A JSON number as its significant digits times a power of ten; no digits for zero.</summary>
    /// <param name="exponent">Of ten; far beyond any use it is only known to be so (±10^12).</param>
    public static void ReadNumber(ReadOnlySpan<byte> json, out bool negative, out string digits, out long exponent)
    {
        negative = json[0] == '-';
        string text = Encoding.ASCII.GetString(negative ? json[1..] : json);
        int e = text.AsSpan().IndexOfAny('e', 'E');
        exponent = 0;
        if (e >= 0)
        {
            bool readable = long.TryParse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent);
            long far = text[e + 1] == '-' ? -1_000_000_000_000 : 1_000_000_000_000;
            exponent = readable ? Math.Clamp(exponent, -1_000_000_000_000, 1_000_000_000_000) : far;
            text = text[..e];
        }

        int point = text.IndexOf('.');
        if (point >= 0)
        {
            exponent -= text.Length - point - 1;
            text = text.Remove(point, 1);
        }

        digits = text.TrimEnd('0');
        exponent += text.Length - digits.Length;
        digits = digits.TrimStart('0');
    }

    /// <summary>The number times 10^9; false when that is no whole number or needs more than 128 bits with its sign.</summary>
    public static bool TryScale(ReadOnlySpan<byte> json, out BigInteger scaled)
    {
        // Plain whole numbers of up to nine digits need no detour.
        if (json.Length <= 9 && int.TryParse(json, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int small))
        {
            scaled = 1_000_000_000L * small;
            return true;
        }

        ReadNumber(json, out bool negative, out string digits, out long exponent);
        scaled = BigInteger.Zero;
        if (digits.Length == 0)
        {
            return true;
        }

        if (exponent < -9 || digits.Length + exponent > 30)
        {
            return false;
        }

        scaled = BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture) * BigInteger.Pow(10, (int)exponent + 9);
        scaled = negative ? -scaled : scaled;
        return IsInRange(scaled);
    }

    public static bool IsInRange(in BigInteger scaled) => scaled >= Smallest && scaled <= Largest;

    /// <summary>A number of 10^-9: no exponent, no trailing zeros.</summary>
    public static string ScaledText(in BigInteger scaled)
    {
        string digits = BigInteger.Abs(scaled).ToString(CultureInfo.InvariantCulture).PadLeft(10, '0');
        string text = digits[..^9] + "." + digits[^9..];
        text = text.TrimEnd('0').TrimEnd('.');
        return scaled.Sign < 0 ? "-" + text : text;
    }

    /// <summary>The text of a number that forms a key or an id; false when it needs more than 28 digits.</summary>
    public static bool TryReadKeyNumber(ReadOnlySpan<byte> json, out ReadOnlySpan<byte> text)
    {
        // A plain whole number is its own text: JSON allows it no leading zeros.
        text = json.Length <= 28 && !json.ContainsAnyExceptInRange((byte)'0', (byte)'9') ? json : Encoding.ASCII.GetBytes(KeyNumber(json) ?? "");
        return text.Length > 0;
    }

    private static string? KeyNumber(ReadOnlySpan<byte> json)
    {
        ReadNumber(json, out bool negative, out string digits, out long exponent);
        if (digits.Length == 0)
        {
            return "0";
        }

        long wholeDigits = Math.Max(digits.Length + exponent, 0);
        long fractionDigits = Math.Max(-exponent, 0);
        if (wholeDigits + fractionDigits > 28)
        {
            return null;
        }

        string text = exponent >= 0
            ? digits + new string('0', (int)exponent)
            : digits.PadLeft((int)fractionDigits + 1, '0').Insert(Math.Max((int)wholeDigits, 1), ".");
        return negative ? "-" + text : text;
    }
}
