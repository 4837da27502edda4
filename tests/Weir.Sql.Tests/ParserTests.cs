using System.Text;
using Weir.Core;

namespace Weir.Sql.Tests;

public sealed class ParserTests
{
    [Fact]
    public void A_query_with_every_clause()
    {
        ViewQuery query = ViewQuery.Parse(
            "SELECT to AS country, sum(points) AS total, min(a.b[2].\"c d\") FROM eurovision WHERE year >= 1975 AND ce.type LIKE 'v%' "
            + "GROUP BY to, tumble(time, 1m) HAVING total > 10 ORDER BY total DESC, country ASC LIMIT 10");

        Assert.Equal(
            new ViewQuery
            {
                Select =
                [
                    new SelectItem(Column("to"), "country"),
                    new SelectItem(new AggregateOperand(AggregateFunction.Sum, ColumnPath.Field("points")), "total"),
                    new SelectItem(
                        new AggregateOperand(
                            AggregateFunction.Min,
                            new ColumnPath(ColumnRoot.Field, [PathStep.Member("a"), PathStep.Member("b"), PathStep.Element(2), PathStep.Member("c d")])),
                        null),
                ],
                From = "eurovision",
                Where = new AndCondition(
                [
                    new CompareCondition(Column("year"), CompareOperator.GreaterOrEqual, new NumberOperand(Exact.FromInteger(1975))),
                    new LikeCondition(new ColumnOperand(new ColumnPath(ColumnRoot.CloudEvent, [PathStep.Member("type")])), "v%", Negated: false),
                ]),
                GroupBy = [new GroupColumn(ColumnPath.Field("to")), new GroupTumble(ColumnPath.Field("time"), 60_000)],
                Having = new CompareCondition(Column("total"), CompareOperator.Greater, new NumberOperand(Exact.FromInteger(10))),
                OrderBy = [new OrderItem(Column("total"), Descending: true), new OrderItem(Column("country"), Descending: false)],
                Limit = 10,
            },
            query);
    }

    [Fact]
    public void Every_word_that_is_not_reserved_is_a_name()
    {
        ViewQuery query = ViewQuery.Parse("SELECT count(*) AS count, tumble, year, uniques, date FROM table GROUP BY tumble, year, uniques, date");

        Assert.Equal(["count", "tumble", "year", "uniques", "date"], query.Select.Select(item => item.OutputName));
    }

    [Fact]
    public void Names_are_case_sensitive()
    {
        Assert.NotEqual(ViewQuery.Parse("SELECT count(A) FROM s"), ViewQuery.Parse("SELECT count(a) FROM s"));
    }

