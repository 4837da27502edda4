using System.CommandLine;
using System.Text.Json.Nodes;
using Weir.Core;

namespace Weir.Cli.Commands;

/// <summary><c>weir errors [CODE]</c>: what an error means and what to do, without a server or a network.</summary>
internal static class ErrorsCommand
{
    public static Command Create(Terminal terminal)
    {
        var code = new Argument<string?>("CODE") { Description = "The code, as in WEIR-1203 or 1203. Without it, every code is listed.", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> json = SharedOptions.Json();
        var command = new Command("errors", "Explain an error code.") { code, json };
        command.SetAction(parsed => Run(terminal, parsed.GetValue(code), parsed.GetValue(json)));
        return command;
    }

    private static int Run(Terminal terminal, string? code, bool json)
    {
        if (code is null)
        {
            return List(terminal, json);
        }

        if (!WeirErrors.TryFind(code, out ErrorInfo? info))
        {
            terminal.Error.WriteLine($"There is no error '{code}'. `weir errors` lists every code.");
            return ExitCode.Usage;
        }

        if (json)
        {
            terminal.WriteJson(Describe(info));
            return ExitCode.Ok;
        }

        terminal.Out.WriteLine($"{info.Name}  {info.Sentence}");
        terminal.Out.WriteLine($"  HTTP status {info.Status}. {(info.IsRetryable ? "A retry of the same request can help." : "A retry of the same request cannot help.")}");
        terminal.Out.WriteLine($"  {info.Remedy}");
        return ExitCode.Ok;
    }

    private static int List(Terminal terminal, bool json)
    {
        if (json)
        {
            terminal.WriteJson(new JsonArray([.. WeirErrors.All.Select(Describe)]));
            return ExitCode.Ok;
        }

        var table = new TextTable("code", "#status", "meaning");
        foreach (ErrorInfo info in WeirErrors.All)
        {
            table.Add(info.Name, info.Status.ToString(System.Globalization.CultureInfo.InvariantCulture), info.Sentence);
        }

        table.WriteTo(terminal.Out);
        return ExitCode.Ok;
    }

    private static JsonObject Describe(ErrorInfo info) => new()
    {
        ["code"] = info.Name,
        ["status"] = info.Status,
        ["retryable"] = info.IsRetryable,
        ["sentence"] = info.Sentence,
        ["remedy"] = info.Remedy,
    };
}
