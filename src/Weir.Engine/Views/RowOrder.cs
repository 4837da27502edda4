using System.Text;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>An order of rows: values by slot, NULL last in both directions, completed by the group key's bytes, so that no two rows tie. Immutable.</summary>
internal sealed class RowOrder((int Slot, bool Descending)[] slots) : IComparer<ViewRow>
{
    public ReadOnlySpan<(int Slot, bool Descending)> Slots => slots;

    /// <summary>Reads <c>-votes,choice</c>: output columns, <c>-</c> for descending.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.InvalidParameter"/>: no such column.</exception>
    public static RowOrder Parse(string text, ViewPlan plan)
    {
        List<(int, bool)> slots = [];
        foreach (string part in text.Split(','))
        {
            bool descending = part.StartsWith('-');
            slots.Add((plan.OutputSlots[IndexOfColumn(part[(descending ? 1 : 0)..], plan, "order")], descending));
        }

        return new RowOrder([.. slots]);
    }

    /// <summary>The index of an output column by its name.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.InvalidParameter"/>: no such column.</exception>
    public static int IndexOfColumn(string name, ViewPlan plan, string parameter)
    {
        NodeList<OutputColumn> columns = plan.Shape.Columns;
        for (int i = 0; i < columns.Count; i++)
        {
            if (columns[i].Name == name)
            {
                return i;
            }
        }

        throw new WeirException(
            ErrorCode.InvalidParameter,
            $"{parameter} names {name}, which is no column of the view; it has {string.Join(", ", columns.Select(column => column.Name))}.");
    }

    public int Compare(ViewRow? left, ViewRow? right) => Compare(left!, right!.Values, right.Key);

    /// <summary>Compares a row with a place in the order: values by row slot and a group key.</summary>
    public int Compare(ViewRow row, ReadOnlySpan<SqlValue> values, ReadOnlySpan<byte> key)
    {
        foreach ((int slot, bool descending) in slots)
        {
            int order = Compare(row.Values[slot], values[slot], descending);
            if (order != 0)
            {
                return order;
            }
        }

        return row.Key.AsSpan().SequenceCompareTo(key);
    }

    /// <summary>The order in the form that <see cref="Parse"/> reads, as far as it is one of output columns.</summary>
    public string Describe(ViewPlan plan)
    {
        StringBuilder text = new();
        foreach ((int slot, bool descending) in slots)
        {
            int column = Array.IndexOf(plan.OutputSlots, slot);
            if (column < 0)
            {
                break;
            }

            text.Append(text.Length == 0 ? "" : ",").Append(descending ? "-" : "").Append(plan.Shape.Columns[column].Name);
        }

        return text.ToString();
    }

    private static int Compare(SqlValue left, SqlValue right, bool descending)
    {
        if (left.Kind == DatumKind.Null || right.Kind == DatumKind.Null)
        {
            return (left.Kind == DatumKind.Null).CompareTo(right.Kind == DatumKind.Null);
        }

        int order = SqlValue.Compare(left, right);
        return descending ? -order : order;
    }
}
