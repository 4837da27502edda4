using System.Globalization;
using System.Text.Json;

namespace Weir.CrashTests;

/// <summary>
/// What must hold whatever happened to the process. Each compares what the oracle knows with what the server shows now; the numbers I1 to I8 are those
/// of docs/reliability.md.
/// </summary>
internal static class Invariants
{
    /// <summary>All that can be asked of a server at rest.</summary>
    public static async Task HoldAsync(Oracle oracle, ServerApi api)
    {
        Logs logs = await Logs.ReadAsync(api);
        OffsetsGapless(logs);
        NoAcknowledgedLoss(oracle, logs);
        EveryCountedWasSent(oracle, logs);
        NoDuplicateCount(oracle, logs);
        RefusedLeavesNoTrace(oracle, logs);
        OrderOfAcknowledgementsIsOrderOfLog(oracle);
        foreach ((string view, string stream, string? summed) in Workload.Views)
        {
            LiveEqualsLog(view, summed, await api.CurrentViewAsync(view, stream), logs.EventsOf(stream).Select(entry => entry.Record));
            RecountEqualsLive(view, await api.RecountAsync(view));
        }
    }

    /// <summary>I5: from 0, one by one; the first record is the definition.</summary>
    public static void OffsetsGapless(Logs logs)
    {
        foreach (((string stream, int partition), IReadOnlyList<LoggedRecord> records) in logs.All)
        {
            for (int i = 0; i < records.Count; i++)
            {
                Assert.True(records[i].Offset == i, $"{stream}/{partition}: offset {records[i].Offset} where {i} was expected.");
                Assert.True(i > 0 || records[i].Verdict is null, $"{stream}/{partition} does not begin with a marker.");
                Assert.True(records[i].Verdict != "undecided", $"{stream}/{partition} offset {i} is undecided.");
            }
        }
    }

    /// <summary>I5: what was once readable is there for ever, and says the same. A record that is flushed and not yet decided may become decided.</summary>
    public static void LogOnlyGrows(Logs before, Logs now)
    {
        foreach (((string stream, int partition), IReadOnlyList<LoggedRecord> records) in before.All)
        {
            IReadOnlyList<LoggedRecord> later = now.Of(stream, partition);
            Assert.True(later.Count >= records.Count, $"{stream}/{partition} had {records.Count} records and has {later.Count}.");
            for (int i = 0; i < records.Count; i++)
            {
                LoggedRecord seen = records[i].Verdict == "undecided" ? records[i] with { Verdict = later[i].Verdict } : records[i];
                Assert.True(seen == later[i], $"{stream}/{partition} offset {i} was {records[i]} and is {later[i]}.");
            }
        }
    }

    /// <summary>I1: what a client was told is what the log says at the place it was told.</summary>
    public static void NoAcknowledgedLoss(Oracle oracle, Logs logs)
    {
        foreach ((SentEvent sent, Outcome outcome) in oracle.Outcomes.Where(told => told.Outcome.Offset >= 0))
        {
            IReadOnlyList<LoggedRecord> log = logs.Of(sent.Stream, outcome.Partition);
            Assert.True(outcome.Offset < log.Count, $"{sent.Id} was told {outcome}, but {sent.Stream}/{outcome.Partition} ends at {log.Count}.");
            LoggedRecord record = log[(int)outcome.Offset];
            Assert.True(IdOf(record) == sent.Id, $"{sent.Id} was told {outcome}, where {record} lies.");
            bool isSo = outcome.Verdict == "duplicate" ? record.IsCounted : record.Verdict == outcome.Verdict;
            Assert.True(isSo, $"{sent.Id} was told {outcome}, the log says {record.Verdict}.");
        }

        Dictionary<(string, string), int> counted = CountsById(logs);
        foreach ((SentEvent sent, Outcome outcome) in oracle.Outcomes.Where(told => told.Outcome.Verdict is "counted" or "replaced" or "duplicate"))
        {
            Assert.True(counted.ContainsKey((sent.Stream, sent.Id)), $"{sent.Stream} {sent.Id} was told {outcome.Verdict} and is counted nowhere.");
        }
    }

    /// <summary>I2: byte for byte.</summary>
    public static void EveryCountedWasSent(Oracle oracle, Logs logs)
    {
        foreach (string stream in Workload.Streams)
        {
            foreach ((int partition, LoggedRecord record) in logs.EventsOf(stream))
            {
                bool wasSent = oracle.Sent.TryGetValue((stream, IdOf(record)), out SentEvent? sent) && sent.Body == record.Value && sent.Key == record.Key;
                Assert.True(wasSent, $"{stream}/{partition} offset {record.Offset} was never sent: {record.Value}");
            }
        }
    }

