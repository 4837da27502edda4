using System.CommandLine;
using Weir.Recount;
using Weir.Storage;

namespace Weir.Cli.Commands;

/// <summary>The hidden command that the server runs as a process of its own for each recount; it is asked on standard input.</summary>
internal static class RecountChildCommand
{
    public static Command Create()
    {
        var command = new Command("recount-child", "Counts again from the log; the server runs it.");
        command.Hidden = true;
        command.SetAction((_, cancel) => Task.FromResult(RecountChild.Run(LinuxDisk.Instance, Console.In, Console.Out, TimeProvider.System, cancel)));
        return command;
    }
}
