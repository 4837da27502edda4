using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Weir.Core;

namespace Weir.Engine.Tests;

/// <summary>Keys, identities and columns; the golden vectors are those of docs/internals/keys.md.</summary>
public sealed class CanonicalKeyTests
{
    private static readonly KeyedHash Hash = new(1, 2);

    public static TheoryData<string, string, string, int, int, int, int> Vectors
    {
        get
        {
            var vectors = new TheoryData<string, string, string, int, int, int, int>();
            foreach (string[] row in Rows(columns: 7))
            {
                int[] partitions = [.. row[3..].Select(cell => int.Parse(cell, CultureInfo.InvariantCulture))];
                vectors.Add(row[0], row[1], row[2], partitions[0], partitions[1], partitions[2], partitions[3]);
            }

            return vectors;
        }
    }

    public static TheoryData<string, ErrorCode> Refusals
    {
        get
        {
            var refusals = new TheoryData<string, ErrorCode>();
            foreach (string[] row in Rows(columns: 2))
            {
                refusals.Add(row[0], Enum.Parse<ErrorCode>(row[1]));
            }

            return refusals;
        }
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void The_key_and_its_partition_are_those_of_the_page(string key, string text, string hex, int murmur4, int crc4, int murmur12, int crc12)
    {
        StreamPlan plan = Plan($$"""{"key":[{{string.Join(',', key.Split(' ').Select(name => $"\"{name}\""))}}]}""");

        (ErrorCode? error, byte[]? bytes, _) = Analyze(plan, text, EventHeaders.None);

        Assert.Null(error);
        Assert.Equal(hex, Convert.ToHexStringLower(bytes!));
        Assert.Equal(murmur4, Partitioner.PartitionOf(PartitionerKind.Murmur2, bytes, 4));
        Assert.Equal(crc4, Partitioner.PartitionOf(PartitionerKind.Crc32, bytes, 4));
        Assert.Equal(murmur12, Partitioner.PartitionOf(PartitionerKind.Murmur2, bytes, 12));
        Assert.Equal(crc12, Partitioner.PartitionOf(PartitionerKind.Crc32, bytes, 12));
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void What_is_no_key_is_refused_as_the_page_says(string text, ErrorCode error)
    {
        Assert.Equal(error, Analyze(Plan("""{"key":"user"}"""), text, EventHeaders.None).Error);
        Assert.Equal(error, Analyze(Plan("""{"key":["user","user"]}"""), text, EventHeaders.None).Error);
    }

    [Fact]
    public void The_page_has_its_tables() => Assert.True(Vectors.Count >= 30 && Refusals.Count >= 14);

    [Theory]
    [InlineData(8, 8, true)]
    [InlineData(8, 9, false)]
    public void A_key_may_be_as_long_as_its_limit_and_not_a_byte_longer(int limit, int length, bool fits)
    {
        string text = $$"""{"user":"{{new string('x', length)}}"}""";
        string listed = $$"""{"user":"{{new string('x', length - 4)}}"}""";

        Assert.Equal(fits ? null : ErrorCode.KeyTooLong, Analyze(Plan($$"""{"key":"user","limits":{"key_bytes":{{limit}} } }"""), text, EventHeaders.None).Error);
        Assert.Equal(fits ? null : ErrorCode.KeyTooLong, Analyze(Plan($$"""{"key":["user"],"limits":{"key_bytes":{{limit}} } }"""), text, EventHeaders.None).Error);

        // In a list brackets, quotes and comma belong to the key: ["xxxx",1] has five bytes beside the text and the digit.
        StreamPlan list = Plan($$"""{"key":["user","n"],"limits":{"key_bytes":{{limit + 2}} } }""");
        Assert.Equal(fits ? null : ErrorCode.KeyTooLong, Analyze(list, listed.Replace("}", ",\"n\":1}", StringComparison.Ordinal), EventHeaders.None).Error);
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(9, false)]
    public void An_id_may_be_as_long_as_its_limit_wherever_it_comes_from(int length, bool fits)
    {
        StreamPlan plan = Plan("""{"id":"id","limits":{"id_bytes":8}}""");
        string id = new('x', length);
        ErrorCode? expected = fits ? null : ErrorCode.IdTooLong;

        Assert.Equal(expected, Analyze(plan, $$"""{"id":"{{id}}"}""", EventHeaders.None).Error);
        Assert.Equal(expected, Analyze(plan, $$"""{"id":"{{string.Concat(Enumerable.Repeat("\\u0078", length))}}"}""", EventHeaders.None).Error);
        Assert.Equal(expected, Analyze(plan, "{}", EventHeaders.From([new("id", id)])).Error);
        Assert.Equal(expected, Analyze(plan, "{}", EventHeaders.FromIdempotencyKey(id, null)).Error);

        // ["s","xxxx"] has eight bytes beside the id.
        StreamPlan wider = Plan("""{"id":"id","limits":{"id_bytes":12} }""");
        Assert.Equal(expected, Analyze(wider, "{}", EventHeaders.From([new("ce_source", "s"), new("ce_id", new string('x', length - 4))])).Error);
    }

    [Fact]
    public void The_first_source_of_identity_that_is_there_wins_and_sources_never_meet()
    {
        StreamPlan plan = Plan("""{"id":"id"}""");
        KeyValuePair<string, string>[] all = [new("idempotency-key", "k"), new("id", "h"), new("ce_source", "s"), new("ce_id", "c")];

        Assert.Equal("fv", Identity(plan, """{"id":"v"}""", all));
        Assert.Equal("f7", Identity(plan, """{"id":7.0}""", all));
        Assert.Equal("c[\"s\",\"c\"]", Identity(plan, """{"id":null}""", all));
        Assert.Equal("hh", Identity(plan, "{}", all[..2]));
        Assert.Equal("hh", Identity(plan, "{}", [.. all[..2], new("ce_id", "without a source")]));
        Assert.Equal("kk", Identity(plan, "{}", all[..1]));
        Assert.Equal("kkey/3", Analyze(plan, "{}", EventHeaders.FromIdempotencyKey("key", 3)).Identity);
        Assert.Equal(ErrorCode.IdMissing, Analyze(plan, "{}", EventHeaders.None).Error);
        Assert.Equal(ErrorCode.IdWrongType, Analyze(plan, """{"id":{}}""", EventHeaders.From(all)).Error);
        Assert.Equal(ErrorCode.IdMissing, Analyze(plan, """{"id":""}""", EventHeaders.From(all)).Error);
        Assert.Equal(ErrorCode.DuplicateField, Analyze(plan, """{"id":1,"id":1}""", EventHeaders.None).Error);
    }

    [Theory]
    [InlineData("""{"id":"id"}""", "v")]
    [InlineData("""{"id":"id","delivery":"at-least-once"}""", "v")]
    [InlineData("""{"delivery":"exactly-once"}""", "h")]
    [InlineData("""{}""", null)]
    [InlineData("""{"id":"id","key":"user"}""", "ada")]
    public void Without_a_key_the_identity_is_the_key_and_without_both_there_is_none(string definition, string? key)
    {
        (ErrorCode? error, byte[]? bytes, _) = Analyze(Plan(definition), """{"id":"v","user":"ada"}""", EventHeaders.From([new("id", "h")]));

        Assert.Null(error);
        Assert.Equal(key, bytes is null ? null : Encoding.UTF8.GetString(bytes));
    }

    [Fact]
    public async Task Columns_extracted_at_ingest_are_those_extracted_at_replay()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":3,"key":["user","n"],"id":"id","on-invalid":"dead-letter","fields":{"amount":"decimal(10,2)"},"limits":{"key_bytes":30,"depth":4}}""");
        stream.AddColumns([Weir.Sql.ColumnPath.Parse("deep.a[1]"), Weir.Sql.ColumnPath.Parse("ce.type"), Weir.Sql.ColumnPath.Field("amount")]);
        Gen<string> values = Gen.Elements("1", "-0.50", "\"ada\"", "\"\\u0061da\"", "\"\"", "null", "true", "{\"a\":[1,\"x\"]}", "[[[]]]", "\"" + new string('y', 40) + "\"", "1e40");
        Gen<string> events = Gen.OneOf(
            from user in values from n in values from id in values from amount in values from deep in values select $"{{\"user\":{user},\"n\":{n},\"id\":{id},\"amount\":{amount},\"deep\":{deep}}}",
            Gen.Elements("not json", "[]", "{", "{}", "{\"user\":1,\"user\":2}"));
        Gen<EventHeaders> headers = Gen.Elements(EventHeaders.None, EventHeaders.FromIdempotencyKey("k", 1), EventHeaders.From([new("ce_type", "vote"), new("ce_source", "s"), new("ce_id", "1")]));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(40), Prop.ForAll((from one in events from header in headers select (one, header)).ArrayOf().ToArbitrary(), all =>
        {
            using IngestBatch batch = stream.NewBatch();
            foreach ((string one, EventHeaders header) in all)
            {
                batch.Add(Encoding.UTF8.GetBytes(one), header);
            }

            batch.SubmitAsync().AsTask().GetAwaiter().GetResult();
            foreach (PartitionBatch part in batch.Parts)
            {
                var again = new ColumnBatch();
                part.Columns.Plan.Extract(part.Writer.Memory, again, new EventScratch());
                Assert.Equal(part.Columns.RecordCount, again.RecordCount);
                for (int record = 0; record < again.RecordCount; record++)
                {
                    Assert.Equal(part.Columns.Inputs[record], again.Inputs[record]);
                    Assert.Equal(part.Columns.HasKey(record), again.HasKey(record));
                    Assert.True(part.Columns.KeyOf(record).SequenceEqual(again.KeyOf(record)));
                    Assert.True(part.Columns.ValueOf(record).SequenceEqual(again.ValueOf(record)));
                    for (int column = 0; column < part.Columns.Plan.Columns.Count; column++)
                    {
                        Assert.Equal(part.Columns.GetCell(record, column), again.GetCell(record, column));
                    }
                }
            }
        }));
    }

    private static StreamPlan Plan(string definition) => StreamPlan.For(StreamDefinition.Parse(Encoding.UTF8.GetBytes(definition)), Hash, ColumnSet.Empty);

    private static string? Identity(StreamPlan plan, string text, IReadOnlyList<KeyValuePair<string, string>> headers) => Analyze(plan, text, EventHeaders.From(headers)).Identity;

    private static (ErrorCode? Error, byte[]? Key, string? Identity) Analyze(StreamPlan plan, string text, EventHeaders headers)
    {
        var scratch = new EventScratch();
        EventAnalysis analysis = default;
        ErrorCode? error = plan.Analyze(Encoding.UTF8.GetBytes(text), headers.Wire, headers.Count, scratch.Cells(plan.Columns.Count), scratch, ref analysis);
        return (error, error is null && analysis.KeyLength >= 0 ? scratch.Key[..analysis.KeyLength] : null, error is null && analysis.IdentityLength > 0 ? Encoding.UTF8.GetString(scratch.Identity, 0, analysis.IdentityLength) : null);
    }

    /// <summary>The rows of the page's tables that have so many columns and begin with code, backquotes taken off.</summary>
    private static IEnumerable<string[]> Rows(int columns) =>
        from line in File.ReadLines(Path.Combine(Root, "docs", "internals", "keys.md"))
        where line.StartsWith("| `", StringComparison.Ordinal)
        let cells = line.Trim('|').Split('|').Select(cell => cell.Trim().Trim('`')).ToArray()
        where cells.Length == columns
        select cells;

    private static string Root
    {
        get
        {
            string at = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(at, "Weir.slnx")))
            {
                at = Path.GetDirectoryName(at)!;
            }

            return at;
        }
    }
}
