using Weir.Core;

namespace Weir.Sql;

/// <summary>Something that has a value: a column, an aggregate or a literal.</summary>
public abstract record Operand
{
    /// <summary>Where it begins in the text; no part of equality.</summary>
    public SourcePlace Place { get; init; }

    /// <summary>The operand as canonical SQL.</summary>
    public sealed override string ToString() => SqlPrinter.Print(this);
}

/// <summary>A column of the event, metadata, a window's bound; in HAVING and ORDER BY of an unchecked query also an alias.</summary>
public sealed record ColumnOperand(ColumnPath Path) : Operand;

/// <summary>An aggregate. <see cref="Argument"/> is null for <c>count(*)</c> and for nothing else.</summary>
public sealed record AggregateOperand(AggregateFunction Function, ColumnPath? Argument) : Operand;

/// <summary>A number, within the range of <see cref="Exact"/>.</summary>
public sealed record NumberOperand(Exact Value) : Operand;

/// <summary>A string.</summary>
public sealed record StringOperand(string Value) : Operand;

/// <summary>TRUE or FALSE.</summary>
public sealed record BooleanOperand(bool Value) : Operand;

/// <summary>NULL.</summary>
public sealed record NullOperand : Operand;

/// <summary>The aggregate functions. NULL (a missing field or JSON null) is skipped by all of them except <c>count(*)</c>.</summary>
public enum AggregateFunction
{
    /// <summary><c>count(*)</c>: rows; <c>count(x)</c>: rows in which x is not NULL, whatever it is.</summary>
    Count,

    /// <summary>Exact sum of numbers; NULL over none.</summary>
    Sum,

    /// <summary>Least number or least string (by UTF-8 bytes); NULL over none.</summary>
    Min,

    /// <summary>Greatest number or greatest string (by UTF-8 bytes); NULL over none.</summary>
    Max,

    /// <summary>Sum divided by count of numbers, rounded half to even at six decimals; NULL over none.</summary>
    Avg,

    /// <summary>The value of the earliest record by (append time, partition, offset); NULL over none.</summary>
    First,

    /// <summary>The value of the newest record by (append time, partition, offset); NULL over none.</summary>
    Latest,
}
