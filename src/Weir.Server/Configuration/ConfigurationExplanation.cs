namespace Weir.Server.Configuration;

/// <summary>Makes the rows of <c>weir config explain</c>.</summary>
internal static class ConfigurationExplanation
{
    public static IReadOnlyList<ExplainedValue> Of(ConfigurationTree tree, ListenAddress listen, ConfigurationOrigin listenOrigin, TimeSpan drain)
    {
        var rows = new List<ExplainedValue>();
        foreach (ConfigurationKey key in ConfigurationKeys.All)
        {
            switch (key.Path)
            {
                case ConfigurationKeys.Listen:
                    rows.Add(new ExplainedValue(key.Path, listen.ToString(), listenOrigin, key.Default, key.Meaning));
                    break;
                case ConfigurationKeys.Drain when tree.Find(key.Path) is null:
                    rows.Add(new ExplainedValue(key.Path, FormattableString.Invariant($"{drain.TotalSeconds}s"), ConfigurationOrigin.Default, key.Default, key.Meaning));
                    break;
                case var path when !path.Contains('*', StringComparison.Ordinal):
                    rows.Add(Row(key, path, tree.Find(path)));
                    break;
            }
        }

        AddNamed(rows, tree, "streams");
        AddNamed(rows, tree, "views");
        return rows;
    }

    private static void AddNamed(List<ExplainedValue> rows, ConfigurationTree tree, string section)
    {
        foreach (ConfigurationEntry named in tree.Find(section)?.Entries ?? [])
        {
            foreach (ConfigurationKey key in ConfigurationKeys.All.Where(key => key.Path.StartsWith(section + ".*.", StringComparison.Ordinal)))
            {
                string rest = key.Path[(section.Length + 3)..];
                if (rest.EndsWith(".*", StringComparison.Ordinal))
                {
                    AddNames(rows, tree, key, $"{section}.{named.Key}.{rest[..^2]}");
                    continue;
                }

                // `views.results: SELECT …` is short for `views.results.sql`.
                string path = $"{section}.{named.Key}.{rest}";
                bool isShort = section == "views" && rest == "sql" && named.Value.Kind == ConfigurationNodeKind.Scalar;
                rows.Add(Row(key, path, isShort ? named.Value : tree.Find(path)));
            }
        }
    }

    private static void AddNames(List<ExplainedValue> rows, ConfigurationTree tree, ConfigurationKey key, string path)
    {
        foreach (ConfigurationEntry entry in tree.Find(path)?.Entries ?? [])
        {
            rows.Add(Row(key, $"{path}.{entry.Key}", entry.Value));
        }
    }

    private static ExplainedValue Row(ConfigurationKey key, string path, ConfigurationNode? node) =>
        new(path, node is { IsNull: false } ? node.ToString() : key.Default, node is { IsNull: false } ? node.Origin : ConfigurationOrigin.Default, key.Default, key.Meaning);
}