    [Theory]
    [InlineData("", 1, 1, "SELECT", "the end of the text")]
    [InlineData("SELECT", 1, 7, "a column or an aggregate", "the end of the text")]
    [InlineData("SELECT * FROM s", 1, 8, "a column or an aggregate", "'*'")]
    [InlineData("SELECT a\nFROM s\n  WHERE", 3, 8, "a column, an aggregate or a value", "the end of the text")]
    [InlineData("SELECT a b FROM s", 1, 10, "FROM", "the name b")]
    [InlineData("SELECT from FROM s", 1, 8, "a column or an aggregate", "the reserved word FROM (as a name it is written \"from\" in double quotes)")]
    [InlineData("SELECT a FROM web-access", 1, 18, "a name, a value or an operator", "'-'")]
    [InlineData("SELECT a FROM s WHERE a", 1, 24, "a comparison (=, <>, <, <=, >, >=), IN, LIKE or IS", "the end of the text")]
    [InlineData("SELECT a FROM s WHERE a NOT 1", 1, 29, "IN or LIKE", "the number 1")]
    [InlineData("SELECT a FROM s WHERE a IN ()", 1, 29, "a number, a 'string', TRUE, FALSE or NULL", "')'")]
    [InlineData("SELECT a FROM s WHERE a LIKE b", 1, 30, "a pattern in quotes: 'a%'", "the name b")]
    [InlineData("SELECT a FROM s WHERE a IS 1", 1, 28, "NULL", "the number 1")]
    [InlineData("SELECT a FROM s WHERE (a = 1", 1, 29, "')'", "the end of the text")]
    [InlineData("SELECT a FROM s WHERE a = 1 b", 1, 29, "AND, OR, GROUP BY, HAVING, ORDER BY, LIMIT or the end of the text", "the name b")]
    [InlineData("SELECT a FROM s GROUP a", 1, 23, "BY", "the name a")]
    [InlineData("SELECT a FROM s LIMIT 0", 1, 23, "a whole number from 1 to 1000000", "the number 0")]
    [InlineData("SELECT a FROM s LIMIT 1 ORDER BY a", 1, 25, "the end of the text", "the reserved word ORDER (as a name it is written \"order\" in double quotes)")]
    [InlineData("SELECT a FROM s GROUP BY tumble(5)", 1, 33, "a duration such as 500ms, 10s, 1m, 1h or 1d", "the number 5")]
    [InlineData("SELECT a FROM s GROUP BY tumble(5y)", 1, 33, "a duration such as 500ms, 10s, 1m, 1h or 1d", "the duration 5y")]
    [InlineData("SELECT a FROM s GROUP BY tumble(0s)", 1, 33, "a duration from 1ms to 3660d", "the duration 0s")]
    [InlineData("SELECT a FROM s GROUP BY tumble(3661d)", 1, 33, "a duration from 1ms to 3660d", "the duration 3661d")]
    [InlineData("SELECT a FROM s GROUP BY session(a)", 1, 26, "a column or tumble(…)", "the name session")]
    [InlineData("SELECT median(a) FROM s", 1, 8, "a column or one of the functions count, sum, min, max, avg, first, latest", "the name median")]
    [InlineData("SELECT sum(*) FROM s", 1, 12, "a column", "'*'")]
    [InlineData("SELECT sum(max(a)) FROM s", 1, 12, "a column: aggregates cannot be nested", "the name max")]
    [InlineData("SELECT count(1) FROM s", 1, 14, "a column or *", "the number 1")]
    [InlineData("SELECT ce FROM s", 1, 11, "'.'", "the reserved word FROM (as a name it is written \"from\" in double quotes)")]
    [InlineData("SELECT a[-1] FROM s", 1, 10, "an index from 0 to 2147483647", "the number -1")]
    [InlineData("SELECT \"\" FROM s", 1, 8, "a column or an aggregate that is not empty", "the name \"\"")]
    [InlineData("SELECT a FROM s WHERE a = 'x", 1, 29, "a closing '", "the end of the text; the quote was opened at line 1, column 27")]
    [InlineData("SELECT a FROM s WHERE a = 1e400", 1, 27, "a number within ±1.7e29 with at most 9 digits after the point", "the number 1e400")]
    [InlineData("SELECT a FROM s WHERE a = 0.0000000001", 1, 27, "a number within ±1.7e29 with at most 9 digits after the point", "the number 0.0000000001")]
    [InlineData("SELECT '𝒳' FROM s", 1, 8, "a column or an aggregate", "the string '𝒳'")]
    [InlineData("SELECT \"𝒳\", # FROM s", 1, 13, "a name, a value or an operator", "'#'")]
    [InlineData("SELECT a\u0000 FROM s", 1, 9, "a name, a value or an operator", "the control character U+0000")]
    public void An_error_names_line_column_what_was_expected_and_what_was_found(string text, int line, int column, string expected, string found)
    {
        SqlException error = Assert.Throws<SqlException>(() => ViewQuery.Parse(text));

        Assert.Equal((ErrorCode.SqlSyntax, line, column, expected, found), (error.Code, error.Line, error.Column, error.Expected, error.Found));
        Assert.Equal($"line {line}, column {column}: expected {expected}, found {found}.", error.Message);
    }

    [Theory]
    [InlineData("SELECT uniques(user) FROM s", 8, "uniques")]
    [InlineData("SELECT count(*) FROM s GROUP BY hop(1m, 10s)", 33, "hop")]
    [InlineData("SELECT count(*) FROM s GROUP BY tumble(time, 1m, 10s)", 48, "lateness")]
    [InlineData("SELECT count(*) FROM s GROUP BY tumble(time, 1m lateness 10s)", 49, "lateness")]
    [InlineData("SELECT driver, latest(position) TTL 30s FROM s GROUP BY driver", 33, "TTL")]
    [InlineData("SELECT driver, latest(position TTL 30s) FROM s GROUP BY driver", 32, "TTL")]
    [InlineData("SELECT count(*) FROM s TTL 30s", 24, "TTL")]
    public void What_is_not_supported_yet_says_so_under_its_own_code(string text, int column, string part)
    {
        SqlException error = Assert.Throws<SqlException>(() => ViewQuery.Parse(text));

        Assert.Equal((ErrorCode.SqlNotSupportedYet, 1, column, part), (error.Code, error.Line, error.Column, error.Found));
        Assert.Equal($"line 1, column {column}: {part} is not supported yet.", error.Message);
    }

