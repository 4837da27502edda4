using System.Text.Json.Nodes;

namespace Weir.Cli.Commands;

/// <summary>How a stored event is printed: one line for people, one compact JSON document a line with --json.</summary>
internal static class StoredEvents
{
    public static void Write(Terminal terminal, JsonNode stored, bool json)
    {
        if (json)
        {
            terminal.Out.WriteLine(Terminal.Line(stored));
            return;
        }

        string reason = stored["reason"] is { } why ? $" ({why})" : "";
        string value = stored["value"] is { } document ? Terminal.Line(document) : stored["text"]?.ToString() ?? "";
        string what = stored["marker"] is { } marker ? $"marker {marker}" : stored["verdict"]?.ToString() ?? "";
        terminal.Out.WriteLine($"{stored["partition"]}:{stored["offset"]}  {stored["time"]}  {what}{reason}  {value}");
    }
}
