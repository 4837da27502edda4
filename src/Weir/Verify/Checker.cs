using System.Globalization;
using System.Text.Json.Nodes;
using Weir.Cli.Load;

namespace Weir.Cli.Verify;

/// <summary>
/// Compares what clients know (<see cref="History"/>) with what the server shows when nobody sends any more. One pass over the logs and one over what
/// was told; nothing of the engine is used. Every event must have been sent until it was decided.
/// </summary>
internal sealed class Checker(History history, Logs logs, IReadOnlyList<CheckedStream> streams, Anomalies anomalies)
{
    /// <summary>The logs, against themselves and against what was sent and told.</summary>
    public void CheckLogs()
    {
        foreach (CheckedStream stream in streams)
        {
            CheckOffsets(stream);
            CheckRecords(stream);
            CheckVerdicts(stream);
        }

        CheckTold();
        CheckOrder();
    }

    /// <summary>A view's rows at the logs' end against what the counted records add up to.</summary>
    public void CheckView(CheckedView view, JsonObject page)
    {
        var current = new Dictionary<string, LoggedRecord>();
        foreach ((int partition, LoggedRecord record) in logs.EventsOf(view.Stream).Where(entry => entry.Record.IsCounted))
        {
            current[view.Stream.Rule == StreamRule.Last ? record.Key! : string.Create(CultureInfo.InvariantCulture, $"{partition}:{record.Offset}")] = record;
        }

        Dictionary<string, (long Count, decimal Total)> expected = current.Values
            .Select(record => JsonNode.Parse(record.Value)!)
            .GroupBy(value => value["choice"]!.ToString())
            .ToDictionary(group => group.Key, group => (group.LongCount(), view.Summed is null ? 0m : group.Sum(value => Number(value[view.Summed]))));
        Dictionary<string, (long Count, decimal Total)> shown = page["rows"]!.AsArray()
            .ToDictionary(row => row!["choice"]!.ToString(), row => ((long)Number(row!["n"]), Number(row["total"])));
        foreach (string choice in expected.Keys.Union(shown.Keys).Order(StringComparer.Ordinal))
        {
            (long Count, decimal Total) must = expected.GetValueOrDefault(choice);
            (long Count, decimal Total) found = shown.GetValueOrDefault(choice);
            if (must != found)
            {
                anomalies.Add(AnomalyKind.RecountMismatch, $"view {view.Name}", "", $"{choice}: the log adds up to n = {must.Count}, total = {must.Total}; the view shows n = {found.Count}, total = {found.Total}");
            }
        }

        if (page["errors"]!.GetValue<long>() is > 0 and var errors)
        {
            anomalies.Add(AnomalyKind.RecountMismatch, $"view {view.Name}", "", $"{errors} records could not be evaluated");
        }
    }

    /// <summary>The second implementation's result.</summary>
    public void CheckRecount(CheckedView view, JsonObject recount)
    {
        if (recount["equal"]?.GetValue<bool>() != true)
        {
            anomalies.Add(AnomalyKind.RecountMismatch, $"view {view.Name}", "", $"the recount differs: {recount["differences"]?.ToJsonString()}");
        }
    }

    /// <summary>From 0, one by one; the first record is the definition.</summary>
    private void CheckOffsets(CheckedStream stream)
    {
        for (int partition = 0; partition < stream.Partitions; partition++)
        {
            List<LoggedRecord> records = logs[stream.Name, partition];
            for (int i = 0; i < records.Count; i++)
            {
                if (records[i].Offset != i)
                {
                    anomalies.Add(AnomalyKind.InconsistentOffset, Place(stream.Name, partition, i), records[i].Id, $"the record read here has offset {records[i].Offset}");
                    break;
                }
            }
        }
    }

    /// <summary>Byte for byte what was sent, nothing that was refused, and no more often than it was sent.</summary>
    private void CheckRecords(CheckedStream stream)
    {
        var times = new Dictionary<string, int>();
        foreach ((int partition, LoggedRecord record) in logs.EventsOf(stream))
        {
            string place = Place(stream.Name, partition, record.Offset);
            SentEvent? sent = history.Find(stream.Name, record.Id);
            if (sent is null || sent.Body != record.Value || (sent.Key is not null && sent.Key != record.Key))
            {
                anomalies.Add(AnomalyKind.AbortedRead, place, record.Id, $"nobody sent key {record.Key}, value {record.Shown}");
            }
            else if (sent.IsRefused)
            {
                anomalies.Add(AnomalyKind.AbortedRead, place, record.Id, "it was refused");
            }

            times[record.Id] = times.GetValueOrDefault(record.Id) + 1;
        }

        foreach ((SentEvent sent, int sends) in history.Events.Where(sent => sent.Event.Stream == stream.Name))
        {
            if (times.GetValueOrDefault(sent.Id) > sends)
            {
                anomalies.Add(AnomalyKind.Duplicate, stream.Name, sent.Id, $"sent {sends} times, {times[sent.Id]} records");
            }
        }
    }

