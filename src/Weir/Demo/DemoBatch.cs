using Weir.Cli.Load;

namespace Weir.Cli.Demo;

/// <summary>What a line of the demo is, and so which verdict it must get.</summary>
internal enum LineKind : byte
{
    /// <summary>Sent for the first time. Counted; duplicate only if an earlier try of the same body had an unknown outcome.</summary>
    Vote,

    /// <summary>A vote whose acknowledgement had arrived, sent again. Duplicate.</summary>
    Retry,

    /// <summary>A second vote, with an id of its own, of a user whose vote is acknowledged. Taken.</summary>
    SecondVote,

    /// <summary>Not JSON. Refused.</summary>
    Malformed,

    /// <summary>Sent after the close was answered. Closed.</summary>
    AfterClose,
}

/// <summary>One body and what each of its lines is. Filled, sent until it is answered, then used again; one thread.</summary>
internal sealed class DemoBatch(int capacity)
{
    public RequestBuffer Buffer { get; } = new("votes", capacity * DemoVotes.MaxLineBytes);

    /// <summary>Per line its kind and the vote's number (for a second vote: of the user's first).</summary>
    public List<(LineKind Kind, int Number)> Lines { get; } = new(capacity);

    /// <summary>How often it was sent; above 1 an earlier try had an unknown outcome.</summary>
    public int Attempts { get; set; }

    public void Clear()
    {
        Buffer.Clear();
        Lines.Clear();
        Attempts = 0;
    }
}
