using System.Globalization;
using System.Text.Json.Nodes;
using Weir.Cli.Load;

namespace Weir.Cli.Demo;

/// <summary>What the demo found. <see cref="IsRight"/> decides its exit code.</summary>
internal sealed record DemoReport
{
    public required Oracle Oracle { get; init; }

    /// <summary>Total of the view, as the server shows it.</summary>
    public required long Counted { get; init; }

    /// <summary>Acknowledged votes that the view lacks.</summary>
    public required long Lost { get; init; }

    /// <summary>Votes that the view has too many, and answers that counted what must not count.</summary>
    public required long Double { get; init; }

    /// <summary>What is wrong, in words; empty is right.</summary>
    public required IReadOnlyList<string> Findings { get; init; }

    public required bool RecountEqual { get; init; }

    public required long RecountedEvents { get; init; }

    public required long FastLines { get; init; }

    public required TimeSpan FastTime { get; init; }

    public required LatencyHistogram FastLatency { get; init; }

    /// <summary>From the start of the second process to its first answer of ready.</summary>
    public required TimeSpan Recovery { get; init; }

    /// <summary>Lines that had their answer when the server was killed.</summary>
    public required long DecidedAtKill { get; init; }

    public required Machine Machine { get; init; }

    public bool IsRight => Lost == 0 && Double == 0 && RecountEqual && Findings.Count == 0;

    private double FastPerSecond => FastLines / Math.Max(FastTime.TotalSeconds, 1e-9);

    public void WriteTo(TextWriter writer)
    {
        Line("sent", Count(Oracle.DecidedTotal), Oracle.RepeatedLines > 0 ? $"{Count(Oracle.RepeatedLines)} of them twice or more: the kill had left their outcome unknown" : "");
        Line("counted", Count(Counted), $"acknowledged {Count(Oracle.Decided(LineKind.Vote))}");
        Line("duplicate", Count(Oracle.Decided(LineKind.Retry)), "retries of acknowledged votes");
        Line("taken", Count(Oracle.Decided(LineKind.SecondVote)), "second votes of the same user");
        Line("closed", Count(Oracle.Decided(LineKind.AfterClose)), "votes after the close");
        Line("refused", Count(Oracle.Decided(LineKind.Malformed)), "malformed lines");
        Line("lost", Count(Lost), "");
        Line("double", Count(Double), "");
        writer.WriteLine($"   recount     {(RecountEqual ? "equal" : "DIFFERENT")}: {Count(RecountedEvents)} events counted again from the log by the second implementation");
        writer.WriteLine($"   fast part   {Count(FastLines)} votes in {Seconds(FastTime)}: {Count(Math.Round(FastPerSecond))} votes/s, acknowledged p50 {TextTable.Duration(FastLatency.Percentile(0.5))}, p99 {TextTable.Duration(FastLatency.Percentile(0.99))}");
        writer.WriteLine($"               {Machine.FlushMode}");
        writer.WriteLine($"   recovery    {Seconds(Recovery)} from start to serving, after SIGKILL at {Count(DecidedAtKill)} votes");
        writer.WriteLine($"   machine     {Machine}");
        foreach (string finding in Findings)
        {
            writer.WriteLine($"   WRONG       {finding}");
        }

        writer.WriteLine(IsRight ? "   Nothing lost, nothing counted twice." : "   This must not happen. Keep the data directory and report it.");

        void Line(string name, string number, string note) => writer.WriteLine($"   {name,-11} {number,10}   {note}".TrimEnd());
    }

    public JsonObject ToJson() => new()
    {
        ["right"] = IsRight,
        ["sent"] = Oracle.DecidedTotal,
        ["sent_again"] = Oracle.RepeatedLines,
        ["counted"] = Counted,
        ["acknowledged"] = Oracle.Decided(LineKind.Vote),
        ["duplicate"] = Oracle.Decided(LineKind.Retry),
        ["taken"] = Oracle.Decided(LineKind.SecondVote),
        ["closed"] = Oracle.Decided(LineKind.AfterClose),
        ["refused"] = Oracle.Decided(LineKind.Malformed),
        ["lost"] = Lost,
        ["double"] = Double,
        ["findings"] = new JsonArray([.. Findings.Select(finding => JsonValue.Create(finding))]),
        ["recount_equal"] = RecountEqual,
        ["recounted_events"] = RecountedEvents,
        ["fast_events"] = FastLines,
        ["fast_seconds"] = Math.Round(FastTime.TotalSeconds, 3),
        ["fast_events_per_second"] = Math.Round(FastPerSecond),
        ["ack_p50_ms"] = Math.Round(FastLatency.Percentile(0.5).TotalMilliseconds, 3),
        ["ack_p99_ms"] = Math.Round(FastLatency.Percentile(0.99).TotalMilliseconds, 3),
        ["flush_mode"] = Machine.FlushMode,
        ["recovery_seconds"] = Math.Round(Recovery.TotalSeconds, 3),
        ["killed_at"] = DecidedAtKill,
        ["machine"] = Machine.ToJson(),
    };

    private static string Count(double value) => TextTable.Count(value);

    private static string Seconds(TimeSpan value) => string.Create(CultureInfo.InvariantCulture, $"{value.TotalSeconds:F2} s");
}
