namespace Weir.Simulator;

/// <summary>What a run did, or many together.</summary>
internal sealed class Totals
{
    public long Seeds { get; set; }

    public TimeSpan Simulated { get; set; }

    public long Operations { get; set; }

    public long Crashes { get; set; }

    public long Acknowledged { get; set; }

    public long Steps { get; set; }

    /// <summary>How often each kind of fault, or of rescue, came to pass.</summary>
    public SortedDictionary<string, long> Faults { get; } = new(StringComparer.Ordinal);

    public void Count(string fault) => Faults[fault] = Faults.GetValueOrDefault(fault) + 1;

    public void Add(Totals other)
    {
        Seeds += other.Seeds;
        Simulated += other.Simulated;
        Operations += other.Operations;
        Crashes += other.Crashes;
        Acknowledged += other.Acknowledged;
        Steps += other.Steps;
        foreach ((string fault, long count) in other.Faults)
        {
            Faults[fault] = Faults.GetValueOrDefault(fault) + count;
        }
    }
}
