using System.Globalization;
using System.Text;
using System.Text.Json;
using Weir.Core;
using Weir.Storage;

namespace Weir.Recount;

/// <summary>
/// A recount as a process of its own, so that it shares no memory with what it checks. Lines of JSON in and out:
/// <code>
/// in   {"data":"./data","sql":"SELECT …","position":"votes:0=1841,1=1790","keep":10000,"errors":0,"base_section":"view:…","rows":"/tmp/rows.ndjson","memory_bytes":536870912}
///      then, when "rows" is not given, one line per row of the live view, up to the end of the input
/// out  {"progress":{"events":500000,"total":2000000,"events_per_second":1100000,"partition":1,"pass":1,"passes":1}}      about once a second
///      {"equal":true,"events":…,"verdicts":{"counted":…},"position":"…","since":"votes:0=5000","complete":false,"rows":…,"errors":0,"different":0,"differences":[]}   the last line; or
///      {"error":{"code":"WEIR-5003","detail":"…"}}
/// </code>
/// "data", "sql" and "position" are required. Without "errors" the errors are not compared. "since" and
/// "complete" are there when retention has cut the log. Rows are read when the counting
/// is done, so whoever writes them to the input must not wait for them before reading the output.
/// </summary>
public static class RecountChild
{
    /// <summary>The live view agrees with the log.</summary>
    public const int ExitEqual = 0;

    /// <summary>It differs.</summary>
    public const int ExitDifferent = 1;

    /// <summary>The recount could not be made; the last line says why.</summary>
    public const int ExitError = 2;

    private const int EventsBetweenLooks = 16_384;

    /// <summary>Runs one request and returns the exit code.</summary>
    /// <param name="time">For the rate that progress shows; nothing else depends on it.</param>
    public static int Run(IDisk disk, TextReader input, TextWriter output, TimeProvider time, CancellationToken cancellation = default)
    {
        try
        {
            RecountComparison comparison = Compare(disk, input, output, time, cancellation);
            output.WriteLine(Line(json => WriteResult(json, comparison)));
            return comparison.Equal ? ExitEqual : ExitDifferent;
        }
        catch (WeirException e)
        {
            output.WriteLine(Error(e.Code, e.Message));
        }
        catch (Exception e) when (e is JsonException or FormatException or IOException or UnauthorizedAccessException)
        {
            output.WriteLine(Error(ErrorCode.InvalidParameter, e.Message));
        }
        finally
        {
            output.Flush();
        }

        return ExitError;
    }

    private static RecountComparison Compare(IDisk disk, TextReader input, TextWriter output, TimeProvider time, CancellationToken cancellation)
    {
        using JsonDocument document = JsonDocument.Parse(input.ReadLine() ?? "");
        JsonElement json = document.RootElement;
        var request = new RecountRequest
        {
            Disk = disk,
            DataDirectory = Required(json, "data"),
            Sql = Required(json, "sql"),
            Position = Required(json, "position"),
            KeepWindows = (int)(Number(json, "keep") ?? 10_000),
            OwnerMemoryBytes = Number(json, "memory_bytes") ?? 512L << 20,
            BaseSection = json.TryGetProperty("base_section", out JsonElement section) ? section.GetString() : null,
            Progress = ProgressTo(output, time),
        };
        RecountResult recount = RecountRun.Run(request, cancellation);
        if (json.TryGetProperty("rows", out JsonElement path))
        {
            using StreamReader rows = File.OpenText(path.GetString() ?? "");
            return RecountComparison.Compare(recount, Lines(rows), Number(json, "errors"));
        }

        return RecountComparison.Compare(recount, Lines(input), Number(json, "errors"));
    }

    private static string Required(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new FormatException($"The first line of a recount's input has no text \"{name}\".");

    private static long? Number(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) ? value.GetInt64() : null;

    private static IEnumerable<ReadOnlyMemory<byte>> Lines(TextReader rows)
    {
        while (rows.ReadLine() is { } line)
        {
            if (line.Length > 0)
            {
                yield return Encoding.UTF8.GetBytes(line);
            }
        }
    }

    private static Action<RecountProgress> ProgressTo(TextWriter output, TimeProvider time)
    {
        long start = time.GetTimestamp();
        long lastEvents = 0;
        TimeSpan lastLine = TimeSpan.Zero;
        return progress =>
        {
            if (progress.Events - lastEvents < EventsBetweenLooks)
            {
                return;
            }

            lastEvents = progress.Events;
            TimeSpan elapsed = time.GetElapsedTime(start);
            if (elapsed - lastLine < TimeSpan.FromSeconds(1))
            {
                return;
            }

            lastLine = elapsed;
            output.WriteLine(Line(json =>
            {
                json.WriteStartObject("progress");
                json.WriteNumber("events", progress.Events);
                json.WriteNumber("total", progress.TotalEvents);
                json.WriteNumber("events_per_second", (long)(progress.Events / elapsed.TotalSeconds));
                json.WriteNumber("partition", progress.Partition);
                json.WriteNumber("pass", progress.Pass);
                json.WriteNumber("passes", progress.Passes);
                json.WriteEndObject();
            }));
            output.Flush();
        };
    }

    private static void WriteResult(Utf8JsonWriter json, RecountComparison comparison)
    {
        RecountResult recount = comparison.Recount;
        json.WriteBoolean("equal", comparison.Equal);
        json.WriteNumber("events", recount.Verdicts.Events);
        json.WriteStartObject("verdicts");
        json.WriteNumber("counted", recount.Verdicts.Counted);
        json.WriteNumber("replaced", recount.Verdicts.Replaced);
        json.WriteNumber("duplicate", recount.Verdicts.Duplicate);
        json.WriteNumber("taken", recount.Verdicts.Taken);
        json.WriteNumber("closed", recount.Verdicts.Closed);
        json.WriteNumber("invalid", recount.Verdicts.Invalid);
        json.WriteEndObject();
        json.WriteString("position", recount.Position.ToString());
        if (recount.Since is { } since)
        {
            json.WriteString("since", since.ToString());
            json.WriteBoolean("complete", false);
        }

        json.WriteNumber("rows", recount.RowCount);
        json.WriteNumber("errors", recount.Errors);
        if (comparison.LiveErrors is { } live && live != recount.Errors)
        {
            json.WriteNumber("live_errors", live);
        }

        json.WriteNumber("different", comparison.RowDifferences);
        json.WriteStartArray("differences");
        foreach (RowDifference difference in comparison.Differences)
        {
            json.WriteStartObject();
            WriteRaw("key", difference.Key);
            WriteRaw("recount", difference.Recount ?? "null");
            WriteRaw("live", difference.Live ?? "null");
            json.WriteEndObject();
        }

        json.WriteEndArray();

        void WriteRaw(string name, string value)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value, skipInputValidation: true);
        }
    }

    private static string Error(ErrorCode code, string detail) => Line(json =>
    {
        json.WriteStartObject("error");
        json.WriteString("code", WeirErrors.NameOf(code));
        json.WriteString("detail", detail);
        json.WriteEndObject();
    });

    private static string Line(Action<Utf8JsonWriter> writeMembers)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            writeMembers(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }
}
