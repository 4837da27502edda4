using System.Text.Json.Nodes;

namespace Weir.Cli.Tests;

/// <summary>One command line run in this process, with what it printed. Nobody watches: no colours, no bars.</summary>
internal sealed record CommandRun(int Code, string Out, string Error)
{
    public JsonNode Json => JsonNode.Parse(Out)!;

    public static Task<CommandRun> OfAsync(params string[] args) => OfAsync(CancellationToken.None, args);

    public static async Task<CommandRun> OfAsync(CancellationToken cancel, params string[] args)
    {
        var output = new StringWriter { NewLine = "\n" };
        var error = new StringWriter { NewLine = "\n" };
        int code = await CommandLine.RunAsync(args, new Terminal(output, error, isInteractive: false, hasColor: false), cancel);
        return new CommandRun(code, output.ToString(), error.ToString());
    }
}
