namespace Weir.Cli.Verify;

/// <summary>A stream whose log is checked, and what its definition promises.</summary>
internal sealed record CheckedStream(string Name, int Partitions, StreamRule Rule);

/// <summary>A view that is checked: it groups by <c>choice</c>, counts as <c>n</c> and may sum a field as <c>total</c>.</summary>
/// <param name="Summed">The field of the event; null: there is no sum.</param>
internal sealed record CheckedView(string Name, CheckedStream Stream, string? Summed);

/// <summary>Which events of a stream count.</summary>
internal enum StreamRule
{
    /// <summary>The first of each key; the others are <c>taken</c>.</summary>
    First,

    /// <summary>The last of each key, in place of the one before.</summary>
    Last,

    /// <summary>Each id once.</summary>
    Once,

    /// <summary>Every record: as often as it was appended, which may be as often as it was sent.</summary>
    Always,
}
