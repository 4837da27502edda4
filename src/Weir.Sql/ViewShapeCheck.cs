namespace Weir.Sql;

/// <summary>The check behind <see cref="ViewShape.Of"/>. Used once.</summary>
internal sealed class ViewShapeCheck(ViewQuery query)
{
    private readonly Dictionary<string, Operand> _aliases = new(StringComparer.Ordinal);
    private readonly List<OutputColumn> _columns = [];
    private readonly List<AggregateOperand> _aggregates = [];
    private readonly List<ColumnPath> _recordColumns = [];
    private GroupTumble? _window;

    public ViewShape Run()
    {
        CheckGroupBy();
        CheckSelect();
        CheckWhere(query.Where);
        Condition? having = query.Having is null ? null : Resolve(query.Having, "HAVING");
        List<OrderItem> orderBy = [];
        foreach (OrderItem item in query.OrderBy)
        {
            orderBy.Add(item with { Value = Resolve(item.Value, "ORDER BY") });
        }

        return new ViewShape
        {
            Query = query,
            Columns = [.. _columns],
            KeyColumns = KeyColumns(),
            Window = _window,
            Aggregates = [.. _aggregates],
            RecordColumns = [.. _recordColumns],
            Having = having,
            OrderBy = [.. orderBy],
        };
    }

    private void CheckGroupBy()
    {
        for (int i = 0; i < query.GroupBy.Count; i++)
        {
            GroupItem item = query.GroupBy[i];
            for (int before = 0; before < i; before++)
            {
                if (query.GroupBy[before] == item)
                {
                    throw SqlException.Invalid(item.Place, "this column is in GROUP BY twice.");
                }
            }

            if (item is GroupTumble tumble)
            {
                if (_window is not null)
                {
                    throw SqlException.Invalid(item.Place, "a query has at most one tumble.");
                }

                _window = tumble;
                NeedOfRecord(tumble.Time ?? ColumnPath.Of(ColumnRoot.Time), item.Place, "tumble");
            }
            else
            {
                NeedOfRecord(((GroupColumn)item).Path, item.Place, "GROUP BY");
            }
        }
    }

    private void CheckSelect()
    {
        AddWindowBound(ColumnRoot.WindowStart);
        AddWindowBound(ColumnRoot.WindowEnd);
        foreach (SelectItem item in query.Select)
        {
            NeedOfGroup(item.Value, "SELECT");
            Add(item.OutputName, item.Value);
            if (item.Alias is not null)
            {
                _aliases.Add(item.Alias, item.Value);
            }
        }
    }

    private void AddWindowBound(ColumnRoot root)
    {
        Operand bound = new ColumnOperand(ColumnPath.Of(root));
        if (_window is not null && !query.Select.Any(item => item.Value == bound))
        {
            Add(ColumnPath.Of(root).OutputName(), bound);
        }
    }

    private void Add(string name, Operand value)
    {
        if (_columns.Exists(column => column.Name == name))
        {
            throw SqlException.Invalid(value.Place, $"two columns are called {name}: give one another name with AS.");
        }

        _columns.Add(new OutputColumn(name, value));
    }

    private NodeList<int> KeyColumns()
    {
        List<int> keys = [];
        foreach (GroupItem item in query.GroupBy)
        {
            ColumnPath path = item is GroupColumn column ? column.Path : ColumnPath.Of(ColumnRoot.WindowStart);
            int index = _columns.FindIndex(output => output.Value is ColumnOperand operand && operand.Path == path);
            if (index < 0)
            {
                throw SqlException.Invalid(item.Place, $"{path} is in GROUP BY but not selected: add it to SELECT, because a row is recognised by it.");
            }

            keys.Add(index);
        }

        return [.. keys];
    }

    private void CheckWhere(Condition? where)
    {
        if (where is null)
        {
            return;
        }

        ForEachOperand(where, operand =>
        {
            if (operand is AggregateOperand)
            {
                throw SqlException.Invalid(operand.Place, $"{operand} cannot be in WHERE, which looks at single events: use HAVING.");
            }

            if (operand is ColumnOperand column)
            {
                NeedOfRecord(column.Path, operand.Place, "WHERE");
            }
        });
    }

