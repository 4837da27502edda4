using System.Text;
using Weir.TestKit;

namespace Weir.PlantedTests;

/// <summary>Each defect that a first version has, planted: a test programme that does not catch it proves nothing by being green.</summary>
public sealed class PlantedTests(ITestOutputHelper output)
{
    private const string Page = "docs/reliability.md";
    private const string Begin = "<!-- planted: written by tests/Weir.PlantedTests -->";
    private const string End = "<!-- end of planted -->";

    // The control and the canary.
    private const int ControlSeeds = 10;

    /// <summary>The short form draws by the date: everybody meets the same ones on a day, and each comes round.</summary>
    [Fact]
    public void Every_planted_defect_is_caught_and_without_one_nothing_is()
    {
        Defect[] all = Defect.All;
        int today = DateOnly.FromDateTime(DateTime.UtcNow).DayNumber;
        Defect[] drawn = [.. Enumerable.Range(0, Math.Min(TestScale.PlantedDefects, all.Length)).Select(i => all[((today * TestScale.PlantedDefects) + i) % all.Length])];
        foreach (string project in drawn.Select(defect => defect.Project).Append(Defect.Canary.Project).Distinct())
        {
            PlantedBuild.Make(project);
        }

        Catch control = Hunt.Seeds("none", enough: 1, ControlSeeds);
        Assert.False(control.IsCaught, $"Without a defect the catcher says: {control}");
        Catch canary = Hunt.Seeds(Defect.Canary.Name, enough: 1, ControlSeeds);
        Assert.True(canary.IsCaught, "The canary was not caught: the harness catches nothing, or the build has no defects in it.");

        var table = new StringBuilder("| | defect | caught by | median |\n|---|---|---|---|\n");
        var missed = new List<string>();
        foreach (Defect defect in drawn.OrderBy(defect => Array.IndexOf(all, defect)))
        {
            Catch caught = Hunt.Run(defect, enough: TestScale.IsShort ? 1 : 3);
            table.Append($"| {Array.IndexOf(all, defect) + 1} | {defect.Text} (`{defect.Name}`) | {(caught.IsCaught ? caught.By : "**not caught** by the " + caught.By)} | {caught.Took} |\n");
            if (!caught.IsCaught)
            {
                missed.Add(defect.Name);
            }
        }

        string summary = $"{drawn.Length - missed.Count} of {drawn.Length} caught; the canary after {canary.Took}; nothing in {ControlSeeds} seeds without a defect.";
        output.WriteLine($"{table}\n{summary}");
        if (drawn.Length == all.Length && Environment.GetEnvironmentVariable("WEIR_WRITE_PAGES") == "1")
        {
            Write($"{table}\n{summary}\n");
        }

        Assert.True(missed.Count == 0, $"Not caught: {string.Join(", ", missed)}\n{table}");
    }

    [Fact]
    public void The_program_that_is_shipped_has_no_defect_in_it()
    {
        string[] ours = Directory.GetFiles(AppContext.BaseDirectory, "*eir*.dll");
        Assert.Contains(ours, file => Path.GetFileName(file) == "Weir.Core.dll");
        Assert.All(ours.Where(file => !Path.GetFileName(file).StartsWith("Weir.PlantedTests", StringComparison.Ordinal)), file =>
        {
            // Names are UTF-8 with a zero behind them in metadata, texts UTF-16.
            byte[] bytes = File.ReadAllBytes(file);
            Assert.True(bytes.AsSpan().IndexOf("Planted\0"u8) < 0, $"{file} has the type of the defects.");
            Assert.True(bytes.AsSpan().IndexOf(Encoding.Unicode.GetBytes("WEIR_PLANT")) < 0, $"{file} reads WEIR_PLANT.");
        });
    }

    private static void Write(string text)
    {
        string path = Path.Combine(PlantedBuild.Root, Page);
        string page = File.ReadAllText(path);
        int begin = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, end = page.IndexOf(End, StringComparison.Ordinal);
        File.WriteAllText(path, $"{page[..begin]}\n{text}{page[end..]}");
    }
}
