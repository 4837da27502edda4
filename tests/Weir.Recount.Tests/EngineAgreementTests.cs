using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Weir.Core;
using Weir.Engine;
using Weir.Storage;
using Weir.TestKit;

namespace Weir.Recount.Tests;

/// <summary>
/// The property that the product rests on: whatever is sent to a node, its verdicts and live views are those that the
/// recount finds in the node's log. Scenarios are random definitions, events of every kind, closings,
/// restarts and passes of retention; FsCheck shrinks a failing one to the fewest steps.
/// </summary>
public sealed class EngineAgreementTests
{
    /// <summary>Fewer than there are minutes among <see cref="Times"/>.</summary>
    private const int KeepWindows = 2;

    private static readonly string[] Definitions =
    [
        """{"partitions":2,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"},"on-invalid":"dead-letter"}""",
        """{"partitions":2,"key":["user"],"claim":{"by":["user"],"keep":"first"},"on-invalid":"dead-letter"}""",
        """{"partitions":3,"id":"id","on-invalid":"dead-letter"}""",
        """{"partitions":2,"key":["user"],"id":"id","on-invalid":"dead-letter"}""",
        """{"partitions":1,"key":["user","choice"],"id":"id","partitioner":"crc32","on-invalid":"dead-letter"}""",
        """{"partitions":1,"id":"id","remember":7,"on-invalid":"dead-letter"}""",
        """{"partitions":2,"key":["user"],"on-invalid":"dead-letter"}""",
        """{"partitions":2,"on-invalid":"dead-letter"}""",
        """{"partitions":2,"delivery":"exactly-once","on-invalid":"dead-letter"}""",
        """{"partitions":2,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"},"fields":{"amount":"decimal(6,2)","choice":"string"},"on-invalid":"dead-letter"}""",
        """{"partitions":2,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"last"},"on-invalid":"dead-letter"}""",
        """{"partitions":2,"key":["user"],"claim":{"by":["user"],"keep":"last"},"on-invalid":"dead-letter"}""",
        """{"partitions":2,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"},"on-invalid":"dead-letter","retention":"1KiB"}""",
        """{"partitions":1,"key":["user"],"claim":{"by":["user"],"keep":"first"},"on-invalid":"dead-letter","retention":"1KiB"}""",
        """{"partitions":2,"key":["user"],"id":"id","on-invalid":"dead-letter","retention":"1KiB"}""",
        """{"partitions":1,"id":"id","remember":7,"on-invalid":"dead-letter","retention":"1KiB"}""",
        """{"partitions":2,"on-invalid":"dead-letter","retention":"1KiB"}""",
    ];

    private static readonly string[] AnyViews =
    [
        "SELECT choice, count(*) AS n, sum(amount) AS total, avg(amount) AS mean FROM s GROUP BY choice",
        "SELECT count(*) AS n, count(amount) AS amounts, count(choice) AS choices FROM s WHERE amount >= 1 OR choice LIKE '%b_'",
        "SELECT user, choice, count(*) AS n FROM s WHERE NOT (choice IN ('a', 2) AND amount IS NOT NULL) GROUP BY user, choice HAVING n > 1 ORDER BY n DESC, user LIMIT 5",
    ];

    /// <summary>Not over streams with <c>keep: last</c>, where rows have to be taken back.</summary>
    private static readonly string[] ViewsOfWhatStays =
    [
        "SELECT count(*) AS n, sum(amount) AS total FROM s GROUP BY tumble(t, 1m)",
        "SELECT choice, min(amount) AS least, max(amount) AS greatest FROM s GROUP BY choice",
        "SELECT first(choice) AS f, latest(choice) AS l, latest(nested.x[0]) AS x, min(t) AS early, max(_offset) AS far FROM s",
        "SELECT ce.type, _partition, count(*) AS n, latest(amount) AS amount FROM s GROUP BY ce.type, _partition ORDER BY amount",
    ];

