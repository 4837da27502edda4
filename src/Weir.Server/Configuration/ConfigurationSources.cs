using System.Collections;

namespace Weir.Server.Configuration;

/// <summary>What a configuration is made from. Later ones win: defaults, file, environment, command line.</summary>
public sealed class ConfigurationSources
{
    /// <summary>The file that is read when none is named and it is there.</summary>
    public const string DefaultFile = "weir.yaml";

    /// <summary>The file named by the user, who then means it: it must exist. Null: <see cref="DefaultFile"/> in the working directory, if there is one.</summary>
    public string? File { get; init; }

    /// <summary>The whole environment; names that do not begin with <c>WEIR_</c>, but for <c>ASPNETCORE_URLS</c>, are not looked at.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Options by key, such as <c>http.listen</c> (given as <c>--listen</c>) and <c>data</c>.</summary>
    public IReadOnlyDictionary<string, string> CommandLine { get; init; } = new Dictionary<string, string>();

    /// <summary>True when a person sits before it: the drain then defaults to nothing.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>The environment of this process, in the form that <see cref="Environment"/> takes.</summary>
    public static IReadOnlyDictionary<string, string> ProcessEnvironment() =>
        System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(pair => (string)pair.Key, pair => (string?)pair.Value ?? "");
}
