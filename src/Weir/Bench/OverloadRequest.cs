namespace Weir.Cli.Bench;

/// <summary>One body that is to be taken: the same votes each time it is sent.</summary>
internal sealed class OverloadRequest
{
    /// <summary>Its votes have the ids from here on.</summary>
    public required ulong FirstId { get; init; }

    /// <summary>All its votes are of one user, and so of one partition.</summary>
    public required bool IsHot { get; init; }

    /// <summary>When it is to be sent, as a timestamp; latency counts from here, whenever that is possible.</summary>
    public required long DueAt { get; set; }

    /// <summary>How often it was refused.</summary>
    public int Refusals { get; set; }

    /// <summary>It comes again when it was told to.</summary>
    public bool WasTold { get; set; }
}