    private static void ForEachOperand(Condition condition, Action<Operand> visit)
    {
        switch (condition)
        {
            case CompareCondition compare:
                visit(compare.Left);
                visit(compare.Right);
                break;
            case AndCondition and:
                foreach (Condition term in and.Terms)
                {
                    ForEachOperand(term, visit);
                }

                break;
            case OrCondition or:
                foreach (Condition term in or.Terms)
                {
                    ForEachOperand(term, visit);
                }

                break;
            case NotCondition not:
                ForEachOperand(not.Term, visit);
                break;
            case InCondition within:
                visit(within.Operand);
                break;
            case LikeCondition like:
                visit(like.Operand);
                break;
            case IsNullCondition isNull:
                visit(isNull.Operand);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(condition), condition, null);
        }
    }

    private Condition Resolve(Condition condition, string clause) => condition switch
    {
        CompareCondition compare => compare with { Left = Resolve(compare.Left, clause), Right = Resolve(compare.Right, clause) },
        AndCondition and => new AndCondition(Resolve(and.Terms, clause)),
        OrCondition or => new OrCondition(Resolve(or.Terms, clause)),
        NotCondition not => new NotCondition(Resolve(not.Term, clause)),
        InCondition within => within with { Operand = Resolve(within.Operand, clause) },
        LikeCondition like => like with { Operand = Resolve(like.Operand, clause) },
        IsNullCondition isNull => isNull with { Operand = Resolve(isNull.Operand, clause) },
        _ => throw new ArgumentOutOfRangeException(nameof(condition), condition, null),
    };

    private NodeList<Condition> Resolve(NodeList<Condition> terms, string clause)
    {
        List<Condition> resolved = [];
        foreach (Condition term in terms)
        {
            resolved.Add(Resolve(term, clause));
        }

        return [.. resolved];
    }

    private Operand Resolve(Operand operand, string clause)
    {
        if (operand is ColumnOperand column && _aliases.TryGetValue(Name(column.Path), out Operand? named))
        {
            return named;
        }

        NeedOfGroup(operand, clause);
        return operand;
    }

    // The name a path has in common with an alias: a single field, or a window bound or metadata written as one word.
    private static string Name(ColumnPath path) => path switch
    {
        { Root: ColumnRoot.Field, Steps: [{ Name: { } name }] } => name,
        { Root: ColumnRoot.Field or ColumnRoot.CloudEvent } => "",
        _ => path.RootName(),
    };

    private void NeedOfGroup(Operand operand, string clause)
    {
        if (operand is AggregateOperand aggregate)
        {
            if (aggregate.Argument is not null)
            {
                NeedOfRecord(aggregate.Argument, aggregate.Place, SqlPrinter.NameOf(aggregate.Function));
            }

            if (!_aggregates.Contains(aggregate))
            {
                _aggregates.Add(aggregate);
            }
        }
        else if (operand is ColumnOperand { Path: { IsWindowBound: true } bound })
        {
            if (_window is null)
            {
                throw SqlException.Invalid(operand.Place, $"{bound} needs tumble in GROUP BY; a field of that name is written \"{bound}\" in double quotes.");
            }
        }
        else if (operand is ColumnOperand column && !query.GroupBy.Any(item => item is GroupColumn group && group.Path == column.Path))
        {
            bool isAliasInGroupBy = query.Select.Any(item => item.Alias is not null && item.Value == operand
                && query.GroupBy.Any(group => group is GroupColumn named && Name(named.Path) == item.Alias));
            throw SqlException.Invalid(operand.Place, isAliasInGroupBy
                ? $"GROUP BY takes columns, not aliases: write GROUP BY {column.Path}."
                : $"{column.Path} in {clause} is neither an aggregate nor in GROUP BY.");
        }
    }

    private void NeedOfRecord(ColumnPath path, SourcePlace place, string clause)
    {
        if (path.IsWindowBound)
        {
            throw SqlException.Invalid(place, $"{path} is not a column of an event and cannot be in {clause}; a field of that name is written \"{path}\" in double quotes.");
        }

        if (!_recordColumns.Contains(path))
        {
            _recordColumns.Add(path);
        }
    }
}
