using System.Globalization;
using System.Text.Json.Nodes;
using Weir.Cli.Load;

namespace Weir.Cli.Bench;

/// <summary>One line of a benchmark. What a benchmark does not measure is null and shown as nothing.</summary>
internal sealed record BenchResult(string Name, long Events, TimeSpan Elapsed)
{
    public LatencyHistogram? Latency { get; init; }

    /// <summary>Bytes that the server allocated on its garbage-collected heap during the run, per event.</summary>
    public double? AllocatedBytesPerEvent { get; init; }

    /// <summary>Null where nothing is written.</summary>
    public string? FlushMode { get; init; } = Machine.FlushMode;

    /// <summary>Figures of this benchmark alone, such as bytes per voter, by name with the unit in it.</summary>
    public IReadOnlyList<(string Name, double Value)> Figures { get; init; } = [];

    /// <summary>What was to be reached and was not, as sentences. The command ends with code 1 then.</summary>
    public IReadOnlyList<string> Missed { get; init; } = [];

    public double EventsPerSecond => Events / Math.Max(Elapsed.TotalSeconds, 1e-9);

    public JsonObject ToJson(Machine machine)
    {
        var document = new JsonObject
        {
            ["name"] = Name,
            ["events"] = Events,
            ["seconds"] = Math.Round(Elapsed.TotalSeconds, 3),
            ["events_per_second"] = Math.Round(EventsPerSecond),
            ["p50_ms"] = Milliseconds(0.5),
            ["p99_ms"] = Milliseconds(0.99),
            ["p99_9_ms"] = Milliseconds(0.999),
            ["flush_mode"] = FlushMode,
            ["allocated_bytes_per_event"] = AllocatedBytesPerEvent is { } bytes ? Math.Round(bytes, 1) : null,
        };
        foreach ((string name, double value) in Figures)
        {
            document[name] = Math.Round(value, 3);
        }

        if (Missed.Count > 0)
        {
            document["missed"] = new JsonArray([.. Missed.Select(sentence => (JsonNode)sentence)]);
        }

        document["machine"] = machine.ToJson();
        return document;
    }

    public static void WriteTable(IReadOnlyList<BenchResult> results, Machine machine, TextWriter writer)
    {
        string[] figures = [.. results.SelectMany(result => result.Figures).Select(figure => figure.Name).Distinct()];
        var table = new TextTable(["name", "#events", "#seconds", "#events/s", "#p50 ms", "#p99 ms", "#p99.9 ms", "#alloc B/event", .. figures.Select(name => "#" + name.Replace('_', ' '))]);
        foreach (BenchResult result in results)
        {
            table.Add(
            [
                result.Name,
                TextTable.Count(result.Events),
                result.Elapsed.TotalSeconds.ToString("F2", CultureInfo.InvariantCulture),
                TextTable.Count(Math.Round(result.EventsPerSecond)),
                Cell(result.Milliseconds(0.5)),
                Cell(result.Milliseconds(0.99)),
                Cell(result.Milliseconds(0.999)),
                Cell(result.AllocatedBytesPerEvent),
                .. figures.Select(name => Cell(result.Figures.Where(figure => figure.Name == name).Select(figure => (double?)figure.Value).FirstOrDefault())),
            ]);
        }

        table.WriteTo(writer);
        if (results.Any(result => result.FlushMode is not null))
        {
            writer.WriteLine($"flush: {Machine.FlushMode}");
        }

        writer.WriteLine($"machine: {machine}");
        foreach (string sentence in results.SelectMany(result => result.Missed))
        {
            writer.WriteLine($"missed: {sentence}");
        }
    }

    private static string Cell(double? value) => value?.ToString(value >= 1000 ? "N0" : "0.##", CultureInfo.InvariantCulture) ?? "";

    private double? Milliseconds(double fraction) => Latency is { Count: > 0 } ? Math.Round(Latency.Percentile(fraction).TotalMilliseconds, 3) : null;
}
