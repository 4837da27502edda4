using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Weir.Core;
using Weir.Engine;
using Weir.Recount;
using Weir.Sql;
using static Weir.FuzzTests.Targets.LogTargets;
using JsonText = Weir.Recount.JsonText;

namespace Weir.FuzzTests.Targets;

/// <summary>Events. Every input is judged three times: by the engine, by the recount, and by System.Text.Json.</summary>
internal static class JsonTargets
{
    private const int Depth = 64;

    private static readonly IReadOnlyList<byte[]> Words = TextTargets.Words(
        "\"user\":", "\"us\\u0065r\":", "\"id\":", "\"amount\":", "\"a\":", "\\ud83d\\ude00", "\\ud800", "\\u0000", "\\\"", "\\\\", "\"", "null", "true", "false", "-0", "1e400", "[[[[[[[[", "{\"a\":{\"a\":", "é", "😀", "\uFEFF", "\n", "NaN", "//", "/**/");

    private static readonly byte[][] Events =
    [
        .. ((string[])
        [
            """{"user":"u1","id":"e1","amount":12.50,"ok":true,"name":"é","at":{"b":[1,2,{"c":3}]}}""",
            """{"user":42,"id":7,"amount":-0.01}""",
            """{"user":"\u00e9\ud83d\ude00","id":"a\"b\\c","amount":1e2}""",
            """ { "user" : "x" , "id" : 1.0 , "list" : [ [ ] , { } , null , true , false ] } """,
            """{"user":"a","user":"b","id":"twice"}""",
            """{"us\u0065r":"u","id":9999999999999999999999999999}""",
            "{}",
            "[]",
            "null",
            "-1.5e-7",
        ]).Select(Encoding.UTF8.GetBytes),
        Encoding.UTF8.GetBytes("{\"user\":\"deep\",\"id\":1,\"a\":" + new string('[', 62) + new string(']', 62) + "}"),
        Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 62)) + "{}" + new string('}', 62)),
        Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 63)) + "{}" + new string('}', 63)),
    ];

    public static IEnumerable<FuzzTarget> All()
    {
        yield return new FuzzTarget("json", 155, Events, ReadJson) { Dictionary = Words, BytesPerByte = 128 };
        foreach (FuzzTarget target in (FuzzTarget[])[EventTarget("event, key and id", 60, """{"partitions":1,"key":["user"],"id":"id","fields":{"amount":"decimal(18,2)","ok":"boolean","name":"string"},"delivery":"at-least-once"}"""),
            EventTarget("event, two keys", 40, """{"partitions":1,"key":["user","at.b[2].c"],"fields":{"amount":"integer","at":"time"},"limits":{"depth":8,"key_bytes":64}}""")])
        {
            yield return target;
        }

        yield return new FuzzTarget("numbers", 60, [.. ((string[])["0", "-1", "1.5", "1e3", "123456789.987654321", "170141183460469231731687303715.884105727", "-0.000000001", "9999999999999999999999999999"]).Select(Encoding.ASCII.GetBytes)], ReadNumber)
        {
            Dictionary = TextTargets.Words("0", "-", ".", "e", "E+", "e-", "000000000", "999999999", "1e400", "0e0"),
        };
        yield return new FuzzTarget("times", 30, [.. ((string[])["2026-11-20T20:00:00Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999+23:59", "2024-02-29t12:00:00.5-01:30"]).Select(Encoding.ASCII.GetBytes)], ReadTime)
        {
            Dictionary = TextTargets.Words("T", "Z", "z", "+01:00", "-23:59", ".123456789", "24", "60", "0000", "02-29", "99"),
        };
    }

    /// <summary>True for one JSON object in UTF-8 of at most so many levels, by System.Text.Json.</summary>
    public static bool IsEvent(ReadOnlySpan<byte> text, int depth)
    {
        if (!Utf8.IsValid(text))
        {
            return false;
        }

        var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = depth });
        try
        {
            bool isObject = reader.Read() && reader.TokenType == JsonTokenType.StartObject;
            while (reader.Read())
            {
            }

            return isObject;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static readonly ColumnPath[] Paths = [ColumnPath.Field("user"), ColumnPath.Field("id"), ColumnPath.Field("a"), ColumnPath.Field("a", "a"), ColumnPath.Parse("at.b[2].c"), ColumnPath.Parse("list[1]"), ColumnPath.Field("é")];
    private static readonly JsonScanner Scanner = new(Paths);
    private static readonly FieldTree Tree = TreeOf(Paths);

    private static FieldTree TreeOf(IEnumerable<ColumnPath> paths)
    {
        var tree = new FieldTree();
        foreach (ColumnPath path in paths)
        {
            tree.Add(path.Steps);
        }

        return tree;
    }

    private static int ReadJson(byte[] input)
    {
        Span<Cell> cells = stackalloc Cell[Paths.Length];
        Span<JsonField> fields = stackalloc JsonField[Paths.Length];
        ErrorCode? error = Scanner.Scan(input, cells, Depth, out int at);
        bool recount = Tree.TryRead(input, Depth, fields);
        bool oracle = IsEvent(input, Depth);
        Check(error is null == oracle, $"the engine says {error?.ToString() ?? "valid"}, System.Text.Json says {(oracle ? "valid" : "invalid")}");
        Check(recount == oracle, $"the recount says {recount}, System.Text.Json says {oracle}");
        Check(at >= 0 && at <= input.Length, "an error outside of the text");
        if (!oracle)
        {
            return HashCode((int)error!.Value, at * 8 / Math.Max(1, input.Length), 0, 0, 0);
        }

        int found = 0;
        for (int i = 0; i < Paths.Length; i++)
        {
            string engine = cells[i].Kind switch
            {
                CellKind.Missing => "",
                CellKind.Ambiguous => "twice",
                CellKind.String or CellKind.EscapedString => $"\"{cells[i].Start - 1}-{cells[i].Start + cells[i].Length + 1}",
                _ => $"{cells[i].Start}-{cells[i].Start + cells[i].Length}",
            };
            JsonField field = fields[i];
            string other = field.IsTwice ? "twice" : field.Token switch
            {
                JsonTokenType.None => "",
                JsonTokenType.String => $"\"{field.Start}-{field.End}",
                _ => $"{field.Start}-{field.End}",
            };
            Check(engine == other, $"{Paths[i]}: the engine found {engine}, the recount {other}");
            found = (found * 9) + (int)cells[i].Kind;
        }

        return HashCode(0, found, 0, 0, 1);
    }

    /// <summary>The stream's rules about an event: valid or not, and under which key, by the engine's plan, by its replay of a stored batch, and by the recount.</summary>
    private static FuzzTarget EventTarget(string name, int weight, string definition)
    {
        EventRules rules = new(definition);
        return new FuzzTarget(name, weight, Events, input => (int)(rules.Judge(input) ?? 0)) { Dictionary = Words, BytesPerByte = 256 };
    }

    private static int ReadNumber(byte[] input)
    {
        try
        {
            var reader = new Utf8JsonReader(input);
            if (!reader.Read() || reader.TokenType != JsonTokenType.Number || reader.ValueSpan.Length != input.Length || reader.Read())
            {
                return -1;
            }
        }
        catch (JsonException)
        {
            return -2;
        }

        bool engine = Exact.TryParse(input, out Exact exact);
        bool recount = JsonText.TryScale(input, out System.Numerics.BigInteger scaled);
        Check(engine == recount && (!engine || scaled == (System.Numerics.BigInteger)exact.Scaled), $"exact value: engine {engine} {exact.Scaled}, recount {recount} {scaled}");

        Span<byte> key = stackalloc byte[64];
        bool isKey = CanonicalNumber.TryWrite(input, key, out int written);
        bool isRecountKey = JsonText.TryReadKeyNumber(input, out ReadOnlySpan<byte> text);
        Check(isKey == isRecountKey && (!isKey || text.SequenceEqual(key[..written])), $"as key: engine {isKey} {Encoding.ASCII.GetString(key[..written])}, recount {isRecountKey} {Encoding.ASCII.GetString(text)}");
        return HashCode(engine ? 1 : 0, isKey ? written : -1, 0, 0, 0);
    }

    private static int ReadTime(byte[] input)
    {
        bool engine = TimeText.TryParseRfc3339(input, out long ms);
        bool recount = EventTime.TryRead(input, out long other);
        Check(engine == recount && (!engine || ms == other), $"engine {engine} {ms}, recount {recount} {other}");
        return engine ? 1 : 0;
    }
}