    private static readonly string[] Users = ["\"ada\"", "\"bob\"", "\"b\\u006fb\"", "1", "1.0", "\"1\"", "\"é\\\"\"", "10e-1", "\"\"", "null", "true", "{}", "1e400", "\"\\ud800\"", "\"n\\u0000\""];
    private static readonly string[] Ids = ["\"1\"", "1", "1.00", "\"2\"", "\"3\"", "4", "\"five\"", "null", "\"\"", "[1]", "-0"];
    private static readonly string[] Choices = ["\"a\"", "\"b\"", "\"abc\"", "\"\\u0061\"", "2", "2.0", "null", "true", "{\"a\": [1, 2]}", "\"\\ud800\"", "\"line\\nbreak 😀\"", "1e400", "0.0000000001"];
    private static readonly string[] Amounts = ["1", "1.50", "-2.25", "0.000000001", "1e3", "99999.99", "1234567890123456789012345678", "1e-10", "\"12\"", "null", "false", "-0.0", "29e27"];
    private static readonly string[] Times = ["\"2026-11-20T20:00:30Z\"", "\"2026-11-20T21:00:59.9+01:00\"", "1795204860000", "1795204860000.5", "\"yesterday\"", "null", "-1", "\"0000-01-01T00:00:00Z\""];
    private static readonly string[] Nested = ["{\"x\":[1]}", "{\"x\":[ {\"y\" : \"z w\"} ]}", "[]", "7", "{\"x\":{}}"];
    private static readonly string[] Broken = ["", "nonsense", "[]", "\"text\"", "{\"user\":\"ada\"", "{\"user\":\"ada\",\"user\":\"ada\",\"id\":\"1\"}", "{\"id\":\"1\",\"user\":\"ada\"}}", "{\"id\":NaN}", "{\"amount\":1,\"amount\":2,\"user\":\"ada\",\"id\":\"77\"}"];

    private static readonly Gen<string> Event = Gen.Frequency(
        (12, from user in Member("user", Users, 6)
             from id in Member("id", Ids, 5)
             from choice in Member("choice", Choices, 3)
             from amount in Member("amount", Amounts, 4)
             from time in Member("t", Times, 3)
             from nested in Member("nested", Nested, 3)
             select "{" + string.Join(',', new[] { user, id, choice, amount, time, nested }.Where(member => member.Length > 0)) + "}"),
        (1, Gen.Elements(Broken)));

    private static readonly Gen<Step> AnyStep = Gen.Frequency(
        (40, from count in Gen.Choose(1, 4)
             from values in Event.ArrayOf(count)
             from headers in Gen.Elements("", "", "", "", "k1", "k2", "c1", "c2", "h1")
             select new Step("send", string.Join('\n', values), headers)),
        (10, from value in Event from header in Gen.Elements("", "", "c1", "h1") select new Step("produce", value, header)),
        (1, from bytes in Gen.Choose(1, 4) select new Step("limit", bytes.ToString(CultureInfo.InvariantCulture), "")),
        (1, Gen.Constant(new Step("close", "", ""))),
        (1, Gen.Constant(new Step("open", "", ""))),
        (1, Gen.Constant(new Step("view", "", ""))),
        (3, Gen.Constant(new Step("retain", "", ""))),
        (1, Gen.Constant(new Step("restart", "", ""))));

    private static readonly Arbitrary<Scenario> Scenarios = Arb.From(
        from definition in Gen.Elements(Definitions)
        from steps in AnyStep.ArrayOf(30)
        select new Scenario(definition, steps),
        Shrink);

    /// <param name="Kind">send, produce (one event as a Kafka client sends it, without a key), close, open, restart; view: the view that is missing is defined; retain: retention cuts what it may; limit: a definition with another limit of the id's bytes.</param>
    /// <param name="Value">Events, one per line, sent together; the limit.</param>
    /// <param name="Headers">k: idempotency key, c: CloudEvents, h: header id; with its value.</param>
    private sealed record Step(string Kind, string Value, string Headers);

