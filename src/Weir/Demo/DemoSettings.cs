namespace Weir.Cli.Demo;

/// <summary>What the demo does; the defaults are the demo that the README promises.</summary>
internal sealed record DemoSettings
{
    /// <summary>Skips the pace of the first part; everything else stays.</summary>
    public bool Fast { get; init; }

    /// <summary>0: any free one.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>Deleted at the start.</summary>
    public string Directory { get; init; } = Path.Combine(".weir", "demo");

    /// <summary>Leaves the server running at the end until Ctrl-C.</summary>
    public bool Wait { get; init; } = true;

    public bool Json { get; init; }

    /// <summary>Lines of the first part, during which the server is killed halfway.</summary>
    public int PacedLines { get; init; } = 1_000_000;

    public double PacedPerSecond { get; init; } = 50_000;

    /// <summary>Lines of the part whose rate is shown.</summary>
    public int FastLines { get; init; } = 1_000_000;

    public int AfterCloseLines { get; init; } = 1_000;
}
