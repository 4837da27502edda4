using System.CommandLine;
using System.Text.Json.Nodes;
using Weir.Server.Configuration;

namespace Weir.Cli.Commands;

/// <summary><c>weir config explain [KEY]</c>: every setting with its value, where it comes from and what it would be otherwise.</summary>
internal static class ConfigCommand
{
    public static Command Create(Terminal terminal)
    {
        var key = new Argument<string?>("KEY") { Description = "A key, or a section such as streams.votes. Without it, all.", Arity = ArgumentArity.ZeroOrOne };
        var file = new Option<string?>("--config") { Description = "The configuration file. Default: weir.yaml, if it is there.", HelpName = "FILE" };
        Option<bool> json = SharedOptions.Json();
        var explain = new Command("explain", "Show every setting: its value, where it comes from, its default. Starts nothing.") { key, file, json };
        explain.SetAction(parsed => Explain(terminal, parsed.GetValue(key), parsed.GetValue(file), parsed.GetValue(json)));
        return new Command("config", "Look at the configuration.") { explain };
    }

    private static int Explain(Terminal terminal, string? key, string? file, bool json)
    {
        WeirConfiguration configuration = WeirConfiguration.Load(new ConfigurationSources
        {
            File = file,
            Environment = ConfigurationSources.ProcessEnvironment(),
            IsTerminal = terminal.IsInteractive,
        });
        IReadOnlyList<ExplainedValue> rows = configuration.Explain(key);
        if (rows.Count == 0)
        {
            terminal.Error.WriteLine($"There is no key '{key}'. `weir config explain` lists every key.");
            return ExitCode.Usage;
        }

        if (json)
        {
            terminal.WriteJson(new JsonArray([.. rows.Select(row => new JsonObject
            {
                ["key"] = row.Key,
                ["value"] = row.Value,
                ["origin"] = row.Origin.ToString(),
                ["default"] = row.Default,
                ["meaning"] = row.Meaning,
            })]));
            return ExitCode.Ok;
        }

        var table = new TextTable("key", "value", "from", "default");
        foreach (ExplainedValue row in rows)
        {
            table.Add(row.Key, row.Value, row.Origin.ToString(), row.Default);
        }

        table.WriteTo(terminal.Out);
        if (rows.Count == 1)
        {
            terminal.Out.WriteLine(rows[0].Meaning);
        }

        return ExitCode.Ok;
    }
}
