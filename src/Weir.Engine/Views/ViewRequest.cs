namespace Weir.Engine;

/// <summary>Which rows of a view are wanted.</summary>
public sealed record ViewRequest
{
    public const int DefaultLimit = 1_000;

    public const int MaxLimit = 100_000;

    /// <summary>Output columns and the text that their value must have: a string itself, a number in any form, <c>true</c>, <c>false</c>, <c>null</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Filters { get; init; } = [];

    /// <summary>Output columns, comma-separated, <c>-</c> for descending: <c>-votes,choice</c>. Null: the view's own order. Completed by the group key.</summary>
    public string? Order { get; init; }

    /// <summary>Most rows, 1 to <see cref="MaxLimit"/>.</summary>
    public int Limit { get; init; } = DefaultLimit;

    /// <summary>What <see cref="ViewPage.Next"/> said; null: from the first row.</summary>
    public string? After { get; init; }
}
