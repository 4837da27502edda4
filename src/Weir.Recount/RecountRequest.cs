using Weir.Core;
using Weir.Storage;

namespace Weir.Recount;

/// <summary>What to count again.</summary>
public sealed class RecountRequest
{
    public required IDisk Disk { get; init; }

    /// <summary>The directory that <c>data:</c> names. A server may be running on it: nothing is locked or written.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The view's query. Its FROM names the stream.</summary>
    public required string Sql { get; init; }

    /// <summary>Up to where: <c>votes:0=1841,1=1790</c>, exclusive ends, all of it flushed.</summary>
    public required string Position { get; init; }

    /// <summary>Windows that a view with <c>tumble</c> keeps.</summary>
    public int KeepWindows { get; init; } = 10_000;

    /// <summary>
    /// Memory for owners, in bytes, shared out between the threads. A partition with more than fit is read in several passes over classes of owners.
    /// Default 512 MiB, which keeps the process under 1 GiB.
    /// </summary>
    public long OwnerMemoryBytes { get; init; } = 512L << 20;

    /// <summary>Partitions counted at the same time, at most. The result does not depend on it. Default: one per core.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Name of the view's section in snapshots; null: a log that retention has cut gives the view no rows from before the cut.</summary>
    public string? BaseSection { get; init; }

    /// <summary>Called after every batch, by any of the threads but one at a time.</summary>
    public Action<RecountProgress>? Progress { get; init; }
}

/// <summary>How far a recount is.</summary>
/// <param name="Partition">One that is read.</param>
/// <param name="Pass">1-based, of this partition.</param>
/// <param name="Passes">Of this partition; grows when its owners turn out not to fit.</param>
/// <param name="Events">Records passed over, markers included, those of every pass and partition; never shrinks.</param>
/// <param name="TotalEvents">Records to pass over in all; never shrinks, and grows when a partition turns out to need more passes.</param>
public readonly record struct RecountProgress(int Partition, int Pass, int Passes, long Events, long TotalEvents);

/// <summary>What the log says.</summary>
public sealed class RecountResult
{
    internal RecountResult(Position position, Position? since, RecountVerdicts verdicts, long errors, IReadOnlyList<string> columns, IReadOnlyList<int> keyColumns, IReadOnlyList<Row> rows)
    {
        Position = position;
        Since = since;
        Verdicts = verdicts;
        Errors = errors;
        Columns = columns;
        KeyColumns = keyColumns;
        Rows = rows;
    }

    /// <summary>The prefix that was counted.</summary>
    public Position Position { get; }

    /// <summary>Where retention has cut the log: the first record of each partition that was counted. Rows before it are as the bases say. Null: everything was counted.</summary>
    public Position? Since { get; }

    /// <summary>Of the records that were counted.</summary>
    public RecountVerdicts Verdicts { get; }

    /// <summary>Counted events that the view could not evaluate.</summary>
    public long Errors { get; }

    /// <summary>Rows that the view shows.</summary>
    public int RowCount => Rows.Count;

    /// <summary>Names of the rows' columns.</summary>
    internal IReadOnlyList<string> Columns { get; }

    /// <summary>Which of them form the group key.</summary>
    internal IReadOnlyList<int> KeyColumns { get; }

    internal IReadOnlyList<Row> Rows { get; }

    /// <summary>The rows in the view's order, each a JSON object on one line.</summary>
    public IEnumerable<string> JsonRows() => Rows.Select(row => RecountComparison.Json(Columns, row.Columns));
}

/// <summary>Verdicts by kind, and all events together; markers are none.</summary>
public readonly record struct RecountVerdicts(long Events, long Counted, long Duplicate, long Replaced, long Taken, long Closed, long Invalid)
{
    internal RecountVerdicts Plus(RecountVerdicts other) => new(
        Events + other.Events, Counted + other.Counted, Duplicate + other.Duplicate, Replaced + other.Replaced, Taken + other.Taken, Closed + other.Closed, Invalid + other.Invalid);

    internal RecountVerdicts Plus(Verdict verdict) => verdict switch
    {
        Verdict.Counted => this with { Events = Events + 1, Counted = Counted + 1 },
        Verdict.Duplicate => this with { Events = Events + 1, Duplicate = Duplicate + 1 },
        Verdict.Replaced => this with { Events = Events + 1, Replaced = Replaced + 1 },
        Verdict.Taken => this with { Events = Events + 1, Taken = Taken + 1 },
        Verdict.Closed => this with { Events = Events + 1, Closed = Closed + 1 },
        Verdict.Invalid => this with { Events = Events + 1, Invalid = Invalid + 1 },
        _ => throw new ArgumentOutOfRangeException(nameof(verdict), verdict, null),
    };
}
