using System.Buffers;
using System.Text;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>One row of a view at one position. Immutable; shared by frames, snapshots and answers.</summary>
internal sealed class ViewRow(MergedGroup group, SqlValue[] values)
{
    private byte[]? _json;

    public MergedGroup Group => group;

    /// <summary>Canonical bytes of the group key.</summary>
    public byte[] Key => group.Key;

    /// <summary>By row slot of <see cref="ViewPlan"/>.</summary>
    public ReadOnlySpan<SqlValue> Values => values;

    public bool HasValuesOf(ViewRow other) => Values.SequenceEqual(other.Values);

    /// <summary>Appends the row as a JSON object, made once.</summary>
    public void WriteJson(IBufferWriter<byte> json, ViewPlan plan)
    {
        // Two threads may both make it; they make the same bytes.
        _json ??= Encode(plan);
        json.Write(_json);
    }

    private byte[] Encode(ViewPlan plan)
    {
        ArrayBufferWriter<byte> json = new();
        for (int i = 0; i < plan.OutputSlots.Length; i++)
        {
            json.Write(i == 0 ? "{"u8 : ","u8);
            SqlValue.WriteJsonString(json, Encoding.UTF8.GetBytes(plan.Shape.Columns[i].Name));
            json.Write(":"u8);
            values[plan.OutputSlots[i]].WriteJson(json);
        }

        json.Write("}"u8);
        return json.WrittenSpan.ToArray();
    }
}

/// <summary>A group of the view: what each partition says of it, and the row that follows. Owned by the read model's lock.</summary>
internal sealed class MergedGroup(byte[] key, SqlValue[] values, long windowStartMs, int partitions)
{
    // As merged last; at first only the values of the key. Rows share the arrays, so none is ever changed.
    private SqlValue[] _values = values;

    public byte[] Key => key;

    public long WindowStartMs => windowStartMs;

    public GroupPartial?[] Parts { get; } = new GroupPartial?[partitions];

    /// <summary>The row, if HAVING lets it through.</summary>
    public ViewRow? Row { get; set; }

    /// <summary>Set only while the rows that LIMIT lets through are compared with those it did.</summary>
    public bool IsInTop { get; set; }

    /// <summary>The row as the last frame showed it.</summary>
    public ViewRow? Shown { get; set; }

    /// <summary>The merge in which it was last looked at, so that it is looked at once.</summary>
    public long TouchedIn { get; set; } = -1;

    public bool IsEmpty => Array.TrueForAll(Parts, part => part is null);

    /// <summary>The row's values by row slot.</summary>
    /// <exception cref="OverflowException">A sum over the partitions leaves 128 bits.</exception>
    public SqlValue[] Merge(ViewPlan plan)
    {
        SqlValue[] merged = [.. _values];
        NodeList<AggregateOperand> aggregates = plan.Shape.Aggregates;
        for (int i = 0; i < aggregates.Count; i++)
        {
            merged[plan.FirstAggregateSlot + i] = Merge(aggregates[i], i);
        }

        _values = merged;
        return merged;
    }

    private SqlValue Merge(AggregateOperand aggregate, int index) => aggregate.Function switch
    {
        AggregateFunction.Count => SqlValue.FromInteger(aggregate.Argument is null ? Rows() : Count(index)),
        AggregateFunction.Sum => Count(index) == 0 ? SqlValue.Null : SqlValue.FromNumber(Sum(index)),
        AggregateFunction.Avg => Count(index) is > 0 and long count ? SqlValue.FromNumber(Exact.Average(Sum(index), count)) : SqlValue.Null,
        AggregateFunction.Min => Extreme(index, wantsGreater: false),
        AggregateFunction.Max => Extreme(index, wantsGreater: true),
        AggregateFunction.First => Edge(index, wantsFirst: true),
        AggregateFunction.Latest => Edge(index, wantsFirst: false),
        _ => throw new InvalidOperationException($"{aggregate} cannot be merged."),
    };

    private long Rows()
    {
        long rows = 0;
        foreach (GroupPartial? part in Parts)
        {
            rows += part?.Rows ?? 0;
        }

        return rows;
    }

    private long Count(int index)
    {
        long count = 0;
        foreach (GroupPartial? part in Parts)
        {
            count += part?.Values[index].Count ?? 0;
        }

        return count;
    }

    private Exact Sum(int index)
    {
        Exact sum = default;
        foreach (GroupPartial? part in Parts)
        {
            sum = part is null ? sum : sum + part.Values[index].Number;
        }

        return sum;
    }

    private SqlValue Extreme(int index, bool wantsGreater)
    {
        SqlValue kept = SqlValue.Null;
        foreach (GroupPartial? part in Parts)
        {
            if (part is not null && ExtremeAccumulator.Replaces(part.Values[index].ToValue(), kept, wantsGreater))
            {
                kept = part.Values[index].ToValue();
            }
        }

        return kept;
    }

    // By (append time, partition); within a partition its accumulator has chosen already.
    private SqlValue Edge(int index, bool wantsFirst)
    {
        PartialValue kept = default;
        foreach (GroupPartial? part in Parts)
        {
            if (part is null || part.Values[index].Kind == DatumKind.Null)
            {
                continue;
            }

            PartialValue value = part.Values[index];
            bool replaces = kept.Kind == DatumKind.Null || (wantsFirst ? value.TimeMs < kept.TimeMs : value.TimeMs >= kept.TimeMs);
            kept = replaces ? value : kept;
        }

        return kept.ToValue();
    }
}
