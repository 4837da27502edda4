using System.CommandLine;
using System.Text.Json.Nodes;
using Weir.Cli.Http;

namespace Weir.Cli.Commands;

/// <summary><c>weir dead-letters STREAM</c>: the events that are in the log and did not count, with the reason of each.</summary>
internal static class DeadLettersCommand
{
    private const int PageSize = 1000;

    public static Command Create(Terminal terminal)
    {
        var stream = new Argument<string>("STREAM") { Description = "The stream." };
        var limit = new Option<int>("--limit") { Description = "Events at most.", DefaultValueFactory = _ => 100, HelpName = "N" };
        Option<string> url = SharedOptions.Url();
        Option<bool> json = SharedOptions.Json();
        json.Description = "Print each event as one JSON document a line.";
        var command = new Command("dead-letters", "List the events that are in the log and did not count, with the reason of each.") { stream, limit, url, json };
        command.SetAction((parsed, cancel) => RunAsync(terminal, parsed.Connect(url), parsed.GetRequiredValue(stream), parsed.GetValue(limit), parsed.GetValue(json), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, ServerClient server, string stream, int limit, bool json, CancellationToken cancel)
    {
        using ServerClient _ = server;
        string? next = "";
        int shown = 0;
        while (next is not null && shown < limit)
        {
            string after = next.Length == 0 ? "" : $"&after={Uri.EscapeDataString(next)}";
            JsonObject page = await server.GetAsync($"v1/streams/{Uri.EscapeDataString(stream)}/dead-letters?limit={Math.Min(PageSize, limit - shown)}{after}", cancel);
            JsonArray events = page["events"]!.AsArray();
            foreach (JsonNode? stored in events)
            {
                StoredEvents.Write(terminal, stored!, json);
            }

            shown += events.Count;
            next = events.Count == 0 ? null : page["next"]?.ToString();
        }

        if (next is not null)
        {
            terminal.Error.WriteLine($"{shown} shown, there are more (--limit)");
        }

        return ExitCode.Ok;
    }
}
