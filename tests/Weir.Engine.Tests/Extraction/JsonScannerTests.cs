using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine.Tests;

/// <summary>The scanner against System.Text.Json: the same verdict about every text, the same values at every path.</summary>
public sealed class JsonScannerTests
{
    private const int Depth = 64;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly ColumnPath[] Paths =
    [
        ColumnPath.Field("a"),
        ColumnPath.Field("b"),
        ColumnPath.Field("a", "b"),
        ColumnPath.Field("b", "a", "a"),
        ColumnPath.Parse("c[0]"),
        ColumnPath.Parse("c[2].a"),
        ColumnPath.Field("é"),
        ColumnPath.Field("nowhere"),
    ];

    private static readonly JsonScanner Scanner = new(Paths);

    public static TheoryData<string, bool> Corpus => new()
    {
        { """{"a":1}""", true },
        { " \t\r\n{ } \n", true },
        { """{"a":-0,"b":0e0,"c":[1E+400,1e-400,-1.5e5]}""", true },
        { """{"a":"\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\"}""", true },
        { "{\"a\":\"é😀\u007f\"}", true },
        { """{"a":"\ud800"}""", true },
        { """{"a":{"b":[[[]]]}}""", true },
        { """{"":""}""", true },
        { """{"a":1,"a":2}""", true },
        { "[]", true },
        { "\"text\"", true },
        { "12", true },
        { "null", true },
        { "", false },
        { " ", false },
        { "{", false },
        { "{}}", false },
        { "{} x", false },
        { "{},", false },
        { """{"a":1,}""", false },
        { """{,"a":1}""", false },
        { """{"a" 1}""", false },
        { """{"a":}""", false },
        { """{"a"}""", false },
        { """{a:1}""", false },
        { """{'a':1}""", false },
        { "[1,]", false },
        { "[,1]", false },
        { "[1 2]", false },
        { "{\"a\":NaN}", false },
        { "{\"a\":Infinity}", false },
        { "{\"a\":-Infinity}", false },
        { "{\"a\":+1}", false },
        { "{\"a\":01}", false },
        { "{\"a\":-}", false },
        { "{\"a\":1.}", false },
        { "{\"a\":.5}", false },
        { "{\"a\":1e}", false },
        { "{\"a\":1e+}", false },
        { "{\"a\":0x10}", false },
        { "{\"a\":1_000}", false },
        { "{\"a\":--1}", false },
        { "{\"a\":True}", false },
        { "{\"a\":tru}", false },
        { "{\"a\":truex}", false },
        { "{\"a\":nul", false },
        { "{\"a\":\"\t\"}", false },
        { "{\"a\":\"\0\"}", false },
        { "{\"a\":\"\\x\"}", false },
        { "{\"a\":\"\\u12\"}", false },
        { "{\"a\":\"\\u12G4\"}", false },
        { "{\"a\":\"\\\"}", false },
        { "{\"a\":\"open", false },
        { "{\"a\":1}\0", false },
        { "\0{\"a\":1}", false },
        { "\uFEFF{\"a\":1}", false },
        { "// c\n{}", false },
        { "{}/*c*/", false },
        { "{\"a\":1}{\"a\":2}", false },
        { "{\u00a0\"a\":1}", false },
        { "{\"a\":1\v}", false },
        { "{\"a\"::1}", false },
        { "{\"a\":[}", false },
        { "{\"a\":]}", false },
        { "}", false },
        { "]", false },
        { ":", false },
        { "\\", false },
        { "{\"\\u0061\\\":1}", false },
    };

    [Theory]
    [MemberData(nameof(Corpus))]
    public void Says_the_same_as_System_Text_Json_about_the_corpus(string text, bool isJson)
    {
        byte[] json = Encoding.UTF8.GetBytes(text);
        Assert.Equal(isJson, IsJson(json));
        AssertSameVerdict(json);
        for (int length = 0; length <= json.Length; length++)
        {
            AssertSameVerdict(json[..length]);
        }
    }

    [Theory]
    [InlineData(0xFF)]
    [InlineData(0x80)]
    [InlineData(0xC0, 0x80)]
    [InlineData(0xED, 0xA0, 0x80)]
    [InlineData(0xF4, 0x90, 0x80, 0x80)]
    [InlineData(0xE2, 0x82)]
    public void Bytes_that_are_not_UTF_8_are_named_so(params int[] bytes)
    {
        byte[] bad = [.. bytes.Select(b => (byte)b)];
        byte[] inValue = [.. "{\"a\":\"0123456789abcdef"u8, .. bad, .. "\"}"u8];
        byte[] inName = [.. "{\"0123456789abcdef"u8, .. bad, .. "\":1}"u8];

        Assert.Equal(ErrorCode.InvalidUtf8, Scan(inValue).Error);
        Assert.Equal(ErrorCode.InvalidUtf8, Scan(inName).Error);
    }

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    [InlineData(10_000, false)]
    [InlineData(1_000_000, false)]
    public void Nesting_is_bounded_and_the_event_itself_is_level_one(int depth, bool isAllowed)
    {
        byte[] arrays = Encoding.ASCII.GetBytes($"{{\"a\":{new string('[', depth - 1)}{new string(']', depth - 1)}}}");
        byte[] objects = Encoding.ASCII.GetBytes($"{string.Concat(Enumerable.Repeat("{\"a\":", Math.Min(depth, 10_000)))}1{new string('}', Math.Min(depth, 10_000))}");
        byte[] unclosed = Encoding.ASCII.GetBytes(new string('[', depth));

