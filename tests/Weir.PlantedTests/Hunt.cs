using System.Globalization;
using System.Text.RegularExpressions;

namespace Weir.PlantedTests;

/// <summary>Looks for one defect with its catcher.</summary>
internal static partial class Hunt
{
    /// <summary>Seeds that a defect may take to be caught.</summary>
    private const int MostSeeds = 500;

    /// <summary>Seeds of one run of the simulator.</summary>
    private const int Chunk = 20;

    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(10);

    /// <param name="enough">Seeds that have to break an invariant; their distances give the median.</param>
    public static Catch Run(Defect defect, int enough) => defect.Catcher switch
    {
        Catcher.Simulator => Seeds(defect.Name, enough, MostSeeds),
        Catcher.TwoProcesses => Hashes(defect),
        _ => Method(defect),
    };

    /// <summary>Only a broken invariant is a catch: a crash of the simulator, or one that hangs, says nothing of the defect.</summary>
    public static Catch Seeds(string defect, int enough, int most)
    {
        var distances = new List<int>();
        string by = "";
        int last = 0, from = 1;
        for (; from <= most && distances.Count < enough; from += Chunk)
        {
            int count = Math.Min(Chunk, most - from + 1);
            (int code, string output) = PlantedBuild.Run("Weir.Simulator", "weir-sim", defect, ["--from", $"{from}", "--seeds", $"{count}"], LongestRun);
            Assert.True(code is 0 or 1 && output.Contains("failures  ", StringComparison.Ordinal), output);
            foreach (Match seed in BrokenSeed().Matches(output).OrderBy(match => Number(match.Groups[1])))
            {
                by = by.Length == 0 ? seed.Groups[2].Value : by;
                distances.Add(Number(seed.Groups[1]) - last);
                last = Number(seed.Groups[1]);
            }
        }

        distances.Sort();
        return distances.Count == 0
            ? new Catch(false, "simulator", string.Create(CultureInfo.InvariantCulture, $"not within {from - 1} seeds"))
            : new Catch(true, $"simulator, {by}", string.Create(CultureInfo.InvariantCulture, $"{distances[distances.Count / 2]} seeds"));
    }

    private static Catch Hashes(Defect defect)
    {
        for (int seed = 1; seed <= Chunk; seed++)
        {
            string[] hashes = [.. Enumerable.Range(0, 2).Select(_ =>
            {
                (int code, string output) = PlantedBuild.Run(defect.Project, "weir-sim", defect.Name, ["--seed", $"{seed}", "--hash"], LongestRun);
                Assert.True(code is 0 or 1 && Hash().IsMatch(output), output);
                return Hash().Match(output).Value;
            })];
            if (hashes[0] != hashes[1])
            {
                return new Catch(true, "simulator, one seed in two processes", string.Create(CultureInfo.InvariantCulture, $"{seed} seeds"));
            }
        }

        return new Catch(false, "simulator, one seed in two processes", $"not within {Chunk} seeds");
    }

    private static Catch Method(Defect defect)
    {
        (int code, string output) = PlantedBuild.Run(defect.Project, defect.Project, defect.Name, ["-noLogo", "-noColor", "-method", defect.Method!], LongestRun);
        bool isFailed = code == 1 && output.Contains("[FAIL]", StringComparison.Ordinal);
        Assert.True(isFailed || code == 0, output);
        return new Catch(isFailed, $"`{defect.Project}`, {defect.Method![2..].Replace('_', ' ')}", "1 run");
    }

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^seed (\d+): (I\d+ \w+):", RegexOptions.Multiline)]
    private static partial Regex BrokenSeed();

    [GeneratedRegex(@"^[0-9a-f]{16}$", RegexOptions.Multiline)]
    private static partial Regex Hash();
}

/// <summary>How a hunt ended.</summary>
/// <param name="By">What looked for it, and what it said.</param>
/// <param name="Took">Seeds or runs: the median where there were several catches.</param>
internal sealed record Catch(bool IsCaught, string By, string Took);
