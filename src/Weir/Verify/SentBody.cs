namespace Weir.Cli.Verify;

/// <summary>The events of one request, and the request: the same bytes at every try.</summary>
internal sealed record SentBody(EventForm Form, IReadOnlyList<SentEvent> Events, byte[] Request);
