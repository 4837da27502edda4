using System.Xml.Linq;

namespace Weir.Docs.Tests;

/// <summary>References point one way (ARCHITECTURE.md, "The projects"). A new one is a decision: it is written here as well.</summary>
public sealed class ProjectReferencesTests
{
    private static readonly SortedDictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Weir.Core"] = [],
        ["Weir.Storage"] = ["Weir.Core"],
        ["Weir.Sql"] = ["Weir.Core"],
        ["Weir.Engine"] = ["Weir.Core", "Weir.Sql", "Weir.Storage"],
        // Never the engine: a second implementation that shares code with the first repeats its faults.
        ["Weir.Recount"] = ["Weir.Core", "Weir.Sql", "Weir.Storage"],
        // The wire and nothing else: bytes to messages and back, no I/O.
        ["Weir.Kafka.Protocol"] = [],
        ["Weir.Server"] = ["Weir.Engine", "Weir.Kafka.Protocol"],
        ["Weir"] = ["Weir.Recount", "Weir.Server"],
    };

    [Fact]
    public void Projects_refer_to_what_the_table_allows_and_to_nothing_else()
    {
        IEnumerable<string> projects = Repository.Files.Where(file => file.StartsWith("src/", StringComparison.Ordinal) && file.EndsWith(".csproj", StringComparison.Ordinal));

        var found = new SortedDictionary<string, string[]>(projects.ToDictionary(project => Path.GetFileNameWithoutExtension(project), References), StringComparer.Ordinal);

        Assert.Equal(Table(Allowed), Table(found));
    }

    [Fact]
    public void Only_the_command_and_tests_that_compare_the_two_see_the_recount_beside_the_engine()
    {
        string[] both = [.. Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal))
            .Where(project => References(project).Contains("Weir.Recount")).Select(project => Path.GetFileNameWithoutExtension(project))];

        Assert.Equal(["Weir", "Weir.FuzzTests", "Weir.Recount.Tests", "Weir.Simulator", "Weir.SweepTests"], both.Order(StringComparer.Ordinal));
    }

    private static string[] References(string project) =>
        [.. XDocument.Parse(Repository.Read(project)).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Table(IEnumerable<KeyValuePair<string, string[]>> references) =>
        references.Select(row => $"{row.Key}: {string.Join(", ", row.Value)}");
}
