using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Weir.Sql;

namespace Weir.Engine.Tests.Views;

/// <summary>
/// The oracle: a view computed at once over parsed JSON with LINQ and <see cref="decimal"/>, as docs/reference/sql.md says it.
/// Shares names and grammar (<see cref="ViewShape"/>) with the engine, nothing else. Takes numbers that <see cref="decimal"/> holds exactly.
/// </summary>
internal static class NaiveView
{
    internal sealed record Event(string Json, int Partition, long Offset, long TimeMs);

    /// <summary>Raised for what cannot be evaluated.</summary>
    private sealed class CannotEvaluateException : Exception;

    public static (List<string> Rows, List<(int, long)> Errors) Compute(string sql, IEnumerable<Event> events)
    {
        ViewShape shape = ViewQuery.Parse(sql).Check();
        ViewQuery query = shape.Query;
        List<(int, long)> errors = [];
        List<(string Key, object?[] KeyValues, Event Event, Dictionary<ColumnPath, object?> Arguments)> included = [];
        Dictionary<(int, string, AggregateOperand), Type> kinds = [];
        foreach (Event one in events)
        {
            using JsonDocument document = JsonDocument.Parse(one.Json);
            try
            {
                if (query.Where is not null && Evaluate(query.Where, operand => Read(((ColumnOperand)operand).Path, document.RootElement, one)) != true)
                {
                    continue;
                }

                object?[] key = [.. query.GroupBy.Select(item => KeyValue(item, document.RootElement, one))];
                string keyText = "[" + string.Join(',', key.Select(ToJson)) + "]";
                if (Encoding.UTF8.GetByteCount(keyText) > ViewLimits.MaxGroupKeyBytes)
                {
                    throw new CannotEvaluateException();
                }

                Dictionary<ColumnPath, object?> arguments = [];
                Dictionary<(int, string, AggregateOperand), Type> newKinds = [];
                foreach (AggregateOperand aggregate in shape.Aggregates)
                {
                    if (aggregate.Argument is { } argument)
                    {
                        object? value = Read(argument, document.RootElement, one);
                        Check(aggregate, value);
                        arguments[argument] = value;
                        if (value is not null && aggregate.Function is AggregateFunction.Min or AggregateFunction.Max && value is not null)
                        {
                            if (kinds.TryGetValue((one.Partition, keyText, aggregate), out Type? kind) && kind != Evaluated(value).GetType())
                            {
                                throw new CannotEvaluateException();
                            }

                            newKinds[(one.Partition, keyText, aggregate)] = Evaluated(value).GetType();
                        }
                    }
                }

                foreach ((var place, Type kind) in newKinds)
                {
                    kinds[place] = kind;
                }

                included.Add((keyText, key, one, arguments));
            }
            catch (CannotEvaluateException)
            {
                errors.Add((one.Partition, one.Offset));
            }
        }

        var groups = included.GroupBy(row => row.Key, StringComparer.Ordinal)
            .Select(group => (group.Key, group.First().KeyValues, Rows: group.Select(row => (row.Event, row.Arguments)).ToList())).ToList();
        if (query.GroupBy.Count == 0 && groups.Count == 0)
        {
            groups.Add(("[]", [], []));
        }

        List<(string Key, Func<Operand, object?> ValueOf)> rows = [];
        foreach (var group in groups)
        {
            object? ValueOf(Operand operand) => operand switch
            {
                AggregateOperand aggregate => Aggregate(aggregate, group.Rows),
                ColumnOperand { Path.Root: ColumnRoot.WindowStart } => group.KeyValues[WindowIndex(query)],
                ColumnOperand { Path.Root: ColumnRoot.WindowEnd } => WindowText(WindowStart((string)group.KeyValues[WindowIndex(query)]!) + shape.Window!.SizeMs, shape.Window.SizeMs),
                ColumnOperand column => group.KeyValues[query.GroupBy.ToList().IndexOf(new GroupColumn(column.Path))],
                _ => throw new InvalidOperationException(),
            };
            if (shape.Having is null || Evaluate(shape.Having, ValueOf) == true)
            {
                rows.Add((group.Key, ValueOf));
            }
        }

        rows.Sort((left, right) =>
        {
            foreach (OrderItem item in shape.OrderBy)
            {
                object? leftValue = left.ValueOf(item.Value);
                object? rightValue = right.ValueOf(item.Value);
                if (leftValue is null || rightValue is null)
                {
                    if (leftValue is null != rightValue is null)
                    {
                        return leftValue is null ? 1 : -1;
                    }

                    continue;
                }

                int order = Order(leftValue, rightValue) * (item.Descending ? -1 : 1);
                if (order != 0)
                {
                    return order;
                }
            }

            return CompareText(left.Key, right.Key);
        });
        return ([.. rows.Take(query.Limit ?? int.MaxValue).Select(row => "{" + string.Join(',', shape.Columns.Select(column => ToJson(column.Name) + ":" + ToJson(row.ValueOf(column.Value)))) + "}")], errors);
    }

