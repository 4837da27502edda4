using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Weir.Engine;
using Weir.Server.Http.Bodies;
using static Weir.FuzzTests.Targets.LogTargets;

namespace Weir.FuzzTests.Targets;

/// <summary>Bodies of POST requests, before any event in them is looked at.</summary>
internal static class BodyTargets
{
    private static readonly IReadOnlyList<byte[]> Words = TextTargets.Words("\n", "\r\n", "{", "}", "[", "]", ",", "\"", "\\\"", "{}", "[]", " ", "\"a\":1", "\\", "\uFEFF");

    public static IEnumerable<FuzzTarget> All()
    {
        byte[][] bodies = [.. ((string[])["{\"a\":1}\n{\"b\":2}\r\n\n  {\"c\":3} ", "[{\"a\":1},{\"b\":\"],}\"}, [1,2] ,3]", "{\n \"a\": [1]\n}\n", "[\"a\\\"b\\\\\",\"c\"]", "[\"\\", "[]", "\n\n", "{\"a\":\"\\\"}\"}"]).Select(Encoding.UTF8.GetBytes)];
        yield return new FuzzTarget("lines", 30, bodies, ReadLines) { Dictionary = Words, BytesPerByte = 512 };
        yield return new FuzzTarget("arrays", 40, bodies, ReadArray) { Dictionary = Words, BytesPerByte = 512 };

        byte[][] cloudEvents =
        [
            .. ((string[])
            [
                """{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/json","data":{"a":1}}""",
                """{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"eyJhIjoxfQ==","ext":true,"num":5,"nil":null}""",
            ]).Select(Encoding.UTF8.GetBytes),
        ];
        yield return new FuzzTarget("cloud events", 30, cloudEvents, ReadCloudEvent)
        {
            Dictionary = TextTargets.Words("\"data\":", "\"data_base64\":", "\"\\ud800\"", "\"\\ud800\":", "\"specversion\":", "\"1.0\"", "null", "[]", "{}", "\\u00", "====", "\"ID\":", "\"id\":\"\"", "é", "\u0000"),
            BytesPerByte = 512,
        };
    }

    /// <summary>In two pieces, cut at every place that the input's length chooses, against a split by the whole text.</summary>
    private static int ReadLines(byte[] input)
    {
        List<byte[]> expected = [.. Encoding.Latin1.GetString(input).Split('\n').Select(line => line.Trim(' ', '\t', '\r')).Where(line => line.Length > 0).Select(Encoding.Latin1.GetBytes)];
        int cut = input.Length * 7 % 11 * input.Length / 11;
        var found = new List<byte[]>();
        var first = new LineSplitter(input.AsSpan(0, cut), isLast: false);
        while (first.TryRead(out ReadOnlySpan<byte> line))
        {
            found.Add(line.ToArray());
        }

        var rest = new LineSplitter(input.AsSpan(first.Consumed), isLast: true);
        while (rest.TryRead(out ReadOnlySpan<byte> line))
        {
            found.Add(line.ToArray());
        }

        Check(found.Count == expected.Count && found.Zip(expected).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second)), $"{found.Count} lines instead of {expected.Count}");
        Check(first.Consumed + rest.Consumed == input.Length, "bytes are left");
        return HashCode(Math.Min(found.Count, 50), (int)BodyForms.Guess(input, isWhole: true), (int)BodyForms.Guess(input, isWhole: false), 0, 0);
    }

    /// <summary>An array that System.Text.Json can read is taken apart into the same elements.</summary>
    private static int ReadArray(byte[] input)
    {
        var found = new List<string>();
        var elements = new ArraySplitter(input, start: 0);
        while (elements.TryRead(out ReadOnlySpan<byte> element))
        {
            found.Add(Encoding.Latin1.GetString(element));
        }

        Check(elements.Consumed <= input.Length, "beyond the end");
        if (TryElements(input, out List<string> expected))
        {
            Check(elements.Fault is null && found.SequenceEqual(expected), $"{found.Count} elements instead of {expected.Count}: {elements.Fault}");
        }

        return HashCode(Math.Min(found.Count, 50), elements.Fault is null ? 0 : 1, elements.Fault?[^1] ?? 0, 0, 0);
    }

    private static bool TryElements(byte[] input, out List<string> elements)
    {
        elements = [];
        try
        {
            var reader = new Utf8JsonReader(input);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                int start = (int)reader.TokenStartIndex;
                reader.Skip();
                elements.Add(Encoding.Latin1.GetString(input.AsSpan(start, (int)reader.BytesConsumed - start)));
            }

            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static int ReadCloudEvent(byte[] input)
    {
        CloudEvent structured = CloudEvent.FromJson(input);
        if (structured.Fault is null)
        {
            Check(JsonTargets.IsEvent(input, depth: 512) || !Utf8.IsValid(input), "a CloudEvent that is not JSON");
            EventHeaders.From(structured.Headers);
        }

        var headers = new HeaderDictionary();
        foreach (string line in Encoding.UTF8.GetString(input).Split(','))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
            {
                headers["ce-" + line[..colon].Trim('"', '{')] = line[(colon + 1)..].Trim('"');
            }
        }

        CloudEvent binary = CloudEvent.FromHeaders(headers, "application/json");
        if (binary.Fault is null)
        {
            EventHeaders.From(binary.Headers);
        }

        return HashCode(structured.Fault?.Length ?? 0, structured.Headers.Count, structured.Data.Length / 16, binary.Fault?.Length ?? 0, 0);
    }
}
