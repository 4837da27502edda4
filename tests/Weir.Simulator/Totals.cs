namespace Weir.Simulator;

/// <summary>What a run did, or many together.</summary>
internal sealed class Totals
{
    private readonly long[] _faults = new long[Enum.GetValues<FaultKind>().Length];

    public long Seeds { get; set; }

    public TimeSpan Simulated { get; set; }

    public long Operations { get; set; }

    public long Crashes { get; set; }

    public long Acknowledged { get; set; }

    public long Steps { get; set; }

    /// <summary>What the engine reported: stops, recoveries, damage.</summary>
    public SortedDictionary<string, long> Reports { get; } = new(StringComparer.Ordinal);

    /// <summary>How often it came to pass.</summary>
    public long Of(FaultKind fault) => _faults[(int)fault];

    public void Count(FaultKind fault, long times = 1) => _faults[(int)fault] += times;

    public void Count(string report) => Reports[report] = Reports.GetValueOrDefault(report) + 1;

    public void Add(Totals other)
    {
        Seeds += other.Seeds;
        Simulated += other.Simulated;
        Operations += other.Operations;
        Crashes += other.Crashes;
        Acknowledged += other.Acknowledged;
        Steps += other.Steps;
        foreach (FaultKind fault in Enum.GetValues<FaultKind>())
        {
            Count(fault, other.Of(fault));
        }

        foreach ((string report, long count) in other.Reports)
        {
            Reports[report] = Reports.GetValueOrDefault(report) + count;
        }
    }
}
