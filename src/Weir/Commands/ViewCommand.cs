using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Weir.Cli.Http;
using Weir.Core;

namespace Weir.Cli.Commands;

/// <summary><c>weir view NAME</c>: the rows of a view, once or each time they change.</summary>
internal static class ViewCommand
{
    private static readonly TimeSpan BeforeReconnect = TimeSpan.FromSeconds(1);

    public static Command Create(Terminal terminal)
    {
        var view = new Argument<string>("NAME") { Description = "The view." };
        var watch = new Option<bool>("--watch") { Description = "Show the rows again whenever they change, until Ctrl-C; reconnects by itself." };
        var limit = new Option<int>("--limit") { Description = "Rows at most.", DefaultValueFactory = _ => 50, HelpName = "N" };
        var order = new Option<string?>("--order") { Description = "Column to order by; a minus in front for the largest first.", HelpName = "COLUMN" };
        var filter = new Option<string[]>("--filter") { Description = "Only rows in which a column has this value, as in choice=blue; may be repeated.", HelpName = "COLUMN=VALUE" };
        var at = new Option<string?>("--at") { Description = "Wait until the view has reached this position, as in votes:0=1841,1=1790.", HelpName = "POSITION" };
        Option<string> url = SharedOptions.Url();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("view", "Show the rows of a view.") { view, watch, limit, order, filter, at, url, json };
        command.SetAction((parsed, cancel) =>
        {
            string path = Query(parsed.GetRequiredValue(view), parsed.GetValue(limit), parsed.GetValue(order), parsed.GetValue(filter) ?? [], parsed.GetValue(at));
            return parsed.GetValue(watch)
                ? WatchAsync(terminal, parsed.Connect(url), parsed.GetRequiredValue(view), path, parsed.GetValue(json), cancel)
                : ShowAsync(terminal, parsed.Connect(url), path, parsed.GetValue(json), cancel);
        });
        return command;
    }

    private static string Query(string view, int limit, string? order, string[] filters, string? at)
    {
        var path = new StringBuilder().Append(CultureInfo.InvariantCulture, $"v1/views/{Uri.EscapeDataString(view)}?limit={limit}");
        if (order is not null)
        {
            path.Append("&order=").Append(Uri.EscapeDataString(order));
        }

        if (at is not null)
        {
            path.Append("&wait=30s&at=").Append(Uri.EscapeDataString(at));
        }

        foreach (string filter in filters)
        {
            string[] parts = filter.Split('=', 2);
            path.Append('&').Append(Uri.EscapeDataString(parts[0])).Append('=').Append(Uri.EscapeDataString(parts.Length > 1 ? parts[1] : ""));
        }

        return path.ToString();
    }

    private static async Task<int> ShowAsync(Terminal terminal, ServerClient server, string path, bool json, CancellationToken cancel)
    {
        using ServerClient _ = server;
        JsonObject answer = await server.GetAsync(path, cancel);
        if (json)
        {
            terminal.WriteJson(answer);
        }
        else
        {
            terminal.Out.Write(Render(answer));
        }

        return ExitCode.Ok;
    }

    /// <summary>
    /// The live stream says when something changed; the rows are then asked for, so that order, filter and limit are the server's.
    /// Changes that come while rows are being asked for are one change.
    /// </summary>
    private static async Task<int> WatchAsync(Terminal terminal, ServerClient server, string view, string path, bool json, CancellationToken cancel)
    {
        using ServerClient _ = server;
        int drawnLines = 0;
        bool wasConnected = false;
        while (true)
        {
            try
            {
                await foreach ((string _, JsonObject frame) in server.ReadLiveAsync(view, cancel))
                {
                    wasConnected = true;
                    JsonObject answer = await server.GetAsync(path, cancel);
                    string text = json ? Terminal.Line(answer) + "\n" : Render(answer);
                    drawnLines = Draw(terminal, text, drawnLines, json);
                }
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return ExitCode.Ok;
            }
            catch (Exception failure) when (wasConnected && failure is WeirException { IsTransient: true } or IOException or HttpRequestException)
            {
                // A restart of the server is nothing that ends a watch; before the first frame it would hide a wrong address.
            }

            try
            {
                terminal.Error.WriteLine("connection lost, connecting again");
                drawnLines = 0;
                await Task.Delay(BeforeReconnect, cancel);
            }
            catch (OperationCanceledException)
            {
                return ExitCode.Ok;
            }
        }
    }

    /// <summary>Over the last drawing where somebody watches, below it elsewhere. Returns the lines drawn.</summary>
    private static int Draw(Terminal terminal, string text, int drawnLines, bool json)
    {
        if (terminal.HasColor && !json && drawnLines > 0)
        {
            // Up to the first line of the last drawing, then clear to the end of the screen.
            terminal.Out.Write(string.Create(CultureInfo.InvariantCulture, $"\e[{drawnLines}A\e[J"));
        }

        terminal.Out.Write(text);
        terminal.Out.Flush();
        return text.Count(character => character == '\n');
    }

    /// <summary>The rows as a table, and below them how current and how final they are.</summary>
    internal static string Render(JsonObject answer)
    {
        var writer = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        JsonArray rows = answer["rows"] as JsonArray ?? [];
        if (rows.Count == 0)
        {
            writer.WriteLine("no rows yet");
        }
        else
        {
            RenderRows(rows, writer);
        }

        string state = answer["final"]?.GetValue<bool>() == true ? "final" : "provisional";
        string behind = answer["age_ms"] is { } age ? $", {age} ms behind" : "";
        string more = answer["next"] is not null ? ", there are more rows (--limit)" : "";
        string errors = answer["errors"]?.GetValue<long>() is > 0 and var count ? $", {TextTable.Count(count)} rows left out because of errors" : "";
        writer.WriteLine($"{state} at {answer["position"]}{behind}{errors}{more}");
        return writer.ToString();
    }

    private static void RenderRows(JsonArray rows, TextWriter writer)
    {
        string[] columns = [.. rows[0]!.AsObject().Select(column => column.Key)];
        bool[] isNumber = Array.ConvertAll(columns, column => rows.All(row => row![column] is null || row[column]!.GetValueKind() == System.Text.Json.JsonValueKind.Number));
        var table = new TextTable([.. columns.Select((column, i) => isNumber[i] ? "#" + column : column)]);
        foreach (JsonNode? row in rows)
        {
            table.Add([.. columns.Select(column => row![column]?.ToString() ?? "NULL")]);
        }

        table.WriteTo(writer);
    }
}
