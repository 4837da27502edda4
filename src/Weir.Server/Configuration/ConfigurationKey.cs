namespace Weir.Server.Configuration;

/// <summary>What a value looks like.</summary>
public enum ConfigurationKind
{
    Text,
    Integer,

    /// <summary>Bytes: a whole number, or one with a unit: <c>64MiB</c>, <c>10GB</c>.</summary>
    Size,

    /// <summary>A whole number with a unit: <c>100ms</c>, <c>1s</c>, <c>5m</c>, <c>2h</c>, <c>7d</c>.</summary>
    Duration,

    /// <summary><c>host:port</c>.</summary>
    Address,

    /// <summary>RFC 3339 with a zone: <c>2026-11-20T20:00:00Z</c>.</summary>
    Time,

    /// <summary>One name or a list of names.</summary>
    TextOrList,

    /// <summary>One of the words that <see cref="ConfigurationKey.Allowed"/> lists.</summary>
    Choice,

    /// <summary>A duration or a size.</summary>
    DurationOrSize,

    /// <summary>A map with the user's own names as keys.</summary>
    Names,
}

/// <summary>One key that weir.yaml may have; a row of docs/reference/configuration.md.</summary>
/// <param name="Path">With <c>*</c> for a name that the user gives: <c>streams.*.key</c>.</param>
/// <param name="Default">As it is shown; empty where there is none.</param>
/// <param name="Allowed">Range or words, as shown.</param>
/// <param name="Meaning">A sentence or two, in Markdown.</param>
public sealed record ConfigurationKey(string Path, ConfigurationKind Kind, string Default, string Allowed, string Meaning)
{
    /// <summary>The environment variable that sets it: <c>WEIR_STREAMS__*__ON_INVALID</c>.</summary>
    public string EnvironmentName => "WEIR_" + Path.Replace(".", "__", StringComparison.Ordinal).Replace('-', '_').ToUpperInvariant();
}