    // An unevaluated number stays a Number until somebody needs it.
    private sealed record Number(string Text)
    {
        public decimal Value
        {
            get
            {
                decimal value = decimal.Parse(Text, NumberStyles.Float, CultureInfo.InvariantCulture);
                return decimal.Round(value, 9) == value && !Text.Contains("e-10", StringComparison.Ordinal) ? value : throw new CannotEvaluateException();
            }
        }
    }

    private sealed record Composite(string Text);

    private static object? Read(ColumnPath path, JsonElement root, Event one)
    {
        switch (path.Root)
        {
            case ColumnRoot.Key:
                return null;
            case ColumnRoot.Time:
                return new Number(one.TimeMs.ToString(CultureInfo.InvariantCulture));
            case ColumnRoot.Partition:
                return new Number(one.Partition.ToString(CultureInfo.InvariantCulture));
            case ColumnRoot.Offset:
                return new Number(one.Offset.ToString(CultureInfo.InvariantCulture));
        }

        JsonElement at = root;
        foreach (PathStep step in path.Steps)
        {
            if (step.Name is { } name)
            {
                if (at.ValueKind != JsonValueKind.Object)
                {
                    return null;
                }

                List<JsonElement> found = [.. at.EnumerateObject().Where(property => property.Name == name).Select(property => property.Value)];
                if (found.Count > 1)
                {
                    throw new CannotEvaluateException();
                }

                if (found.Count == 0)
                {
                    return null;
                }

                at = found[0];
            }
            else if (at.ValueKind == JsonValueKind.Array && step.Index < at.GetArrayLength())
            {
                at = at[step.Index];
            }
            else
            {
                return null;
            }
        }

