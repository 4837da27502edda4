using System.Globalization;
using System.Text;
using Weir.Core;

namespace Weir.Sql;

/// <summary>Recursive descent over the tokens of one query; one method per rule of the grammar in docs/reference/sql.md. Used once.</summary>
internal sealed class SqlParser(string text)
{
    private readonly List<SqlToken> _tokens = new SqlLexer(text).Tokens();
    private int _at;

    private SqlToken Current => _tokens[_at];

    public ViewQuery ParseQuery()
    {
        Expect("SELECT");
        NodeList<SelectItem> select = List("select items", ViewQuery.MaxSelectItems, ParseSelectItem);
        Expect("FROM");
        string from = ParseName("the name of a stream");
        Condition? where = TakeKeyword("WHERE") ? ParseCondition(depth: 1) : null;
        NodeList<GroupItem> groupBy = TakeKeyword("GROUP") ? ParseAfterBy("GROUP BY items", ParseGroupItem) : [];
        Condition? having = TakeKeyword("HAVING") ? ParseCondition(depth: 1) : null;
        NodeList<OrderItem> orderBy = TakeKeyword("ORDER") ? ParseAfterBy("ORDER BY items", ParseOrderItem) : [];
        int? limit = TakeKeyword("LIMIT") ? ParseLimit() : null;
        RefuseTtl();
        TakeSymbol(";");
        if (Current.Kind != SqlTokenKind.End)
        {
            throw Unexpected(Next(where, groupBy, having, orderBy, limit));
        }

        return new ViewQuery
        {
            Select = select,
            From = from,
            Where = where,
            GroupBy = groupBy,
            Having = having,
            OrderBy = orderBy,
            Limit = limit,
        };
    }

    /// <summary>A text that is one column and nothing else.</summary>
    public ColumnPath ParseColumn()
    {
        ColumnPath path = ParsePath("a column");
        return Current.Kind == SqlTokenKind.End ? path : throw Unexpected("the end of the column");
    }

    // What may still follow, said in the order of the grammar.
    private static string Next(Condition? where, NodeList<GroupItem> groupBy, Condition? having, NodeList<OrderItem> orderBy, int? limit)
    {
        return (where, groupBy.Count, having, orderBy.Count, limit) switch
        {
            (_, _, _, _, not null) => "the end of the text",
            (_, _, _, > 0, _) => "',', LIMIT or the end of the text",
            (_, _, not null, _, _) => "AND, OR, ORDER BY, LIMIT or the end of the text",
            (_, > 0, _, _, _) => "',', HAVING, ORDER BY, LIMIT or the end of the text",
            (not null, _, _, _, _) => "AND, OR, GROUP BY, HAVING, ORDER BY, LIMIT or the end of the text",
            _ => "WHERE, GROUP BY, HAVING, ORDER BY, LIMIT or the end of the text",
        };
    }

    private SelectItem ParseSelectItem()
    {
        Operand value = ParseColumnOrAggregate();
        return new SelectItem(value, TakeKeyword("AS") ? ParseName("an alias") : null);
    }

    private OrderItem ParseOrderItem()
    {
        Operand value = ParseColumnOrAggregate();
        bool descending = TakeKeyword("DESC");
        if (!descending)
        {
            TakeKeyword("ASC");
        }

        return new OrderItem(value, descending);
    }

    private GroupItem ParseGroupItem()
    {
        SqlToken start = Current;
        if (!IsCall(start))
        {
            return new GroupColumn(ParsePath("a column or tumble(…)")) { Place = start.Place };
        }

        if (Named(start, "hop"))
        {
            throw SqlException.NotSupportedYet(start.Place, "hop");
        }

        if (!Named(start, "tumble"))
        {
            throw Unexpected("a column or tumble(…)");
        }

        _at += 2;
        ColumnPath? time = null;
        if (Current.Kind is SqlTokenKind.Name or SqlTokenKind.QuotedName)
        {
            time = ParsePath("a column");
            ExpectSymbol(",");
        }

        long sizeMs = ParseDuration();
        if (Current is { Kind: SqlTokenKind.Symbol, Text: "," } || Named(Current, "lateness"))
        {
            throw SqlException.NotSupportedYet(Current.Place, "lateness");
        }

        ExpectSymbol(")");
        return new GroupTumble(time, sizeMs) { Place = start.Place };
    }