    /// <summary>The stream's rule again, in one line each, over the log.</summary>
    private void CheckVerdicts(CheckedStream stream)
    {
        var ids = new HashSet<string>();
        var owners = new Dictionary<string, string>();
        foreach ((int partition, LoggedRecord record) in logs.EventsOf(stream))
        {
            string must = Rule(record);
            if (must == record.Verdict)
            {
                continue;
            }

            AnomalyKind kind = record.IsCounted && must != "counted" ? AnomalyKind.Duplicate
                : !record.IsCounted && must is "counted" or "replaced" ? AnomalyKind.LostWrite
                : AnomalyKind.InconsistentVerdict;
            anomalies.Add(kind, Place(stream.Name, partition, record.Offset), record.Id, $"the log says {record.Verdict}, the rule says {must}");
        }

        string Rule(LoggedRecord record) => stream.Rule switch
        {
            StreamRule.First => owners.TryAdd(record.Key!, record.Id) ? "counted" : owners[record.Key!] == record.Id ? "duplicate" : "taken",
            StreamRule.Last => !ids.Add(record.Id) ? "duplicate" : owners.TryAdd(record.Key!, record.Id) ? "counted" : "replaced",
            StreamRule.Once => ids.Add(record.Id) ? "counted" : "duplicate",
            _ => "counted",
        };
    }

    /// <summary>Everything told is what the log says at the place that was told.</summary>
    private void CheckTold()
    {
        var always = streams.Where(stream => stream.Rule == StreamRule.Always).Select(stream => stream.Name).ToHashSet();
        var acknowledged = new HashSet<(string, int, long)>();
        foreach ((SentEvent sent, Outcome told) in history.Told)
        {
            string place = Place(sent.Stream, told.Partition, told.Offset);
            if (sent.IsRefused || told.Verdict == "refused")
            {
                if (!sent.IsRefused || told.Verdict != "refused")
                {
                    anomalies.Add(AnomalyKind.InconsistentVerdict, place, sent.Id, $"told {told.Verdict}, and it is {(sent.IsRefused ? "" : "not ")}wrong: {sent.Body}");
                }

                continue;
            }

            LoggedRecord? record = logs.Find(sent.Stream, told.Partition, told.Offset);
            if (record is null)
            {
                anomalies.Add(AnomalyKind.LostWrite, place, sent.Id, $"told {told.Verdict}, and the log has no such place");
            }
            else if (record.Id != sent.Id)
            {
                anomalies.Add(AnomalyKind.InconsistentOffset, place, sent.Id, $"told {told.Verdict}, and the log has {(record.Id.Length > 0 ? record.Id : "a marker")} there");
            }
            else if (told.Verdict != "durable" && (told.Verdict == "duplicate" ? !record.IsCounted : told.Verdict != record.Verdict))
            {
                anomalies.Add(AnomalyKind.InconsistentVerdict, place, sent.Id, $"told {told.Verdict}, and the log says {record.Verdict}");
            }
            else if (always.Contains(sent.Stream) && !acknowledged.Add((sent.Stream, told.Partition, told.Offset)))
            {
                anomalies.Add(AnomalyKind.InconsistentOffset, place, sent.Id, "acknowledged twice: two sendings have one record");
            }
        }
    }

    /// <summary>A client that waits for each answer finds its own events of one key in the order in which they were acknowledged.</summary>
    private void CheckOrder()
    {
        var last = new Dictionary<(string Stream, string Client, string Key), long>();
        foreach ((SentEvent sent, Outcome told) in history.Told.Where(told => told.Event.Key is not null && told.Outcome.Verdict is "counted" or "replaced" or "taken"))
        {
            (string, string, string) chain = (sent.Stream, sent.Client, sent.Key!);
            if (last.TryGetValue(chain, out long before) && before >= told.Offset)
            {
                anomalies.Add(AnomalyKind.NonMonotonicSend, Place(sent.Stream, told.Partition, told.Offset), sent.Id, $"acknowledged after offset {before} of the same client and key");
            }

            last[chain] = told.Offset;
        }
    }

    /// <summary>A number as it stands in a row: text where it has more digits than a double.</summary>
    public static decimal Number(JsonNode? value) => value is null ? 0 : decimal.Parse(value.ToString(), NumberStyles.Number, CultureInfo.InvariantCulture);

    private static string Place(string stream, int partition, long offset) => string.Create(CultureInfo.InvariantCulture, $"{stream}/{partition}:{offset}");
}
