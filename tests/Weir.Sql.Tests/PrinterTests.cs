using FsCheck;
using FsCheck.Fluent;

namespace Weir.Sql.Tests;

public sealed class PrinterTests
{
    [Fact]
    public void What_is_printed_parses_to_an_equal_query()
    {
        Prop.ForAll<byte[]>(choices =>
        {
            ViewQuery query = new QueryFromChoices(choices).Make();
            string text = query.ToString();
            ViewQuery parsed = ViewQuery.Parse(text);
            return (parsed == query && parsed.ToString() == text).Label(text);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000).WithEndSize(300));
    }

    [Fact]
    public void Layout_case_of_keywords_and_needless_parentheses_are_no_part_of_a_query()
    {
        ViewQuery query = ViewQuery.Parse("""
            select choice,
                   COUNT ( * ) as votes
            from votes where ((a = 1) and (not (b <> 'x')))
            group by choice ;
            """);

        Assert.Equal(
            "SELECT choice, count(*) AS votes FROM votes WHERE a = 1 AND NOT b <> 'x' GROUP BY choice",
            query.ToString());
    }

    [Theory]
    [InlineData("a = 1 OR b = 2 AND c = 3", "a = 1 OR b = 2 AND c = 3")]
    [InlineData("(a = 1 OR b = 2) AND c = 3", "(a = 1 OR b = 2) AND c = 3")]
    [InlineData("NOT (a = 1 AND b = 2)", "NOT (a = 1 AND b = 2)")]
    [InlineData("a != 1.50", "a <> 1.5")]
    [InlineData("a = 1e3", "a = 1000")]
    [InlineData("a = -0", "a = 0")]
    [InlineData("a = 007", "a = 7")]
    [InlineData("'it''s' = \"from\"", "'it''s' = \"from\"")]
    [InlineData("\"a.b\".c[0] IS NOT NULL", "\"a.b\".c[0] IS NOT NULL")]
    [InlineData("\"plain\" NOT IN (1, 'a', TRUE, FALSE, NULL)", "plain NOT IN (1, 'a', TRUE, FALSE, NULL)")]
    [InlineData("\"_key\" = _key", "\"_key\" = _key")]
    [InlineData("ce.type NOT LIKE 'a%'", "ce.type NOT LIKE 'a%'")]
    public void A_condition_has_one_canonical_text(string condition, string canonical)
    {
        Assert.Equal(
            "SELECT count(*) FROM s WHERE " + canonical,
            ViewQuery.Parse("SELECT count(*) FROM s WHERE " + condition).ToString());
    }

    [Theory]
    [InlineData("60s", "1m")]
    [InlineData("1500ms", "1500ms")]
    [InlineData("24h", "1d")]
    [InlineData("90m", "90m")]
    public void A_window_is_printed_in_the_greatest_unit_that_divides_it(string written, string canonical)
    {
        Assert.Equal(
            $"SELECT count(*) FROM s GROUP BY tumble({canonical})",
            ViewQuery.Parse($"SELECT count(*) FROM s GROUP BY tumble({written})").ToString());
    }
}
