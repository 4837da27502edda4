using System.Globalization;
using System.Text;

namespace Weir.SweepTests;

/// <summary>What a sweep found, per kind of file. Thread-safe.</summary>
internal sealed class SweepTable
{
    private readonly Dictionary<string, int[]> _rows = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SortedSet<string>> _harmless = new(StringComparer.Ordinal);
    private readonly List<string> _silent = [];
    private readonly Lock _lock = new();

    /// <summary>Each silent one with what repeats it.</summary>
    public IReadOnlyList<string> Silent => _silent;

    public void Add(Damage damage, string group, Outcome outcome, string why)
    {
        lock (_lock)
        {
            string row = damage.Kind + group;
            if (!_rows.TryGetValue(row, out int[]? counts))
            {
                _rows[row] = counts = new int[Enum.GetValues<Outcome>().Length];
            }

            counts[(int)outcome]++;
            if (outcome == Outcome.Harmless)
            {
                if (!_harmless.TryGetValue(row, out SortedSet<string>? places))
                {
                    _harmless[row] = places = [];
                }

                places.Add(damage.ToString());
            }
            else if (outcome == Outcome.Silent)
            {
                _silent.Add($"{damage}: {why}");
            }
        }
    }

    public override string ToString()
    {
        var text = new StringBuilder("| file | damaged | detected | refused | harmless | undetectable | silent |\n|---|---|---|---|---|---|---|\n");
        foreach ((string row, int[] counts) in _rows.Append(new("all", [.. Enumerable.Range(0, 5).Select(i => _rows.Values.Sum(counts => counts[i]))])))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {row} | {counts.Sum()} | {counts[(int)Outcome.Detected]} | {counts[(int)Outcome.Refused]} | {counts[(int)Outcome.Harmless]} | {counts[(int)Outcome.Undetectable]} | {counts[(int)Outcome.Silent]} |\n");
        }

        foreach ((string row, SortedSet<string> places) in _harmless)
        {
            text.Append(CultureInfo.InvariantCulture, $"harmless, {row}: {string.Join("; ", places.Take(20))}{(places.Count > 20 ? $"; and {places.Count - 20} more" : "")}\n");
        }

        return text.ToString();
    }
}
