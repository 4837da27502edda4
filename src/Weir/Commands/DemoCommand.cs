using System.CommandLine;
using Weir.Cli.Demo;

namespace Weir.Cli.Commands;

/// <summary><c>weir demo</c>: the promise of the README, tried in front of the reader.</summary>
internal static class DemoCommand
{
    public static Command Create(Terminal terminal)
    {
        var defaults = new DemoSettings();
        var fast = new Option<bool>("--fast") { Description = "Skip the pace of the first part." };
        var port = new Option<int>("--port") { Description = "Port on 127.0.0.1; 0 takes a free one.", DefaultValueFactory = _ => defaults.Port, HelpName = "PORT" };
        var data = new Option<string>("--data") { Description = "Folder for the demo; deleted when a demo starts in it.", DefaultValueFactory = _ => defaults.Directory, HelpName = "FOLDER" };
        var noWait = new Option<bool>("--no-wait") { Description = "Stop the server at the end instead of leaving it to the reader." };
        Option<bool> json = SharedOptions.Json();
        var pacedLines = new Option<int>("--paced-votes") { Hidden = true, DefaultValueFactory = _ => defaults.PacedLines };
        var fastLines = new Option<int>("--fast-votes") { Hidden = true, DefaultValueFactory = _ => defaults.FastLines };
        var command = new Command("demo", "Start a server, flood it with votes, kill it in the middle, and check every number.")
        {
            fast, port, data, noWait, json, pacedLines, fastLines,
        };
        command.SetAction((parsed, cancel) =>
        {
            var settings = new DemoSettings
            {
                Fast = parsed.GetValue(fast),
                Port = parsed.GetValue(port),
                Directory = parsed.GetRequiredValue(data),
                Wait = !parsed.GetValue(noWait),
                Json = parsed.GetValue(json),
                PacedLines = parsed.GetValue(pacedLines),
                FastLines = parsed.GetValue(fastLines),
            };
            return new DemoRun(terminal, settings).RunAsync(cancel);
        });
        return command;
    }
}
