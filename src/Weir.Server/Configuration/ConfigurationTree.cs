using System.Globalization;
using Weir.Core;

namespace Weir.Server.Configuration;

/// <summary>
/// The layers laid over one another, before they mean anything: finds unknown keys and wrong types, and hands out single values.
/// Every fault is added to <see cref="Faults"/>; nothing is thrown, so that all of them are told at once.
/// </summary>
internal sealed class ConfigurationTree(ConfigurationNode root, List<ConfigurationFault> faults)
{
    private const string EnvironmentPrefix = "WEIR_";

    public ConfigurationNode Root { get; } = root;

    public List<ConfigurationFault> Faults { get; } = faults;

    /// <summary>Lays <c>WEIR_SECTION__KEY</c> over the file. Names of other programs' making (<c>WEIR_SERVICE_HOST</c>, as Kubernetes sets for a service) are left alone.</summary>
    public void OverlayEnvironment(IReadOnlyDictionary<string, string> environment)
    {
        foreach ((string name, string text) in environment.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!name.StartsWith(EnvironmentPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            string[] parts = name[EnvironmentPrefix.Length..].Split("__");
            var origin = new ConfigurationOrigin(ConfigurationLayer.Environment, name);
            if (Resolve(parts) is { } path)
            {
                Set(path, YamlReader.ReadValue(text, origin), text, origin);
            }
            else if (parts.Length > 1 || Spelling.Nearest(parts[0].ToLowerInvariant(), ConfigurationKeys.Below("")) is not null)
            {
                string? near = Spelling.Nearest(name, ConfigurationKeys.All.Select(key => key.EnvironmentName));
                Faults.Add(new ConfigurationFault(ErrorCode.UnknownConfigurationKey, "", "No key has this name." + (near is null ? "" : $" Did you mean {near}?"), origin));
            }
        }
    }

    /// <summary>Lays options over everything else; keys are full paths.</summary>
    public void OverlayCommandLine(IReadOnlyDictionary<string, string> options)
    {
        foreach ((string key, string text) in options)
        {
            var origin = new ConfigurationOrigin(ConfigurationLayer.CommandLine, "--" + key.Split('.')[^1]);
            Set(key.Split('.'), YamlReader.ReadValue(text, origin), text, origin);
        }
    }

    /// <summary>Finds keys that do not exist and sections that are not sections.</summary>
    public void CheckKeys() => CheckKeys(Root, pattern: "", path: "");

    public ConfigurationNode? Find(string path)
    {
        ConfigurationNode? node = Root;
        foreach (string part in path.Split('.'))
        {
            node = node is { Kind: ConfigurationNodeKind.Map } ? node.Find(part) : null;
        }

        return node is { IsNull: false } ? node : null;
    }

    public string? Text(string path) => Scalar(path) is { } node ? node.Text : null;

    public long? Integer(string path, long min, long max) =>
        Scalar(path) is { } node ? Checked(path, node, long.TryParse(node.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value), value, min, max) : null;

    public long? Size(string path, long min, long max) =>
        Scalar(path) is { } node ? Checked(path, node, ConfigurationUnits.TryParseSize(node.Text, out long value), value, min, max) : null;

    public TimeSpan? Duration(string path, TimeSpan min, TimeSpan max)
    {
        if (Scalar(path) is not { } node)
        {
            return null;
        }

        bool readable = ConfigurationUnits.TryParseDuration(node.Text, out TimeSpan value);
        return Checked(path, node, readable, value.Ticks, min.Ticks, max.Ticks) is { } ticks ? TimeSpan.FromTicks(ticks) : null;
    }

    public void Fault(ErrorCode code, string path, string detail, ConfigurationOrigin origin) => Faults.Add(new ConfigurationFault(code, path, detail, origin));

    private ConfigurationNode? Scalar(string path)
    {
        ConfigurationNode? node = Find(path);
        if (node is not null && node.Kind != ConfigurationNodeKind.Scalar)
        {
            Fault(ErrorCode.ConfigurationType, path, $"Expected {Describe(ConfigurationKeys.Get(path))}, found a {Word(node.Kind)}.", node.Origin);
            return null;
        }

        return node;
    }

    private long? Checked(string path, ConfigurationNode node, bool readable, long value, long min, long max)
    {
        if (readable && value >= min && value <= max)
        {
            return value;
        }

        ErrorCode code = readable ? ErrorCode.ConfigurationValue : ErrorCode.ConfigurationType;
        Fault(code, path, $"Expected {Describe(ConfigurationKeys.Get(path))}, found `{node.Text}`.", node.Origin);
        return null;
    }

    private void CheckKeys(ConfigurationNode map, string pattern, string path)
    {
        IReadOnlyList<string> known = ConfigurationKeys.Below(pattern);
        bool named = known is ["*"];
        foreach (ConfigurationEntry entry in map.Entries.ToArray())
        {
            string childPath = path.Length == 0 ? entry.Key : path + "." + entry.Key;
            string childPattern = (pattern.Length == 0 ? "" : pattern + ".") + (named ? "*" : entry.Key);
            if (!named && !known.Contains(entry.Key))
            {
                Fault(ErrorCode.UnknownConfigurationKey, childPath, "There is no such key." + Suggestion(entry.Key, pattern, known), entry.Origin);
                map.Entries.Remove(entry);
                continue;
            }

            bool isSection = ConfigurationKeys.Below(childPattern).Count > 0;
            if (isSection && entry.Value.Kind == ConfigurationNodeKind.Map)
            {
                CheckKeys(entry.Value, childPattern, childPath);
            }
            else if (isSection && !entry.Value.IsNull && ConfigurationKeys.Find(childPattern) is null)
            {
                Fault(ErrorCode.ConfigurationType, childPath, $"Expected a section with {string.Join(", ", ConfigurationKeys.Below(childPattern).Select(key => key == "*" ? "names" : key))}; found a {Word(entry.Value.Kind)}.", entry.Value.Origin);
                map.Entries.Remove(entry);
            }
        }
    }

    // A key in the wrong section is as common as a misspelt one: look for the same last name elsewhere.
    private static string Suggestion(string key, string pattern, IReadOnlyList<string> known)
    {
        string? near = Spelling.Nearest(key, known);
        if (near is null)
        {
            near = ConfigurationKeys.All.FirstOrDefault(candidate => candidate.Path.EndsWith("." + key, StringComparison.Ordinal) && !candidate.Path.StartsWith(pattern + "." + key, StringComparison.Ordinal))?.Path;
        }

        return near is null ? $" Known here: {string.Join(", ", known)}." : $" Did you mean {near}?";
    }

    // Environment names are upper case and have no dashes; names of streams and views are matched without regard to either.
    private string[]? Resolve(string[] parts)
    {
        var path = new string[parts.Length];
        string pattern = "";
        for (int i = 0; i < parts.Length; i++)
        {
            IReadOnlyList<string> known = ConfigurationKeys.Below(pattern);
            string? match = known is ["*"] ? ExistingName(path[..i], parts[i]) : known.FirstOrDefault(key => Same(key, parts[i]));
            if (match is null)
            {
                return null;
            }

            path[i] = match;
            pattern = (pattern.Length == 0 ? "" : pattern + ".") + (known is ["*"] ? "*" : match);
        }

        return ConfigurationKeys.Find(pattern) is null ? null : path;
    }

    private string? ExistingName(string[] path, string part)
    {
        ConfigurationNode? section = Find(string.Join('.', path));
        string? existing = section?.Entries.Find(entry => Same(entry.Key, part))?.Key;
        return existing ?? (part.Length == 0 ? null : part.ToLowerInvariant());
    }

    private static bool Same(string key, string part) => string.Equals(key.Replace('-', '_'), part.Replace('-', '_'), StringComparison.OrdinalIgnoreCase);

    private void Set(string[] path, ConfigurationNode value, string text, ConfigurationOrigin origin)
    {
        // SQL and paths are text whatever they look like to YAML.
        string pattern = path.Length > 1 && path[0] is "streams" or "views" ? string.Join('.', path.Select((part, i) => i == 1 ? "*" : part)) : string.Join('.', path);
        if (ConfigurationKeys.Find(pattern) is { Kind: ConfigurationKind.Text or ConfigurationKind.Address })
        {
            value = new ConfigurationNode(ConfigurationNodeKind.Scalar, origin) { Text = text, IsText = true };
        }

        ConfigurationNode map = Root;
        foreach (string part in path[..^1])
        {
            ConfigurationNode? below = map.Find(part);
            if (below is not { Kind: ConfigurationNodeKind.Map })
            {
                var made = new ConfigurationNode(ConfigurationNodeKind.Map, origin);
                if (part == path[1] && path[0] == "views" && below is { IsNull: false })
                {
                    // `views.results: SELECT …` is short for `views.results.sql`.
                    made.Set("sql", below);
                }

                map.Set(part, made);
                below = made;
            }

            map = below;
        }

        map.Set(path[^1], value);
    }

    private static string Describe(ConfigurationKey key)
    {
        string kind = key.Kind switch
        {
            ConfigurationKind.Integer => "a whole number",
            ConfigurationKind.Size => "a size such as 64MiB",
            ConfigurationKind.Duration => "a duration such as 500ms or 5s",
            ConfigurationKind.Address => "an address such as 127.0.0.1:8080",
            _ => "text",
        };
        return key.Allowed.Length == 0 ? kind : $"{kind} ({key.Allowed})";
    }

    private static string Word(ConfigurationNodeKind kind) => kind switch
    {
        ConfigurationNodeKind.Map => "section",
        ConfigurationNodeKind.List => "list",
        _ => "single value",
    };
}
