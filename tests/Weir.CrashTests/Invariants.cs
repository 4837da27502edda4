using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weir.CrashTests;

/// <summary>What must hold whatever happened to the process, by the checker of <c>weir verify</c>. The numbers I1 to I8 are those of docs/reliability.md.</summary>
internal static class Invariants
{
    /// <summary>All that can be asked of a server at rest.</summary>
    public static async Task HoldAsync(History history, ServerApi api)
    {
        var anomalies = new Anomalies();
        Logs logs = await ReadLogsAsync(api);
        var checker = new Checker(history, logs, Workload.Streams, anomalies);
        checker.CheckLogs();
        await ViewsEqualLogsAsync(checker, api);
        foreach (CheckedView view in Workload.Views)
        {
            RecountEqualsLive(view.Name, await api.RecountAsync(view.Name));
        }

        Assert.Equal([], anomalies.First);
    }

    /// <summary>I4: the rows are what the counted records add up to.</summary>
    /// <returns>The rows.</returns>
    public static async Task<string> ViewsEqualLogsAsync(ServerApi api)
    {
        var anomalies = new Anomalies();
        string rows = await ViewsEqualLogsAsync(new Checker(new History(), await ReadLogsAsync(api), Workload.Streams, anomalies), api);
        Assert.Equal([], anomalies.First);
        return rows;
    }

    /// <summary>I5: what was once readable is there for ever, and says the same.</summary>
    public static void LogOnlyGrows(Logs before, Logs now)
    {
        var anomalies = new Anomalies();
        var reads = new Reads(Workload.Streams, [], anomalies);
        foreach (CheckedStream stream in Workload.Streams)
        {
            for (int partition = 0; partition < stream.Partitions; partition++)
            {
                reads.OfLog(stream.Name, partition, before[stream.Name, partition]);
            }
        }

        reads.Compare(now);
        Assert.Equal([], anomalies.First);
    }

    /// <summary>I4: the second implementation agrees, verdict by verdict and row by row.</summary>
    public static void RecountEqualsLive(string view, JsonElement recount) =>
        Assert.True(recount.GetProperty("state").GetString() == "done" && recount.GetProperty("equal").GetBoolean(), $"recount of {view}: {recount}");

    /// <summary>The value as it stands in a row: a number, or text where it has more digits than a double.</summary>
    public static decimal DecimalOf(JsonElement value) =>
        decimal.Parse(value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText(), NumberStyles.Number, CultureInfo.InvariantCulture);

    public static Task<Logs> ReadLogsAsync(ServerApi api) => Logs.ReadAsync(api.Client, Workload.Streams, TestContext.Current.CancellationToken);

    private static async Task<string> ViewsEqualLogsAsync(Checker checker, ServerApi api)
    {
        var rows = new List<string>();
        foreach (CheckedView view in Workload.Views)
        {
            JsonObject page = (JsonObject)JsonNode.Parse((await api.CurrentViewAsync(view.Name, view.Stream.Name)).GetRawText())!;
            checker.CheckView(view, page);
            rows.Add(page["rows"]!.ToJsonString());
        }

        return string.Join('\n', rows);
    }
}