        return at.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Null => null,
            JsonValueKind.Number => new Number(at.GetRawText()),
            JsonValueKind.String => at.GetString(),
            _ => new Composite(string.Concat(at.GetRawText().Where(c => !char.IsWhiteSpace(c)))),
        };
    }

    private static object Evaluated(object value) => value is Number number ? number.Value : value;

    private static void Check(AggregateOperand aggregate, object? value)
    {
        bool isRight = aggregate.Function switch
        {
            _ when value is null => true,
            AggregateFunction.Count => true,
            AggregateFunction.Sum or AggregateFunction.Avg => value is Number,
            AggregateFunction.Min or AggregateFunction.Max => value is Number or string,
            _ => true,
        };
        if (!isRight)
        {
            throw new CannotEvaluateException();
        }

        if (aggregate.Function != AggregateFunction.Count && value is not null)
        {
            object evaluated = Evaluated(value);
            string text = evaluated as string ?? (evaluated as Composite)?.Text ?? "";
            if (Encoding.UTF8.GetByteCount(text) > ViewLimits.MaxValueBytes)
            {
                throw new CannotEvaluateException();
            }
        }
    }

    private static object? KeyValue(GroupItem item, JsonElement root, Event one)
    {
        if (item is GroupTumble tumble)
        {
            object? time = Read(tumble.Time ?? ColumnPath.Of(ColumnRoot.Time), root, one);
            decimal ms = time switch
            {
                Number number when number.Value == decimal.Truncate(number.Value) => number.Value,
                string text when DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out DateTimeOffset parsed) && text.Length >= 20 => parsed.ToUnixTimeMilliseconds(),
                _ => throw new CannotEvaluateException(),
            };
            return WindowText((long)(decimal.Floor(ms / tumble.SizeMs) * tumble.SizeMs), tumble.SizeMs);
        }

        object? value = Read(((GroupColumn)item).Path, root, one);
        return value is Composite ? throw new CannotEvaluateException() : value is null ? null : Evaluated(value);
    }

    private static int WindowIndex(ViewQuery query) => query.GroupBy.ToList().FindIndex(item => item is GroupTumble);

    private static long WindowStart(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();

    private static string WindowText(long ms, long sizeMs) =>
        DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString(sizeMs % 1000 == 0 ? "yyyy-MM-dd'T'HH:mm:ss'Z'" : "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static object? Aggregate(AggregateOperand aggregate, List<(Event Event, Dictionary<ColumnPath, object?> Arguments)> rows)
    {
        if (aggregate.Argument is not { } argument)
        {
            return (decimal)rows.Count;
        }

        var present = rows.Where(row => row.Arguments[argument] is not null).OrderBy(row => (row.Event.TimeMs, row.Event.Partition, row.Event.Offset)).ToList();
        if (aggregate.Function == AggregateFunction.Count)
        {
            return (decimal)present.Count;
        }

        List<object> values = [.. present.Select(row => Evaluated(row.Arguments[argument]!))];
        if (values.Count == 0)
        {
            return null;
        }

        return aggregate.Function switch
        {
            AggregateFunction.Sum => values.Sum(value => (decimal)value),
            AggregateFunction.Avg => RoundedQuotient(values.Sum(value => (decimal)value), values.Count),
            AggregateFunction.Min => values.Aggregate((least, value) => Order(value, least) < 0 ? value : least),
            AggregateFunction.Max => values.Aggregate((greatest, value) => Order(value, greatest) > 0 ? value : greatest),
            AggregateFunction.First => values[0],
            _ => values[^1],
        };
    }

    // Half to even at six decimals, by whole numbers.
    private static decimal RoundedQuotient(decimal sum, int count)
    {
        BigInteger scaled = new(sum * 1_000_000_000m);
        BigInteger divisor = (BigInteger)count * 1000;
        BigInteger quotient = BigInteger.DivRem(scaled, divisor, out BigInteger remainder);
        BigInteger doubled = BigInteger.Abs(remainder) * 2;
        if (doubled > divisor || (doubled == divisor && !quotient.IsEven))
        {
            quotient += scaled.Sign;
        }

        return (decimal)quotient / 1_000_000m;
    }

    private static bool? Evaluate(Condition condition, Func<Operand, object?> read)
    {
        object? Value(Operand operand) => operand switch
        {
            NumberOperand number => new Number(number.Value.ToString()),
            StringOperand text => text.Value,
            BooleanOperand boolean => boolean.Value,
            NullOperand => null,
            _ => read(operand),
        };
        switch (condition)
        {
            case CompareCondition compare:
                return Compare(compare.Operator, Value(compare.Left), Value(compare.Right));
            case AndCondition and:
                List<bool?> all = [.. and.Terms.Select(term => Evaluate(term, read))];
                return all.Contains(false) ? false : all.Contains(null) ? null : true;
            case OrCondition or:
                List<bool?> any = [.. or.Terms.Select(term => Evaluate(term, read))];
                return any.Contains(true) ? true : any.Contains(null) ? null : false;
            case NotCondition not:
                return !Evaluate(not.Term, read);
            case InCondition within:
                List<bool?> equal = [.. within.Values.Select(value => Compare(CompareOperator.Equal, Value(within.Operand), Value(value)))];
                bool? isIn = equal.Contains(true) ? true : equal.Contains(null) ? null : false;
                return within.Negated ? !isIn : isIn;
            case LikeCondition like:
                bool? matches = Value(like.Operand) is string likeText ? Like([.. likeText.EnumerateRunes()], [.. like.Pattern.EnumerateRunes()]) : null;
                return like.Negated ? !matches : matches;
            case IsNullCondition isNull:
                return Value(isNull.Operand) is null != isNull.Negated;
            default:
                throw new InvalidOperationException();
        }
    }

    private static bool? Compare(CompareOperator compare, object? left, object? right)
    {
        if (!((left is Number or decimal && right is Number or decimal) || (left is string && right is string) || (left is bool && right is bool)))
        {
            return null;
        }

        int order = Order(Evaluated(left), Evaluated(right));
        return compare switch
        {
            CompareOperator.Equal => order == 0,
            CompareOperator.NotEqual => order != 0,
            CompareOperator.Less => order < 0,
            CompareOperator.LessOrEqual => order <= 0,
            CompareOperator.Greater => order > 0,
            _ => order >= 0,
        };
    }

    private static bool Like(ReadOnlySpan<Rune> text, ReadOnlySpan<Rune> pattern)
    {
        if (pattern.IsEmpty)
        {
            return text.IsEmpty;
        }

        if (pattern[0] == new Rune('%'))
        {
            return Like(text, pattern[1..]) || (!text.IsEmpty && Like(text[1..], pattern));
        }

        return !text.IsEmpty && (pattern[0] == new Rune('_') || pattern[0] == text[0]) && Like(text[1..], pattern[1..]);
    }

    private static int Rank(object value) => value switch { false => 1, true => 2, decimal => 3, string => 4, _ => 5 };

    private static int Order(object left, object right) => (left, right) switch
    {
        _ when Rank(left) != Rank(right) => Rank(left).CompareTo(Rank(right)),
        (decimal leftNumber, decimal rightNumber) => leftNumber.CompareTo(rightNumber),
        (string leftText, string rightText) => CompareText(leftText, rightText),
        (Composite leftJson, Composite rightJson) => CompareText(leftJson.Text, rightJson.Text),
        _ => 0,
    };

    private static int CompareText(string left, string right) => Math.Sign(Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right)));

    private static string ToJson(object? value) => value switch
    {
        null => "null",
        true => "true",
        false => "false",
        decimal number => number.ToString("0.#########", CultureInfo.InvariantCulture),
        Composite composite => composite.Text,
        string text => ToJson(text),
        _ => throw new InvalidOperationException(),
    };

    private static string ToJson(string text)
    {
        StringBuilder json = new("\"");
        foreach (char c in text)
        {
            json.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\t' => "\\t",
                '\n' => "\\n",
                '\f' => "\\f",
                '\r' => "\\r",
                < ' ' => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }

        return json.Append('"').ToString();
    }
}
