namespace Weir.Cli;

/// <summary>What the process tells its caller. Public: scripts depend on these numbers, docs/reference/cli.md lists them.</summary>
internal static class ExitCode
{
    /// <summary>Done, and nothing wrong was found.</summary>
    public const int Ok = 0;

    /// <summary>It failed, or it ran and found something wrong: a recount that differs, a damaged log, a lost event, a data directory that cannot be opened.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration cannot be used; nothing was done.</summary>
    public const int Usage = 2;

    /// <summary>The server does not answer. Trying again later can help.</summary>
    public const int Unreachable = 3;

    /// <summary>Ended by Ctrl-C or SIGTERM before it was done.</summary>
    public const int Interrupted = 130;

    /// <summary>One line each, for the generated reference.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> All { get; } =
    [
        (Ok, "done, and nothing wrong was found"),
        (Failed, "it failed, or found something wrong: a recount that differs, a damaged log, a lost event, an event that was refused, a data directory that cannot be opened"),
        (Usage, "the command line or the configuration cannot be used; nothing was done"),
        (Unreachable, "the server does not answer; trying again later can help"),
        (Interrupted, "ended by Ctrl-C or SIGTERM before it was done"),
    ];
}
