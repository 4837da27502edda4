namespace Weir.Cli.Verify;

/// <summary>What can be wrong, by the names of Jepsen's Kafka workload where it has one. docs/reliability.md defines each.</summary>
internal enum AnomalyKind
{
    /// <summary>Acknowledged, and not in the log; or in the log and left out of what counts.</summary>
    LostWrite,

    /// <summary>One event counted twice, an owner counted twice, or more records of an event than it was sent.</summary>
    Duplicate,

    /// <summary>An offset stands for two things: told for one event and holding another, changed between two reads, or left out.</summary>
    InconsistentOffset,

    /// <summary>The log holds an event that was refused, or that nobody sent like this.</summary>
    AbortedRead,

    /// <summary>A read shows less than an earlier one: a position, a number that only grows, a record.</summary>
    NonMonotonicRead,

    /// <summary>Two events of one client and key lie in the other order than they were acknowledged in.</summary>
    NonMonotonicSend,

    /// <summary>An answer and the log, or the log and the stream's rule, give one record different verdicts, and neither is a loss nor a duplicate.</summary>
    InconsistentVerdict,

    /// <summary>A view is not what the counted records of its log add up to, or the recount says otherwise.</summary>
    RecountMismatch,
}

/// <summary>One thing that is wrong, and where.</summary>
/// <param name="Place">Stream, and partition and offset where it has them: <c>votes/2:1841</c>; or the view.</param>
/// <param name="Id">The event's; empty when it is about none.</param>
internal sealed record Anomaly(AnomalyKind Kind, string Place, string Id, string Detail)
{
    public string Name => NameOf(Kind);

    /// <summary>"lost write", "recount mismatch".</summary>
    public static string NameOf(AnomalyKind kind) => kind switch
    {
        AnomalyKind.LostWrite => "lost write",
        AnomalyKind.Duplicate => "duplicate",
        AnomalyKind.InconsistentOffset => "inconsistent offset",
        AnomalyKind.AbortedRead => "aborted read",
        AnomalyKind.NonMonotonicRead => "non-monotonic read",
        AnomalyKind.NonMonotonicSend => "non-monotonic send",
        AnomalyKind.InconsistentVerdict => "inconsistent verdict",
        AnomalyKind.RecountMismatch => "recount mismatch",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    public override string ToString() => $"{Name}: {Place}{(Id.Length > 0 ? " " + Id : "")}: {Detail}";
}
