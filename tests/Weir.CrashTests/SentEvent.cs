namespace Weir.CrashTests;

/// <summary>An event as a client made it, before anybody decided about it.</summary>
/// <param name="Key">Its owner: the value of the stream's key.</param>
/// <param name="Id">No other event of the stream has it.</param>
/// <param name="Body">The JSON text sent, every time the same.</param>
/// <param name="IsRefused">It is malformed on purpose: no server may ever take it.</param>
internal sealed record SentEvent(string Stream, string Key, string Id, string Body, bool IsRefused = false);
