using Weir.Sql;

namespace Weir.Engine;

/// <summary>
/// The columns that a stream and its views read, in a fixed order. Immutable. A set only grows from version to version
/// (<see cref="With"/>), so an index stays valid for plans made against an earlier set.
/// </summary>
public sealed class ColumnSet
{
    private readonly Dictionary<ColumnPath, int> _indexes = [];

    private ColumnSet(IReadOnlyList<ColumnPath> columns)
    {
        Columns = columns;
        for (int i = 0; i < columns.Count; i++)
        {
            _indexes.Add(columns[i], i);
        }

        Scanner = new JsonScanner(columns);
    }

    public static ColumnSet Empty { get; } = new([]);

    /// <summary>Paths of fields and of CloudEvents attributes. Metadata (<c>_key</c>, <c>_time</c>, …) needs no column.</summary>
    public IReadOnlyList<ColumnPath> Columns { get; }

    public int Count => Columns.Count;

    internal JsonScanner Scanner { get; }

    /// <summary>This set with the paths that it lacks appended; itself when it lacks none.</summary>
    public ColumnSet With(IEnumerable<ColumnPath> paths)
    {
        List<ColumnPath> added = [];
        foreach (ColumnPath path in paths)
        {
            if (path.Root is ColumnRoot.Field or ColumnRoot.CloudEvent && !_indexes.ContainsKey(path) && !added.Contains(path))
            {
                added.Add(path);
            }
        }

        return added.Count == 0 ? this : new ColumnSet([.. Columns, .. added]);
    }

    /// <summary>Index of a column of this set.</summary>
    /// <exception cref="KeyNotFoundException">The path is not in the set: a caller's mistake.</exception>
    public int IndexOf(ColumnPath path) => _indexes[path];
}
