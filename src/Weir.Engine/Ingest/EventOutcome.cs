using Weir.Core;

namespace Weir.Engine;

/// <summary>What became of an event that was handed in.</summary>
public enum OutcomeKind : byte
{
    /// <summary>In the log, flushed, decided: see the verdict.</summary>
    Decided,

    /// <summary>Not appended, by a rule; sending it again gives the same answer.</summary>
    Refused,

    /// <summary>Not acknowledged: it may or may not be in the log. Send it again with the same id; it is counted at most once.</summary>
    Unknown,
}

/// <summary>The outcome of one event of a batch.</summary>
/// <param name="Code">Why it was refused or is unknown; for a verdict, the code that explains it, if it needs explaining.</param>
/// <param name="Partition">-1 when it has no place in the log.</param>
/// <param name="Offset">The event's offset; for a duplicate the original's; -1 without one.</param>
public readonly record struct EventOutcome(OutcomeKind Kind, Verdict Verdict, VerdictReason Reason, ErrorCode? Code, int Partition, long Offset);

/// <summary>How many events of a batch had which outcome.</summary>
public record struct IngestTotals
{
    public long Counted;
    public long Replaced;
    public long Duplicate;
    public long Taken;
    public long Closed;
    public long Late;
    public long Invalid;

    /// <summary>On disk; told before they were decided.</summary>
    public long Durable;
    public long Refused;
    public long Unknown;

    /// <summary>Events that have an offset and a verdict.</summary>
    public readonly long Decided => Counted + Replaced + Duplicate + Taken + Closed + Late + Invalid;

    public static IngestTotals operator +(in IngestTotals left, in IngestTotals right) => new()
    {
        Counted = left.Counted + right.Counted,
        Replaced = left.Replaced + right.Replaced,
        Duplicate = left.Duplicate + right.Duplicate,
        Taken = left.Taken + right.Taken,
        Closed = left.Closed + right.Closed,
        Late = left.Late + right.Late,
        Invalid = left.Invalid + right.Invalid,
        Durable = left.Durable + right.Durable,
        Refused = left.Refused + right.Refused,
        Unknown = left.Unknown + right.Unknown,
    };
}
