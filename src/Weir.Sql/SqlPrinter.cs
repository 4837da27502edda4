using System.Globalization;
using System.Text;

namespace Weir.Sql;

/// <summary>
/// The canonical text of a query: one line, keywords in capitals, names quoted only where they must be, parentheses only
/// where they mean something. Parsing it gives an equal query.
/// </summary>
internal static class SqlPrinter
{
    private static readonly (string Name, AggregateFunction Function)[] s_functions =
    [
        ("count", AggregateFunction.Count),
        ("sum", AggregateFunction.Sum),
        ("min", AggregateFunction.Min),
        ("max", AggregateFunction.Max),
        ("avg", AggregateFunction.Avg),
        ("first", AggregateFunction.First),
        ("latest", AggregateFunction.Latest),
    ];

    public static string NameOf(AggregateFunction function)
    {
        foreach ((string name, AggregateFunction candidate) in s_functions)
        {
            if (candidate == function)
            {
                return name;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(function), function, null);
    }

    /// <summary>Function names are read in any case, as keywords are.</summary>
    public static bool TryGetFunction(string name, out AggregateFunction function)
    {
        foreach ((string candidate, AggregateFunction value) in s_functions)
        {
            if (candidate.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                function = value;
                return true;
            }
        }

        function = default;
        return false;
    }

    /// <summary>What a path reads whose first name, unquoted, is <paramref name="name"/>.</summary>
    public static ColumnRoot RootOf(string name) => name switch
    {
        "_key" => ColumnRoot.Key,
        "_time" => ColumnRoot.Time,
        "_partition" => ColumnRoot.Partition,
        "_offset" => ColumnRoot.Offset,
        "ce" => ColumnRoot.CloudEvent,
        "window_start" => ColumnRoot.WindowStart,
        "window_end" => ColumnRoot.WindowEnd,
        _ => ColumnRoot.Field,
    };

    public static string Print(ViewQuery query)
    {
        StringBuilder text = new("SELECT ");
        Join(text, query.Select, Write);
        text.Append(" FROM ");
        WriteName(text, query.From);
        if (query.Where is not null)
        {
            text.Append(" WHERE ");
            Write(text, query.Where);
        }

        if (query.GroupBy.Count > 0)
        {
            text.Append(" GROUP BY ");
            Join(text, query.GroupBy, Write);
        }

        if (query.Having is not null)
        {
            text.Append(" HAVING ");
            Write(text, query.Having);
        }

        if (query.OrderBy.Count > 0)
        {
            text.Append(" ORDER BY ");
            Join(text, query.OrderBy, Write);
        }

        if (query.Limit is int limit)
        {
            text.Append(CultureInfo.InvariantCulture, $" LIMIT {limit}");
        }

        return text.ToString();
    }

    public static string Print(Operand operand)
    {
        StringBuilder text = new();
        Write(text, operand);
        return text.ToString();
    }

    public static string Print(Condition condition)
    {
        StringBuilder text = new();
        Write(text, condition);
        return text.ToString();
    }

    public static string Print(ColumnPath path)
    {
        StringBuilder text = new();
        Write(text, path);
        return text.ToString();
    }

    private static void Write(StringBuilder text, SelectItem item)
    {
        Write(text, item.Value);
        if (item.Alias is not null)
        {
            text.Append(" AS ");
            WriteName(text, item.Alias);
        }
    }

    private static void Write(StringBuilder text, OrderItem item)
    {
        Write(text, item.Value);
        text.Append(item.Descending ? " DESC" : "");
    }

    private static void Write(StringBuilder text, GroupItem item)
    {
        switch (item)
        {
            case GroupColumn column:
                Write(text, column.Path);
                break;
            case GroupTumble tumble:
                text.Append("tumble(");
                if (tumble.Time is not null)
                {
                    Write(text, tumble.Time);
                    text.Append(", ");
                }

                text.Append(DurationText(tumble.SizeMs)).Append(')');
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(item), item, null);
        }
    }

