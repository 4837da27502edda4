using System.Numerics;
using System.Text;
using Weir.Sql;

namespace Weir.Recount;

/// <summary>One row of the view.</summary>
/// <param name="Key">Canonical bytes of the group key, one character a byte.</param>
/// <param name="Columns">The columns' values as canonical JSON, in the view's order, one character a byte.</param>
internal sealed record Row(string Key, string[] Columns);

/// <summary>From groups to what the view shows: HAVING, ORDER BY, LIMIT.</summary>
internal sealed class ViewRows
{
    private readonly ViewShape _shape;
    private readonly Dictionary<AggregateOperand, int> _aggregates = [];
    private Aggregate[] _group = [];
    private string _key = "";
    private Value[]? _keyValues;

    private ViewRows(ViewShape shape)
    {
        _shape = shape;
        for (int i = 0; i < shape.Aggregates.Count; i++)
        {
            _aggregates.Add(shape.Aggregates[i], i);
        }
    }

    /// <summary>The rows of the view, in its order.</summary>
    public static List<Row> Of(ViewShape shape, ViewTally tally) => new ViewRows(shape).Run(tally);

    private List<Row> Run(ViewTally tally)
    {
        var conditions = new Conditions(ValueOf);
        var kept = new List<(string Key, Value[] Order, Aggregate[] Group)>();
        foreach ((string key, Aggregate[] group) in tally.Groups)
        {
            Take(key, group);
            if (_shape.Having is null || conditions.Evaluate(_shape.Having) == true)
            {
                kept.Add((key, [.. _shape.OrderBy.Select(item => ValueOf(item.Value))], group));
            }
        }

        kept.Sort((left, right) => Compare(left.Order, right.Order) is var order and not 0 ? order : string.CompareOrdinal(left.Key, right.Key));
        var rows = new List<Row>();
        foreach ((string key, _, Aggregate[] group) in kept.Take(_shape.Query.Limit ?? int.MaxValue))
        {
            Take(key, group);
            rows.Add(new Row(key, [.. _shape.Columns.Select(column => Text(ValueOf(column.Value)))]));
        }

        return rows;
    }

    private int Compare(Value[] left, Value[] right)
    {
        for (int i = 0; i < left.Length; i++)
        {
            if (left[i].IsNull || right[i].IsNull)
            {
                if (left[i].IsNull != right[i].IsNull)
                {
                    return left[i].IsNull ? 1 : -1;
                }

                continue;
            }

            int order = left[i].Kind != right[i].Kind ? left[i].Kind.CompareTo(right[i].Kind) : left[i].CompareTo(right[i]);
            if (order != 0)
            {
                return _shape.OrderBy[i].Descending ? -order : order;
            }
        }

        return 0;
    }

    private Value ValueOf(Operand operand) => operand switch
    {
        AggregateOperand aggregate => Show(aggregate.Function, _group[_aggregates[aggregate]]),
        ColumnOperand column => Column(column.Path),
        _ => ViewTally.Literal(operand),
    };

    private void Take(string key, Aggregate[] group) => (_key, _keyValues, _group) = (key, null, group);

    private Value Column(ColumnPath path)
    {
        _keyValues ??= ViewTally.ReadKey(JsonText.Bytes(_key));
        for (int i = 0; i < _shape.Query.GroupBy.Count; i++)
        {
            switch (_shape.Query.GroupBy[i])
            {
                case GroupColumn column when column.Path == path:
                    return _keyValues[i];
                case GroupTumble tumble when path.IsWindowBound:
                    EventTime.TryRead(_keyValues[i].Text, out long start);
                    return Value.OfString(EventTime.Text(path.Root == ColumnRoot.WindowStart ? start : start + tumble.SizeMs, tumble.SizeMs));
            }
        }

        throw new ArgumentOutOfRangeException(nameof(path), path, "The column is not grouped by.");
    }

    private static Value Show(AggregateFunction function, in Aggregate aggregate) => function switch
    {
        AggregateFunction.Count => Value.OfInteger(aggregate.Count),
        AggregateFunction.Sum => aggregate.Count == 0 ? Value.Null : Value.OfNumber(aggregate.Sum),
        AggregateFunction.Avg => aggregate.Count == 0 ? Value.Null : Value.OfNumber(Average(aggregate.Sum, aggregate.Count)),
        AggregateFunction.Min or AggregateFunction.Max or AggregateFunction.First or AggregateFunction.Latest => aggregate.Kept,
        _ => throw new ArgumentOutOfRangeException(nameof(function), function, null),
    };

    /// <summary>Sum by count at six digits after the point, half to even.</summary>
    private static BigInteger Average(BigInteger sum, long count)
    {
        BigInteger unit = count * 1_000L;
        BigInteger twice = 2 * (BigInteger.Abs(sum) % unit);
        BigInteger millionths = BigInteger.Abs(sum) / unit;
        if (twice > unit || (twice == unit && !millionths.IsEven))
        {
            millionths++;
        }

        return millionths * 1_000 * sum.Sign;
    }

    private static string Text(in Value value)
    {
        var text = new StringBuilder();
        value.AppendTo(text);
        return text.ToString();
    }
}
