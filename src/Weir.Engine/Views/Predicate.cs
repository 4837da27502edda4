using System.Text;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>What a condition is for one record or row.</summary>
internal enum Truth : byte
{
    False,
    Null,
    True,

    /// <summary>It cannot be evaluated: the record is an error row.</summary>
    Error,
}

/// <summary>Buffers for evaluating predicates; one owner.</summary>
internal sealed class PredicateScratch
{
    public TextBuffer Left { get; } = new();

    public TextBuffer Right { get; } = new();
}

/// <summary>
/// A condition compiled to slots of a source. Immutable. All terms are evaluated, whatever the first ones say, so that an
/// error does not depend on the order of terms.
/// </summary>
internal sealed class Predicate
{
    private readonly Condition _condition;
    private readonly Term _left;
    private readonly Term _right;
    private readonly Predicate[] _terms = [];
    private readonly SqlValue[] _values = [];
    private readonly LikePattern? _pattern;

    private Predicate(Condition condition, Func<Operand, int> slotOf)
    {
        _condition = condition;
        switch (condition)
        {
            case CompareCondition compare:
                _left = Compile(compare.Left, slotOf);
                _right = Compile(compare.Right, slotOf);
                break;
            case AndCondition and:
                _terms = [.. and.Terms.Select(term => new Predicate(term, slotOf))];
                break;
            case OrCondition or:
                _terms = [.. or.Terms.Select(term => new Predicate(term, slotOf))];
                break;
            case NotCondition not:
                _terms = [new Predicate(not.Term, slotOf)];
                break;
            case InCondition within:
                _left = Compile(within.Operand, slotOf);
                _values = [.. within.Values.Select(value => LiteralOf(value) ?? throw new ArgumentException("IN takes literals."))];
                break;
            case LikeCondition like:
                _left = Compile(like.Operand, slotOf);
                _pattern = new LikePattern(like.Pattern);
                break;
            case IsNullCondition isNull:
                _left = Compile(isNull.Operand, slotOf);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(condition), condition, null);
        }
    }

    /// <param name="slotOf">The slot of a column or aggregate; not asked for literals.</param>
    public static Predicate Compile(Condition condition, Func<Operand, int> slotOf) => new(condition, slotOf);

    public Truth Evaluate<TSource>(scoped ref readonly TSource source, PredicateScratch scratch)
        where TSource : IDatumSource, allows ref struct
    {
        switch (_condition)
        {
            case CompareCondition compare:
                return Compare(compare.Operator, _left.Read(in source), _right.Read(in source), scratch);
            case AndCondition:
                return All(in source, scratch);
            case OrCondition:
                return Any(in source, scratch);
            case NotCondition:
                return Not(_terms[0].Evaluate(in source, scratch));
            case InCondition within:
                return Negate(In(_left.Read(in source), scratch), within.Negated);
            case LikeCondition like:
                return Negate(Like(_left.Read(in source), scratch), like.Negated);
            default:
                return Negate(IsNull(_left.Read(in source)), ((IsNullCondition)_condition).Negated);
        }
    }

    /// <summary>Compares two values as <c>=</c>, <c>&lt;</c> and the like do.</summary>
    public static Truth Compare(CompareOperator compare, Datum left, Datum right, PredicateScratch scratch)
    {
        if (left.Kind == DatumKind.Unreadable || right.Kind == DatumKind.Unreadable)
        {
            return Truth.Error;
        }

        int order;
        if (left.Kind == DatumKind.Number && right.Kind == DatumKind.Number)
        {
            if (!left.TryGetNumber(out Exact leftNumber) || !right.TryGetNumber(out Exact rightNumber))
            {
                return Truth.Error;
            }

            order = leftNumber.CompareTo(rightNumber);
        }
        else if (left.Kind == DatumKind.String && right.Kind == DatumKind.String)
        {
            if (!left.TryGetText(scratch.Left, out ReadOnlySpan<byte> leftText) || !right.TryGetText(scratch.Right, out ReadOnlySpan<byte> rightText))
            {
                return Truth.Error;
            }

            order = leftText.SequenceCompareTo(rightText);
        }
        else if (IsBoolean(left.Kind) && IsBoolean(right.Kind))
        {
            order = left.Kind.CompareTo(right.Kind);
        }
        else
        {
            return Truth.Null;
        }

        return Of(compare switch
        {
            CompareOperator.Equal => order == 0,
            CompareOperator.NotEqual => order != 0,
            CompareOperator.Less => order < 0,
            CompareOperator.LessOrEqual => order <= 0,
            CompareOperator.Greater => order > 0,
            CompareOperator.GreaterOrEqual => order >= 0,
            _ => throw new ArgumentOutOfRangeException(nameof(compare), compare, null),
        });
    }

    private static bool IsBoolean(DatumKind kind) => kind is DatumKind.False or DatumKind.True;

    private static Truth Of(bool value) => value ? Truth.True : Truth.False;

    private static Truth Not(Truth value) => value switch
    {
        Truth.False => Truth.True,
        Truth.True => Truth.False,
        _ => value,
    };

    private static Truth Negate(Truth value, bool negated) => negated ? Not(value) : value;

    private static Truth IsNull(Datum value) => value.Kind == DatumKind.Unreadable ? Truth.Error : Of(value.Kind == DatumKind.Null);

    private Truth All<TSource>(scoped ref readonly TSource source, PredicateScratch scratch)
        where TSource : IDatumSource, allows ref struct
    {
        Truth all = Truth.True;
        bool error = false;
        foreach (Predicate term in _terms)
        {
            Truth one = term.Evaluate(in source, scratch);
            error |= one == Truth.Error;
            all = one < all ? one : all;
        }

        return error ? Truth.Error : all;
    }

    private Truth Any<TSource>(scoped ref readonly TSource source, PredicateScratch scratch)
        where TSource : IDatumSource, allows ref struct
    {
        // Error is the greatest of all, so the maximum is the answer.
        Truth any = Truth.False;
        foreach (Predicate term in _terms)
        {
            Truth one = term.Evaluate(in source, scratch);
            any = one > any ? one : any;
        }

        return any;
    }

    private Truth In(Datum value, PredicateScratch scratch)
    {
        Truth any = Truth.False;
        foreach (SqlValue candidate in _values)
        {
            Truth one = Compare(CompareOperator.Equal, value, candidate.ToDatum(), scratch);
            any = one > any ? one : any;
        }

        return any;
    }

    private Truth Like(Datum value, PredicateScratch scratch)
    {
        if (value.Kind == DatumKind.Unreadable)
        {
            return Truth.Error;
        }

        if (value.Kind != DatumKind.String)
        {
            return Truth.Null;
        }

        return value.TryGetText(scratch.Left, out ReadOnlySpan<byte> text) ? Of(_pattern!.Matches(text)) : Truth.Error;
    }

    private static Term Compile(Operand operand, Func<Operand, int> slotOf) =>
        LiteralOf(operand) is { } literal ? new Term(-1, literal) : new Term(slotOf(operand), default);

    private static SqlValue? LiteralOf(Operand operand) => operand switch
    {
        NumberOperand number => SqlValue.FromNumber(number.Value),
        StringOperand text => SqlValue.FromText(Encoding.UTF8.GetBytes(text.Value)),
        BooleanOperand boolean => new SqlValue(boolean.Value ? DatumKind.True : DatumKind.False, default, null),
        NullOperand => SqlValue.Null,
        _ => null,
    };

    /// <param name="Slot">-1: the literal.</param>
    private readonly struct Term(int slot, SqlValue literal)
    {
        public Datum Read<TSource>(scoped ref readonly TSource source)
            where TSource : IDatumSource, allows ref struct => slot < 0 ? literal.ToDatum() : source.Read(slot);
    }
}
