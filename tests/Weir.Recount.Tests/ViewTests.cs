namespace Weir.Recount.Tests;

/// <summary>Views over everything that is sent, with the rows that docs/reference/sql.md promises.</summary>
public sealed class ViewTests
{
    [Fact]
    public void Without_a_group_there_is_one_row_also_before_the_first_event()
    {
        using var stream = Stream();
        const string Sql = "SELECT count(*), count(x), sum(x), avg(x), min(x), max(x), first(x), latest(x) FROM s";
        Assert.Equal(["""{"count":0,"count_x":0,"sum_x":null,"avg_x":null,"min_x":null,"max_x":null,"first_x":null,"latest_x":null}"""], stream.Rows(Sql));
        stream.Add(null, """{"x":null}""");
        stream.Add(null, "{}");
        Assert.Equal(["""{"count":2,"count_x":0,"sum_x":null,"avg_x":null,"min_x":null,"max_x":null,"first_x":null,"latest_x":null}"""], stream.Rows(Sql));
        stream.Add(null, """{"x":2.50}""");
        stream.Add(null, """{"x":1e-9}""");
        stream.Add(null, """{"x":-7}""");
        Assert.Equal(
            ["""{"count":5,"count_x":3,"sum_x":-4.499999999,"avg_x":-1.5,"min_x":-7,"max_x":2.5,"first_x":2.5,"latest_x":-7}"""],
            stream.Rows(Sql));
    }

    [Theory]
    [InlineData("1,2", "1.5")]
    [InlineData("0.000001,0", "0")]
    [InlineData("0.000003,0", "0.000002")]
    [InlineData("-0.000003,0", "-0.000002")]
    [InlineData("1,1,0", "0.666667")]
    public void An_average_is_rounded_half_to_even_at_six_digits(string values, string expected)
    {
        using var stream = Stream();
        foreach (string value in values.Split(','))
        {
            stream.Add(null, $$"""{"x":{{value}}}""");
        }

        Assert.Equal([$$"""{"mean":{{expected}}}"""], stream.Rows("SELECT avg(x) AS mean FROM s"));
    }

    [Fact]
    public void Groups_are_the_values_with_NULL_as_one_of_them_and_numbers_by_what_they_are_worth()
    {
        using var stream = Stream();
        foreach (string value in (string[])["1", "1.0", "10e-1", "\"1\"", "null", "true", "false", "\"é\\n\"", "-0", "0.0"])
        {
            stream.Add(null, $$"""{"x":{{value}}}""");
        }

        stream.Add(null, "{}");
        Assert.Equal(
            ["""{"x":"1","n":1}""", """{"x":"é\n","n":1}""", """{"x":0,"n":2}""", """{"x":1,"n":3}""", """{"x":false,"n":1}""", """{"x":null,"n":2}""", """{"x":true,"n":1}"""],
            stream.Rows("SELECT x, count(*) AS n FROM s GROUP BY x"));
    }

    [Theory]
    [InlineData("x = 1", "1")]
    [InlineData("x <> 1", "2,10")]
    [InlineData("x >= 2", "2,10")]
    [InlineData("x < '2'", "\"10\"")]
    [InlineData("x = TRUE", "true")]
    [InlineData("x < TRUE", "false")]
    [InlineData("NOT x = 1", "2,10")]
    [InlineData("x IN (1, 'b', NULL)", "1,\"b\"")]
    [InlineData("x NOT IN (1, 2)", "10")]
    [InlineData("x NOT IN (1, NULL)", "")]
    [InlineData("x LIKE '%'", "\"10\",\"a_c\",\"abc\",\"b\"")]
    [InlineData("x LIKE 'a_c'", "\"a_c\",\"abc\"")]
    [InlineData("x NOT LIKE 'a%c'", "\"10\",\"b\"")]
    [InlineData("x LIKE '%b%'", "\"abc\",\"b\"")]
    [InlineData("x IS NULL", "null")]
    [InlineData("x IS NOT NULL AND NOT (x = 1 OR x <> 1) ", "")]
    [InlineData("x = 1 OR x = 'b'", "1,\"b\"")]
    [InlineData("x = NULL OR x IS NULL", "null")]
    public void Where_keeps_what_is_true(string where, string expected)
    {
        using var stream = Stream();
        foreach (string value in (string[])["1", "2", "10", "\"10\"", "\"b\"", "\"abc\"", "\"a_c\"", "true", "false", "null"])
        {
            stream.Add(null, $$"""{"x":{{value}}}""");
        }

        string[] rows = stream.Rows($"SELECT x, count(*) AS n FROM s WHERE {where} GROUP BY x");
        Assert.Equal(expected.Split(',', StringSplitOptions.RemoveEmptyEntries).Order(), rows.Select(row => row[5..row.LastIndexOf(",\"n\"", StringComparison.Ordinal)]).Order());
    }

