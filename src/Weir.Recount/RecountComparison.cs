using System.Text;
using Weir.Sql;

namespace Weir.Recount;

/// <summary>One row in which the live view and the log differ; null: the row is not there.</summary>
/// <param name="Key">The group key's canonical JSON.</param>
public sealed record RowDifference(string Key, string? Recount, string? Live);

/// <summary>The result of holding a live view against a recount at the same position.</summary>
/// <param name="RowDifferences">Rows that differ, in all.</param>
/// <param name="Differences">The first of them, at most <see cref="RecountComparison.MaxDifferences"/>.</param>
/// <param name="LiveErrors">The live view's count of events that it could not evaluate; null: not given.</param>
public sealed record RecountComparison(RecountResult Recount, long RowDifferences, IReadOnlyList<RowDifference> Differences, long? LiveErrors)
{
    public const int MaxDifferences = 100;

    /// <summary>Every row is there, with every value, and no other; and the errors agree.</summary>
    public bool Equal => RowDifferences == 0 && (LiveErrors ?? Recount.Errors) == Recount.Errors;

    /// <summary>Compares key by key. The order of rows does not matter.</summary>
    /// <param name="liveRows">The live view's rows, each a JSON object in UTF-8. Other members than the view's columns are ignored.</param>
    /// <param name="liveErrors">Its count of events that it could not evaluate; null: not compared.</param>
    /// <exception cref="FormatException">A row is no JSON object.</exception>
    public static RecountComparison Compare(RecountResult recount, IEnumerable<ReadOnlyMemory<byte>> liveRows, long? liveErrors)
    {
        var columns = new FieldTree();
        foreach (string name in recount.Columns)
        {
            columns.Add([PathStep.Member(name)]);
        }

        Dictionary<string, Row> missing = recount.Rows.ToDictionary(row => row.Key, StringComparer.Ordinal);
        var differences = new List<RowDifference>();
        long count = 0;
        var fields = new JsonField[columns.Count];
        foreach (ReadOnlyMemory<byte> json in liveRows)
        {
            if (!columns.TryRead(json.Span, maxDepth: 1000, fields))
            {
                throw new FormatException("A live row is not a JSON object: " + Encoding.UTF8.GetString(json.Span));
            }

            string[] values = [.. Enumerable.Range(0, fields.Length).Select(i => Canonical(fields[i], json.Span))];
            string key = "[" + string.Join(',', recount.KeyColumns.Select(column => values[column])) + "]";
            string live = Json(recount.Columns, values);
            string? counted = missing.Remove(key, out Row? row) ? Json(recount.Columns, row.Columns) : null;
            if (live != counted)
            {
                Add(key, counted, live);
            }
        }

        foreach ((string key, Row row) in missing)
        {
            Add(key, Json(recount.Columns, row.Columns), live: null);
        }

        return new RecountComparison(recount, count, differences, liveErrors);

        void Add(string key, string? counted, string? live)
        {
            count++;
            if (differences.Count < MaxDifferences)
            {
                differences.Add(new RowDifference(Text(key), counted, live));
            }
        }
    }

    /// <summary>A row as a JSON object.</summary>
    /// <param name="values">Canonical JSON, one character a byte.</param>
    internal static string Json(IReadOnlyList<string> columns, IReadOnlyList<string> values)
    {
        var row = new StringBuilder("{");
        for (int i = 0; i < columns.Count; i++)
        {
            row.Append(i > 0 ? "," : "");
            JsonText.AppendString(row, Encoding.UTF8.GetBytes(columns[i]));
            row.Append(':').Append(values[i]);
        }

        return Text(row.Append('}').ToString());
    }

    private static string Canonical(in JsonField field, ReadOnlySpan<byte> json)
    {
        var text = new StringBuilder();
        ViewTally.ReadValue(field, json).AppendTo(text);
        return text.ToString();
    }

    private static string Text(string raw) => Encoding.UTF8.GetString(JsonText.Bytes(raw));
}
