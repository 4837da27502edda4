using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>
/// A view's query compiled against the columns that ingest extracts. Immutable and thread-safe; stays valid when the column
/// set grows, because indexes of columns do not change.
/// </summary>
public sealed class ViewPlan
{
    private ViewPlan(ViewDefinition definition, ViewShape shape, ColumnSet columns)
    {
        Definition = definition;
        Shape = shape;
        RecordSlots = [.. shape.RecordColumns.Select(path =>
            new RecordSlot(path.Root, path.Root is ColumnRoot.Field or ColumnRoot.CloudEvent ? columns.IndexOf(path) : -1))];
        Where = shape.Query.Where is { } where ? Predicate.Compile(where, RecordSlotOf) : null;
        KeySlots = [.. shape.Query.GroupBy.Select(item => RecordSlotOf(item is GroupColumn column
            ? column.Path
            : ((GroupTumble)item).Time ?? ColumnPath.Of(ColumnRoot.Time)))];
        Window = shape.Window is { } window ? new WindowTime(window.SizeMs) : null;
        WindowKey = shape.Window is { } tumble ? shape.Query.GroupBy.ToList().IndexOf(tumble) : -1;
        OnlyKeyColumn = Where is null && Window is null && KeySlots.Length == 1 && RecordSlots[KeySlots[0]] is { Root: ColumnRoot.Field, Column: var only } ? only : -1;
        ArgumentSlots = [.. shape.Aggregates.Select(aggregate => aggregate.Argument is { } argument ? RecordSlotOf(argument) : -1)];

        OutputSlots = [.. shape.Columns.Select(column => RowSlotOf(column.Value))];
        Having = shape.Having is { } having ? Predicate.Compile(having, RowSlotOf) : null;
        OrderSlots = [.. shape.OrderBy.Select(item => (RowSlotOf(item.Value), item.Descending))];
    }

    public ViewDefinition Definition { get; }

    /// <summary>The checked query.</summary>
    public ViewShape Shape { get; }

    /// <summary>Where each of <see cref="ViewShape.RecordColumns"/> comes from.</summary>
    internal RecordSlot[] RecordSlots { get; }

    internal Predicate? Where { get; }

    /// <summary>Record slots of GROUP BY; the window's is that of its time.</summary>
    internal int[] KeySlots { get; }

    /// <summary>Column of the one field that a view without WHERE groups by; -1: it is another kind of view. The commonest form has a way of its own.</summary>
    internal int OnlyKeyColumn { get; }

    /// <summary>Index in GROUP BY of the window; -1: none.</summary>
    internal int WindowKey { get; }

    internal WindowTime? Window { get; }

    /// <summary>Record slots of the aggregates' arguments; -1 for <c>count(*)</c>.</summary>
    internal int[] ArgumentSlots { get; }

    /// <summary>
    /// Values of a row, as HAVING, ORDER BY and the output address them: the GROUP BY values, then <c>window_end</c> if there
    /// is a window, then the aggregates.
    /// </summary>
    internal int RowSlotCount => FirstAggregateSlot + ArgumentSlots.Length;

    internal int WindowEndSlot => KeySlots.Length;

    internal int FirstAggregateSlot => KeySlots.Length + (Window is null ? 0 : 1);

    /// <summary>Row slots of the output columns.</summary>
    internal int[] OutputSlots { get; }

    internal Predicate? Having { get; }

    internal (int Slot, bool Descending)[] OrderSlots { get; }

    /// <summary>Compiles a definition.</summary>
    /// <param name="shape">The definition's query, parsed and checked.</param>
    /// <param name="columns">Holds all of the shape's columns (<see cref="ColumnSet.With"/>).</param>
    /// <param name="keepsLast">The stream's claim keeps the last event, so records are taken back.</param>
    /// <exception cref="SqlException"><see cref="ErrorCode.SqlNotSupportedYet"/> with <c>keep: last</c>. A retry does not help.</exception>
    public static ViewPlan Compile(ViewDefinition definition, ViewShape shape, ColumnSet columns, bool keepsLast)
    {
        if (keepsLast)
        {
            CheckRetractable(shape);
        }

        return new ViewPlan(definition, shape, columns);
    }

    /// <summary>Accumulators for one partition, one per aggregate that is not <c>count(*)</c>; the rows of a group are always counted.</summary>
    internal Accumulator?[] MakeAccumulators()
    {
        Accumulator?[] accumulators = new Accumulator?[ArgumentSlots.Length];
        for (int i = 0; i < accumulators.Length; i++)
        {
            int slot = ArgumentSlots[i];
            accumulators[i] = Shape.Aggregates[i] switch
            {
                { Argument: null } => null,
                { Function: AggregateFunction.Count } => new CountAccumulator(slot),
                { Function: AggregateFunction.Sum or AggregateFunction.Avg } => new SumAccumulator(slot),
                { Function: AggregateFunction.Min } => new ExtremeAccumulator(slot, wantsGreater: false),
                { Function: AggregateFunction.Max } => new ExtremeAccumulator(slot, wantsGreater: true),
                { Function: AggregateFunction.First } => new EdgeAccumulator(slot, keepsFirst: true),
                { Function: AggregateFunction.Latest } => new EdgeAccumulator(slot, keepsFirst: false),
                _ => throw new InvalidOperationException($"No accumulator for {Shape.Aggregates[i]}."),
            };
        }

        return accumulators;
    }

    // What cannot be subtracted: the least of the others is not known without reading them again. A window that was dropped cannot come back.
    private static void CheckRetractable(ViewShape shape)
    {
        if (shape.Window is { } window)
        {
            throw SqlException.NotSupportedYet(window.Place, "tumble over a stream with keep: last");
        }

        foreach (AggregateOperand aggregate in shape.Aggregates)
        {
            if (aggregate.Function is not (AggregateFunction.Count or AggregateFunction.Sum or AggregateFunction.Avg))
            {
                throw SqlException.NotSupportedYet(aggregate.Place, $"{aggregate} over a stream with keep: last");
            }
        }
    }

    private int RecordSlotOf(Operand operand) => RecordSlotOf(((ColumnOperand)operand).Path);

    private int RecordSlotOf(ColumnPath path) => Shape.RecordColumns.ToList().IndexOf(path);

    private int RowSlotOf(Operand operand) => operand switch
    {
        AggregateOperand aggregate => FirstAggregateSlot + Shape.Aggregates.ToList().IndexOf(aggregate),
        ColumnOperand { Path.Root: ColumnRoot.WindowStart } => WindowKey,
        ColumnOperand { Path.Root: ColumnRoot.WindowEnd } => WindowEndSlot,
        ColumnOperand column => Shape.Query.GroupBy.ToList().IndexOf(new GroupColumn(column.Path)),
        _ => throw new InvalidOperationException($"{operand} is no value of a row."),
    };
}