    [Theory]
    [InlineData("sum(x)", "\"1\"", 1)]
    [InlineData("sum(x)", "true", 1)]
    [InlineData("avg(x)", "{}", 1)]
    [InlineData("sum(x)", "1e400", 1)]
    [InlineData("sum(x)", "0.0000000001", 1)]
    [InlineData("sum(x)", "200000000000000000000000000000", 1)]
    [InlineData("count(x)", "1e400", 0)]
    [InlineData("min(x)", "true", 1)]
    [InlineData("max(x)", "\"\\udc00\"", 1)]
    [InlineData("first(x)", "1e400", 1)]
    [InlineData("latest(x)", "[1e400]", 0)]
    public void What_an_aggregate_cannot_take_leaves_the_row_out_and_is_counted(string aggregate, string value, int errors)
    {
        using var stream = Stream();
        stream.Add(null, "{\"x\":1}");
        stream.Add(null, $$"""{"x":{{value}}}""");
        Assert.Equal(errors, stream.Recount($"SELECT {aggregate} FROM s").Errors);
        Assert.Equal([$$"""{"n":{{2 - errors}}}"""], [.. stream.Rows($"SELECT count(*) AS n, {aggregate} AS a FROM s").Select(row => row[..row.IndexOf(',', StringComparison.Ordinal)] + "}")]);
    }

    [Fact]
    public void An_error_in_a_condition_is_an_error_even_where_the_rest_decides()
    {
        using var stream = Stream();
        stream.Add(null, """{"x":1e400,"y":1}""");
        Assert.Equal(1, stream.Recount("SELECT count(*) FROM s WHERE y = 2 AND x > 1").Errors);
        Assert.Equal(1, stream.Recount("SELECT count(*) FROM s WHERE y = 1 OR x > 1").Errors);
        Assert.Equal(0, stream.Recount("SELECT count(*) FROM s WHERE y = 2 AND x > 'a'").Errors);
        Assert.Equal(0, stream.Recount("SELECT sum(x) FROM s WHERE y = 2").Errors);
    }

    [Fact]
    public void Least_and_greatest_take_the_kind_of_the_first_value_in_the_partition_and_numbers_come_before_strings_across()
    {
        using var stream = Stream(partitions: 2);
        stream.Add(null, """{"x":5}""", 0);
        stream.Add(null, """{"x":"a"}""", 0);
        stream.Add(null, """{"x":"b"}""", 1);
        stream.Add(null, """{"x":"c"}""", 1);
        stream.Add(null, """{"x":1}""", 1);
        RecountResult result = stream.Recount("SELECT count(*) AS n, min(x) AS least, max(x) AS greatest FROM s");
        Assert.Equal(["""{"n":3,"least":5,"greatest":"c"}"""], result.JsonRows());
        Assert.Equal(2, result.Errors);
    }

    [Fact]
    public void First_and_latest_go_by_append_time_then_partition_then_offset()
    {
        using var stream = Stream(partitions: 2);
        stream.At(1_700_000_200_000);
        stream.Add(null, """{"x":"zero"}""", 0);
        stream.At(1_700_000_100_000);
        stream.Add(null, """{"x": { "a" : [ 1, "b c" ] } }""", 1);
        stream.At(1_700_000_200_000);
        stream.Add(null, """{"x":"one"}""", 1);
        stream.At(1_700_000_200_000);
        stream.AddBatch(0, (null, "{\"x\":\"two\"}"u8.ToArray(), []), (null, "{\"x\":null}"u8.ToArray(), []));
        Assert.Equal(
            ["""{"f":{"a":[1,"b c"]},"l":"one"}"""],
            stream.Rows("SELECT first(x) AS f, latest(x) AS l FROM s"));
    }

