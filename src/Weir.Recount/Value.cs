using System.Numerics;
using Weir.Sql;

namespace Weir.Recount;

/// <summary>What a value is, in the order in which ORDER BY puts them; NULL comes last whatever the direction.</summary>
internal enum ValueKind
{
    Null,
    Boolean,
    Number,
    String,
    Composite,
}

/// <summary>A value of SQL.</summary>
/// <param name="Number">Times 10^9; 0 or 1 for a boolean.</param>
/// <param name="Text">UTF-8 of a string; the text of an object or array. Null where it cannot be used.</param>
/// <param name="IsUnusable">A number that has no exact form, a string with half a surrogate pair: an error only where it is needed.</param>
internal readonly record struct Value(ValueKind Kind, BigInteger Number, byte[]? Text, bool IsUnusable)
{
    public static Value Null => default;

    public bool IsNull => Kind == ValueKind.Null;

    public static Value OfNumber(BigInteger scaled) => new(ValueKind.Number, scaled, Text: null, IsUnusable: false);

    public static Value OfInteger(long value) => OfNumber(value * JsonText.One);

    public static Value OfBoolean(bool value) => new(ValueKind.Boolean, value ? 1 : 0, Text: null, IsUnusable: false);

    public static Value OfString(byte[]? utf8) => new(ValueKind.String, default, utf8, IsUnusable: utf8 is null);

    public static Value OfString(string text) => OfString(System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>Order within one kind.</summary>
    public int CompareTo(in Value other) => Kind is ValueKind.Boolean or ValueKind.Number
        ? Number.CompareTo(other.Number)
        : Text.AsSpan().SequenceCompareTo(other.Text);

    /// <summary>Appends the value as rows and group keys show it, one character a byte.</summary>
    public void AppendTo(System.Text.StringBuilder raw)
    {
        switch (Kind)
        {
            case ValueKind.Null:
                raw.Append("null");
                break;
            case ValueKind.Boolean:
                raw.Append(Number.IsZero ? "false" : "true");
                break;
            case ValueKind.Number:
                raw.Append(JsonText.ScaledText(Number));
                break;
            case ValueKind.String:
                JsonText.AppendString(raw, Text);
                break;
            default:
                raw.Append(JsonText.Raw(Text));
                break;
        }
    }
}

/// <summary>
/// Three-valued logic of WHERE and HAVING. Everything is evaluated, also where the result is decided already: an error in
/// any comparison is an error of the whole, and <see cref="Failed"/> stays set.
/// </summary>
internal sealed class Conditions(Func<Operand, Value> valueOf)
{
    /// <summary>A comparison needed a value that cannot be used. The caller resets it before each row.</summary>
    public bool Failed { get; set; }

    /// <summary>True, false or null.</summary>
    public bool? Evaluate(Condition condition)
    {
        switch (condition)
        {
            case CompareCondition compare:
                return Compare(valueOf(compare.Left), compare.Operator, valueOf(compare.Right));
            case AndCondition and:
                bool? all = true;
                foreach (Condition term in and.Terms)
                {
                    all &= Evaluate(term);
                }

                return all;
            case OrCondition or:
                bool? any = false;
                foreach (Condition term in or.Terms)
                {
                    any |= Evaluate(term);
                }

                return any;
            case NotCondition not:
                return !Evaluate(not.Term);
            case InCondition within:
                bool? found = false;
                foreach (Operand value in within.Values)
                {
                    found |= Compare(valueOf(within.Operand), CompareOperator.Equal, valueOf(value));
                }

                return within.Negated ? !found : found;
            case LikeCondition like:
                bool? matches = IsLike(valueOf(like.Operand), like.Pattern);
                return like.Negated ? !matches : matches;
            case IsNullCondition isNull:
                return valueOf(isNull.Operand).IsNull != isNull.Negated;
            default:
                throw new ArgumentOutOfRangeException(nameof(condition), condition, null);
        }
    }

    private bool? Compare(in Value left, CompareOperator how, in Value right)
    {
        if (left.Kind != right.Kind || left.Kind is ValueKind.Null or ValueKind.Composite)
        {
            return null;
        }

        if (left.IsUnusable || right.IsUnusable)
        {
            Failed = true;
            return null;
        }

        int order = left.CompareTo(right);
        return how switch
        {
            CompareOperator.Equal => order == 0,
            CompareOperator.NotEqual => order != 0,
            CompareOperator.Less => order < 0,
            CompareOperator.LessOrEqual => order <= 0,
            CompareOperator.Greater => order > 0,
            _ => order >= 0,
        };
    }

    private bool? IsLike(in Value value, string pattern)
    {
        if (value.Kind != ValueKind.String)
        {
            return null;
        }

        if (value.IsUnusable)
        {
            Failed = true;
            return null;
        }

        int[] text = [.. System.Text.Encoding.UTF8.GetString(value.Text!).EnumerateRunes().Select(rune => rune.Value)];
        int[] wanted = [.. pattern.EnumerateRunes().Select(rune => rune.Value)];

        // The rest of the text against the rest of the pattern; at a mismatch back to the last % with one more character for it.
        int at = 0, next = 0, percent = -1, resume = 0;
        while (at < text.Length)
        {
            if (next < wanted.Length && wanted[next] == '%')
            {
                (percent, resume) = (next++, at);
            }
            else if (next < wanted.Length && (wanted[next] == '_' || wanted[next] == text[at]))
            {
                (next, at) = (next + 1, at + 1);
            }
            else if (percent >= 0)
            {
                (next, at) = (percent + 1, ++resume);
            }
            else
            {
                return false;
            }
        }

        return wanted.AsSpan(next).IndexOfAnyExcept('%') < 0;
    }
}
