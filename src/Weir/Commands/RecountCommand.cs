using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Weir.Cli.Http;

namespace Weir.Cli.Commands;

/// <summary><c>weir recount NAME</c>: asks the server to count a view again from the log with the second implementation, and to compare.</summary>
internal static class RecountCommand
{
    private const int MaxDifferencesShown = 20;

    public static Command Create(Terminal terminal)
    {
        var view = new Argument<string>("NAME") { Description = "The view." };
        Option<string> url = SharedOptions.Url();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("recount", "Count a view again from the log, with a second implementation, and compare. Exit code 1 if they differ.") { view, url, json };
        command.SetAction((parsed, cancel) => RunAsync(terminal, parsed.Connect(url), parsed.GetRequiredValue(view), parsed.GetValue(json), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, ServerClient server, string view, bool json, CancellationToken cancel)
    {
        using ServerClient _ = server;
        long started = Stopwatch.GetTimestamp();
        JsonObject result = await RecountCall.RunAsync(terminal, server, view, cancel);
        int code = RecountCall.IsEqual(result) ? ExitCode.Ok : ExitCode.Failed;
        if (json)
        {
            terminal.WriteJson(result);
            return code;
        }

        JsonArray differences = result["differences"] as JsonArray ?? [];
        string verdict = code == ExitCode.Ok ? "equal" : $"DIFFERENT in {TextTable.Count(result["different"]?.GetValue<long>() ?? differences.Count)} rows";
        terminal.Out.WriteLine($"{view}: {verdict}; {TextTable.Count(result["events"]?.GetValue<long>() ?? 0)} events counted again from the log in {TextTable.Duration(Stopwatch.GetElapsedTime(started))}, at {result["position"]}");
        if (result["since"] is { } since)
        {
            terminal.Out.WriteLine($"  not complete: retention has cut the log, and what was before {since} is taken as its bases have it");
        }

        foreach (JsonNode? difference in differences.Take(MaxDifferencesShown))
        {
            terminal.Out.WriteLine($"  {Terminal.Line(difference!)}");
        }

        return code;
    }
}
