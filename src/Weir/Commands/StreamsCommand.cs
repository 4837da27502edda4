using System.CommandLine;
using System.Text.Json.Nodes;
using Weir.Cli.Http;

namespace Weir.Cli.Commands;

/// <summary><c>weir streams [STREAM]</c>: the streams of a server, or one of them whole.</summary>
internal static class StreamsCommand
{
    public static Command Create(Terminal terminal)
    {
        var stream = new Argument<string?>("STREAM") { Description = "Show this one with its definition and partitions.", Arity = ArgumentArity.ZeroOrOne };
        Option<string> url = SharedOptions.Url();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("streams", "List the streams, or show one.") { stream, url, json };
        command.SetAction((parsed, cancel) => RunAsync(terminal, parsed.Connect(url), parsed.GetValue(stream), parsed.GetValue(json), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, ServerClient server, string? stream, bool json, CancellationToken cancel)
    {
        using ServerClient _ = server;
        JsonObject answer = await server.GetAsync(stream is null ? "v1/streams" : $"v1/streams/{Uri.EscapeDataString(stream)}", cancel);
        if (json)
        {
            terminal.WriteJson(answer);
        }
        else if (stream is null)
        {
            WriteList(terminal, answer["streams"]!.AsArray());
        }
        else
        {
            WriteOne(terminal, answer);
        }

        return ExitCode.Ok;
    }

    private static void WriteList(Terminal terminal, JsonArray streams)
    {
        if (streams.Count == 0)
        {
            terminal.Out.WriteLine("no streams yet; define one in weir.yaml or with PUT /v1/streams/{stream}");
            return;
        }

        var table = new TextTable("stream", "phase", "delivery", "key", "id", "#partitions", "#counted", "#events/s", "#log bytes");
        foreach (JsonNode? node in streams)
        {
            JsonObject stream = node!.AsObject();
            JsonArray partitions = stream["partitions"]!.AsArray();
            JsonNode? definition = stream["definition"];
            table.Add(
                Text(stream["name"]),
                Text(stream["phase"]),
                Text(stream["delivery"]),
                definition?["key"] is JsonArray key ? string.Join(',', key.Select(Text)) : Text(definition?["key"]),
                Text(definition?["id"]),
                TextTable.Count(partitions.Count),
                TextTable.Count(Number(stream["totals"], "counted") + Number(stream["totals"], "replaced")),
                TextTable.Count(Math.Round(stream["events_per_second"]?.GetValue<double>() ?? 0)),
                TextTable.Count(partitions.Sum(partition => Number(partition, "log_bytes"))));
        }

        table.WriteTo(terminal.Out);
    }

    private static void WriteOne(Terminal terminal, JsonObject stream)
    {
        terminal.Out.WriteLine($"{stream["name"]}: {stream["phase"]}, at {stream["position"]}");
        terminal.Out.WriteLine($"definition {Terminal.Line(stream["definition"]!)}");
        if (stream["totals"] is JsonObject totals)
        {
            terminal.Out.WriteLine(string.Join(", ", totals.Select(total => $"{total.Key} {TextTable.Count(total.Value?.GetValue<long>() ?? 0)}")));
        }

        var table = new TextTable("#partition", "state", "#start", "#end", "#owners", "#log bytes", "hot key", "reason");
        foreach (JsonNode? partition in stream["partitions"]!.AsArray())
        {
            table.Add(
                Text(partition!["partition"]),
                Text(partition["state"]),
                TextTable.Count(Number(partition, "log_start")),
                TextTable.Count(Number(partition, "flushed_end")),
                TextTable.Count(Number(partition, "owners")),
                TextTable.Count(Number(partition, "log_bytes")),
                Text(partition["hot_key"]),
                Text(partition["reason"]));
        }

        table.WriteTo(terminal.Out);
    }

    private static string Text(JsonNode? node) => node?.ToString() ?? "";

    private static long Number(JsonNode? node, string name) => node?[name]?.GetValue<long>() ?? 0;
}
