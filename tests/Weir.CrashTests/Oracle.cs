namespace Weir.CrashTests;

/// <summary>
/// What clients sent and what the server said, kept outside the server and never told it. The invariants are checked against this.
/// Thread-safe.
/// </summary>
internal sealed class Oracle
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Stream, string Id), SentEvent> _sent = [];
    private readonly List<(SentEvent Event, Outcome Outcome)> _outcomes = [];
    private long _answers;

    /// <summary>Requests that were answered, by whichever process.</summary>
    public long Answers => Interlocked.Read(ref _answers);

    /// <summary>Every event that was sent at least once.</summary>
    public IReadOnlyDictionary<(string Stream, string Id), SentEvent> Sent => _sent;

    /// <summary>Every verdict and refusal told, in the order in which the clients read them. An event that was sent again has several.</summary>
    public IReadOnlyList<(SentEvent Event, Outcome Outcome)> Outcomes => _outcomes;

    /// <summary>Called before the first byte leaves.</summary>
    public void Sending(IReadOnlyList<SentEvent> events)
    {
        lock (_lock)
        {
            foreach (SentEvent one in events)
            {
                _sent[(one.Stream, one.Id)] = one;
            }
        }
    }

    public void Answered(IReadOnlyList<SentEvent> events, Answer answer)
    {
        lock (_lock)
        {
            foreach (Outcome outcome in answer.Outcomes.Where(outcome => outcome.Verdict != "unknown"))
            {
                _outcomes.Add((events[outcome.Index], outcome));
            }
        }

        Interlocked.Increment(ref _answers);
    }
}
