using System.Text;
using Weir.Core;

namespace Weir.Engine.Tests.Views;

public sealed class ReadModelTests
{
    [Fact]
    public void A_view_without_GROUP_BY_has_its_row_before_the_first_event()
    {
        ViewLog log = new("SELECT count(*) AS c, sum(n) AS s FROM s");

        Assert.Equal("""[{"c":0,"s":null}]""", ViewLog.RowsOf(log.Model));
        Assert.Equal("1;s:0=0", log.Model.ETag);
        log.Append("""{"n":0.10}""", """{"n":0.20}""");
        Assert.Equal("""[{"c":2,"s":0.3}]""", log.Rows());
        Assert.Equal("1;s:0=2", log.Model.ETag);
    }

    [Fact]
    public void Doubled_stale_and_reordered_changes_change_nothing()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a", partitions: 2);
        log.Append(0, 1, """{"a":"x"}""");
        log.Append(1, 1, """{"a":"x"}""");
        PartialChanges first = log[0].CollectChanges();
        log.Append(0, 1, """{"a":"x"}""", """{"a":"y"}""");
        PartialChanges second = log[0].CollectChanges();
        PartialChanges other = log[1].CollectChanges();

        log.Model.Merge([other, first, second], isFinal: false, nowMs: 5);
        LiveClient client = new(log.Model);
        client.Read();
        log.Model.Merge([second, first, other], isFinal: false, nowMs: 6);
        log.Model.Merge([first], isFinal: false, nowMs: 7);
        client.Read();

