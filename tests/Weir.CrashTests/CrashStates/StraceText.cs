using System.Globalization;

namespace Weir.CrashTests.CrashStates;

/// <summary>The arguments of a call as <c>strace -x</c> writes them: descriptors, texts in quotes, numbers.</summary>
internal static class StraceText
{
    /// <summary>The number that the arguments begin with.</summary>
    public static int Descriptor(string arguments) => (int)LeadingNumber(arguments);

    /// <summary>The number that a result or an argument begins with.</summary>
    public static long LeadingNumber(string text)
    {
        int digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        return long.Parse(text.AsSpan(0, digits < 0 ? text.Length : digits), CultureInfo.InvariantCulture);
    }

    /// <summary>The path that <c>-y</c> shows behind the descriptor that the arguments begin with.</summary>
    public static string DescriptorPath(string arguments)
    {
        int open = arguments.IndexOf('<', StringComparison.Ordinal);
        int close = arguments.IndexOf(">,", StringComparison.Ordinal);
        return arguments[(open + 1)..(close < 0 ? arguments.LastIndexOf('>') : close)];
    }

    /// <summary>The n-th text in quotes.</summary>
    public static byte[] Quoted(string arguments, int n = 0) => Quoted(arguments, n, out _);

    /// <summary>As above.</summary>
    /// <param name="rest">What follows it.</param>
    /// <exception cref="InvalidDataException">strace has shortened it.</exception>
    public static byte[] Quoted(string arguments, int n, out string rest)
    {
        int at = 0;
        for (int skipped = 0; ; skipped++)
        {
            at = arguments.IndexOf('"', at) + 1;
            int end = at;
            while (arguments[end] != '"')
            {
                end += arguments[end] == '\\' ? 2 : 1;
            }

            if (skipped == n)
            {
                rest = arguments[(end + 1)..];
                return rest.StartsWith("...", StringComparison.Ordinal)
                    ? throw new InvalidDataException($"strace shows only a part of {arguments[..Math.Min(arguments.Length, 200)]}")
                    : Unescape(arguments.AsSpan(at, end - at));
            }

            at = end + 1;
        }
    }

    private static byte[] Unescape(ReadOnlySpan<char> text)
    {
        var bytes = new byte[text.Length];
        int count = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                bytes[count++] = checked((byte)text[i]);
                continue;
            }

            i++;
            if (text[i] == 'x')
            {
                bytes[count++] = (byte)((Convert.FromHexString(text.Slice(i + 1, 2)))[0]);
                i += 2;
                continue;
            }

            bytes[count++] = text[i] switch
            {
                'n' => (byte)'\n',
                't' => (byte)'\t',
                'r' => (byte)'\r',
                'v' => (byte)'\v',
                'f' => (byte)'\f',
                '"' or '\\' => (byte)text[i],
                _ => throw new InvalidDataException($"strace -x writes no \\{text[i]}"),
            };
        }

        return bytes[..count];
    }
}
