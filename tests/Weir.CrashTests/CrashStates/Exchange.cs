namespace Weir.CrashTests.CrashStates;

/// <summary>One request of a client that waits for each answer, and the answer.</summary>
/// <param name="Client">Who sent it.</param>
/// <param name="Request">Method and path: <c>PUT v1/views/points</c>.</param>
/// <param name="Body">Null: none.</param>
/// <param name="Events">Of a POST of events: what the body holds.</param>
internal sealed record Exchange(string Client, string Request, string? Body, IReadOnlyList<SentEvent> Events)
{
    /// <summary>The line at which it can have been sent at the earliest.</summary>
    public int Began { get; init; }

    /// <summary>The line at which the server began to send the last piece of the answer: a client may have had it from then on.</summary>
    public int Place { get; init; } = int.MaxValue;

    /// <summary>0: it was not answered.</summary>
    public int Status { get; init; }

    public string Text { get; init; } = "";

    public bool IsOfEvents => Events.Count > 0;

    public static Exchange OfEvents(string client, IReadOnlyList<SentEvent> events) =>
        new(client, $"POST v1/streams/{events[0].Stream}/events?verdicts=all", string.Join('\n', events.Select(one => one.Body)), events);

    public static Exchange Of(string client, string request, string? body = null) => new(client, request, body, []);

    public Exchange Unanswered() => this with { Place = int.MaxValue, Status = 0, Text = "" };

    public override string ToString() => $"{Client}: {Request}{(IsOfEvents ? $" of {Events.Count}" : "")}: {Status}";
}