    private sealed record Scenario(string Definition, Step[] Steps)
    {
        public override string ToString() => Definition + "\n" + string.Join('\n', Steps.Select(step => $"  {step.Kind} {step.Value} {step.Headers}"));
    }

    [Fact]
    public void The_live_views_and_the_verdicts_are_what_the_log_says()
    {
        int scenarios = TestScale.AgreementScenarios;
        Prop.ForAll(Scenarios, scenario =>
        {
            string? difference = RunAsync(scenario).GetAwaiter().GetResult();
            return difference is null ? true.ToProperty() : false.Label(difference);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(scenarios));
    }

    [Theory]
    [InlineData("first")]
    [InlineData("last")]
    public async Task Payloads_that_only_look_alike_are_told_apart_by_both(string keep)
    {
        string directory = Directory.CreateTempSubdirectory("weir-agreement-").FullName;
        WeirNode node = await StartAsync(directory);
        try
        {
            EventStream stream = await node.DefineStreamAsync("s", StreamDefinition.Parse(Encoding.UTF8.GetBytes($$$"""{"partitions":1,"key":"user","claim":{"by":"user","keep":"{{{keep}}}"}}""")));
            const string Query = "SELECT sum(n) AS n FROM s";
            await node.DefineViewAsync("v", new ViewDefinition(Query));
            Dictionary<uint, string> byPrint = [];
            string first, second;
            for (int n = 0; ; n++)
            {
                second = $$"""{"user":"ada","n":{{n}}}""";
                if (!byPrint.TryAdd(stream.Plan.Hash.Fingerprint(Encoding.UTF8.GetBytes(second)), second))
                {
                    first = byPrint[stream.Plan.Hash.Fingerprint(Encoding.UTF8.GetBytes(second))];
                    break;
                }
            }

            var verdicts = new Dictionary<string, long>();
            foreach (string value in (string[])[first, second, second, $"{first}\n{first}\n{second}"])
            {
                Add(verdicts, await SendAsync(stream, new Step("send", value, "")));
            }

            Assert.Equal(keep == "first" ? (2, 0) : (2, 3), (verdicts["duplicate"], verdicts["replaced"]));
            Assert.Null(await CompareAsync(node, stream, "v", Query, directory, verdicts));
        }
        finally
        {
            await node.StopAsync();
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Runs a scenario on a node, then counts its log again.</summary>
    /// <returns>What differs; null: nothing.</returns>
    private static async Task<string?> RunAsync(Scenario scenario)
    {
        string directory = Directory.CreateTempSubdirectory("weir-agreement-").FullName;
        WeirNode node = await StartAsync(directory);
        try
        {
            EventStream stream = await node.DefineStreamAsync("s", StreamDefinition.Parse(Encoding.UTF8.GetBytes(scenario.Definition)));
            string[] queries = [.. AnyViews, .. scenario.Definition.Contains("\"last\"", StringComparison.Ordinal) ? [] : ViewsOfWhatStays];
            for (int i = 0; i < queries.Length; i++)
            {
                // One of them is defined later and has to catch up, or begins where retention has cut the log.
                if (i != 1)
                {
                    await node.DefineViewAsync($"v{i}", new ViewDefinition(queries[i], Keep: KeepWindows));
                }
            }

            var verdicts = new Dictionary<string, long>();
            var produced = new List<(int Partition, long Offset)>();
            foreach (Step step in scenario.Steps)
            {
                switch (step.Kind)
                {
                    case "produce":
                        produced.Add(await ProduceAsync(stream, step));
                        break;
                    case "send":
                        Add(verdicts, await SendAsync(stream, step));
                        break;
                    case "close":
                        await stream.CloseAsync();
                        break;
                    case "limit":
                        await node.DefineStreamAsync("s", StreamDefinition.Parse(Encoding.UTF8.GetBytes($"{scenario.Definition[..^1]},\"limits\":{{\"id_bytes\":{step.Value}}}}}")));
                        break;
                    case "view":
                        await node.DefineViewAsync("v1", new ViewDefinition(queries[1], Keep: KeepWindows));
                        break;
                    case "retain":
                        node.RetainOnce();
                        break;
                    case "open":
                        await stream.OpenAsync(reopen: true);
                        break;
                    default:
                        await node.StopAsync();
                        node = await StartAsync(directory);
                        Assert.True(node.TryGetStream("s", out EventStream? again));
                        stream = again;
                        break;
                }
            }

            await node.DefineViewAsync("v1", new ViewDefinition(queries[1], Keep: KeepWindows));
            await WaitAsync(node, stream, "v1");
            foreach ((int partition, long offset) in produced.Where(one => one.Offset >= stream.LogStart(one.Partition)))
            {
                string verdict = Assert.Single(stream.ReadEvents(partition, offset, limit: 1)).Verdict.ToString().ToLowerInvariant();
                verdicts[verdict] = verdicts.GetValueOrDefault(verdict) + 1;
            }

            for (int i = 0; i < queries.Length; i++)
            {
                if (await CompareAsync(node, stream, $"v{i}", queries[i], directory, verdicts) is { } difference)
                {
                    return difference;
                }
            }

            return null;
        }
        finally
        {
            await node.StopAsync();
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<string?> CompareAsync(WeirNode node, EventStream stream, string name, string query, string directory, Dictionary<string, long> verdicts)
    {
        View view = await WaitAsync(node, stream, name);
        ViewPage page = view.Model.Query(new ViewRequest());
        RecountResult recount = RecountRun.Run(new RecountRequest
        {
            Disk = LinuxDisk.Instance,
            DataDirectory = directory,
            Sql = query,
            Position = page.Position.ToString(),
            KeepWindows = KeepWindows,
            OwnerMemoryBytes = 1 << 20,
            BaseSection = view.Section,
        });

        using JsonDocument rows = JsonDocument.Parse(page.Rows);
        RecountComparison comparison = RecountComparison.Compare(
            recount,
            [.. rows.RootElement.EnumerateArray().Select(row => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(row.GetRawText()))],
            page.ErrorCount);
        if (!comparison.Equal)
        {
            return $"{query}\n  errors: live {page.ErrorCount}, recount {recount.Errors}\n" + string.Join('\n', comparison.Differences.Select(d => $"  {d.Key}: live {d.Live}, recount {d.Recount}"));
        }

        string[] inOrder = [.. recount.JsonRows()];
        string[] live = [.. rows.RootElement.EnumerateArray().Select(row => row.GetRawText())];
        if (!inOrder.SequenceEqual(live))
        {
            return $"{query}\n  order or text of rows: live {string.Join(' ', live)}, recount {string.Join(' ', inOrder)}";
        }

        if (recount.Since is not null)
        {
            // The verdicts of what is gone are not counted again.
            return null;
        }

        RecountVerdicts v = recount.Verdicts;
        string counted = string.Create(CultureInfo.InvariantCulture, $"counted {v.Counted} duplicate {v.Duplicate} replaced {v.Replaced} taken {v.Taken} closed {v.Closed} invalid {v.Invalid}");
        string told = string.Join(' ', ((string[])["counted", "duplicate", "replaced", "taken", "closed", "invalid"]).Select(verdict => $"{verdict} {verdicts.GetValueOrDefault(verdict)}"));
        return counted == told ? null : $"verdicts: told {told}, recount {counted}";
    }

    /// <summary>The view, at the end of the log.</summary>
    private static async Task<View> WaitAsync(WeirNode node, EventStream stream, string name)
    {
        Assert.True(node.TryGetView(name, out View? view));
        Position position = stream.FlushedPosition;
        Assert.True(
            await view.Model.WaitForAsync(position, TimeSpan.FromSeconds(20), TimeProvider.System, CancellationToken.None),
            $"{name}: at {view.Model.Position}, not at {position}: {view.State} {view.Failure}");
        return view;
    }

    /// <summary>Offers the event to one partition after the other, until it is where its key belongs. A stream of the scenarios takes everything, also what is no event.</summary>
    private static async Task<(int Partition, long Offset)> ProduceAsync(EventStream stream, Step step)
    {
        var writer = new RecordBatchWriter();
        writer.Begin(timestampMs: 0);
        (byte[] headers, int count) = step.Headers switch
        {
            "" => ([], 0),
            ['h', ..] => (TestStream.Wire([("id", step.Headers)]), 1),
            _ => (TestStream.Wire([("ce_id", step.Headers), ("ce_source", "/test"), ("ce_type", "t." + step.Headers)]), 3),
        };
        writer.Append(hasKey: false, default, Encoding.UTF8.GetBytes(step.Value), headers, count);
        byte[] bytes = writer.Finish().ToArray();
        for (int partition = 0; ; partition++)
        {
            using ProduceBatch batch = stream.NewProduceBatch();
            if (batch.TryRead(bytes, partition, bytesOwner: null))
            {
                await batch.SubmitAsync();
                Assert.Equal((ProduceError.None, null), (batch.Error, batch.Unacknowledged));
                return (partition, batch.BaseOffset);
            }

            Assert.True(batch.Error == ProduceError.InvalidRecord && partition + 1 < stream.PartitionCount, $"{batch.Error} {batch.Detail}: {step.Value}");
        }
    }

    private static async Task<IngestTotals> SendAsync(EventStream stream, Step step)
    {
        using IngestBatch batch = stream.NewBatch();
        EventHeaders headers = step.Headers.Length == 0
            ? EventHeaders.None
            : step.Headers[0] switch
            {
                'k' => EventHeaders.FromIdempotencyKey(step.Headers, index: null),
                'h' => EventHeaders.From([new("id", step.Headers)]),
                _ => EventHeaders.From([new("ce_id", step.Headers), new("ce_source", "/test"), new("ce_type", "t." + step.Headers)]),
            };
        foreach (string value in step.Value.Split('\n'))
        {
            batch.Add(Encoding.UTF8.GetBytes(value), headers);
        }

        await batch.SubmitAsync();
        return batch.Totals;
    }

    private static void Add(Dictionary<string, long> verdicts, IngestTotals totals)
    {
        foreach ((string verdict, long count) in ((string, long)[])
            [("counted", totals.Counted), ("duplicate", totals.Duplicate), ("replaced", totals.Replaced), ("taken", totals.Taken), ("closed", totals.Closed), ("invalid", totals.Invalid)])
        {
            verdicts[verdict] = verdicts.GetValueOrDefault(verdict) + count;
        }
    }

    /// <summary>Snapshots after every few records, so that restarts begin at one and replay the rest; segments of a few records.</summary>
    private static async Task<WeirNode> StartAsync(string directory)
    {
        WeirNode node = WeirNode.Create(
            new NodeOptions { DataDirectory = directory, PublishInterval = TimeSpan.FromMilliseconds(5), SnapshotBytes = 1_500, SegmentBytes = 1_200 },
            LinuxDisk.Instance,
            TimeProvider.System,
            RandomNumberGenerator.GetBytes,
            (_, _) => { });
        await node.StartAsync();
        return node;
    }

    private static Gen<string> Member(string name, string[] values, int usual) => Gen.Frequency(
        (8, Gen.Elements(values[..usual])),
        (2, Gen.Elements(values)),
        (1, Gen.Constant(""))).Select(value => value.Length == 0 ? "" : $"\"{name}\":{value}");

    private static IEnumerable<Scenario> Shrink(Scenario scenario)
    {
        for (int size = scenario.Steps.Length / 2; size > 0; size /= 2)
        {
            for (int at = 0; at + size <= scenario.Steps.Length; at += size)
            {
                yield return scenario with { Steps = [.. scenario.Steps[..at], .. scenario.Steps[(at + size)..]] };
            }
        }
    }
}
