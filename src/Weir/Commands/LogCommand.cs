using System.CommandLine;

namespace Weir.Cli.Commands;

/// <summary><c>weir log check|dump</c>: the log on disk, without a server.</summary>
internal static class LogCommand
{
    public static Command Create(Terminal terminal) =>
        new("log", "Look at the log on disk, without a server.") { LogCheckCommand.Create(terminal), LogDumpCommand.Create(terminal) };

    /// <summary>The data directory, as both commands take it.</summary>
    public static Argument<string> Directory() => new("FOLDER")
    {
        Description = "The data directory.",
        Arity = ArgumentArity.ZeroOrOne,
        DefaultValueFactory = _ => "data",
    };
}
