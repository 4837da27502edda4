using System.Globalization;
using System.Text;

namespace Weir.FuzzTests.Json;

/// <summary>A text that may be an event.</summary>
/// <param name="Name">Begins with y_, n_, i_ or k_: corpus/events.txt says what they mean.</param>
/// <param name="IsTaken">Whether it must be taken, everywhere.</param>
internal sealed record JsonCase(string Name, byte[] Text, bool IsTaken)
{
    /// <summary>Asked of the stream that reads fields, not of the one that reads none.</summary>
    public bool IsKeyed => Name.StartsWith("k_", StringComparison.Ordinal);

    public override string ToString() => Name;
}

/// <summary>The corpus: what is written down in corpus/events.txt, and what follows a rule.</summary>
internal static class JsonCases
{
    private const string Sample = """{"a":[1,-2.5e3,"x\u00e9",null,true,false,{}],"b":{"c":"d"}}""";

    public static IReadOnlyList<JsonCase> All { get; } = [.. Written(), .. Truncated(), .. Controls(), .. Spaces(), .. Escapes(), .. Utf8(), .. Depths()];

    private static IEnumerable<JsonCase> Written()
    {
        using Stream resource = typeof(JsonCases).Assembly.GetManifestResourceStream("events.txt")!;
        using var reader = new StreamReader(resource);
        while (reader.ReadLine() is { } line)
        {
            string[] parts = line.Split('\t');
            if (line.StartsWith('#') || parts.Length < 2)
            {
                continue;
            }

            bool isTaken = parts.Length == 3 ? parts[1] == "accept" : parts[0].StartsWith("y_", StringComparison.Ordinal);
            yield return new JsonCase(parts[0], Bytes(parts[^1]), isTaken);
        }
    }

    private static byte[] Bytes(string text)
    {
        var bytes = new List<byte>();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text[i + 1] == 'x')
            {
                bytes.Add(byte.Parse(text.AsSpan(i + 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 3;
            }
            else
            {
                bytes.Add((byte)text[i]);
            }
        }

        return [.. bytes];
    }

    private static IEnumerable<JsonCase> Truncated() =>
        Enumerable.Range(1, Sample.Length - 1).Select(length => Case($"n_truncated_to_{length}", Encoding.UTF8.GetBytes(Sample[..length]), isTaken: false));

    private static IEnumerable<JsonCase> Controls() =>
        Enumerable.Range(0, 0x20).Select(b => Case($"n_control_{b:x2}_in_string", Around("{\"a\":\"", (byte)b, "\"}"), isTaken: false));

    private static IEnumerable<JsonCase> Spaces() =>
        Enumerable.Range(0, 0x21).Select(b => Case($"{(b is ' ' or '\t' or '\r' or '\n' ? 'y' : 'n')}_{b:x2}_as_space", Around("{", (byte)b, "\"a\":1}"), b is ' ' or '\t' or '\r' or '\n'));

    private static IEnumerable<JsonCase> Escapes()
    {
        for (char c = '!'; c <= '~'; c++)
        {
            bool isTaken = "\"\\/bfnrt".Contains(c, StringComparison.Ordinal);
            yield return Case($"{(isTaken ? 'y' : 'n')}_escape_{(int)c:x2}", Encoding.ASCII.GetBytes($"{{\"a\":\"\\{c}\"}}"), isTaken);
        }
    }

    private static IEnumerable<JsonCase> Utf8()
    {
        foreach (string valid in (string[])["7F", "C280", "DFBF", "E0A080", "ED9FBF", "EE8080", "EFBFBD", "F0908080", "F48FBFBF"])
        {
            yield return Case("y_utf8_" + valid, [.. "{\"a\":\""u8, .. Convert.FromHexString(valid), .. "\"}"u8], isTaken: true);
        }

        foreach (string invalid in (string[])["80", "BF", "C080", "C1BF", "C2", "C220", "E08080", "E09FBF", "E282", "E228A1", "EDA080", "EDAFBF", "EDB080", "EDBFBF", "F0808080", "F08FBFBF", "F09F98", "F09F2098", "F4908080", "F5808080", "F888808080", "FC8480808080", "FE", "FF"])
        {
            byte[] bytes = Convert.FromHexString(invalid);
            yield return Case($"n_utf8_{invalid}_in_string", [.. "{\"a\":\"x"u8, .. bytes, .. "x\"}"u8], isTaken: false);
            yield return Case($"n_utf8_{invalid}_in_name", [.. "{\"x"u8, .. bytes, .. "x\":1}"u8], isTaken: false);
            yield return Case($"n_utf8_{invalid}_between", [.. "{"u8, .. bytes, .. "\"a\":1}"u8], isTaken: false);
        }
    }

    /// <summary>The event itself is level 1.</summary>
    private static IEnumerable<JsonCase> Depths()
    {
        foreach (int depth in (int[])[2, 63, 64, 65, 100, 511, 512, 513, 10_000])
        {
            bool isTaken = depth <= 64;
            int inner = depth - 1;
            yield return Case($"i_depth_{depth}_of_arrays", Encoding.ASCII.GetBytes("{\"a\":" + new string('[', inner) + new string(']', inner) + "}"), isTaken);
            yield return Case($"i_depth_{depth}_of_objects", Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", inner)) + "{}" + new string('}', inner)), isTaken);
            yield return Case($"n_depth_{depth}_unclosed", Encoding.ASCII.GetBytes("{\"a\":" + new string('[', inner)), isTaken: false);
        }
    }

    private static byte[] Around(string before, byte middle, string after) => [.. Encoding.ASCII.GetBytes(before), middle, .. Encoding.ASCII.GetBytes(after)];

    private static JsonCase Case(string name, byte[] text, bool isTaken) => new(name, text, isTaken);
}
