namespace Weir.Server.Configuration;

/// <summary>Which layer a value came from. Later layers win: default, then file, then environment, then command line.</summary>
public enum ConfigurationLayer
{
    Default,
    File,
    Environment,
    CommandLine,
}

/// <summary>Where a configuration value was written.</summary>
/// <param name="Name">The file as it was named, the environment variable, the option with its dashes, or empty for a default.</param>
/// <param name="Line">1-based; 0 outside a file.</param>
/// <param name="Column">1-based; 0 outside a file.</param>
public readonly record struct ConfigurationOrigin(ConfigurationLayer Layer, string Name, int Line = 0, int Column = 0)
{
    /// <summary>The origin of everything nobody set.</summary>
    public static readonly ConfigurationOrigin Default = new(ConfigurationLayer.Default, "");

    /// <summary><c>weir.yaml:12:3</c>, <c>WEIR_HTTP__LISTEN</c>, <c>--listen</c> or <c>default</c>.</summary>
    public override string ToString() => Layer switch
    {
        ConfigurationLayer.Default => "default",
        ConfigurationLayer.File when Line > 0 => FormattableString.Invariant($"{Name}:{Line}:{Column}"),
        _ => Name,
    };
}