    /// <summary>In the greatest unit that divides it: 60,000 is <c>1m</c>.</summary>
    private static string DurationText(long ms)
    {
        ReadOnlySpan<(long Ms, string Unit)> units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
        foreach ((long unitMs, string unit) in units)
        {
            if (ms % unitMs == 0)
            {
                return (ms / unitMs).ToString(CultureInfo.InvariantCulture) + unit;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(ms), ms, null);
    }

    private static void Write(StringBuilder text, Operand operand)
    {
        switch (operand)
        {
            case ColumnOperand column:
                Write(text, column.Path);
                break;
            case AggregateOperand aggregate:
                text.Append(NameOf(aggregate.Function)).Append('(');
                if (aggregate.Argument is null)
                {
                    text.Append('*');
                }
                else
                {
                    Write(text, aggregate.Argument);
                }

                text.Append(')');
                break;
            case NumberOperand number:
                text.Append(number.Value.ToString());
                break;
            case StringOperand literal:
                WriteString(text, literal.Value);
                break;
            case BooleanOperand boolean:
                text.Append(boolean.Value ? "TRUE" : "FALSE");
                break;
            case NullOperand:
                text.Append("NULL");
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(operand), operand, null);
        }
    }

    private static void Write(StringBuilder text, Condition condition)
    {
        switch (condition)
        {
            case CompareCondition compare:
                Write(text, compare.Left);
                text.Append(' ').Append(SymbolOf(compare.Operator)).Append(' ');
                Write(text, compare.Right);
                break;
            case AndCondition and:
                WriteTerms(text, and.Terms, " AND ", inner => inner is AndCondition or OrCondition);
                break;
            case OrCondition or:
                WriteTerms(text, or.Terms, " OR ", inner => inner is OrCondition);
                break;
            case NotCondition not:
                text.Append("NOT ");
                WriteTerm(text, not.Term, not.Term is AndCondition or OrCondition);
                break;
            case InCondition within:
                Write(text, within.Operand);
                text.Append(within.Negated ? " NOT IN (" : " IN (");
                Join(text, within.Values, Write);
                text.Append(')');
                break;
            case LikeCondition like:
                Write(text, like.Operand);
                text.Append(like.Negated ? " NOT LIKE " : " LIKE ");
                WriteString(text, like.Pattern);
                break;
            case IsNullCondition isNull:
                Write(text, isNull.Operand);
                text.Append(isNull.Negated ? " IS NOT NULL" : " IS NULL");
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(condition), condition, null);
        }
    }

    private static void WriteTerms(StringBuilder text, NodeList<Condition> terms, string separator, Func<Condition, bool> needsParentheses)
    {
        for (int i = 0; i < terms.Count; i++)
        {
            text.Append(i == 0 ? "" : separator);
            WriteTerm(text, terms[i], needsParentheses(terms[i]));
        }
    }

    private static void WriteTerm(StringBuilder text, Condition term, bool parentheses)
    {
        text.Append(parentheses ? "(" : "");
        Write(text, term);
        text.Append(parentheses ? ")" : "");
    }

    private static string SymbolOf(CompareOperator compare) => compare switch
    {
        CompareOperator.Equal => "=",
        CompareOperator.NotEqual => "<>",
        CompareOperator.Less => "<",
        CompareOperator.LessOrEqual => "<=",
        CompareOperator.Greater => ">",
        CompareOperator.GreaterOrEqual => ">=",
        _ => throw new ArgumentOutOfRangeException(nameof(compare), compare, null),
    };

    private static void Write(StringBuilder text, ColumnPath path)
    {
        text.Append(path.RootName());
        for (int i = 0; i < path.Steps.Count; i++)
        {
            PathStep step = path.Steps[i];
            if (step.Name is null)
            {
                text.Append(CultureInfo.InvariantCulture, $"[{step.Index}]");
                continue;
            }

            text.Append(i > 0 || path.Root == ColumnRoot.CloudEvent ? "." : "");
            bool looksLikeMetadata = i == 0 && path.Root == ColumnRoot.Field && RootOf(step.Name) != ColumnRoot.Field;
            WriteName(text, step.Name, quoted: looksLikeMetadata);
        }
    }

    private static void WriteName(StringBuilder text, string name, bool quoted = false)
    {
        if (!quoted && SqlLexer.IsPlainName(name))
        {
            text.Append(name);
            return;
        }

        text.Append('"').Append(name.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
    }

    private static void WriteString(StringBuilder text, string value) =>
        text.Append('\'').Append(value.Replace("'", "''", StringComparison.Ordinal)).Append('\'');

    private static void Join<T>(StringBuilder text, NodeList<T> nodes, Action<StringBuilder, T> write)
    {
        for (int i = 0; i < nodes.Count; i++)
        {
            text.Append(i == 0 ? "" : ", ");
            write(text, nodes[i]);
        }
    }
}
