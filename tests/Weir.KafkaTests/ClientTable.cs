using System.Text;
using Weir.KafkaTests.Scenarios;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests;

/// <summary>
/// The table of docs/kafka.md between two comments. A test compares its client's row, and writes it anew when WEIR_WRITE_PAGES=1 is set; the rows of clients that are
/// not installed stay as they are.
/// </summary>
internal static class ClientTable
{
    private const string Begin = "<!-- The rows are what tests/Weir.KafkaTests found: WEIR_WRITE_PAGES=1 ./test --only KafkaTests writes them anew. -->\n";
    private const string End = "<!-- End of the rows. -->";

    private static readonly Lock Writing = new();

    private static string Page { get; } = Path.Combine(Paths.Root, "docs", "kafka.md");

    private static string Head { get; } =
        $"| client | version | {string.Join(" | ", Scenario.All.Select(one => one.Title))} | remark |\n{string.Concat(Enumerable.Repeat("|---", Scenario.All.Count + 3))}|\n";

    /// <param name="cells">What the table says of each scenario that was run.</param>
    /// <param name="leftOut">Scenarios that may be missing from <paramref name="cells"/>: what the page says of them stays.</param>
    public static void MustHave(KafkaClient client, IReadOnlyDictionary<Scenario, string> cells, IReadOnlyList<Scenario> leftOut, string? remark)
    {
        lock (Writing)
        {
            string page = File.ReadAllText(Page);
            (int from, int to) = Place(page);
            List<string> rows = [.. page[from..to].Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(2)];
            string? found = rows.Find(one => one.StartsWith($"| {client.Name} |", StringComparison.Ordinal));
            string[] told = found?.Split(" | ") ?? [];
            string row = $"| {client.Name} | {client.Version} | {string.Join(" | ", Scenario.All.Select(Cell))} | {remark} |";
            if (Environment.GetEnvironmentVariable("WEIR_WRITE_PAGES") == "1")
            {
                rows.RemoveAll(one => one.StartsWith($"| {client.Name} |", StringComparison.Ordinal));
                rows.Add(row);
                rows.Sort(StringComparer.OrdinalIgnoreCase);
                File.WriteAllText(Page, $"{page[..from]}{Head}{string.Concat(rows.Select(one => one + "\n"))}{page[to..]}");
                return;
            }

            Assert.StartsWith(Head, page[from..to]);
            Assert.SkipWhen(
                told.Length > 1 && told[1] != client.Version,
                $"docs/kafka.md tells of {client.Name} {(told.Length > 1 ? told[1] : "")}; here is {client.Version}, which passed as well. WEIR_WRITE_PAGES=1 writes that down.");
            Assert.Equal(row, found);

            // The first two columns are name and version.
            string Cell(Scenario scenario, int column) =>
                cells.TryGetValue(scenario, out string? cell) ? cell
                : scenario == Scenario.Idempotent && client.HasUnreliableIdempotence ? "no: see below"
                : leftOut.Contains(scenario) && told.Length > column + 2 ? told[column + 2]
                : "not offered";
        }
    }

    private static (int From, int To) Place(string page)
    {
        int from = page.IndexOf(Begin, StringComparison.Ordinal);
        int to = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(from >= 0 && to > from, $"{Page} lacks the comments between which the table lies.");
        return (from + Begin.Length, to);
    }
}
