namespace Weir.Cli.Verify;

/// <summary>The events of one request.</summary>
/// <param name="Request">Of a form that is sent over HTTP: the request, the same bytes at every try. Otherwise empty: batches are numbered when they are sent.</param>
internal sealed record SentBody(EventForm Form, IReadOnlyList<SentEvent> Events, byte[] Request);
