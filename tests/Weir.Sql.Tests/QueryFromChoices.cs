using Weir.Core;

namespace Weir.Sql.Tests;

/// <summary>Builds any query that the grammar allows from a row of choices, so that shrinking the choices shrinks the query. When the choices run out, the simplest form is taken.</summary>
internal sealed class QueryFromChoices(byte[] choices)
{
    private static readonly string[] s_names =
        ["a", "choice", "to", "year", "count", "from", "Select", "_key", "ce", "window_start", "a.b", "", "two words", "quo\"te", "ünï", "line\nbreak", "9lives", "𝒳"];

    private static readonly string[] s_strings = ["", "a", "it's", "100%", "_", "\"", "a\nb", "𝒳", "\0"];

    private static readonly string[] s_numbers = ["0", "1", "-1", "2.5", "-0.000000001", "99999999999999999999999999999", "1e3", "12.50"];

    private int _at;

    public ViewQuery Make() => new()
    {
        Select = Many(1, 4, () => new SelectItem(ColumnOrAggregate(), Pick(2) == 0 ? null : NonEmptyName())),
        From = NonEmptyName(),
        Where = Pick(2) == 0 ? null : Condition(3),
        GroupBy = Many(0, 3, GroupItem),
        Having = Pick(2) == 0 ? null : Condition(3),
        OrderBy = Many(0, 3, () => new OrderItem(ColumnOrAggregate(), Pick(2) == 1)),
        Limit = Pick(2) == 0 ? null : Pick(200) + 1,
    };

    private int Pick(int count) => _at < choices.Length ? choices[_at++] % count : 0;

    private NodeList<T> Many<T>(int least, int most, Func<T> make)
    {
        List<T> items = [];
        for (int i = least + Pick(most - least + 1); i > 0; i--)
        {
            items.Add(make());
        }

        return [.. items];
    }

    private string NonEmptyName()
    {
        string name = s_names[Pick(s_names.Length)];
        return name.Length > 0 ? name : "x";
    }

    private ColumnPath Path()
    {
        int kind = Pick(12);
        return kind switch
        {
            0 => ColumnPath.Of(ColumnRoot.Key),
            1 => ColumnPath.Of(ColumnRoot.Time),
            2 => ColumnPath.Of(ColumnRoot.Partition),
            3 => ColumnPath.Of(ColumnRoot.Offset),
            4 => ColumnPath.Of(ColumnRoot.WindowStart),
            5 => ColumnPath.Of(ColumnRoot.WindowEnd),
            6 => new ColumnPath(ColumnRoot.CloudEvent, [PathStep.Member(NonEmptyName())]),
            _ => new ColumnPath(ColumnRoot.Field, [PathStep.Member(NonEmptyName()), .. Many(0, 3, Step)]),
        };
    }

    private PathStep Step() => Pick(2) == 0 ? PathStep.Member(NonEmptyName()) : PathStep.Element(Pick(100));

    private Operand ColumnOrAggregate() => Pick(2) == 0 ? new ColumnOperand(Path()) : Aggregate();

    private AggregateOperand Aggregate()
    {
        AggregateFunction function = (AggregateFunction)Pick(7);
        return new AggregateOperand(function, function == AggregateFunction.Count && Pick(2) == 0 ? null : Path());
    }

    private GroupItem GroupItem() => Pick(2) == 0
        ? new GroupColumn(Path())
        : new GroupTumble(Pick(2) == 0 ? null : Path(), (Pick(250) + 1) * (long)Math.Pow(10, Pick(6)));

    private Operand Literal() => Pick(5) switch
    {
        0 => new NullOperand(),
        1 => new BooleanOperand(Pick(2) == 0),
        2 => new StringOperand(s_strings[Pick(s_strings.Length)]),
        _ => new NumberOperand(Number(s_numbers[Pick(s_numbers.Length)])),
    };

    private static Exact Number(string text) =>
        Exact.TryParse(System.Text.Encoding.ASCII.GetBytes(text), out Exact value) ? value : throw new ArgumentException(text);

    private Operand Operand() => Pick(3) == 0 ? Literal() : ColumnOrAggregate();

    private Condition Condition(int depth) => Pick(depth > 0 ? 7 : 4) switch
    {
        0 => new CompareCondition(Operand(), (CompareOperator)Pick(6), Operand()),
        1 => new InCondition(Operand(), Many(1, 3, Literal), Pick(2) == 0),
        2 => new LikeCondition(Operand(), s_strings[Pick(s_strings.Length)], Pick(2) == 0),
        3 => new IsNullCondition(Operand(), Pick(2) == 0),
        4 => new AndCondition(Many(2, 4, () => Condition(depth - 1))),
        5 => new OrCondition(Many(2, 4, () => Condition(depth - 1))),
        _ => new NotCondition(Condition(depth - 1)),
    };
}
