using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weir.CrashTests.CrashStates;

/// <summary>
/// Holds a server that was started on a state against what its clients know: before anything is sent again, and after everything unknown and some of the
/// rest was. Everything here comes from outside the server: what was sent, and what it answered before the power was lost.
/// </summary>
/// <param name="random">Chooses what of the acknowledged is sent again.</param>
internal sealed class StateCheck(Knowledge known, ServerApi api, RecordedClient client, Random random)
{
    private readonly History _history = new();
    private readonly Anomalies _anomalies = new();

    /// <summary>What was sent again to streams that the history does not hold.</summary>
    private readonly List<Exchange> _again = [];

    public async Task HoldsAsync()
    {
        foreach (Exchange exchange in known.Answered.Concat(known.Open).Where(IsWhole))
        {
            Take(exchange);
        }

        await EveryPartitionServesAsync();
        await DefinitionsAreThereAsync(isRepeated: false);
        await LogsAndViewsHoldAsync(isRepeated: false);
        await CutStreamHoldsAsync(isRepeated: false);
        await ClosedStreamHoldsAsync();

        foreach (Exchange open in known.Open)
        {
            await AgainAsync(open);
        }

        Exchange[] acknowledged = [.. known.Answered.Where(exchange => exchange.IsOfEvents)];
        random.Shuffle(acknowledged);
        foreach (Exchange again in acknowledged.Take(4).Concat(acknowledged.Where(exchange => exchange.Events[0].Stream == StateWorkload.Cut)).Concat(StateWorkload.Few("x")))
        {
            await AgainAsync(again);
        }

        await EveryPartitionServesAsync();
        await DefinitionsAreThereAsync(isRepeated: true);
        await LogsAndViewsHoldAsync(isRepeated: true);
        await CutStreamHoldsAsync(isRepeated: true);
        await ClosedStreamHoldsAsync();
    }

    private static bool IsWhole(Exchange exchange) => exchange.IsOfEvents && StateWorkload.Streams.Any(stream => stream.Name == exchange.Events[0].Stream);

    private async Task AgainAsync(Exchange exchange)
    {
        Exchange answered = await client.SendAsync(exchange);
        bool isGone = answered.Status == 404 && exchange.Request.StartsWith("DELETE", StringComparison.Ordinal);
        Assert.True(answered.Status is >= 200 and < 300 || isGone, $"{answered}: {answered.Text}");
        if (IsWhole(answered))
        {
            Take(answered);
        }
        else if (answered.IsOfEvents)
        {
            _again.Add(answered);
        }
    }

    private void Take(Exchange exchange)
    {
        _history.Sending(exchange.Events);
        if (exchange.Status != 0)
        {
            _history.Answered(exchange.Events, Answer.Read(exchange.Status, exchange.Text).Outcomes);
        }
    }

    private async Task EveryPartitionServesAsync()
    {
        JsonElement all = await api.GetAsync("v1/streams");
        Assert.False(all.TryGetProperty("unreadable", out JsonElement unreadable), $"unreadable: {unreadable}");
        foreach (JsonElement stream in all.GetProperty("streams").EnumerateArray())
        {
            foreach (JsonElement partition in stream.GetProperty("partitions").EnumerateArray())
            {
                Assert.True(partition.GetProperty("state").GetString() == "serving", $"{stream.GetProperty("name")}: {partition}");
            }
        }
    }

    /// <summary>What was defined, changed, closed, opened and deleted is so; what nobody knows of is so or not, and after it was asked for again it is.</summary>
    private async Task DefinitionsAreThereAsync(bool isRepeated)
    {
        var then = new Defined(known.Answered);
        var now = new Defined([.. known.Answered, .. known.Open]);
        Dictionary<string, string> streams = (await api.GetAsync("v1/streams")).GetProperty("streams").EnumerateArray().ToDictionary(
            stream => stream.GetProperty("name").GetString()!,
            stream => $"{(stream.GetProperty("definition").TryGetProperty("grace", out JsonElement grace) ? grace.GetString() : "1s")} {stream.GetProperty("phase").GetString()}");
        foreach (string name in Defined.StreamNames)
        {
            string? shown = streams.GetValueOrDefault(name);
            string?[] may = isRepeated ? [now.Stream(name)] : [.. Possible(name)];

            // Between the markers of two partitions it is neither.
            bool isBetween = !isRepeated && then.Stream(name) != now.Stream(name) && shown?.EndsWith("closing", StringComparison.Ordinal) == true;
            Assert.True(may.Contains(shown) || isBetween, $"stream {name} is {shown ?? "not there"}, and was {then.Stream(name) ?? "not there"}, perhaps {now.Stream(name) ?? "not there"}");
        }

        HashSet<string> views = [.. (await api.GetAsync("v1/views")).GetProperty("views").EnumerateArray().Select(view => view.GetProperty("name").GetString()!)];
        foreach (string name in Defined.ViewNames)
        {
            bool[] may = isRepeated ? [now.HasView(name)] : [then.HasView(name), now.HasView(name)];
            Assert.True(may.Contains(views.Contains(name)), $"view {name} is {(views.Contains(name) ? "" : "not ")}there");
        }
    }

