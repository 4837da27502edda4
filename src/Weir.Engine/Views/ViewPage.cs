using Weir.Core;

namespace Weir.Engine;

/// <summary>Rows of a view at one position, and all that an answer says beside them. Immutable.</summary>
public sealed class ViewPage
{
    /// <summary><c>&lt;view version&gt;;&lt;position&gt;</c>, without quotes.</summary>
    public required string ETag { get; init; }

    public required Position Position { get; init; }

    public required bool IsFinal { get; init; }

    public required long ErrorCount { get; init; }

    public required ViewStop? Stop { get; init; }

    /// <summary>The rows as a JSON array of objects.</summary>
    public required ReadOnlyMemory<byte> Rows { get; init; }

    public required int RowCount { get; init; }

    /// <summary>Where the next page begins, for <see cref="ViewRequest.After"/> with the same order and filters; null: this was the last.</summary>
    public required string? Next { get; init; }
}
