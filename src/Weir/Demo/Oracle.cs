using Weir.Cli.Load;

namespace Weir.Cli.Demo;

/// <summary>
/// The demo's own record of what it sent and what it was told, kept outside the server: one byte a vote. It decides by itself what
/// every verdict and every total must be, and never asks the server what it counted until it compares. Safe for concurrent use.
/// </summary>
/// <remarks>The flood is measured on the server's own machine, so this costs next to nothing a vote; <see cref="Verify.History"/> keeps every answer.</remarks>
internal sealed class Oracle
{
    private const byte Sent = 1;
    private const byte Acknowledged = 2;

    private const int MaxFindings = 10;

    private readonly byte[] _votes;
    private readonly long[] _outcomes = new long[Enum.GetValues<LineKind>().Length];
    private readonly Lock _lock = new();
    private readonly List<string> _findings = [];
    private long _repeatedLines;
    private int _next;

    /// <param name="capacity">Most votes that are ever sent.</param>
    public Oracle(int capacity) => _votes = new byte[capacity];

    /// <summary>Lines with a final answer, by kind.</summary>
    public long Decided(LineKind kind) => Interlocked.Read(ref _outcomes[(int)kind]);

    public long DecidedTotal => Enum.GetValues<LineKind>().Sum(Decided);

    /// <summary>Lines that were sent again because the first try was not answered.</summary>
    public long RepeatedLines => Interlocked.Read(ref _repeatedLines);

    /// <summary>Answers that contradict the record, the first ten, each with the vote. Empty is what must be.</summary>
    public IReadOnlyList<string> Findings => _findings;

    /// <summary>Answers that contradict the record because something counted that must not.</summary>
    public long DoubleVerdicts { get; private set; }

    /// <summary>Answers that contradict the record in another way.</summary>
    public long WrongVerdicts { get; private set; }

    /// <summary>Votes handed out so far; numbers below it may have been sent.</summary>
    public int Next => Volatile.Read(ref _next);

    /// <summary>A number that no vote had yet.</summary>
    public int TakeNumber()
    {
        int number = Interlocked.Increment(ref _next) - 1;
        _votes[number] = Sent;
        return number;
    }

    /// <summary>A vote near <paramref name="hint"/> whose acknowledgement has arrived; -1 when there is none near.</summary>
    public int FindAcknowledged(int hint)
    {
        int end = Next;
        for (int i = 0; i < 1000 && end > 0; i++)
        {
            int number = (hint + i) % end;
            if (Volatile.Read(ref _votes[number]) == Acknowledged)
            {
                return number;
            }
        }

        return -1;
    }

    /// <summary>Takes the answer to a body: every line not listed under "verdicts" was counted.</summary>
    /// <returns>False when some outcomes are unknown: the same body has to be sent again, and nothing was recorded.</returns>
    public bool TryRecord(DemoBatch batch, ReadOnlySpan<byte> answer)
    {
        var outcomes = new List<Outcome>();
        if (AnswerReader.Read(answer, outcomes) > 0)
        {
            return false;
        }

        var verdicts = new string[batch.Lines.Count];
        Array.Fill(verdicts, "counted");
        outcomes.ForEach(outcome => verdicts[outcome.Index] = outcome.Verdict);

        for (int i = 0; i < verdicts.Length; i++)
        {
            (LineKind kind, int number) = batch.Lines[i];
            Check(batch, kind, number, verdicts[i]);
            if (kind == LineKind.Vote)
            {
                Volatile.Write(ref _votes[number], Acknowledged);
            }

            Interlocked.Increment(ref _outcomes[(int)kind]);
        }

        if (batch.Attempts > 1)
        {
            Interlocked.Add(ref _repeatedLines, verdicts.Length);
        }

        return true;
    }

    /// <summary>What the view must show: per choice the votes acknowledged and the sum of their numbers.</summary>
    public (long[] Votes, long[] Numbers) Expected()
    {
        var votes = new long[DemoVotes.Choices.Length];
        var numbers = new long[DemoVotes.Choices.Length];
        for (int number = 0; number < Next; number++)
        {
            if (_votes[number] == Acknowledged)
            {
                int choice = DemoVotes.ChoiceOf(number);
                votes[choice]++;
                numbers[choice] += number;
            }
        }

        return (votes, numbers);
    }

    private void Check(DemoBatch batch, LineKind kind, int number, string verdict)
    {
        bool isExpected = kind switch
        {
            LineKind.Vote => verdict == "counted" || (verdict == "duplicate" && batch.Attempts > 1),
            LineKind.Retry => verdict == "duplicate",
            LineKind.SecondVote => verdict == "taken",
            LineKind.Malformed => verdict == "refused",
            _ => verdict == "closed",
        };
        if (isExpected)
        {
            return;
        }

        lock (_lock)
        {
            bool isDouble = kind != LineKind.Vote && verdict is "counted" or "replaced";
            DoubleVerdicts += isDouble ? 1 : 0;
            WrongVerdicts += isDouble ? 0 : 1;
            if (_findings.Count < MaxFindings)
            {
                _findings.Add($"{kind} of vote {number}: answered {verdict} on try {batch.Attempts}");
            }
        }
    }
}
