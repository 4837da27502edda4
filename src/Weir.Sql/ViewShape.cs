namespace Weir.Sql;

/// <summary>One column of a view's rows.</summary>
/// <param name="Name">Its name in a row; no two columns of a view share one.</param>
/// <param name="Value">A <see cref="ColumnOperand"/> that is one of the group's columns or a window bound, or an <see cref="AggregateOperand"/>.</param>
public sealed record OutputColumn(string Name, Operand Value);

/// <summary>
/// A query whose names are resolved and whose meaning is checked: what a view keeps, and what its rows look like.
/// Aliases are gone: HAVING and ORDER BY hold group columns, window bounds, aggregates and literals only.
/// </summary>
/// <remarks>
/// Rules, beyond the grammar:
/// <list type="bullet">
/// <item>A SELECT item is an aggregate or a GROUP BY column, and every GROUP BY column is selected: a row is recognised by them.</item>
/// <item>With <c>tumble</c>, those of <c>window_start</c> and <c>window_end</c> that are not selected come first in every row; at most one <c>tumble</c>.</item>
/// <item>An alias wins over a column in HAVING and ORDER BY. Everywhere else, inside an aggregate too, a name is the column.</item>
/// <item>Output names (<see cref="SelectItem.OutputName"/>) are unique; aggregates stand in no WHERE.</item>
/// </list>
/// </remarks>
public sealed record ViewShape
{
    /// <summary>The query this is the shape of.</summary>
    public required ViewQuery Query { get; init; }

    /// <summary>The columns of a row, in order.</summary>
    public required NodeList<OutputColumn> Columns { get; init; }

    /// <summary>For each item of GROUP BY, the index of its column in <see cref="Columns"/> (<c>window_start</c> for <c>tumble</c>).</summary>
    public required NodeList<int> KeyColumns { get; init; }

    /// <summary>The <c>tumble</c> item of GROUP BY; null: none.</summary>
    public required GroupTumble? Window { get; init; }

    /// <summary>Every aggregate that SELECT, HAVING or ORDER BY needs, each once, in order of first appearance.</summary>
    public required NodeList<AggregateOperand> Aggregates { get; init; }

    /// <summary>Every column that is read from a record, each once: WHERE, GROUP BY and the aggregates' arguments. No window bounds.</summary>
    public required NodeList<ColumnPath> RecordColumns { get; init; }

    /// <summary>HAVING without aliases; null: all rows are shown.</summary>
    public required Condition? Having { get; init; }

    /// <summary>ORDER BY without aliases.</summary>
    public required NodeList<OrderItem> OrderBy { get; init; }

    /// <summary>Checks a query.</summary>
    /// <exception cref="SqlException">The query means nothing. A retry does not help.</exception>
    public static ViewShape Of(ViewQuery query) => new ViewShapeCheck(query).Run();
}