    [Fact]
    public void Windows_are_aligned_and_shown_in_UTC()
    {
        using var stream = Stream();
        stream.Add(null, """{"t":"2026-11-20T21:00:59.999+01:00"}""");
        stream.Add(null, """{"t":"2026-11-20T20:00:00Z"}""");
        stream.Add(null, """{"t":1795204860000}""");
        stream.Add(null, """{"t":-1}""");
        stream.Add(null, """{"t":"2026-11-20 20:00:00Z"}""");
        stream.Add(null, """{"t":1.5}""");
        stream.Add(null, """{"t":null}""");
        stream.Add(null, """{"t":1e18}""");
        RecountResult result = stream.Recount("SELECT count(*) AS n FROM s GROUP BY tumble(t, 1m)");
        Assert.Equal(
            [
                """{"window_start":"1969-12-31T23:59:00Z","window_end":"1970-01-01T00:00:00Z","n":1}""",
                """{"window_start":"2026-11-20T20:00:00Z","window_end":"2026-11-20T20:01:00Z","n":2}""",
                """{"window_start":"2026-11-20T20:01:00Z","window_end":"2026-11-20T20:02:00Z","n":1}""",
            ],
            result.JsonRows());
        Assert.Equal(4, result.Errors);
        Assert.Equal(
            """{"minute":"1969-12-31T23:59:59.500Z","n":1,"window_end":"1970-01-01T00:00:00.000Z"}""",
            stream.Rows("SELECT window_start AS minute, count(*) AS n, window_end FROM s GROUP BY tumble(t, 500ms)")[0]);
    }

    [Fact]
    public void Windows_of_the_append_time_need_no_column()
    {
        using var stream = Stream();
        stream.At(1_700_000_040_000);
        stream.Add(null, "{}");
        stream.Add(null, "{}");
        Assert.Equal(
            ["""{"window_start":"2023-11-14T22:14:00Z","window_end":"2023-11-14T22:15:00Z","n":2}"""],
            stream.Rows("SELECT count(*) AS n FROM s GROUP BY tumble(1m)"));
    }

    [Fact]
    public void Only_the_newest_windows_are_kept()
    {
        using var stream = Stream(partitions: 2);
        for (int i = 0; i < 6; i++)
        {
            stream.Add(null, $$"""{"t":{{i * 1000}},"g":1}""", i % 2);
        }

        stream.Add(null, """{"t":0,"g":1}""", 1);
        stream.Add(null, """{"t":5500,"g":2}""", 0);
        Assert.Equal(
            ["04 1", "05 1", "05 2"],
            stream.Rows("SELECT window_start AS w, window_end AS e, g, count(*) AS n FROM s GROUP BY tumble(t, 1s), g", keepWindows: 2)
                .Select(row => row[23..25] + " " + row[row.IndexOf("\"g\":", StringComparison.Ordinal) + 4]));
    }

    [Fact]
    public void Having_order_and_limit_work_on_rows_and_the_group_key_breaks_ties()
    {
        using var stream = Stream();
        foreach (string g in (string[])["b", "b", "a", "a", "c", "c", "c", "d"])
        {
            stream.Add(null, $$"""{"g":"{{g}}"}""");
        }

        stream.Add(null, """{"g":null}""");
        stream.Add(null, """{"g":null}""");
        Assert.Equal(
            ["""{"g":"c","n":3}""", """{"g":"a","n":2}""", """{"g":"b","n":2}"""],
            stream.Rows("SELECT g, count(*) AS n FROM s GROUP BY g HAVING n > 1 ORDER BY n DESC LIMIT 3"));
        Assert.Equal(
            ["\"d\"", "\"c\"", "\"b\"", "\"a\"", "null"],
            stream.Rows("SELECT g, count(*) AS n FROM s GROUP BY g ORDER BY g DESC").Select(row => row[5..row.IndexOf(',', StringComparison.Ordinal)]));
    }

    [Fact]
    public void Metadata_and_paths_are_columns()
    {
        using var stream = Stream(partitions: 2);
        stream.At(1_700_000_012_345);
        stream.Add("k", """{"a":{"b c":[{"d":7}]},"from":"x"}""", 1, ("ce_type", "vote"), ("ce_type", "second"), ("other", "1"));
        Assert.Equal(
            ["""{"_key":"k","_time":1700000012345,"_partition":1,"_offset":1,"ce_type":"vote","ce_none":null,"d":7,"from":"x","count":1}"""],
            stream.Rows("""SELECT _key, _time, _partition, _offset, ce.type, ce.none, a."b c"[0].d AS d, "from", count(*) FROM s GROUP BY _key, _time, _partition, _offset, ce.type, ce.none, a."b c"[0].d, "from" """));
    }

    [Fact]
    public void A_column_that_is_there_twice_is_an_error_of_the_view_not_of_the_event()
    {
        using var stream = Stream();
        stream.Add(null, """{"x":1,"x":1}""");
        RecountResult result = stream.Recount("SELECT sum(x) FROM s");
        Assert.Equal((1, 1), (result.Verdicts.Counted, result.Errors));
        Assert.Equal(0, stream.Recount("SELECT count(*) FROM s").Errors);
    }

    private static TestStream Stream(int partitions = 1) => new($$"""{"partitions":{{partitions}}}""", partitions, "s");
}
