namespace Weir.Cli.Verify;

/// <summary>Everything found: all of it counted, the first of each kind kept. One thread at a time.</summary>
internal sealed class Anomalies
{
    private const int KeptOfEach = 5;

    private readonly Dictionary<AnomalyKind, int> _counts = [];
    private readonly List<Anomaly> _first = [];

    public int Total => _counts.Values.Sum();

    /// <summary>The first of each kind, in the order in which they were found.</summary>
    public IReadOnlyList<Anomaly> First => _first;

    public int Count(AnomalyKind kind) => _counts.GetValueOrDefault(kind);

    public void Add(AnomalyKind kind, string place, string id, string detail)
    {
        _counts[kind] = Count(kind) + 1;
        if (_counts[kind] <= KeptOfEach)
        {
            _first.Add(new Anomaly(kind, place, id, detail));
        }
    }
}