        Assert.Equal("""[{"a":"x","c":3},{"a":"y","c":1}]""", ViewLog.RowsOf(log.Model));
        Assert.Equal("s:0=3,1=1", log.Model.Position.ToString());
        Assert.Equal((1, 7L), (client.Frames, log.Model.AsOfMs));
    }

    [Fact]
    public void The_whole_state_of_a_recovered_partition_voids_what_was_known_of_it()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a");
        log.Append("""{"a":"x"}""", """{"a":"y"}""");
        log.Publish();

        PartialView recovered = new(log.Plan, 0, hashSeed: 1);
        recovered.Apply(log.Batch(0, 1, """{"a":"x"}"""), [1]);
        log[0] = recovered;

        Assert.Equal("""[{"a":"x","c":1}]""", log.Rows());
    }

    [Fact]
    public void Frames_say_what_changed_what_left_and_when_it_is_final()
    {
        ViewLog log = new("SELECT a, count(*) AS c, max(n) AS n FROM s GROUP BY a HAVING n < 5 ORDER BY c DESC");
        List<string> frames = [];
        LiveSubscription subscription = log.Model.Subscribe();
        log.Append("""{"a":"x","n":1}""", """{"a":"y","n":1}""");
        log.Publish();
        Next();
        log.Append("""{"a":"x","n":7}""", """{"a":"y","n":2}""");
        log.Publish();
        Next();
        log.Append("""{"a":"x","n":1}""");
        log.Publish();
        Next();
        log.Publish(isFinal: true);
        Next();

        Assert.Equal(
            [
                """{"snapshot":true,"view":"v","columns":["a","c","n"],"key":["a"],"order":"-c","position":"s:0=2","rows":[{"a":"x","c":1,"n":1},{"a":"y","c":1,"n":1}],"removed":[],"final":false,"errors":0}""",
                """{"position":"s:0=4","rows":[{"a":"y","c":2,"n":2}],"removed":[["x"]],"final":false,"errors":0}""",
                """{"position":"s:0=5","rows":[],"removed":[],"final":false,"errors":0}""",
                """{"position":"s:0=5","rows":[],"removed":[],"final":true,"errors":0}""",
            ],
            frames);
        Assert.True(log.Model.IsFinal);

        void Next()
        {
            ValueTask<LiveFrame> next = subscription.NextAsync(CancellationToken.None);
            Assert.True(next.IsCompletedSuccessfully);
            frames.Add(Encoding.UTF8.GetString(next.Result.Json.Span));
        }
    }

    [Fact]
    public void A_frame_is_a_server_sent_event_of_one_data_line()
    {
        ViewLog log = new("SELECT latest(a) AS a FROM s");
        log.Append("{\"a\":{\"x\":\n \"line\\nbreak\"}}");
        log.Publish();
        LiveClient client = new(log.Model);
        client.Read();

        Assert.Equal(
            "id: 1;s:0=1\nevent: snapshot\ndata: {\"snapshot\":true,\"view\":\"v\",\"columns\":[\"a\"],\"key\":[],\"order\":\"\",\"position\":\"s:0=1\",\"rows\":[{\"a\":{\"x\":\"line\\nbreak\"}}],\"removed\":[],\"final\":false,\"errors\":0}\n\n",
            Encoding.UTF8.GetString(client.Last.ServerSentEvent.Span));
    }

    [Fact]
    public void A_client_goes_on_from_the_frame_it_saw_last_and_gets_a_snapshot_when_that_is_too_long_ago()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a");
        string[] many = [.. Enumerable.Range(0, 500).Select(i => $$"""{"a":{{i}}}""")];
        log.Append(many);
        log.Publish();
        LiveClient before = new(log.Model);
        before.Read();
        string id = before.Last.Id;

        LiveClient upToDate = new(log.Model, id);
        upToDate.Read();
        Assert.Equal(0, upToDate.Frames);
        for (int i = 0; i < ReadModel.MaxResumableFrames; i++)
        {
            log.Append("""{"a":1}""");
            log.Publish();
        }

        LiveClient resumed = new(log.Model, id);
        resumed.Read();
        Assert.Equal((0, ReadModel.MaxResumableFrames), (resumed.Snapshots, resumed.Frames));
        log.Append("""{"a":1}""");
        log.Publish();
        LiveClient late = new(log.Model, id);
        late.Read();
        Assert.Equal((1, 1), (late.Snapshots, late.Frames));
        LiveClient unknown = new(log.Model, "0;s:0=1");
        unknown.Read();
        Assert.Equal(1, unknown.Snapshots);
    }

    [Fact]
    public void After_a_long_quiet_time_a_client_gets_one_snapshot_and_one_that_comes_back_one_frame()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a");
        log.Append("""{"a":1}""");
        log.Publish();
        LiveClient before = new(log.Model);
        before.Read();
        for (int second = 1; second <= 2 * ReadModel.MaxResumableFrames; second++)
        {
            log.Model.Merge([], isFinal: false, nowMs: 1_000 * second);
        }

        LiveClient client = new(log.Model);
        client.Read();
        LiveClient back = new(log.Model, before.Last.Id);
        back.Read();
        before.Read();

        Assert.Equal((1, 1), (client.Snapshots, client.Frames));
        Assert.Equal((0, 1), (back.Snapshots, back.Frames));
        Assert.Equal((2, 2), (before.Snapshots, before.Frames));
    }

    [Fact]
    public void Who_saw_the_last_rows_still_learns_that_they_are_final()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a");
        log.Append("""{"a":1}""");
        log.Publish();
        LiveClient before = new(log.Model);
        before.Read();
        log.Publish(isFinal: true);

        LiveClient back = new(log.Model, before.Last.Id);
        back.Read();

        Assert.True(back.Last.IsFinal);
        Assert.Equal(0, back.Snapshots);
    }

    [Fact]
    public void A_slow_client_skips_to_the_newest_state()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a");
        LiveClient slow = new(log.Model);
        log.Append("""{"a":1}""", """{"a":2}""");
        log.Publish();
        slow.Read();
        for (int i = 0; i < 10; i++)
        {
            log.Append("""{"a":1}""", """{"a":2}""");
            log.Publish();
        }

        slow.Read();

        Assert.Equal((2, 2), (slow.Snapshots, slow.Frames));
        Assert.Equal(LiveClient.Normalise(ViewLog.RowsOf(log.Model)), slow.Rows());
    }

    [Fact]
    public async Task A_waiting_subscriber_is_woken_by_the_next_frame()
    {
        ViewLog log = new("SELECT count(*) AS c FROM s");
        LiveSubscription subscription = log.Model.Subscribe();
        await subscription.NextAsync(CancellationToken.None);
        Task<LiveFrame> next = subscription.NextAsync(CancellationToken.None).AsTask();
        Assert.False(next.IsCompleted);

        log.Append("{}");
        log.Publish();

        Assert.Equal("s:0=1", (await next).Position.ToString());
    }

    [Fact]
    public async Task Waiting_for_a_position_ends_when_it_is_there_or_when_time_is_up()
    {
        ViewLog log = new("SELECT count(*) AS c FROM s", partitions: 2);
        Position wanted = new("s", [1, 1]);
        Task<bool> waiting = log.Model.WaitForAsync(wanted, TimeSpan.FromMinutes(5), TimeProvider.System, CancellationToken.None);
        log.Append(0, 1, "{}");
        log.Publish();
        Assert.False(waiting.IsCompleted);
        Assert.False(await log.Model.WaitForAsync(wanted, TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None));
        Assert.False(await log.Model.WaitForAsync(wanted, TimeSpan.Zero, TimeProvider.System, CancellationToken.None));

        log.Append(1, 1, "{}");
        log.Publish();

        Assert.True(await waiting);
        Assert.True(await log.Model.WaitForAsync(wanted, TimeSpan.Zero, TimeProvider.System, CancellationToken.None));
    }

    [Fact]
    public void Rows_are_filtered_by_the_text_of_any_column()
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a");
        log.Append("""{"a":"1"}""", """{"a":1}""", """{"a":null}""", """{"a":true}""", """{"a":"null"}""", """{"a":"é"}""", """{"a":"é"}""");
        log.Publish();

        Assert.Equal("""[{"a":"1","c":1},{"a":1,"c":1}]""", Filtered("a", "1"));
        Assert.Equal("""[{"a":1,"c":1}]""", Filtered("a", "1.0"));
        Assert.Equal("""[{"a":"null","c":1},{"a":null,"c":1}]""", Filtered("a", "null"));
        Assert.Equal("""[{"a":true,"c":1}]""", Filtered("a", "true"));
        Assert.Equal("""[{"a":"é","c":2}]""", Filtered("c", "2"));
        Assert.Equal("[]", Filtered("a", "x"));
        Assert.Equal("[]", Filtered("c", "-"));

        string Filtered(string column, string text) =>
            Encoding.UTF8.GetString(log.Model.Query(new ViewRequest { Filters = [new(column, text)] }).Rows.Span);
    }

    [Fact]
    public void Pages_follow_one_another_without_gap_or_repeat_in_any_order()
    {
        ViewLog log = new("SELECT a, b, count(*) AS c FROM s GROUP BY a, b");
        Random random = new(5);
        log.Append([.. Enumerable.Range(0, 300).Select(_ => $$"""{"a":{{random.Next(5)}},"b":{{(random.Next(4) == 0 ? "null" : "\"b" + random.Next(8) + "\"")}}}""")]);
        log.Publish();

        foreach (string? order in new[] { null, "a", "-c", "b,-a", "-b,c" })
        {
            string whole = Encoding.UTF8.GetString(log.Model.Query(new ViewRequest { Order = order }).Rows.Span);
            List<string> pages = [];
            string? after = null;
            do
            {
                ViewPage page = log.Model.Query(new ViewRequest { Order = order, Limit = 7, After = after });
                pages.Add(Encoding.UTF8.GetString(page.Rows.Span)[1..^1]);
                after = page.Next;
            }
            while (after is not null);

            Assert.Equal(whole, "[" + string.Join(',', pages) + "]");
            Assert.True(pages.Count > 3);
        }
    }

    [Theory]
    [InlineData("x", null, 10, null, "The filter names x, which is no column of the view; it has a, c.")]
    [InlineData("a", "-x", 10, null, "order names x, which is no column of the view; it has a, c.")]
    [InlineData("a", "", 10, null, "order names , which is no column of the view; it has a, c.")]
    [InlineData("a", null, 0, null, "limit is 0; it can be 1 to 100000.")]
    [InlineData("a", null, 100_001, null, "limit is 100001; it can be 1 to 100000.")]
    [InlineData("a", null, 10, "?", "The page mark is not one that this view gave for this order; begin again without it.")]
    [InlineData("a", null, 10, "W10", "The page mark is not one that this view gave for this order; begin again without it.")]
    [InlineData("a", "a", 10, "W1sxXV0", "The page mark is not one that this view gave for this order; begin again without it.")]
    public void A_request_that_makes_no_sense_is_told_why(string filter, string? order, int limit, string? after, string message)
    {
        ViewLog log = new("SELECT a, count(*) AS c FROM s GROUP BY a");
        ViewRequest request = new() { Filters = [new(filter, "1")], Order = order, Limit = limit, After = after };

        WeirException error = Assert.Throws<WeirException>(() => log.Model.Query(request));

        Assert.Equal((ErrorCode.InvalidParameter, message), (error.Code, error.Message));
    }

    [Fact]
    public void Only_the_top_rows_are_shown_and_they_change_places()
    {
        ViewLog log = new("SELECT a, sum(n) AS n FROM s GROUP BY a ORDER BY n DESC LIMIT 2");
        LiveClient client = new(log.Model);
        log.Append("""{"a":"x","n":3}""", """{"a":"y","n":2}""", """{"a":"z","n":1}""");
        Assert.Equal("""[{"a":"x","n":3},{"a":"y","n":2}]""", log.Rows());
        client.Read();

        log.Append("""{"a":"z","n":9}""");
        Assert.Equal("""[{"a":"z","n":10},{"a":"x","n":3}]""", log.Rows());
        client.Read();
        Assert.Equal("""{"position":"s:0=4","rows":[{"a":"z","n":10}],"removed":[["y"]],"final":false,"errors":0}""", Encoding.UTF8.GetString(client.Last.Json.Span));

        log.Append("""{"a":"z","n":-9}""");
        Assert.Equal("""[{"a":"x","n":3},{"a":"y","n":2}]""", log.Rows());
        Assert.Equal(2, log.Model.RowCount);
    }

    [Fact]
    public void The_top_is_right_also_when_more_rows_leave_it_than_are_held_in_reserve()
    {
        ViewLog log = new("SELECT a, sum(n) AS n FROM s GROUP BY a ORDER BY n DESC LIMIT 5");
        LiveClient client = new(log.Model);
        Random random = new(11);
        Dictionary<int, int> sums = Enumerable.Range(0, 3_000).ToDictionary(a => a, a => a * 7 % 3_000);
        log.Append([.. sums.Select(one => Event(one.Key, one.Value))]);
        log.Publish();
        for (int round = 0; round < 60; round++)
        {
            List<string> events = [];
            foreach (int a in sums.OrderByDescending(one => one.Value).Take(40).Select(one => one.Key).Append(random.Next(3_000)).ToList())
            {
                int change = random.Next(10) == 0 ? 5_000 : -random.Next(3_000);
                sums[a] += change;
                events.Add(Event(a, change));
            }

            log.Append([.. events]);
            string expected = "[" + string.Join(',', sums.OrderByDescending(one => one.Value).ThenBy(one => $"[{one.Key}]", StringComparer.Ordinal).Take(5).Select(one => $$"""{"a":{{one.Key}},"n":{{one.Value}}}""")) + "]";

            Assert.Equal(expected, log.Rows());
            client.Read();
            Assert.Equal(LiveClient.Normalise(expected), client.Rows());
        }

        static string Event(int a, int n) => $$"""{"a":{{a}},"n":{{n}}}""";
    }

    [Theory]
    [InlineData("\"SELECT count(*) FROM s\"", "SELECT count(*) FROM s", 1_000_000, 10_000)]
    [InlineData("""{"sql":"q","max_groups":5,"keep":7}""", "q", 5, 7)]
    public void A_definition_is_SQL_or_an_object(string json, string sql, int maxGroups, int keep)
    {
        ViewDefinition definition = ViewDefinition.Parse(Encoding.UTF8.GetBytes(json));

        Assert.Equal(new ViewDefinition(sql, maxGroups, keep), definition);
        Assert.Equal(definition, ViewDefinition.Parse(definition.ToJson()));
    }

    [Theory]
    [InlineData("{", ErrorCode.UnreadableBody)]
    [InlineData("1", ErrorCode.ConfigurationType)]
    [InlineData("{}", ErrorCode.ConfigurationType)]
    [InlineData("""{"sql":1}""", ErrorCode.ConfigurationType)]
    [InlineData("""{"sql":"q","keep":0}""", ErrorCode.ConfigurationType)]
    [InlineData("""{"sql":"q","keep":1.5}""", ErrorCode.ConfigurationType)]
    [InlineData("""{"sql":"q","sql":"r"}""", ErrorCode.UnreadableBody)]
    [InlineData("""{"sql":"q","\ud800":1}""", ErrorCode.UnreadableBody)]
    [InlineData("""{"sql":"\ud800"}""", ErrorCode.UnreadableBody)]
    [InlineData("""{"sql":"q","max-groups":1}""", ErrorCode.UnknownConfigurationKey)]
    public void A_definition_that_is_wrong_is_refused(string json, ErrorCode code)
    {
        Assert.Equal(code, Assert.Throws<WeirException>(() => ViewDefinition.Parse(Encoding.UTF8.GetBytes(json))).Code);
    }
}