    /// <summary>I1, the other half: no id twice, no owner twice, and everything that was decided is there; by a fold of three lines per rule.</summary>
    public static void NoDuplicateCount(Oracle oracle, Logs logs)
    {
        foreach (((string stream, string id), int times) in CountsById(logs))
        {
            Assert.True(times == 1, $"{stream} {id} is counted {times} times.");
        }

        foreach (IGrouping<string, (int, LoggedRecord Record)> owner in logs.EventsOf("votes").Where(entry => entry.Record.IsCounted).GroupBy(entry => entry.Record.Key!))
        {
            Assert.True(owner.Count() == 1, $"{owner.Key} has {owner.Count()} votes.");
        }

        HashSet<string> owners = [.. logs.EventsOf("votes").Where(entry => entry.Record.IsCounted).Select(entry => entry.Record.Key!)];
        Dictionary<(string, string), int> counted = CountsById(logs);
        foreach (SentEvent sent in oracle.Sent.Values.Where(sent => !sent.IsRefused))
        {
            bool isCounted = sent.Stream == "votes" ? owners.Contains(sent.Key) : counted.ContainsKey((sent.Stream, sent.Id));
            Assert.True(isCounted, $"{sent.Stream} {sent.Id} was sent until it was decided and is not counted.");
        }
    }

    /// <summary>I8: what was refused for what it is lies nowhere in the log.</summary>
    public static void RefusedLeavesNoTrace(Oracle oracle, Logs logs)
    {
        foreach ((SentEvent sent, Outcome outcome) in oracle.Outcomes)
        {
            Assert.True(sent.IsRefused == (outcome.Verdict == "refused" && !outcome.IsOpen), $"{sent.Body} was told {outcome}.");
        }

        foreach (string stream in Workload.Streams)
        {
            foreach ((_, LoggedRecord record) in logs.EventsOf(stream))
            {
                Assert.True(!oracle.Sent.TryGetValue((stream, IdOf(record)), out SentEvent? sent) || !sent.IsRefused, $"{stream}: {record} was refused.");
            }
        }
    }

    /// <summary>I3: a client that waits for each answer finds its own events of one key in the order in which it sent them.</summary>
    public static void OrderOfAcknowledgementsIsOrderOfLog(Oracle oracle)
    {
        Dictionary<(string Stream, string Client, string Key), long> last = [];
        foreach ((SentEvent sent, Outcome outcome) in oracle.Outcomes.Where(told => told.Outcome.Verdict is "counted" or "replaced" or "taken"))
        {
            (string, string, string) chain = (sent.Stream, sent.Id[..sent.Id.LastIndexOf('-')], sent.Key);
            Assert.True(!last.TryGetValue(chain, out long before) || before < outcome.Offset, $"{sent.Stream} {sent.Id} lies at {outcome.Offset}, before {before} which was acknowledged earlier.");
            last[chain] = outcome.Offset;
        }
    }

    /// <summary>I4: the rows are what the counted records add up to; a replaced record takes the place of its owner's earlier one.</summary>
    public static void LiveEqualsLog(string view, string? summed, JsonElement live, IEnumerable<LoggedRecord> records)
    {
        bool keepsLast = view == "picked";
        Dictionary<string, JsonElement> current = [];
        foreach (LoggedRecord record in records.Where(record => record.IsCounted))
        {
            current[keepsLast ? record.Key! : IdOf(record)] = JsonDocument.Parse(record.Value).RootElement;
        }

        var expected = current.Values
            .GroupBy(value => value.GetProperty("choice").GetString()!)
            .ToDictionary(group => group.Key, group => (Count: (long)group.Count(), Sum: summed is null ? 0m : group.Sum(value => value.GetProperty(summed).GetDecimal())));
        var rows = live.GetProperty("rows").EnumerateArray().ToDictionary(
            row => row.GetProperty("choice").GetString()!,
            row => (Count: row.GetProperty("n").GetInt64(), Sum: summed is null ? 0m : DecimalOf(row.GetProperty("total"))));

        Assert.True(live.GetProperty("errors").GetInt64() == 0, $"{view} left rows out: {live}");
        foreach (string choice in expected.Keys.Union(rows.Keys))
        {
            Assert.True(expected.GetValueOrDefault(choice) == rows.GetValueOrDefault(choice), $"{view}, {choice}: the log adds up to {expected.GetValueOrDefault(choice)}, the view says {rows.GetValueOrDefault(choice)}.");
        }
    }

    /// <summary>I4: the second implementation agrees, verdict by verdict and row by row.</summary>
    public static void RecountEqualsLive(string view, JsonElement recount) =>
        Assert.True(recount.GetProperty("state").GetString() == "done" && recount.GetProperty("equal").GetBoolean(), $"recount of {view}: {recount}");

    /// <summary>The value as it stands in a row: a number, or text where it has more digits than a double.</summary>
    public static decimal DecimalOf(JsonElement value) =>
        decimal.Parse(value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText(), NumberStyles.Number, CultureInfo.InvariantCulture);

    private static Dictionary<(string Stream, string Id), int> CountsById(Logs logs) =>
        Workload.Streams
            .SelectMany(stream => logs.EventsOf(stream).Where(entry => entry.Record.IsCounted).Select(entry => (Stream: stream, Id: IdOf(entry.Record))))
            .GroupBy(event_ => event_)
            .ToDictionary(group => group.Key, group => group.Count());

    private static string IdOf(LoggedRecord record)
    {
        using JsonDocument value = JsonDocument.Parse(record.Value);
        return value.RootElement.GetProperty("id").GetString()!;
    }
}
