using System.Globalization;
using System.Text;
using Weir.Core;

namespace Weir.Engine.Tests.Extraction;

/// <summary>The golden vectors of docs/internals/keys.md, made by a program that shares no code with this one.</summary>
public sealed class KeyVectorTests
{
    [Fact]
    public void Every_vector_of_the_page_has_the_hashes_and_partitions_it_says()
    {
        string[] lines = File.ReadAllLines(PathOf("docs/internals/keys.md"));
        string[] rows = [.. lines.SkipWhile(line => line != "<!-- vectors -->").Skip(3).TakeWhile(line => line.StartsWith('|'))];
        Assert.InRange(rows.Length, 7, 100);
        foreach (string row in rows)
        {
            string[] cells = row.Split('|', StringSplitOptions.TrimEntries);
            byte[] key = Encoding.UTF8.GetBytes(cells[1].Trim('`'));
            Assert.Equal(uint.Parse(cells[2], CultureInfo.InvariantCulture), Partitioner.Murmur2(key));
            Assert.Equal(int.Parse(cells[3], CultureInfo.InvariantCulture), Partitioner.PartitionOf(PartitionerKind.Murmur2, key, 4));
            Assert.Equal(uint.Parse(cells[4], CultureInfo.InvariantCulture), Partitioner.Crc32(key));
            Assert.Equal(int.Parse(cells[5], CultureInfo.InvariantCulture), Partitioner.PartitionOf(PartitionerKind.Crc32, key, 4));
        }
    }

    [Theory]
    [InlineData("\"ada\"", "ada")]
    [InlineData("\"a\\u0064a\"", "ada")]
    [InlineData("1", "1")]
    [InlineData("1.0", "1")]
    [InlineData("1e0", "1")]
    [InlineData("-0", "0")]
    [InlineData("-5e-1", "-0.5")]
    [InlineData("\"\\u017c\\u00f3\\u0142w\"", "żółw")]
    public void One_field_gives_the_text_of_its_value(string json, string key) => Assert.Equal(key, KeyOf("""{"key":"a"}""", $$"""{"a":{{json}}}"""));

    [Theory]
    [InlineData("""{"a":1957,"b":"AT","c":"NL"}""", """[1957,"AT","NL"]""")]
    [InlineData("""{"c":"\n","b":"a\"b","a":"\u0001\/é"}""", "[\"\\u0001/é\",\"a\\\"b\",\"\\n\"]")]
    public void A_list_gives_a_json_array_minimally_escaped(string json, string key) => Assert.Equal(key, KeyOf("""{"key":["a","b","c"]}""", json));

    [Theory]
    [InlineData("""{"a":null}""", ErrorCode.KeyMissing)]
    [InlineData("""{"a":""}""", ErrorCode.KeyMissing)]
    [InlineData("""{}""", ErrorCode.KeyMissing)]
    [InlineData("""{"a":true}""", ErrorCode.KeyWrongType)]
    [InlineData("""{"a":[1]}""", ErrorCode.KeyWrongType)]
    [InlineData("""{"a":"x","a":"x"}""", ErrorCode.DuplicateField)]
    [InlineData("""{"a":"x","\u0061":"y"}""", ErrorCode.DuplicateField)]
    [InlineData("""{"a":"\ud800"}""", ErrorCode.InvalidUtf8)]
    [InlineData("""{"a":12345678901234567890123456789}""", ErrorCode.NumberTooLong)]
    public void What_cannot_be_a_key_is_refused(string json, ErrorCode expected)
    {
        (ErrorCode? error, _) = Analyze("""{"key":"a"}""", json);
        Assert.Equal(expected, error);
    }

    private static string KeyOf(string definition, string json)
    {
        (ErrorCode? error, string key) = Analyze(definition, json);
        Assert.Null(error);
        return key;
    }

    private static (ErrorCode? Error, string Key) Analyze(string definition, string json)
    {
        StreamPlan plan = StreamPlan.For(StreamDefinition.Parse(Encoding.UTF8.GetBytes(definition)), new KeyedHash(1, 2), ColumnSet.Empty);
        var scratch = new EventScratch();
        EventAnalysis analysis = default;
        ErrorCode? error = plan.Analyze(Encoding.UTF8.GetBytes(json), default, 0, scratch.Cells(plan.Columns.Count), scratch, ref analysis);
        return (error, Encoding.UTF8.GetString(scratch.Key.AsSpan(0, Math.Max(analysis.KeyLength, 0))));
    }

    private static string PathOf(string relative)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Weir.slnx")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder!.FullName, relative);
    }
}
