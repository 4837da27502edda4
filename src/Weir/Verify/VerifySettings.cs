namespace Weir.Cli.Verify;

/// <summary>What one run of <c>weir verify</c> does.</summary>
internal sealed record VerifySettings
{
    /// <summary>How long clients send, if all kills are made by then.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the server is killed.</summary>
    public int Kills { get; init; } = 20;

    /// <summary>Whether half of the kills fall on a thread's n-th write, flush or rename, by strace.</summary>
    public bool AtCalls { get; init; }

    /// <summary>Chooses bodies, moments and calls. The machine's timing is not chosen, so a run is repeated in kind, not to the letter.</summary>
    public int Seed { get; init; }

    /// <summary>Leaves the folder also when nothing is wrong.</summary>
    public bool Keep { get; init; }

    public bool Json { get; init; }
}
