using System.Text.RegularExpressions;

namespace Weir.Sql.Tests;

public sealed partial class SqlPageTests
{
    [Fact]
    public void Every_query_of_the_reference_page_means_something()
    {
        List<string> queries = [.. SqlBlock().Matches(File.ReadAllText(PagePath())).Select(match => match.Groups[1].Value)];

        Assert.True(queries.Count >= 8);
        foreach (string query in queries)
        {
            ViewShape shape = ViewQuery.Parse(query).Check();
            Assert.Equal(shape.Query, ViewQuery.Parse(shape.Query.ToString()));
        }
    }

    [Fact]
    public void The_page_lists_the_reserved_words()
    {
        Match list = ReservedWords().Match(File.ReadAllText(PagePath()));

        string[] words = list.Groups[1].Value.Split(' ');
        Assert.Equal(21, words.Length);
        Assert.All(words, word => Assert.True(SqlLexer.IsReserved(word), word));
    }

    private static string PagePath()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Weir.slnx")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException("The tests run inside the repository.");
        }

        return Path.Combine(folder.FullName, "docs", "reference", "sql.md");
    }

    [GeneratedRegex("```sql\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex SqlBlock();

    [GeneratedRegex("Reserved words, in any case: `([^`]*)`")]
    private static partial Regex ReservedWords();
}
