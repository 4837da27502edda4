using System.Text;

namespace Weir.Server.Configuration;

/// <summary>Writes docs/reference/configuration.md from <see cref="ConfigurationKeys"/>; a test holds that the page is what this gives.</summary>
public static class ConfigurationReference
{
    private const string Head = """
        # Configuration

        <!-- Generated from src/Weir.Server/Configuration/ConfigurationKeys.cs. Edit there; the test of Weir.Server.Tests says how to write this page anew. -->

        `weir serve [weir.yaml]` reads the file that is named, else `weir.yaml` in the working directory if there is one. Later layers win:
        **default, file, environment, command line**. `weir config explain [KEY]` prints every value, where it comes from (file, line and column), and its default.

        An unknown key, a wrong type or an impossible combination stops the start; all faults are told at once, each with its place.
        What was defined by `PUT` and is not named in the file stays. A stream that the file names is defined anew at every start:
        a difference in a part that is for ever refuses to start, any other is appended to the log as a new definition.

        ```yaml
        data: ./data
        http: { listen: 127.0.0.1:8080 }
        streams:
          votes:
            partitions: 4
            key: user
            id: id
            claim: { by: user, keep: first }
            opens: 2026-11-20T20:00:00Z
            closes: 2026-11-20T22:00:00Z
        views:
          results: SELECT choice, count(*) AS votes FROM votes GROUP BY choice
        ```

        Sizes are whole numbers of bytes or have a unit (`64MiB`, `10GB`); durations have one (`100ms`, `1s`, `5m`, `2h`, `7d`).
        In the environment, sections are joined by two underscores, everything is upper case, and a dash is an underscore:
        `WEIR_HTTP__LISTEN`, `WEIR_STREAMS__VOTES__ON_INVALID`. A list is written as in YAML: `WEIR_STREAMS__VOTES__KEY='[year, from]'`.
        `ASPNETCORE_URLS` sets the address where `http.listen` does not.


        """;

    public static string ToMarkdown()
    {
        var page = new StringBuilder(Head);
        string section = "";
        foreach (ConfigurationKey key in ConfigurationKeys.All)
        {
            string own = SectionOf(key.Path);
            if (own != section)
            {
                page.Append(section.Length == 0 ? "" : "\n").Append("## ").Append(own).Append("\n\n| key | default | allowed | meaning |\n|---|---|---|---|\n");
                section = own;
            }

            page.Append("| `").Append(key.Path.Replace("*", "NAME", StringComparison.Ordinal)).Append("` | ").Append(key.Default.Length == 0 ? "—" : key.Default)
                .Append(" | ").Append(key.Allowed).Append(" | ").Append(key.Meaning).Append(" |\n");
        }

        return page.ToString();
    }

    private static string SectionOf(string path) => path.Split('.')[0] switch
    {
        ConfigurationKeys.Data or ConfigurationKeys.Auth => "Server",
        "http" => "HTTP",
        "limits" => "Limits",
        "engine" => "Engine",
        "streams" => "Streams",
        _ => "Views",
    };
}
