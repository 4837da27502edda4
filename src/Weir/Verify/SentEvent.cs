namespace Weir.Cli.Verify;

/// <summary>An event as a client made it, before anybody decided about it.</summary>
/// <param name="Key">The key that its record must have; null: not checked, because it follows from the form of the request.</param>
/// <param name="Id">Client, a hyphen, and the client's own number; no other event of the stream has it.</param>
/// <param name="Body">The JSON text, every time the same.</param>
/// <param name="IsRefused">It is wrong on purpose: no server may ever take it.</param>
internal sealed record SentEvent(string Stream, string? Key, string Id, string Body, bool IsRefused = false)
{
    /// <summary>Who waits for the answer to one event before it sends the next.</summary>
    public string Client => Id[..Id.LastIndexOf('-')];
}