        Assert.Equal(isAllowed ? null : ErrorCode.TooDeep, Scan(arrays).Error);
        Assert.Equal(isAllowed ? null : ErrorCode.TooDeep, Scan(objects).Error);
        Assert.Equal(isAllowed ? ErrorCode.MalformedJson : ErrorCode.TooDeep, Scan(unclosed).Error);
    }

    [Fact]
    public void Generated_and_mutated_texts_get_the_verdict_of_System_Text_Json()
    {
        Arbitrary<(string, (int, int, int)[])> inputs = (from text in Values(4) from changes in (from kind in Gen.Choose(0, 3) from at in Gen.Choose(0, 10_000) from with in Gen.Choose(0, 255) select (kind, at, with)).ArrayOf(3) select ($"{{\"a\":{text}}}", changes)).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(4000).WithEndSize(60), Prop.ForAll(inputs, input =>
        {
            List<byte> json = [.. Encoding.UTF8.GetBytes(input.Item1)];
            AssertSameVerdict([.. json]);
            foreach ((int kind, int at, int with) in input.Item2)
            {
                int place = json.Count == 0 ? 0 : at % json.Count;
                switch (kind)
                {
                    case 0 when json.Count > 0:
                        json[place] = (byte)with;
                        break;
                    case 1 when json.Count > 0:
                        json.RemoveAt(place);
                        break;
                    case 2:
                        json.Insert(place, "{}[]\",:\\0eE+-.u \n\t"u8[with % 18]);
                        break;
                    default:
                        json.InsertRange(place, json.Take(with % (json.Count + 1)).ToArray());
                        break;
                }

                AssertSameVerdict([.. json]);
            }
        }));
    }

    [Fact]
    public void Cells_hold_what_JsonDocument_finds_at_the_path()
    {
        Gen<string> events =
            from a in Values(3)
            from b in Values(3)
            from c in Values(2).ArrayOf()
            from e in Values(1)
            from order in Gen.Shuffle<string>([$"\"a\":{a}", $"\"\\u0062\" : {b}", $"\"c\":[{string.Join(" ,", c)}]", $"\"é\":{e}", "\"other\":{\"a\":1}"])
            select $"{{ {string.Join(",\n", order)} }}";
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1500).WithEndSize(30), Prop.ForAll(events.ToArbitrary(), text =>
        {
            byte[] json = Encoding.UTF8.GetBytes(text);
            using JsonDocument document = JsonDocument.Parse(json);
            (ErrorCode? error, Cell[] cells) = Scan(json);
            Assert.Null(error);
            for (int i = 0; i < Paths.Length; i++)
            {
                AssertIs(Find(document.RootElement, Paths[i]), cells[i], json);
            }
        }));
    }

    [Theory]
    [InlineData("""{"a":1,"a":2}""", "a", "a.b")]
    [InlineData("""{"a":1,"\u0061":2}""", "a", "a.b")]
    [InlineData("""{"\u0061":1,"a":1}""", "a", "a.b")]
    [InlineData("""{"a":{"b":1},"a":{"b":2}}""", "a", "a.b")]
    [InlineData("""{"a":{"b":1,"b":2}}""", "a.b")]
    [InlineData("""{"b":{"a":{"a":1}},"b":null}""", "b", "b.a.a")]
    [InlineData("""{"other":1,"other":2,"a":{"x":1,"x":2}}""")]
    public void A_member_that_stands_twice_is_ambiguous_and_only_that(string text, params string[] ambiguous)
    {
        (ErrorCode? error, Cell[] cells) = Scan(Encoding.UTF8.GetBytes(text));

        Assert.Null(error);
        Assert.Equal(ambiguous, Paths.Where((_, i) => cells[i].Kind == CellKind.Ambiguous).Select(path => path.ToString()));
    }

    [Theory]
    [InlineData("""{"a":1}x""", 7)]
    [InlineData("""{"a":tru}""", 5)]
    [InlineData("""{"a":"\q"}""", 6)]
    [InlineData("""[1,2""", 4)]
    public void The_place_of_an_error_is_where_the_text_stops_being_JSON(string text, int at)
    {
        byte[] json = Encoding.UTF8.GetBytes(text);
        Assert.Equal(ErrorCode.MalformedJson, Scanner.Scan(json, new Cell[Paths.Length], Depth, out int errorAt));
        Assert.Equal(at, errorAt);
    }

    [Fact]
    public void More_paths_than_fit_on_the_stack_are_found_too()
    {
        ColumnPath[] many = [.. Enumerable.Range(0, 200).Select(i => ColumnPath.Field($"f{i}"))];
        byte[] json = Encoding.UTF8.GetBytes($"{{{string.Join(',', Enumerable.Range(0, 200).Reverse().Select(i => $"\"f{i}\":{i}"))}}}");
        var cells = new Cell[200];

        Assert.Null(new JsonScanner(many).Scan(json, cells, Depth, out _));

        Assert.All(Enumerable.Range(0, 200), i => Assert.Equal($"{i}", Encoding.UTF8.GetString(json, cells[i].Start, cells[i].Length)));
    }

    private static (ErrorCode? Error, Cell[] Cells) Scan(byte[] json)
    {
        var cells = new Cell[Paths.Length];
        return (Scanner.Scan(json, cells, Depth, out _), cells);
    }

    private static void AssertSameVerdict(byte[] json)
    {
        ErrorCode? error = Scan(json).Error;
        bool isJson = IsJson(json);
        bool isObject = isJson && json.AsSpan().TrimStart(" \t\r\n"u8)[0] == '{';
        Assert.True(isObject == error is null, $"{error?.ToString() ?? "accepted"}, but System.Text.Json says {isJson}: {Encoding.Latin1.GetString(json)}");
        Assert.Equal(isJson && !isObject, error == ErrorCode.NotAnObject);
    }

    // Its reader takes strings as they come; whether they are UTF-8 is asked beside it.
    private static bool IsJson(byte[] json)
    {
        try
        {
            StrictUtf8.GetCharCount(json);
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = Depth });
            return true;
        }
        catch (Exception exception) when (exception is JsonException or DecoderFallbackException)
        {
            return false;
        }
    }

    private static JsonElement? Find(JsonElement root, ColumnPath path)
    {
        JsonElement? at = root;
        foreach (PathStep step in path.Steps)
        {
            at = at switch
            {
                { ValueKind: JsonValueKind.Object } parent when step.Name is { } name && parent.TryGetProperty(name, out JsonElement member) => member,
                { ValueKind: JsonValueKind.Array } parent when step.Name is null && step.Index < parent.GetArrayLength() => parent[step.Index],
                _ => null,
            };
        }

        return at;
    }

    private static void AssertIs(JsonElement? expected, Cell cell, byte[] json)
    {
        ReadOnlySpan<byte> range = json.AsSpan(cell.Start, cell.Length);
        switch (expected?.ValueKind)
        {
            case null:
                Assert.Equal(CellKind.Missing, cell.Kind);
                break;
            case JsonValueKind.Null:
                Assert.Equal(CellKind.Null, cell.Kind);
                break;
            case JsonValueKind.True or JsonValueKind.False:
                Assert.Equal(expected.Value.GetBoolean() ? CellKind.True : CellKind.False, cell.Kind);
                break;
            case JsonValueKind.Number:
                Assert.Equal(CellKind.Number, cell.Kind);
                Assert.Equal(expected.Value.GetRawText(), Encoding.UTF8.GetString(range));
                break;
            case JsonValueKind.String:
                Assert.Equal(range.Contains((byte)'\\') ? CellKind.EscapedString : CellKind.String, cell.Kind);
                var plain = new byte[range.Length];
                Assert.True(JsonText.TryUnescape(range, plain, out int written));
                Assert.Equal(expected.Value.GetString(), Encoding.UTF8.GetString(plain, 0, written));
                break;
            default:
                Assert.Equal(CellKind.Composite, cell.Kind);
                Assert.Equal(expected.Value.GetRawText(), Encoding.UTF8.GetString(range));
                break;
        }
    }

    /// <summary>JSON values as text, names from few so that they meet the paths, no name twice in an object.</summary>
    private static Gen<string> Values(int depth)
    {
        Gen<string> scalars = Gen.Elements(
            "null", "true", "false", "0", "-0", "12", "-3.50", "1e5", "2E-7", "123456789012345678901234567890", "\"\"", "\"x\"", "\"0123456789abcdef0123456789\"",
            "\"é\"", "\"\\u00e9\"", "\"\\ud83d\\ude00 😀\"", "\"a\\\"b\\\\\"", "\"\\/\\b\\f\\n\\r\\t\"", " 7 ");
        if (depth == 0)
        {
            return scalars;
        }

        Gen<string> inner = Values(depth - 1);
        Gen<string> arrays = inner.ArrayOf().Select(values => $"[{string.Join(", ", values.Take(4))}]");
        Gen<string> objects = from values in inner.ArrayOf(4) from count in Gen.Choose(0, 4) select $"{{{string.Join(",", new[] { "a", "b", "é", "z" }.Zip(values, (name, value) => $"\"{name}\": {value}").Take(count))}}}";
        return Gen.OneOf(scalars, arrays, objects);
    }
}
