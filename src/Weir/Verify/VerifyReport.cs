using System.Globalization;
using System.Text.Json.Nodes;
using Weir.Cli.Load;

namespace Weir.Cli.Verify;

/// <summary>What a run of <c>weir verify</c> found. <see cref="IsRight"/> decides its exit code.</summary>
internal sealed record VerifyReport
{
    public required VerifySettings Settings { get; init; }

    public required History History { get; init; }

    public required Killer Killer { get; init; }

    /// <summary>Why there were no kills at calls; null when there were, or nobody asked for them.</summary>
    public required string? SkippedAtCalls { get; init; }

    /// <summary>Answers of views and logs that were held against the earlier ones.</summary>
    public required int Reads { get; init; }

    /// <summary>Records of the log that count.</summary>
    public required long Counted { get; init; }

    public required int RecountedViews { get; init; }

    public required Anomalies Anomalies { get; init; }

    public required Machine Machine { get; init; }

    public bool IsRight => Anomalies.Total == 0;

    private int Lost => Anomalies.Count(AnomalyKind.LostWrite);

    private int Double => Anomalies.Count(AnomalyKind.Duplicate);

    public void WriteTo(TextWriter writer)
    {
        string atCalls = Settings.AtCalls ? $"{Killer.AtCalls} as a thread entered a write, flush or rename, " : "";
        Line("kills", Killer.Kills, $"SIGKILL; {atCalls}{Killer.WhileStarting} while the server was starting");
        if (SkippedAtCalls is not null)
        {
            writer.WriteLine($"   skipped      kills at a write, flush or rename: {SkippedAtCalls}");
        }

        Line("sent", History.Sent, $"events, in {TextTable.Count(History.Answers)} answered requests of {Enum.GetValues<EventForm>().Length} forms, over HTTP and Kafka");
        Line("acknowledged", History.Acknowledged, "");
        Line("unknown", History.UnknownResolved, "resolved by sending them again");
        Line("counted", Counted, "");
        Line("lost", Lost, "");
        Line("double", Double, "");
        Line("reads", Reads, Anomalies.Count(AnomalyKind.NonMonotonicRead) == 0 ? "of views and logs, none older than one before it" : "of views and logs, SOME OLDER than one before it");
        writer.WriteLine($"   recount      {(Anomalies.Count(AnomalyKind.RecountMismatch) == 0 ? "equal" : "DIFFERENT")}: {RecountedViews} views, twice: added up from the log here, and by the second implementation");
        writer.WriteLine($"   recovery     {Percentile(0.5)} p50, {Percentile(0.99)} p99, {TextTable.Duration(Killer.Recovery.Max)} max, from start to serving");
        writer.WriteLine($"   machine      {Machine}");
        foreach (Anomaly anomaly in Anomalies.First)
        {
            writer.WriteLine($"   WRONG        {anomaly}");
        }

        writer.WriteLine(IsRight
            ? "   Nothing lost, nothing counted twice."
            : $"   {TextTable.Count(Anomalies.Total)} anomalies. This must not happen. Keep the folder and report it with the seed, {Settings.Seed}.");

        void Line(string name, long number, string note) => writer.WriteLine($"   {name,-12} {TextTable.Count(number),10}   {note}".TrimEnd());
    }

    public JsonObject ToJson() => new()
    {
        ["right"] = IsRight,
        ["seed"] = Settings.Seed,
        ["kills"] = Killer.Kills,
        ["kills_at_calls"] = Killer.AtCalls,
        ["kills_while_starting"] = Killer.WhileStarting,
        ["skipped"] = SkippedAtCalls,
        ["sent"] = History.Sent,
        ["answers"] = History.Answers,
        ["acknowledged"] = History.Acknowledged,
        ["unknown_resolved"] = History.UnknownResolved,
        ["counted"] = Counted,
        ["lost"] = Lost,
        ["double"] = Double,
        ["reads"] = Reads,
        ["recounted_views"] = RecountedViews,
        ["recovery_p50_ms"] = Milliseconds(Killer.Recovery.Percentile(0.5)),
        ["recovery_p99_ms"] = Milliseconds(Killer.Recovery.Percentile(0.99)),
        ["recovery_max_ms"] = Milliseconds(Killer.Recovery.Max),
        ["anomalies"] = new JsonObject(Enum.GetValues<AnomalyKind>().Select(kind => KeyValuePair.Create(Anomaly.NameOf(kind), (JsonNode?)Anomalies.Count(kind)))),
        ["examples"] = new JsonArray([.. Anomalies.First.Select(anomaly => new JsonObject { ["anomaly"] = anomaly.Name, ["place"] = anomaly.Place, ["id"] = anomaly.Id, ["detail"] = anomaly.Detail })]),
        ["machine"] = Machine.ToJson(),
    };

    private string Percentile(double fraction) => TextTable.Duration(Killer.Recovery.Percentile(fraction));

    private static double Milliseconds(TimeSpan value) => Math.Round(value.TotalMilliseconds, 1);
}
