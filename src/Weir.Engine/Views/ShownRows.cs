using System.Buffers;
using System.Text;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>All shown rows of a view at one position. Immutable; sorted when somebody needs the order.</summary>
internal sealed class ShownRows
{
    private readonly ViewPlan _plan;
    private readonly Lazy<ViewRow[]> _ordered;

    public ShownRows(ViewPlan plan, string view, RowOrder order, ViewRow[] rows, long sequence, ViewHeader header)
    {
        _plan = plan;
        Rows = rows;
        Header = header;
        _ordered = new Lazy<ViewRow[]>(() => [.. rows.Order(order)]);
        Snapshot = new LiveFrame(sequence, rows.Length, isSnapshot: true, header.IsFinal, header.Position, header.Id, previousId: header.Id, () => Encode(view, order));
    }

    public ViewHeader Header { get; }

    /// <summary>In no order.</summary>
    public ViewRow[] Rows { get; }

    /// <summary>In the view's order.</summary>
    public ViewRow[] Ordered => _ordered.Value;

    public LiveFrame Snapshot { get; }

    private byte[] Encode(string view, RowOrder order)
    {
        ArrayBufferWriter<byte> json = new();
        json.Write("{\"snapshot\":true,\"view\":"u8);
        SqlValue.WriteJsonString(json, Encoding.UTF8.GetBytes(view));
        WriteNames(json, ",\"columns\":["u8, _plan.Shape.Columns);
        WriteNames(json, ",\"key\":["u8, _plan.Shape.KeyColumns.Select(column => _plan.Shape.Columns[column]));
        json.Write(",\"order\":"u8);
        SqlValue.WriteJsonString(json, Encoding.UTF8.GetBytes(order.Describe(_plan)));
        json.Write(","u8);
        Header.WriteFrame(json, _plan, Ordered, removed: []);
        return json.WrittenSpan.ToArray();
    }

    private static void WriteNames(IBufferWriter<byte> json, ReadOnlySpan<byte> opening, IEnumerable<OutputColumn> columns)
    {
        json.Write(opening);
        bool isFirst = true;
        foreach (OutputColumn column in columns)
        {
            json.Write(isFirst ? ""u8 : ","u8);
            SqlValue.WriteJsonString(json, Encoding.UTF8.GetBytes(column.Name));
            isFirst = false;
        }

        json.Write("]"u8);
    }
}

/// <summary>What every answer of a view says beside its rows.</summary>
internal sealed record ViewHeader(string Id, Position Position, bool IsFinal, long ErrorCount, ViewStop? Stop)
{
    /// <summary>Appends the members that all frames share, and the closing brace.</summary>
    public void WriteFrame(IBufferWriter<byte> json, ViewPlan plan, ReadOnlySpan<ViewRow> rows, ReadOnlySpan<byte[]> removed)
    {
        json.Write("\"position\":"u8);
        SqlValue.WriteJsonString(json, Encoding.UTF8.GetBytes(Position.ToString()));
        json.Write(",\"rows\":["u8);
        for (int i = 0; i < rows.Length; i++)
        {
            json.Write(i == 0 ? ""u8 : ","u8);
            rows[i].WriteJson(json, plan);
        }

        json.Write("],\"removed\":["u8);
        for (int i = 0; i < removed.Length; i++)
        {
            json.Write(i == 0 ? ""u8 : ","u8);
            json.Write(removed[i]);
        }

        json.Write(Encoding.UTF8.GetBytes(FormattableString.Invariant($"],\"final\":{(IsFinal ? "true" : "false")},\"errors\":{ErrorCount}")));
        if (Stop is not null)
        {
            json.Write(",\"stopped\":"u8);
            SqlValue.WriteJsonString(json, Encoding.UTF8.GetBytes(Stop.Detail));
        }

        json.Write("}"u8);
    }
}
