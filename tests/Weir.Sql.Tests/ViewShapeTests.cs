using Weir.Core;

namespace Weir.Sql.Tests;

public sealed class ViewShapeTests
{
    [Fact]
    public void Columns_without_an_alias_are_called_by_their_path_and_aggregates_by_function_and_path()
    {
        ViewShape shape = Shape("SELECT user.country, items[0].id, ce.type, _key, count(*), count(a), sum(user.points) FROM s GROUP BY user.country, items[0].id, ce.type, _key");

        Assert.Equal(
            ["user_country", "items_0_id", "ce_type", "_key", "count", "count_a", "sum_user_points"],
            shape.Columns.Select(column => column.Name));
        Assert.Equal([0, 1, 2, 3], shape.KeyColumns);
    }

    [Fact]
    public void Tumble_adds_the_window_bounds_that_are_not_selected()
    {
        Assert.Equal(["window_start", "window_end", "count"], Names("SELECT count(*) FROM s GROUP BY tumble(1m)"));
        Assert.Equal(["window_end", "minute", "count"], Names("SELECT window_start AS minute, count(*) FROM s GROUP BY tumble(1m)"));
        Assert.Equal(["count", "window_end", "window_start"], Names("SELECT count(*), window_end, window_start FROM s GROUP BY tumble(1m)"));
    }

    [Fact]
    public void The_window_is_part_of_the_key_through_window_start()
    {
        ViewShape shape = Shape("SELECT choice, count(*) FROM s GROUP BY choice, tumble(1m)");

        Assert.Equal([2, 0], shape.KeyColumns);
        Assert.Equal([ColumnPath.Field("choice"), ColumnPath.Of(ColumnRoot.Time)], shape.RecordColumns);
    }

    [Fact]
    public void An_alias_wins_in_HAVING_and_ORDER_BY_and_the_column_elsewhere()
    {
        ViewShape shape = Shape("SELECT team, sum(points) AS points FROM s WHERE points > 3 GROUP BY team HAVING points > 10 ORDER BY points, max(points)");

        Assert.Equal("sum(points) > 10", shape.Having?.ToString());
        Assert.Equal(["sum(points)", "max(points)"], shape.OrderBy.Select(item => item.Value.ToString()));
        Assert.Equal("points > 3", shape.Query.Where?.ToString());
        Assert.Equal([ColumnPath.Field("team"), ColumnPath.Field("points")], shape.RecordColumns);
    }

    [Fact]
    public void Each_aggregate_is_kept_once_wherever_it_is_used()
    {
        ViewShape shape = Shape("SELECT a, count(*) AS n, sum(x) FROM s GROUP BY a HAVING count(*) > 1 AND max(x) < 5 ORDER BY n, sum(x), min(y)");

        Assert.Equal(["count(*)", "sum(x)", "max(x)", "min(y)"], shape.Aggregates.Select(aggregate => aggregate.ToString()));
    }

    [Fact]
    public void Without_GROUP_BY_there_is_no_key()
    {
        Assert.Empty(Shape("SELECT count(*), avg(x) FROM s").KeyColumns);
    }

    [Theory]
    [InlineData("SELECT a, count(*) FROM s", 8, "a in SELECT is neither an aggregate nor in GROUP BY.")]
    [InlineData("SELECT a AS b, count(*) FROM s GROUP BY b", 8, "GROUP BY takes columns, not aliases: write GROUP BY a.")]
    [InlineData("SELECT count(*) FROM s GROUP BY a", 33, "a is in GROUP BY but not selected: add it to SELECT, because a row is recognised by it.")]
    [InlineData("SELECT a, count(*) FROM s GROUP BY a, a", 39, "this column is in GROUP BY twice.")]
    [InlineData("SELECT count(*) FROM s WHERE count(*) > 1", 30, "count(*) cannot be in WHERE, which looks at single events: use HAVING.")]
    [InlineData("SELECT count(*) FROM s WHERE NOT (a = 1 OR sum(b) IS NULL)", 44, "sum(b) cannot be in WHERE, which looks at single events: use HAVING.")]
    [InlineData("SELECT count(*), count(*) FROM s", 18, "two columns are called count: give one another name with AS.")]
    [InlineData("SELECT a AS x, sum(b) AS x FROM s GROUP BY a", 16, "two columns are called x: give one another name with AS.")]
    [InlineData("SELECT a AS window_end, count(*) FROM s GROUP BY a, tumble(1m)", 8, "two columns are called window_end: give one another name with AS.")]
    [InlineData("SELECT window_start, count(*) FROM s", 8, "window_start needs tumble in GROUP BY; a field of that name is written \"window_start\" in double quotes.")]
    [InlineData("SELECT count(*) FROM s WHERE window_start = '2026' GROUP BY tumble(1m)", 30, "window_start is not a column of an event and cannot be in WHERE; a field of that name is written \"window_start\" in double quotes.")]
    [InlineData("SELECT count(*) FROM s GROUP BY tumble(1m), tumble(1h)", 45, "a query has at most one tumble.")]
    [InlineData("SELECT a, count(*) FROM s GROUP BY a HAVING b > 1", 45, "b in HAVING is neither an aggregate nor in GROUP BY.")]
    [InlineData("SELECT a, count(*) FROM s GROUP BY a ORDER BY b", 47, "b in ORDER BY is neither an aggregate nor in GROUP BY.")]
    public void A_query_without_meaning_is_told_where_and_why(string text, int column, string problem)
    {
        SqlException error = Assert.Throws<SqlException>(() => Shape(text));

        Assert.Equal((ErrorCode.SqlInvalid, 1, column, $"line 1, column {column}: {problem}"), (error.Code, error.Line, error.Column, error.Message));
    }

    private static ViewShape Shape(string text) => ViewQuery.Parse(text).Check();

    private static IEnumerable<string> Names(string text) => Shape(text).Columns.Select(column => column.Name);
}
