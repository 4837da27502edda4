using System.Text;

namespace Weir.Recount.Tests;

public sealed class RecountComparisonTests
{
    [Theory]
    [InlineData("""{"g":"a","n":2}|{"g":null,"n":1}|{"g":1.50,"n":1}""", true)]
    [InlineData("""{"g":1.5,"n":1.0}| { "n" : 2, "g":"\u0061", "more":1 }|{"n":1}""", true)]
    [InlineData("""{"g":"a","n":3}|{"g":null,"n":1}|{"g":1.5,"n":1}""", false)]
    [InlineData("""{"g":"a","n":2}|{"g":1.5,"n":1}""", false)]
    [InlineData("""{"g":"a","n":2}|{"g":null,"n":1}|{"g":1.5,"n":1}|{"g":"b","n":1}""", false)]
    [InlineData("""{"g":"a","n":2}|{"g":"a","n":2}|{"g":null,"n":1}|{"g":1.5,"n":1}""", false)]
    [InlineData("""{"g":"a","n":"2"}|{"g":null,"n":1}|{"g":1.5,"n":1}""", false)]
    [InlineData("", false)]
    public void Rows_are_equal_by_value_whatever_their_order_and_spelling(string live, bool equal)
    {
        using TestStream stream = Stream();
        Assert.Equal(equal, Compare(stream, live, liveErrors: null).Equal);
    }

    [Fact]
    public void Each_difference_names_the_key_and_both_rows()
    {
        using TestStream stream = Stream();
        RecountComparison comparison = Compare(stream, """{"g":"a","n":3}|{"g":"é\n","n":1}|{"g":null,"n":1}""", liveErrors: null);
        Assert.Equal(3, comparison.RowDifferences);
        Assert.Equal(
            [
                new RowDifference("""["a"]""", """{"g":"a","n":2}""", """{"g":"a","n":3}"""),
                new RowDifference("""["é\n"]""", null, """{"g":"é\n","n":1}"""),
                new RowDifference("[1.5]", """{"g":1.5,"n":1}""", null),
            ],
            comparison.Differences);
    }

    [Fact]
    public void The_list_of_differences_is_bounded_and_their_number_is_not()
    {
        using TestStream stream = Stream();
        RecountComparison comparison = Compare(stream, string.Join('|', Enumerable.Range(10, 1_000).Select(i => $$"""{"g":{{i}},"n":1}""")), liveErrors: null);
        Assert.Equal(1_003, comparison.RowDifferences);
        Assert.Equal(RecountComparison.MaxDifferences, comparison.Differences.Count);
    }

    [Fact]
    public void Errors_have_to_agree_too()
    {
        using TestStream stream = Stream();
        const string Rows = """{"g":"a","n":2}|{"g":null,"n":1}|{"g":1.5,"n":1}""";
        Assert.True(Compare(stream, Rows, liveErrors: 1).Equal);
        Assert.False(Compare(stream, Rows, liveErrors: 0).Equal);
    }

    [Fact]
    public void The_child_prints_one_line_that_says_it_all_and_exits_by_it()
    {
        using TestStream stream = Stream();
        stream.Recount(Sql);
        string request = $$"""{"data":"{{stream.Data}}","sql":"{{Sql}}","position":"{{stream.Position}}","errors":1}""";

        (int code, string output) = Child(request + "\n" + """{"g":"a","n":2}""" + "\n\n" + """{"g":null,"n":1}""" + "\n" + """{"g":1.5,"n":1}""" + "\n");
        Assert.Equal(
            """{"equal":true,"events":6,"verdicts":{"counted":5,"replaced":0,"duplicate":0,"taken":0,"closed":0,"invalid":1},"position":"votes:0=7","rows":3,"errors":1,"different":0,"differences":[]}""" + "\n",
            output);
        Assert.Equal(RecountChild.ExitEqual, code);

        (code, output) = Child(request + "\n" + """{"g":"ä\"","n":2}""" + "\n" + """{"g":null,"n":1}""" + "\n" + """{"g":1.5,"n":1}""" + "\n");
        Assert.Contains("""
            "equal":false
            """.Trim(), output, StringComparison.Ordinal);
        Assert.Contains(""""different":2,"differences":[{"key":["ä\""],"recount":null,"live":{"g":"ä\"","n":2}},{"key":["a"],"recount":{"g":"a","n":2},"live":null}]}"""", output, StringComparison.Ordinal);
        Assert.Equal(RecountChild.ExitDifferent, code);
    }

    [Theory]
    [InlineData("", "WEIR-1307")]
    [InlineData("[]", "WEIR-1307")]
    [InlineData("{}", "WEIR-1307")]
    [InlineData("""{"data":"DATA","sql":"SELECT","position":"votes:0=1"}""", "WEIR-2001")]
    [InlineData("""{"data":"DATA","sql":"SELECT count(*) FROM votes","position":"votes"}""", "WEIR-1407")]
    [InlineData("""{"data":"/nowhere","sql":"SELECT count(*) FROM votes","position":"votes:0=1"}""", "WEIR-1401")]
    [InlineData("""{"data":"DATA","sql":"SELECT count(*) FROM votes","position":"votes:0=1","rows":"/nowhere"}""", "WEIR-1307")]
    [InlineData("""{"data":"DATA","sql":"SELECT count(*) FROM votes","position":"votes:0=1"}\nx""", "WEIR-1307")]
    public void A_child_that_cannot_count_says_why(string request, string code)
    {
        using TestStream stream = Stream();
        stream.Recount(Sql);
        (int exit, string output) = Child(request.Replace("DATA", stream.Data, StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal));
        Assert.Equal(RecountChild.ExitError, exit);
        Assert.StartsWith($$$"""{"error":{"code":"{{{code}}}","detail":""", output, StringComparison.Ordinal);
    }

    private const string Sql = "SELECT g, count(*) AS n FROM votes GROUP BY g";

    private static TestStream Stream()
    {
        var stream = new TestStream("""{"partitions":1}""");
        foreach (string g in (string[])["\"a\"", "\"a\"", "null", "1.5", "{}"])
        {
            stream.Add(null, $$"""{"g":{{g}}}""");
        }

        stream.Add(null, "[]");
        return stream;
    }

    private static RecountComparison Compare(TestStream stream, string live, long? liveErrors) => RecountComparison.Compare(
        stream.Recount(Sql),
        live.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(row => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(row)),
        liveErrors);

    private static (int Code, string Output) Child(string input)
    {
        using var output = new StringWriter { NewLine = "\n" };
        int code = RecountChild.Run(Storage.LinuxDisk.Instance, new StringReader(input), output, TimeProvider.System);
        return (code, output.ToString());
    }
}
