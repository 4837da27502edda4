namespace Weir.Cli.Bench;

/// <summary>What the command line says about a benchmark; null leaves it to the benchmark.</summary>
internal sealed record BenchSettings
{
    public long? Events { get; init; }

    public int? Connections { get; init; }

    /// <summary>Votes per request.</summary>
    public int? Batch { get; init; }

    /// <summary>Votes per second.</summary>
    public double? PerSecond { get; init; }

    public int? Subscribers { get; init; }

    /// <summary>Of each phase of `overload`.</summary>
    public double? Seconds { get; init; }

    /// <summary>`overload` sends bodies without asking first.</summary>
    public bool SendsWhole { get; init; }

    /// <summary>Where `overload` draws its curve; null: nowhere.</summary>
    public string? Svg { get; init; }

    /// <summary>Where the server's data goes; a folder of this run is made in it and deleted after.</summary>
    public required string Directory { get; init; }
}
