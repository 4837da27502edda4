using System.Globalization;
using System.Text;

namespace Weir.Sql;

/// <summary>What a column reads.</summary>
public enum ColumnRoot
{
    /// <summary>A field of the event's JSON value, found by the path's steps.</summary>
    Field,

    /// <summary><c>_key</c>: the record's key as a string; NULL where the record has none.</summary>
    Key,

    /// <summary><c>_time</c>: the append time, a number of milliseconds since 1970 UTC.</summary>
    Time,

    /// <summary><c>_partition</c>: a number.</summary>
    Partition,

    /// <summary><c>_offset</c>: a number.</summary>
    Offset,

    /// <summary><c>ce.&lt;attribute&gt;</c>: a CloudEvents attribute, a string; the one step is the attribute's name.</summary>
    CloudEvent,

    /// <summary><c>window_start</c>: begin (inclusive) of the row's <c>tumble</c> window, RFC 3339 UTC text.</summary>
    WindowStart,

    /// <summary><c>window_end</c>: end (exclusive) of the row's <c>tumble</c> window, RFC 3339 UTC text.</summary>
    WindowEnd,
}

/// <summary>One step of a path: into the member <see cref="Name"/> of an object, or, where that is null, into the element <see cref="Index"/> (from 0) of an array.</summary>
public readonly record struct PathStep(string? Name, int Index)
{
    public static PathStep Member(string name) => new(name, 0);

    public static PathStep Element(int index) => new(null, index);
}

/// <summary>A column as a query names it: <c>user.address[0].city</c>, <c>"from"</c>, <c>_time</c>, <c>ce.type</c>.</summary>
/// <remarks>
/// Names are case-sensitive. A quoted name is always a field of the event, so a field that is called <c>_key</c>,
/// <c>ce</c> or <c>window_start</c> is reached as <c>"_key"</c>, <c>"ce"</c>, <c>"window_start"</c>.
/// <see cref="ColumnRoot.Field"/> has at least one step, the first a member; <see cref="ColumnRoot.CloudEvent"/> has
/// exactly one, a member; the others have none.
/// </remarks>
public sealed record ColumnPath(ColumnRoot Root, NodeList<PathStep> Steps)
{
    /// <summary>The column of a field of the event, by the names on the way to it.</summary>
    public static ColumnPath Field(params ReadOnlySpan<string> names)
    {
        PathStep[] steps = new PathStep[names.Length];
        for (int i = 0; i < names.Length; i++)
        {
            steps[i] = PathStep.Member(names[i]);
        }

        return new ColumnPath(ColumnRoot.Field, NodeList.Create<PathStep>(steps));
    }

    /// <summary>Reads a column as a query writes it.</summary>
    /// <exception cref="SqlException">The text is not a column.</exception>
    public static ColumnPath Parse(string text) => new SqlParser(text).ParseColumn();

    /// <summary>A column that has no steps: metadata or a window's bound.</summary>
    public static ColumnPath Of(ColumnRoot root) => new(root, []);

    public bool IsWindowBound => Root is ColumnRoot.WindowStart or ColumnRoot.WindowEnd;

    /// <summary>The name of the column in a row when the query gives no alias: the steps joined by <c>_</c>
    /// (<c>address.city</c> gives <c>address_city</c>, <c>items[0]</c> gives <c>items_0</c>, <c>ce.type</c> gives <c>ce_type</c>).</summary>
    public string OutputName()
    {
        StringBuilder name = new(RootName());
        foreach (PathStep step in Steps)
        {
            if (name.Length > 0)
            {
                name.Append('_');
            }

            name.Append(step.Name ?? step.Index.ToString(CultureInfo.InvariantCulture));
        }

        return name.ToString();
    }

    internal string RootName() => Root switch
    {
        ColumnRoot.Field => "",
        ColumnRoot.Key => "_key",
        ColumnRoot.Time => "_time",
        ColumnRoot.Partition => "_partition",
        ColumnRoot.Offset => "_offset",
        ColumnRoot.CloudEvent => "ce",
        ColumnRoot.WindowStart => "window_start",
        ColumnRoot.WindowEnd => "window_end",
        _ => throw new ArgumentOutOfRangeException(nameof(Root), Root, null),
    };

    /// <summary>The column as a query writes it.</summary>
    public override string ToString() => SqlPrinter.Print(this);
}
