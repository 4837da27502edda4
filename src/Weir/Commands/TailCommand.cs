using System.CommandLine;
using System.Text.Json.Nodes;
using Weir.Cli.Http;

namespace Weir.Cli.Commands;

/// <summary><c>weir tail STREAM</c>: the newest events with their verdicts, and with --follow those that come.</summary>
internal static class TailCommand
{
    private const int PageSize = 1000;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(250);

    public static Command Create(Terminal terminal)
    {
        var stream = new Argument<string>("STREAM") { Description = "The stream." };
        var lines = new Option<int>("--lines", "-n") { Description = "Newest events to begin with, of each partition.", DefaultValueFactory = _ => 10, HelpName = "N" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with the events that come, until Ctrl-C." };
        Option<string> url = SharedOptions.Url();
        Option<bool> json = SharedOptions.Json();
        json.Description = "Print each event as one JSON document a line.";
        var command = new Command("tail", "Show the newest events of a stream with their verdicts.") { stream, lines, follow, url, json };
        command.SetAction((parsed, cancel) => RunAsync(
            terminal, parsed.Connect(url), parsed.GetRequiredValue(stream), parsed.GetValue(lines), parsed.GetValue(follow), parsed.GetValue(json), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, ServerClient server, string stream, int lines, bool follow, bool json, CancellationToken cancel)
    {
        using ServerClient _ = server;
        string path = $"v1/streams/{Uri.EscapeDataString(stream)}";
        JsonArray partitions = (await server.GetAsync(path, cancel))["partitions"]!.AsArray();
        long[] next = [.. partitions.Select(partition => Math.Max(Number(partition, "log_start"), Number(partition, "flushed_end") - lines))];
        try
        {
            while (true)
            {
                bool isBehind = false;
                for (int partition = 0; partition < next.Length; partition++)
                {
                    JsonObject page = await server.GetAsync($"{path}/events?partition={partition}&offset={next[partition]}&limit={PageSize}", cancel);
                    JsonArray events = page["events"]!.AsArray();
                    foreach (JsonNode? stored in events)
                    {
                        StoredEvents.Write(terminal, stored!, json);
                        next[partition] = Number(stored, "offset") + 1;
                    }

                    isBehind |= events.Count == PageSize;
                }

                terminal.Out.Flush();
                if (!isBehind && !follow)
                {
                    return ExitCode.Ok;
                }

                await Task.Delay(isBehind ? TimeSpan.Zero : BetweenLooks, cancel);
            }
        }
        catch (OperationCanceledException) when (follow)
        {
            return ExitCode.Ok;
        }
    }

    private static long Number(JsonNode? node, string name) => node?[name]?.GetValue<long>() ?? 0;
}
