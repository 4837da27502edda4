namespace Weir.Sql;

/// <summary>The bounds of what a view keeps. They decide which rows a view has, so every implementation applies the same.</summary>
public static class ViewLimits
{
    /// <summary>Default of <c>max_groups</c>: the most groups of one partition. The record that would make one more stops the view.</summary>
    public const int DefaultMaxGroups = 1_000_000;

    /// <summary>Default of <c>keep</c>: how many of the newest windows a <c>tumble</c> keeps.</summary>
    public const int DefaultKeepWindows = 10_000;

    /// <summary>The longest canonical group key, in bytes. A record with a longer one is an error row.</summary>
    public const int MaxGroupKeyBytes = 4096;

    /// <summary>The longest value that <c>min max first latest</c> take: bytes of UTF-8 of a string, of JSON text of an object or
    /// array. A record with a longer one is an error row, whether or not it would be kept.</summary>
    public const int MaxValueBytes = 4096;

    /// <summary>How many offsets of error rows are listed per partition; beyond it they are only counted.</summary>
    public const int MaxListedErrors = 1_000;
}
