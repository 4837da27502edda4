namespace Weir.Cli.Verify;

/// <summary>A record as <c>GET …/events</c> shows it.</summary>
/// <param name="Verdict">Null for a marker; <c>undecided</c> while it is flushed and not yet folded.</param>
/// <param name="Id">The field <c>id</c> of the value; empty when there is none.</param>
/// <param name="Value">The JSON text of the value.</param>
internal sealed record LoggedRecord(long Offset, string? Verdict, string? Key, string Id, string Value)
{
    private const int ShownCharacters = 100;

    public bool IsCounted => Verdict is "counted" or "replaced";

    /// <summary>The beginning of the value, for people.</summary>
    public string Shown => Value.Length <= ShownCharacters ? Value : Value[..ShownCharacters] + "…";
}