    [Fact]
    public void Nesting_is_bounded_at_64_levels()
    {
        string Nested(int levels, string open, string close) =>
            "SELECT count(*) FROM s WHERE " + string.Concat(Enumerable.Repeat(open, levels)) + "a = 1" + string.Concat(Enumerable.Repeat(close, levels));

        ViewQuery.Parse(Nested(63, "(", ")"));
        ViewQuery.Parse(Nested(63, "NOT ", ""));
        Assert.Equal(ErrorCode.SqlTooLarge, Assert.Throws<SqlException>(() => ViewQuery.Parse(Nested(64, "(", ")"))).Code);
        Assert.Equal(ErrorCode.SqlTooLarge, Assert.Throws<SqlException>(() => ViewQuery.Parse(Nested(64, "NOT ", ""))).Code);
        Assert.Equal(ErrorCode.SqlTooLarge, Assert.Throws<SqlException>(() => ViewQuery.Parse(Nested(20_000, "(", ")"))).Code);
    }

    [Fact]
    public void A_long_chain_of_AND_is_not_nesting()
    {
        string chain = string.Join(" AND ", Enumerable.Repeat("a=1", 5_000));

        ViewQuery query = ViewQuery.Parse("SELECT count(*) FROM s WHERE " + chain);

        Assert.Equal(5_000, Assert.IsType<AndCondition>(query.Where).Terms.Count);
    }

    [Fact]
    public void Text_items_and_path_steps_are_bounded()
    {
        string[] tooLarge =
        [
            "SELECT count(*) FROM s WHERE a = '" + new string('x', ViewQuery.MaxTextBytes) + "'",
            "SELECT " + string.Join(',', Enumerable.Range(0, 101).Select(i => $"count(a{i})")) + " FROM s",
            "SELECT count(*) FROM s GROUP BY " + string.Join(',', Enumerable.Range(0, 17).Select(i => $"a{i}")),
            "SELECT count(*) FROM s ORDER BY " + string.Join(',', Enumerable.Range(0, 17).Select(i => $"a{i}")),
            "SELECT count(a" + string.Concat(Enumerable.Repeat(".a", 64)) + ") FROM s",
        ];

        foreach (string text in tooLarge)
        {
            Assert.Equal(ErrorCode.SqlTooLarge, Assert.Throws<SqlException>(() => ViewQuery.Parse(text)).Code);
        }

        ViewQuery.Parse("SELECT count(a" + string.Concat(Enumerable.Repeat(".a", 63)) + ") FROM s");
    }

    [Fact]
    public void Half_a_surrogate_pair_is_named_where_it_stands()
    {
        SqlException error = Assert.Throws<SqlException>(() => ViewQuery.Parse("SELECT count(*)\nFROM s WHERE a = '\ud800'"));

        Assert.Equal((2, 19, "half of a surrogate pair"), (error.Line, error.Column, error.Found));
        ViewQuery.Parse("SELECT count(*) FROM s WHERE a = '\ufffd'");
    }

    [Fact]
    public void No_text_makes_the_parser_fail_in_another_way()
    {
        string[] words = ["SELECT", "FROM", "WHERE", "GROUP BY", "tumble(", "count(*)", "a", ".", "[", "0", "]", "'x'", "\"", "(", ")", ",", "1m", "NOT", "IN", "=", "-", "1e", "ce", "\ud800", "LIKE", "IS", "AS", "LIMIT", "ORDER BY"];
        Random random = new(20261120);
        for (int i = 0; i < 20_000; i++)
        {
            StringBuilder text = new(i % 2 == 0 ? "SELECT " : "");
            for (int length = random.Next(12); length > 0; length--)
            {
                text.Append(words[random.Next(words.Length)]).Append(random.Next(4) == 0 ? "" : " ");
            }

            try
            {
                ViewQuery.Parse(text.ToString()).Check();
            }
            catch (SqlException error)
            {
                Assert.True(error.Line >= 1 && error.Column >= 1, text.ToString());
            }
        }
    }

    private static ColumnOperand Column(string name) => new(ColumnPath.Field(name));
}