    // Of the requests that nobody knows the outcome of, each was done or not.
    private IEnumerable<string?> Possible(string stream)
    {
        Exchange[] open = [.. known.Open.Where(exchange => exchange.Request.Split('?')[0].Split('/').ElementAtOrDefault(2) == stream)];
        Assert.InRange(open.Length, 0, 8);
        return Enumerable.Range(0, 1 << open.Length).Select(done => new Defined([.. known.Answered, .. open.Where((_, i) => (done & (1 << i)) != 0)]).Stream(stream));
    }

    private async Task LogsAndViewsHoldAsync(bool isRepeated)
    {
        Logs logs = await Logs.ReadAsync(api.Client, StateWorkload.Streams, CancellationToken.None);
        var checker = new Checker(_history, logs, StateWorkload.Streams, _anomalies);
        checker.CheckLogs();
        var reads = new Reads(StateWorkload.Streams, StateWorkload.Views, _anomalies);
        foreach (Exchange read in known.Answered.Where(exchange => exchange.Request.StartsWith("GET", StringComparison.Ordinal)))
        {
            TakeRead(reads, logs, read);
        }

        var defined = new Defined([.. known.Answered, .. known.Open]);
        foreach (CheckedView view in StateWorkload.Views.Where(view => view.Name != "points" || (isRepeated && defined.HasView(view.Name))))
        {
            JsonObject page = (JsonObject)JsonNode.Parse((await api.CurrentViewAsync(view.Name, view.Stream.Name)).GetRawText())!;
            checker.CheckView(view, page);
            reads.OfView(view, page);
        }

        Assert.True(_anomalies.Total == 0, string.Join("\n", _anomalies.First));
    }

    // What was read once is never taken back.
    private void TakeRead(Reads reads, Logs logs, Exchange read)
    {
        JsonObject page = (JsonObject)JsonNode.Parse(read.Text)!;
        if (StateWorkload.Views.FirstOrDefault(view => read.Request == $"GET v1/views/{view.Name}") is { } view)
        {
            reads.OfView(view, page);
            return;
        }

        string stream = page["stream"]!.ToString();
        foreach (JsonNode? record in page["events"]!.AsArray().Where(record => record!["verdict"] is not null))
        {
            int partition = record!["partition"]!.GetValue<int>();
            long offset = record["offset"]!.GetValue<long>();
            string id = record["value"]!["id"]!.ToString();
            string verdict = record["verdict"]!.ToString();
            LoggedRecord? now = logs.Find(stream, partition, offset);
            if (now is null || now.Id != id || (now.Verdict != verdict && verdict != "undecided"))
            {
                _anomalies.Add(AnomalyKind.NonMonotonicRead, string.Create(CultureInfo.InvariantCulture, $"{stream}/{partition}:{offset}"), id, $"it was read as {verdict}, and is {now?.Verdict ?? "not there"}");
            }
        }
    }

