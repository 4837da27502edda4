using Weir.Core;

namespace Weir.Simulator;

/// <summary>What a client was told about one attempt to send an event.</summary>
internal enum Told
{
    /// <summary>Nothing yet, or that nobody knows.</summary>
    Unknown,
    Refused,

    /// <summary>On disk; the verdict is not known.</summary>
    Durable,
    Decided,
}

/// <summary>One event as a client made it, with everything it was told about it.</summary>
/// <param name="Number">Stands in the event itself, so that it is recognised wherever it turns up.</param>
/// <param name="Identity">What makes two events the same event; null without one.</param>
internal sealed record SentEvent(int Number, string Stream, string User, string? Identity, string? IdempotencyKey, byte[] Value)
{
    public List<Attempt> Attempts { get; } = [];
}

/// <param name="Client">Who sent it.</param>
/// <param name="Operation">In which operation; a client's later operations have higher numbers.</param>
internal sealed record Attempt(int Client, int Operation)
{
    public Told Told { get; set; }

    public Verdict Verdict { get; set; }

    public int Partition { get; set; } = -1;

    public long Offset { get; set; } = -1;
}
