using Weir.Cli.Load;

namespace Weir.Cli.Bench;

/// <summary>What comes back from those who were refused.</summary>
internal enum Returns
{
    /// <summary>One in ten comes once more, when it was told to: a sample that is no load.</summary>
    Sample,

    /// <summary>Everybody comes after 100 ms, whatever he was told, ten times at most.</summary>
    AtOnce,

    /// <summary>Everybody comes when he was told to, until he is taken.</summary>
    AsTold,
}

/// <summary>One part of the run: what is offered.</summary>
/// <param name="PerSecond">Requests per second, by arrival times that are drawn before; 0: <see cref="Connections"/> requests are always in progress.</param>
/// <param name="Duration">Of the arrivals.</param>
internal sealed record OverloadPlan(string Name, double PerSecond, TimeSpan Duration)
{
    public Returns Returns { get; init; }

    /// <summary>Every second request has votes of one user only.</summary>
    public bool IsHot { get; init; }

    /// <summary>How many may be in progress.</summary>
    public required int Connections { get; init; }

    /// <summary>Of requests that are always in progress there are so many at least, however long they take.</summary>
    public long LeastRequests { get; init; }

    /// <summary>Goes on until everybody who comes again is taken.</summary>
    public bool Drains { get; init; }
}

/// <summary>What became of it, second by second.</summary>
internal sealed class OverloadPhase(OverloadPlan plan)
{
    public OverloadPlan Plan { get; } = plan;

    public TimeSpan Elapsed { get; set; }

    /// <summary>When it began, from the start of the whole run.</summary>
    public TimeSpan BeganAt { get; set; }

    /// <summary>Requests that came, those that came again included.</summary>
    public long Arrived { get; set; }

    public long Taken { get; set; }

    public long Refused503 { get; set; }

    public long Refused429 { get; set; }

    /// <summary>Left after a second in which no connection was free: the server had not even read their head.</summary>
    public long GaveUp { get; set; }

    public long RefusedWithoutTime { get; set; }

    public int LongestToldSeconds { get; set; }

    /// <summary>Came when they were told to, and how many of those were taken then.</summary>
    public long CameBack { get; set; }

    public long TakenThen { get; set; }

    public long Broken { get; set; }

    public TimeSpan GeneratorTime { get; set; }

    public TimeSpan ServerTime { get; set; }

    public long MostResidentBytes { get; set; }

    /// <summary>Of those that were taken, from the moment they were due.</summary>
    public LatencyHistogram Latency { get; } = new();

    /// <summary>By second: how many requests were taken, and how long they took.</summary>
    public List<LatencyHistogram> Seconds { get; } = [];

    public double TakenPerSecond => Taken / Math.Max(Elapsed.TotalSeconds, 1e-9);

    public void Take(TimeSpan at, TimeSpan latency)
    {
        Taken++;
        Latency.Record(latency);
        while (Seconds.Count <= (int)at.TotalSeconds)
        {
            Seconds.Add(new LatencyHistogram());
        }

        Seconds[(int)at.TotalSeconds].Record(latency);
    }
}
