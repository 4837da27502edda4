namespace Weir.Sql;

internal enum SqlTokenKind
{
    /// <summary>A reserved word; the text is in capitals.</summary>
    Keyword,
    Name,
    QuotedName,
    String,
    Number,

    /// <summary>Digits followed at once by letters: <c>10s</c>.</summary>
    Duration,
    Symbol,
    End,
}

/// <summary>One word of a query. <see cref="Text"/> is without quotes and with doubled quotes undone.</summary>
internal readonly record struct SqlToken(SqlTokenKind Kind, string Text, SourcePlace Place)
{
    public bool Is(SqlTokenKind kind, string text) => Kind == kind && Text == text;

    /// <summary>How an error names what it found.</summary>
    public string Describe() => Kind switch
    {
        SqlTokenKind.Keyword => $"the reserved word {Text}",
        SqlTokenKind.QuotedName => $"the name \"{Shorten(Text)}\"",
        SqlTokenKind.Name => $"the name {Shorten(Text)}",
        SqlTokenKind.String => $"the string '{Shorten(Text)}'",
        SqlTokenKind.Number => $"the number {Shorten(Text)}",
        SqlTokenKind.Duration => $"the duration {Shorten(Text)}",
        SqlTokenKind.End => "the end of the text",
        _ => $"'{Text}'",
    };

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "…";
}
