using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using Weir.Cli.Commands;
using Weir.Core;

namespace Weir.Cli;

/// <summary>The <c>weir</c> command: one tree of subcommands, one place where failures become lines and exit codes.</summary>
internal static class CommandLine
{
    /// <summary>The whole tree. docs/reference/cli.md is generated from it.</summary>
    public static RootCommand Tree(Terminal terminal) =>
        new("Weir counts floods of small writes exactly once and fans the live numbers out.")
        {
            ServeCommand.Create(terminal),
            DemoCommand.Create(terminal),
            VerifyCommand.Create(terminal),
            SendCommand.Create(terminal),
            TailCommand.Create(terminal),
            ViewCommand.Create(terminal),
            RecountCommand.Create(terminal),
            DeadLettersCommand.Create(terminal),
            StreamsCommand.Create(terminal),
            LogCommand.Create(terminal),
            BenchCommand.Create(terminal),
            BenchCommand.CreateBare(),
            ConfigCommand.Create(terminal),
            ErrorsCommand.Create(terminal),
            RecountChildCommand.Create(),
        };

    /// <summary>Runs one command line. Ctrl-C, SIGTERM and SIGHUP cancel it once; a second one ends the process as the system does.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, Terminal terminal)
    {
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Cancel);

        return await RunAsync(args, terminal, stop.Token);

        void Cancel(PosixSignalContext context)
        {
            context.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        }
    }

    /// <inheritdoc cref="RunAsync(string[], Terminal)"/>
    /// <param name="cancel">Stands for Ctrl-C.</param>
    internal static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancel)
    {
        ParseResult parsed = Tree(terminal).Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (ParseError error in parsed.Errors)
            {
                terminal.Error.WriteLine(error.Message);
            }

            terminal.Error.WriteLine($"`{PathOf(parsed.CommandResult.Command)} --help` shows what it takes.");
            return ExitCode.Usage;
        }

        var configuration = new InvocationConfiguration
        {
            Output = terminal.Out,
            Error = terminal.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        try
        {
            return await parsed.InvokeAsync(configuration, cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (WeirException failure)
        {
            terminal.WriteError(failure.Code, failure.Message);
            return CodeFor(failure.Code);
        }
        catch (Exception failure)
        {
            // Nobody foresaw it: with everything that helps to mend it, and an exit code instead of an abort.
            terminal.WriteError(ErrorCode.Internal, failure.ToString());
            return ExitCode.Failed;
        }
    }

    /// <summary>The exit code that goes with an error that ended a command.</summary>
    internal static int CodeFor(ErrorCode code) => code switch
    {
        ErrorCode.ServerUnreachable => ExitCode.Unreachable,
        ErrorCode.FileUnreadable or ErrorCode.DirectoryInUse or ErrorCode.NotADataDirectory => ExitCode.Usage,
        >= ErrorCode.UnknownConfigurationKey and < ErrorCode.QueueFull => ExitCode.Usage,
        _ => ExitCode.Failed,
    };

    /// <summary>"weir log check".</summary>
    internal static string PathOf(Command command)
    {
        string name = command is RootCommand ? "weir" : command.Name;
        return command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{PathOf(parent)} {name}" : name;
    }
}
