using System.CommandLine;

namespace Weir.Cli.Commands;

/// <summary><c>weir log check|dump|repair</c>: the log on disk, without a server.</summary>
internal static class LogCommand
{
    public static Command Create(Terminal terminal) =>
        new("log", "Look at the log on disk, or repair it, without a server.") { LogCheckCommand.Create(terminal), LogDumpCommand.Create(terminal), LogRepairCommand.Create(terminal) };

    /// <summary>The data directory, as all of them take it.</summary>
    public static Argument<string> Directory() => new("FOLDER")
    {
        Description = "The data directory.",
        Arity = ArgumentArity.ZeroOrOne,
        DefaultValueFactory = _ => "data",
    };
}