    /// <summary>
    /// Of the stream that retention cuts: what is left has no gap and is what was sent; what was acknowledged is there, or was let go and is still known; the
    /// view has all of it.
    /// </summary>
    private async Task CutStreamHoldsAsync(bool isRepeated)
    {
        Exchange[] told = [.. known.Answered.Where(IsOfCut)];
        Exchange[] sent = [.. told, .. known.Open.Where(IsOfCut)];
        var bodies = sent.SelectMany(exchange => exchange.Events).DistinctBy(one => one.Id).ToDictionary(one => one.Id, one => one.Body);
        if (bodies.Count == 0)
        {
            return;
        }

        long start = (await api.GetAsync($"v1/streams/{StateWorkload.Cut}")).GetProperty("partitions")[0].GetProperty("log_start").GetInt64();
        List<LoggedRecord> records = await api.ReadLogAsync(StateWorkload.Cut, 0, start);
        Assert.Equal(Enumerable.Range(0, records.Count).Select(i => start + i), records.Select(record => record.Offset));
        Assert.All(records.Where(record => record.Verdict is not null), record => Assert.True(bodies.GetValueOrDefault(record.Id) == record.Value, $"{StateWorkload.Cut}:{record.Offset}: nobody sent {record.Shown}"));
        Dictionary<string, long> places = [];
        foreach ((SentEvent one, Outcome outcome) in told.SelectMany(OutcomesOf))
        {
            Assert.True(outcome.Verdict is "counted" or "duplicate", $"{one.Id} was {outcome.Verdict}");
            places[one.Id] = outcome.Offset;
            Assert.True(outcome.Offset < start || (outcome.Offset - start < records.Count && records[(int)(outcome.Offset - start)].Id == one.Id), $"lost write: {StateWorkload.Cut}:{outcome.Offset} {one.Id}");
        }

        if (!isRepeated)
        {
            return;
        }

        foreach ((SentEvent one, Outcome outcome) in _again.Where(IsOfCut).SelectMany(OutcomesOf))
        {
            bool isKnown = places.TryGetValue(one.Id, out long place);
            Assert.True(isKnown ? outcome.Verdict == "duplicate" && outcome.Offset == place : outcome.Verdict is "counted" or "duplicate", $"{one.Id} was acknowledged at {(isKnown ? place : "no place")} and is now {outcome}");
        }

        JsonElement view = await api.CurrentViewAsync("hauled", StateWorkload.Cut);
        decimal amount = bodies.Values.Sum(body => JsonDocument.Parse(body).RootElement.GetProperty("amount").GetDecimal());
        decimal shown = view.GetProperty("rows").EnumerateArray().Sum(row => Invariants.DecimalOf(row.GetProperty("total")));
        long counted = view.GetProperty("rows").EnumerateArray().Sum(row => row.GetProperty("n").GetInt64());
        Assert.True(counted == bodies.Count && shown == amount, $"hauled: {counted} events of {bodies.Count}, {shown} of {amount}");
    }

    /// <summary>Of the stream that is closed and opened: the markers in its log decide, and what was told is what the log says.</summary>
    private async Task ClosedStreamHoldsAsync()
    {
        var records = new Dictionary<(int Partition, long Offset), (string Id, string Verdict)>();
        Exchange[] exchanges = [.. known.Answered, .. known.Open, .. _again];
        Exchange[] told = [.. known.Answered.Concat(_again).Where(IsOfClosed)];
        bool isThere = known.Answered.Any(exchange => exchange.Request == $"PUT v1/streams/{StateWorkload.Closed}");
        for (int partition = 0; isThere && partition < 2; partition++)
        {
            JsonElement page = await api.GetAsync(string.Create(CultureInfo.InvariantCulture, $"v1/streams/{StateWorkload.Closed}/events?partition={partition}&limit=1000"));
            bool isClosed = false;
            HashSet<string> counted = [];
            foreach (JsonElement record in page.GetProperty("events").EnumerateArray())
            {
                if (record.TryGetProperty("marker", out JsonElement marker))
                {
                    isClosed = marker.GetString() switch { "close" => true, "open" => false, _ => isClosed };
                    continue;
                }

                string id = record.GetProperty("value").GetProperty("id").GetString()!;
                string must = isClosed ? "closed" : counted.Add(id) ? "counted" : "duplicate";
                Assert.True(record.GetProperty("verdict").GetString() == must, $"{StateWorkload.Closed}/{partition}: {record} must be {must}");
                Assert.Contains(exchanges.Where(IsOfClosed).SelectMany(exchange => exchange.Events), one => one.Id == id);
                records[(partition, record.GetProperty("offset").GetInt64())] = (id, must);
            }
        }

        foreach ((SentEvent one, Outcome outcome) in told.SelectMany(OutcomesOf))
        {
            string there = outcome.Verdict == "duplicate" ? "counted" : outcome.Verdict;
            (string Id, string Verdict) record = records.GetValueOrDefault((outcome.Partition, outcome.Offset));
            Assert.True(record == (one.Id, there), $"{StateWorkload.Closed}/{outcome.Partition}:{outcome.Offset}: told {one.Id} {outcome.Verdict}, and the log has {record}");
        }
    }

    private static bool IsOfCut(Exchange exchange) => exchange.IsOfEvents && exchange.Events[0].Stream == StateWorkload.Cut;

    private static bool IsOfClosed(Exchange exchange) => exchange.IsOfEvents && exchange.Events[0].Stream == StateWorkload.Closed;

    private static IEnumerable<(SentEvent Event, Outcome Outcome)> OutcomesOf(Exchange exchange) =>
        Answer.Read(exchange.Status, exchange.Text).Outcomes.Select(outcome => (exchange.Events[outcome.Index], outcome));
}
