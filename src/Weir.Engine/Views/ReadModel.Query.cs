using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Weir.Core;

namespace Weir.Engine;

/// <content>Reads of rows: filter, order, pages. They work on one immutable state, outside the lock.</content>
public sealed partial class ReadModel
{
    /// <summary>Rows by filter, order and page, all at one position.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.InvalidParameter"/>: unknown column, limit out of range, or a page mark of another order. A retry does not help.</exception>
    public ViewPage Query(ViewRequest request)
    {
        if (request.Limit is < 1 or > ViewRequest.MaxLimit)
        {
            throw new WeirException(ErrorCode.InvalidParameter, FormattableString.Invariant($"limit is {request.Limit}; it can be 1 to {ViewRequest.MaxLimit}."));
        }

        RowOrder order = request.Order is null ? _order : RowOrder.Parse(request.Order, _plan);
        List<(int Slot, string Text)> filters = [];
        foreach ((string column, string text) in request.Filters)
        {
            filters.Add((_plan.OutputSlots[RowOrder.IndexOfColumn(column, _plan, "The filter")], text));
        }

        ShownRows state;
        lock (_gate)
        {
            state = State();
        }

        ViewRow[] rows = request.Order is null ? state.Ordered : [.. state.Rows.Order(order)];
        int first = request.After is null ? 0 : FirstAfter(request.After, rows, order);
        ArrayBufferWriter<byte> json = new();
        json.Write("["u8);
        int count = 0;
        ViewRow? last = null;
        string? next = null;
        for (int i = first; i < rows.Length; i++)
        {
            if (!Matches(rows[i], filters))
            {
                continue;
            }

            if (count == request.Limit)
            {
                next = MarkAfter(last!, order);
                break;
            }

            json.Write(count == 0 ? ""u8 : ","u8);
            rows[i].WriteJson(json, _plan);
            last = rows[i];
            count++;
        }

        json.Write("]"u8);
        return new ViewPage
        {
            ETag = state.Header.Id,
            Position = state.Header.Position,
            IsFinal = state.Header.IsFinal,
            ErrorCount = state.Header.ErrorCount,
            Stop = state.Header.Stop,
            Rows = json.WrittenMemory,
            RowCount = count,
            Next = next,
        };
    }

    private static bool Matches(ViewRow row, List<(int Slot, string Text)> filters)
    {
        foreach ((int slot, string text) in filters)
        {
            SqlValue value = row.Values[slot];
            bool matches = value.Kind switch
            {
                DatumKind.Null => text == "null",
                DatumKind.False => text == "false",
                DatumKind.True => text == "true",
                DatumKind.Number => IsNumber(text) && Exact.TryParse(Encoding.UTF8.GetBytes(text), out Exact wanted) && wanted == value.Number,
                _ => Encoding.UTF8.GetBytes(text).AsSpan().SequenceEqual(value.Text),
            };
            if (!matches)
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsNumber(string text)
    {
        try
        {
            Utf8JsonReader reader = new(Encoding.UTF8.GetBytes(text));
            return reader.Read() && reader.TokenType == JsonTokenType.Number && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // A page mark is the place of a row in its order: the values that are ordered by and the group key, as a JSON array. So
    // the next page begins after that place whatever has changed in between.
    private static string MarkAfter(ViewRow row, RowOrder order)
    {
        ArrayBufferWriter<byte> json = new();
        json.Write("["u8);
        foreach ((int slot, _) in order.Slots)
        {
            row.Values[slot].WriteJson(json);
            json.Write(","u8);
        }

        json.Write(row.Key);
        json.Write("]"u8);
        return Base64Url.EncodeToString(json.WrittenSpan);
    }

    private int FirstAfter(string mark, ViewRow[] rows, RowOrder order)
    {
        SqlValue[] values = new SqlValue[_plan.RowSlotCount];
        if (!TryReadMark(mark, order, values, out byte[] key))
        {
            throw new WeirException(ErrorCode.InvalidParameter, "The page mark is not one that this view gave for this order; begin again without it.");
        }

        int low = 0;
        int high = rows.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (order.Compare(rows[middle], values, key) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private static bool TryReadMark(string mark, RowOrder order, SqlValue[] values, out byte[] key)
    {
        key = [];
        try
        {
            byte[] json = Base64Url.DecodeFromChars(mark);
            Utf8JsonReader reader = new(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
            {
                return false;
            }

            foreach ((int slot, _) in order.Slots)
            {
                if (!reader.Read() || !SqlValue.TryRead(ref reader, json, out values[slot]))
                {
                    return false;
                }
            }

            bool hasKey = reader.Read() && SqlValue.TryRead(ref reader, json, out SqlValue last) && (key = last.Kind == DatumKind.Composite ? last.Text! : []).Length > 0;
            return hasKey && reader.Read() && reader.TokenType == JsonTokenType.EndArray;
        }
        catch (Exception error) when (error is FormatException or JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