    private long ParseDuration()
    {
        const string expected = "a duration such as 500ms, 10s, 1m, 1h or 1d";
        SqlToken token = Current;
        int digits = 0;
        while (digits < token.Text.Length && char.IsAsciiDigit(token.Text[digits]))
        {
            digits++;
        }

        long unitMs = token.Text[digits..] switch
        {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => 0,
        };
        if (token.Kind != SqlTokenKind.Duration || unitMs == 0)
        {
            throw Unexpected(expected);
        }

        if (!long.TryParse(token.Text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            || count == 0 || count > ViewQuery.MaxWindowMs / unitMs)
        {
            throw Unexpected("a duration from 1ms to 3660d");
        }

        _at++;
        return count * unitMs;
    }

    private int ParseLimit()
    {
        if (Current.Kind != SqlTokenKind.Number
            || !int.TryParse(Current.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit)
            || limit is < 1 or > ViewQuery.MaxLimit)
        {
            throw Unexpected($"a whole number from 1 to {ViewQuery.MaxLimit}");
        }

        _at++;
        return limit;
    }

    private void RefuseTtl()
    {
        if (Current.Is(SqlTokenKind.Keyword, "TTL"))
        {
            throw SqlException.NotSupportedYet(Current.Place, "TTL");
        }
    }

    private Condition ParseCondition(int depth)
    {
        NodeList<Condition> terms = Joined("OR", depth, ParseAnd);
        return terms.Count == 1 ? terms[0] : new OrCondition(terms);
    }

    private Condition ParseAnd(int depth)
    {
        NodeList<Condition> terms = Joined("AND", depth, ParseTerm);
        return terms.Count == 1 ? terms[0] : new AndCondition(terms);
    }

    private NodeList<Condition> Joined(string keyword, int depth, Func<int, Condition> parse)
    {
        List<Condition> terms = [parse(depth)];
        while (TakeKeyword(keyword))
        {
            terms.Add(parse(depth));
        }

        return [.. terms];
    }

    private Condition ParseTerm(int depth)
    {
        if (depth > ViewQuery.MaxDepth)
        {
            throw SqlException.TooLarge(Current.Place, $"at most {ViewQuery.MaxDepth} levels of parentheses and NOT", "one more");
        }

        if (TakeKeyword("NOT"))
        {
            return new NotCondition(ParseTerm(depth + 1));
        }

        if (TakeSymbol("("))
        {
            Condition inner = ParseCondition(depth + 1);
            ExpectSymbol(")");
            return inner;
        }

        return ParsePredicate();
    }

    private Condition ParsePredicate()
    {
        Operand left = ParseOperand();
        if (TakeKeyword("IS"))
        {
            bool isNot = TakeKeyword("NOT");
            Expect("NULL");
            return new IsNullCondition(left, isNot);
        }

        bool negated = TakeKeyword("NOT");
        if (TakeKeyword("IN"))
        {
            ExpectSymbol("(");
            NodeList<Operand> values = List("values", ViewQuery.MaxTextBytes, ParseLiteral);
            ExpectSymbol(")");
            return new InCondition(left, values, negated);
        }

        if (TakeKeyword("LIKE"))
        {
            if (Current.Kind != SqlTokenKind.String)
            {
                throw Unexpected("a pattern in quotes: 'a%'");
            }

            return new LikeCondition(left, _tokens[_at++].Text, negated);
        }

        if (negated)
        {
            throw Unexpected("IN or LIKE");
        }

        CompareOperator compare = ParseCompareOperator();
        return new CompareCondition(left, compare, ParseOperand());
    }

    private CompareOperator ParseCompareOperator()
    {
        CompareOperator? found = Current.Kind != SqlTokenKind.Symbol ? null : Current.Text switch
        {
            "=" => CompareOperator.Equal,
            "<>" or "!=" => CompareOperator.NotEqual,
            "<" => CompareOperator.Less,
            "<=" => CompareOperator.LessOrEqual,
            ">" => CompareOperator.Greater,
            ">=" => CompareOperator.GreaterOrEqual,
            _ => null,
        };
        if (found is null)
        {
            throw Unexpected("a comparison (=, <>, <, <=, >, >=), IN, LIKE or IS");
        }

        _at++;
        return found.Value;
    }

    private Operand ParseOperand() => Current.Kind is SqlTokenKind.Name or SqlTokenKind.QuotedName
        ? ParseColumnOrAggregate()
        : ParseLiteral("a column, an aggregate or a value");

    private Operand ParseLiteral() => ParseLiteral("a number, a 'string', TRUE, FALSE or NULL");

    private Operand ParseLiteral(string expected)
    {
        SqlToken token = Current;
        Operand literal = token switch
        {
            { Kind: SqlTokenKind.Number } => new NumberOperand(ParseNumber(token)) { Place = token.Place },
            { Kind: SqlTokenKind.String } => new StringOperand(token.Text) { Place = token.Place },
            { Kind: SqlTokenKind.Keyword, Text: "TRUE" } => new BooleanOperand(true) { Place = token.Place },
            { Kind: SqlTokenKind.Keyword, Text: "FALSE" } => new BooleanOperand(false) { Place = token.Place },
            { Kind: SqlTokenKind.Keyword, Text: "NULL" } => new NullOperand { Place = token.Place },
            _ => throw Unexpected(expected),
        };
        _at++;
        return literal;
    }

    private Exact ParseNumber(SqlToken token)
    {
        if (!Exact.TryParse(Encoding.ASCII.GetBytes(token.Text), out Exact value))
        {
            throw Unexpected("a number within ±1.7e29 with at most 9 digits after the point");
        }

        return value;
    }

    private Operand ParseColumnOrAggregate()
    {
        const string expected = "a column or an aggregate";
        SqlToken token = Current;
        if (!IsCall(token))
        {
            return new ColumnOperand(ParsePath(expected)) { Place = token.Place };
        }

        if (Named(token, "uniques") || Named(token, "hop"))
        {
            throw SqlException.NotSupportedYet(token.Place, token.Text.ToLowerInvariant());
        }

        if (!SqlPrinter.TryGetFunction(token.Text, out AggregateFunction function))
        {
            throw Unexpected("a column or one of the functions count, sum, min, max, avg, first, latest");
        }

        _at += 2;
        ColumnPath? argument = null;
        if (function != AggregateFunction.Count || !TakeSymbol("*"))
        {
            if (IsCall(Current))
            {
                throw Unexpected("a column: aggregates cannot be nested");
            }

            argument = ParsePath(function == AggregateFunction.Count ? "a column or *" : "a column");
        }

        RefuseTtl();
        ExpectSymbol(")");
        RefuseTtl();
        return new AggregateOperand(function, argument) { Place = token.Place };
    }

    private ColumnPath ParsePath(string expected)
    {
        SqlToken first = Current;
        string name = ParseName(expected);
        ColumnRoot root = first.Kind == SqlTokenKind.QuotedName ? ColumnRoot.Field : SqlPrinter.RootOf(name);
        List<PathStep> steps = [];
        if (root == ColumnRoot.Field)
        {
            steps.Add(PathStep.Member(name));
        }
        else if (root == ColumnRoot.CloudEvent)
        {
            ExpectSymbol(".");
            steps.Add(PathStep.Member(ParseName("the name of a CloudEvents attribute")));
            return new ColumnPath(root, [.. steps]);
        }
        else
        {
            return ColumnPath.Of(root);
        }

        while (true)
        {
            if (steps.Count > ViewQuery.MaxPathSteps)
            {
                throw SqlException.TooLarge(first.Place, $"at most {ViewQuery.MaxPathSteps} steps in a path", "more");
            }

            if (TakeSymbol("."))
            {
                steps.Add(PathStep.Member(ParseName("a name")));
            }
            else if (TakeSymbol("["))
            {
                steps.Add(PathStep.Element(ParseIndex()));
                ExpectSymbol("]");
            }
            else
            {
                return new ColumnPath(root, [.. steps]);
            }
        }
    }

    private int ParseIndex()
    {
        if (Current.Kind != SqlTokenKind.Number
            || !int.TryParse(Current.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int index))
        {
            throw Unexpected("an index from 0 to 2147483647");
        }

        _at++;
        return index;
    }

    private string ParseName(string expected)
    {
        if (Current.Kind is not (SqlTokenKind.Name or SqlTokenKind.QuotedName))
        {
            throw Unexpected(expected);
        }

        if (Current.Text.Length == 0)
        {
            throw Unexpected(expected + " that is not empty");
        }

        return _tokens[_at++].Text;
    }

    private NodeList<T> ParseAfterBy<T>(string what, Func<T> parse)
    {
        Expect("BY");
        return List(what, ViewQuery.MaxKeyItems, parse);
    }

    private NodeList<T> List<T>(string what, int most, Func<T> parse)
    {
        List<T> items = [];
        do
        {
            if (items.Count == most)
            {
                throw SqlException.TooLarge(Current.Place, $"at most {most} {what}", "one more");
            }

            items.Add(parse());
        }
        while (TakeSymbol(","));

        return [.. items];
    }

    // A name directly before a parenthesis calls a function; function names are no reserved words.
    private bool IsCall(SqlToken token) =>
        token.Kind == SqlTokenKind.Name && _tokens[_at + 1].Is(SqlTokenKind.Symbol, "(");

    private static bool Named(SqlToken token, string name) =>
        token.Kind == SqlTokenKind.Name && token.Text.Equals(name, StringComparison.OrdinalIgnoreCase);

    private bool TakeKeyword(string keyword) => Take(SqlTokenKind.Keyword, keyword);

    private bool TakeSymbol(string symbol) => Take(SqlTokenKind.Symbol, symbol);

    private bool Take(SqlTokenKind kind, string word)
    {
        bool found = Current.Is(kind, word);
        _at += found ? 1 : 0;
        return found;
    }

    private void Expect(string keyword)
    {
        if (!TakeKeyword(keyword))
        {
            throw Unexpected(keyword);
        }
    }

    private void ExpectSymbol(string symbol)
    {
        if (!TakeSymbol(symbol))
        {
            throw Unexpected($"'{symbol}'");
        }
    }

    private SqlException Unexpected(string expected)
    {
        string found = Current.Describe();
        if (Current.Kind == SqlTokenKind.Keyword)
        {
            found += $" (as a name it is written \"{Current.Text.ToLowerInvariant()}\" in double quotes)";
        }

        return SqlException.Syntax(Current.Place, expected, found);
    }
}
