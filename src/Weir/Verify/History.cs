using Weir.Cli.Load;

namespace Weir.Cli.Verify;

/// <summary>
/// What clients sent and what the server said, kept outside the server and never told it. The <see cref="Checker"/> compares against this. Thread-safe.
/// </summary>
internal sealed class History
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Stream, string Id), Fate> _sent = [];
    private readonly List<(SentEvent Event, Outcome Outcome)> _told = [];
    private long _answers;

    /// <summary>Requests that were answered, by whichever process.</summary>
    public long Answers => Interlocked.Read(ref _answers);

    /// <summary>Different events that were sent.</summary>
    public int Sent => Locked(() => _sent.Count);

    /// <summary>Different events that were told to be in the log.</summary>
    public int Acknowledged => Locked(() => _sent.Values.Count(fate => fate.Acknowledged > 0));

    /// <summary>Different events of which a try had no known outcome, and which were decided by sending them again.</summary>
    public int UnknownResolved => Locked(() => _sent.Values.Count(fate => fate.Told > 0 && fate.Times > fate.Told));

    /// <summary>Every verdict and refusal told, in the order in which the clients read them. Read when nobody sends any more.</summary>
    public IReadOnlyList<(SentEvent Event, Outcome Outcome)> Told => _told;

    /// <summary>Every event sent, and how often. Read when nobody sends any more.</summary>
    public IEnumerable<(SentEvent Event, int Times)> Events => _sent.Values.Select(fate => (fate.Event, fate.Times));

    /// <summary>The event with this id; null when none was sent.</summary>
    public SentEvent? Find(string stream, string id) => _sent.TryGetValue((stream, id), out Fate? fate) ? fate.Event : null;

    /// <summary>Called before the first byte leaves, for every try.</summary>
    public void Sending(IReadOnlyList<SentEvent> events)
    {
        lock (_lock)
        {
            foreach (SentEvent one in events)
            {
                _sent.TryAdd((one.Stream, one.Id), new Fate(one));
                _sent[(one.Stream, one.Id)].Times++;
            }
        }
    }

    public void Answered(IReadOnlyList<SentEvent> events, IEnumerable<Outcome> outcomes)
    {
        lock (_lock)
        {
            foreach (Outcome outcome in outcomes.Where(outcome => !outcome.IsOpen))
            {
                SentEvent one = events[outcome.Index];
                _told.Add((one, outcome));
                Fate fate = _sent[(one.Stream, one.Id)];
                fate.Told++;
                fate.Acknowledged += outcome.Verdict == "refused" ? 0 : 1;
            }
        }

        Interlocked.Increment(ref _answers);
    }

    private int Locked(Func<int> read)
    {
        lock (_lock)
        {
            return read();
        }
    }

    private sealed class Fate(SentEvent one)
    {
        public SentEvent Event { get; } = one;

        public int Times { get; set; }

        public int Told { get; set; }

        public int Acknowledged { get; set; }
    }
}
