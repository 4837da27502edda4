namespace Weir.CrashTests;

/// <summary>A record as <c>GET …/events</c> shows it.</summary>
/// <param name="Verdict">Null for a marker.</param>
/// <param name="Value">The JSON text of the value.</param>
internal sealed record LoggedRecord(long Offset, string? Verdict, string? Key, string Value)
{
    public bool IsCounted => Verdict is "counted" or "replaced";
}
