namespace Weir.Sql;

/// <summary>
/// A view's query as it was written: <c>SELECT … FROM stream [WHERE …] [GROUP BY …] [HAVING …] [ORDER BY …] [LIMIT n]</c>.
/// </summary>
/// <remarks>
/// Immutable; compares by content, not by layout. <see cref="Parse"/> checks the grammar only;
/// <see cref="ViewShape.Of"/> resolves names and checks the meaning. <see cref="ToString"/> is the canonical text: parsing it gives an equal query.
///
/// What a query means for one record, and every implementation must agree on it (docs/reference/sql.md has the whole of it):
/// 1. WHERE is evaluated, all of it: an error in any comparison of it makes the record an error row, even where the other
///    comparisons already decide. A record whose condition is FALSE or NULL is no row of the view and no error.
/// 2. Then the group key and all aggregates are evaluated. An error in any of them leaves the whole record out and counts it once.
/// 3. A number is evaluated where it is compared with a number, summed, averaged, kept or part of a group key; one that
///    has no <see cref="Core.Exact"/> form is an error there, and nowhere else.
/// </remarks>
public sealed record ViewQuery
{
    /// <summary>The longest text of a query, in bytes of UTF-8.</summary>
    public const int MaxTextBytes = 64 * 1024;

    /// <summary>The deepest nesting of parentheses and NOT in a condition.</summary>
    public const int MaxDepth = 64;

    /// <summary>The most items of a SELECT list.</summary>
    public const int MaxSelectItems = 100;

    /// <summary>The most items of GROUP BY, and of ORDER BY.</summary>
    public const int MaxKeyItems = 16;

    /// <summary>The most steps of a path; an event's JSON is not nested deeper.</summary>
    public const int MaxPathSteps = 64;

    /// <summary>The greatest LIMIT.</summary>
    public const int MaxLimit = 1_000_000;

    /// <summary>The longest window of <c>tumble</c>, in milliseconds: 3,660 days.</summary>
    public const long MaxWindowMs = 3660L * 24 * 60 * 60 * 1000;

    /// <summary>What a row shows, in order. At least one item.</summary>
    public required NodeList<SelectItem> Select { get; init; }

    /// <summary>The name of the stream.</summary>
    public required string From { get; init; }

    /// <summary>Which records are rows of the view; null: all.</summary>
    public Condition? Where { get; init; }

    /// <summary>What a row is kept for. Empty: the view has exactly one row, also before the first event.</summary>
    public NodeList<GroupItem> GroupBy { get; init; } = [];

    /// <summary>Which rows are shown; null: all. Columns in it may be aliases.</summary>
    public Condition? Having { get; init; }

    /// <summary>The order of the rows; completed by the group key's canonical bytes, ascending.</summary>
    public NodeList<OrderItem> OrderBy { get; init; } = [];

    /// <summary>How many rows are shown, 1 to <see cref="MaxLimit"/>; null: all.</summary>
    public int? Limit { get; init; }

    /// <summary>Parses the text of a query.</summary>
    /// <exception cref="SqlException">The text is not a query, or one of its parts is not supported yet. A retry does not help.</exception>
    public static ViewQuery Parse(string text) => new SqlParser(text).ParseQuery();

    /// <summary>Resolves the names and checks what the grammar cannot: <see cref="ViewShape.Of"/>.</summary>
    /// <exception cref="SqlException">The query means nothing. A retry does not help.</exception>
    public ViewShape Check() => ViewShape.Of(this);

    /// <summary>The canonical text, on one line.</summary>
    public override string ToString() => SqlPrinter.Print(this);
}

/// <summary>One item of a SELECT list: a column or an aggregate, and its alias if it has one.</summary>
public sealed record SelectItem(Operand Value, string? Alias)
{
    /// <summary>The column's name in a row: the alias, else the path's name (<see cref="ColumnPath.OutputName"/>), after
    /// the function's for an aggregate: <c>count(*)</c> gives <c>count</c>, <c>sum(points)</c> gives <c>sum_points</c>.</summary>
    public string OutputName => Alias ?? Value switch
    {
        ColumnOperand column => column.Path.OutputName(),
        AggregateOperand { Argument: { } argument } aggregate => SqlPrinter.NameOf(aggregate.Function) + "_" + argument.OutputName(),
        AggregateOperand aggregate => SqlPrinter.NameOf(aggregate.Function),
        _ => throw new InvalidOperationException("A SELECT item is a column or an aggregate."),
    };
}

/// <summary>One item of GROUP BY.</summary>
public abstract record GroupItem
{
    /// <summary>Where it begins in the text; no part of equality.</summary>
    public SourcePlace Place { get; init; }
}

/// <summary>Rows are kept per value of this column. NULL is a value of its own.</summary>
public sealed record GroupColumn(ColumnPath Path) : GroupItem;

/// <summary>Rows are kept per window of <see cref="SizeMs"/> milliseconds. Windows lie end to end, aligned to 1970-01-01T00:00:00Z, begin inclusive and end exclusive.</summary>
/// <param name="Time">The column that says when: RFC 3339 text or a whole number of epoch milliseconds; null: the append time.</param>
/// <param name="SizeMs">1 to <see cref="ViewQuery.MaxWindowMs"/>.</param>
public sealed record GroupTumble(ColumnPath? Time, long SizeMs) : GroupItem;

/// <summary>One item of ORDER BY: a column, an alias or an aggregate. NULL comes last, also with DESC.</summary>
public sealed record OrderItem(Operand Value, bool Descending);
