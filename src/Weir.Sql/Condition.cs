namespace Weir.Sql;

/// <summary>Something that is TRUE, FALSE or NULL. WHERE and HAVING keep what is TRUE.</summary>
public abstract record Condition
{
    /// <summary>The condition as canonical SQL.</summary>
    public sealed override string ToString() => SqlPrinter.Print(this);
}

/// <summary>The comparison operators.</summary>
public enum CompareOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// <summary>A comparison. Numbers compare with numbers, strings with strings (UTF-8 bytes), booleans with booleans (FALSE before TRUE); everything else, NULL included, gives NULL.</summary>
public sealed record CompareCondition(Operand Left, CompareOperator Operator, Operand Right) : Condition;

/// <summary>FALSE if one term is FALSE, else NULL if one is NULL, else TRUE. At least two terms.</summary>
public sealed record AndCondition(NodeList<Condition> Terms) : Condition;

/// <summary>TRUE if one term is TRUE, else NULL if one is NULL, else FALSE. At least two terms.</summary>
public sealed record OrCondition(NodeList<Condition> Terms) : Condition;

/// <summary>TRUE becomes FALSE, FALSE becomes TRUE, NULL stays.</summary>
public sealed record NotCondition(Condition Term) : Condition;

/// <summary><c>x IN (…)</c>: as <c>x = a OR x = b …</c> over literals; <see cref="Negated"/>: as NOT of that. At least one value.</summary>
public sealed record InCondition(Operand Operand, NodeList<Operand> Values, bool Negated) : Condition;

/// <summary><c>x LIKE pattern</c>: <c>%</c> stands for any characters, <c>_</c> for exactly one (a code point); both cannot be
/// escaped. Case-sensitive. NULL where x is not a string. <see cref="Negated"/>: as NOT of that.</summary>
public sealed record LikeCondition(Operand Operand, string Pattern, bool Negated) : Condition;

/// <summary><c>x IS NULL</c>, <c>x IS NOT NULL</c>: never NULL itself.</summary>
public sealed record IsNullCondition(Operand Operand, bool Negated) : Condition;
