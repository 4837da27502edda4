using System.Text;
using Weir.Core;

namespace Weir.Engine.Tests;

/// <summary>A definition may change while the stream runs; what was decided under the earlier one stays decided, on every path that leads to the state again.</summary>
public sealed class DefinitionChangeTests
{
    [Fact]
    public async Task Opens_added_later_does_not_undo_what_was_counted_before()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        await NodeFixture.SendAsync(stream, Event("1"), Event("2"));
        await fixture.DefineAsync("s", """{"partitions":1,"id":"id","opens":"2099-01-01T00:00:00Z"}""");
        Assert.Equal(new IngestTotals { Counted = 1, Duplicate = 1 }, await NodeFixture.SendAsync(stream, Event("2"), Event("3")));

        EventStream again = await fixture.RestartAsync("s");

        Assert.Equal(3, again.VerdictTotals[(int)Verdict.Counted]);
        Assert.Equal(StreamPhase.Open, again.Phase);
    }

    [Fact]
    public async Task Opens_removed_later_does_not_count_what_came_too_early()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id","opens":"2099-01-01T00:00:00Z"}""");
        Assert.Equal(new IngestTotals { Closed = 1 }, await NodeFixture.SendAsync(stream, Event("1")));
        await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");

        EventStream again = await fixture.RestartAsync("s");

        Assert.Equal(0, again.VerdictTotals[(int)Verdict.Counted]);
        Assert.Equal(1, again.VerdictTotals[(int)Verdict.Closed]);
    }

    [Fact]
    public async Task Records_between_a_snapshot_and_a_change_are_replayed_under_the_rules_they_were_decided_by()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id","on-invalid":"dead-letter"}""");
        await NodeFixture.SendAsync(stream, Event("1"));
        await stream.PartitionList[0].SnapshotAsync();
        await NodeFixture.SendAsync(stream, """{"id":"2","amount":"ten"}""");
        await fixture.DefineAsync("s", """{"partitions":1,"id":"id","on-invalid":"dead-letter","fields":{"amount":"integer"}}""");
        Assert.Equal(new IngestTotals { Invalid = 1 }, await NodeFixture.SendAsync(stream, """{"id":"3","amount":"ten"}"""));
        UInt128 live = await stream.PartitionList[0].AskAsync(stream.PartitionList[0].ContentHash);

        EventStream again = await fixture.RestartAsync("s");

        Assert.True(again.PartitionList[0].ReplayedFrom > 0);
        Assert.Equal(2, again.VerdictTotals[(int)Verdict.Counted]);
        Assert.Equal(live, await again.PartitionList[0].AskAsync(again.PartitionList[0].ContentHash));
    }

    [Fact]
    public async Task A_view_made_after_a_change_sees_what_was_counted_before_it()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        await NodeFixture.SendAsync(stream, """{"id":"1","choice":"a","amount":"ten"}""");
        await fixture.DefineAsync("s", """{"partitions":1,"id":"id","fields":{"amount":"integer"}}""");

        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT choice, count(*) AS n FROM s GROUP BY choice"));

        Assert.Equal("""[{"choice":"a","n":1}]""", await fixture.RowsAsync("v"));
    }

    [Fact]
    public async Task An_event_counted_before_a_change_is_taken_back_whole_when_it_is_replaced_after_it()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        const string Fixed = "\"partitions\":1,\"key\":\"user\",\"id\":\"id\",\"claim\":{\"by\":\"user\",\"keep\":\"last\"}";
        EventStream stream = await fixture.DefineAsync("s", $"{{{Fixed}}}");
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT choice, count(*) AS n FROM s GROUP BY choice"));
        await NodeFixture.SendAsync(stream, """{"id":"1","user":"ada","choice":"a","amount":"ten"}""");
        await fixture.DefineAsync("s", $"{{{Fixed},\"fields\":{{\"amount\":\"integer\"}}}}");

        Assert.Equal(new IngestTotals { Replaced = 1 }, await NodeFixture.SendAsync(stream, """{"id":"2","user":"ada","choice":"b","amount":10}"""));

        Assert.Equal("""[{"choice":"b","n":1}]""", await fixture.RowsAsync("v"));
        await fixture.RestartAsync("s");
        Assert.Equal("""[{"choice":"b","n":1}]""", await fixture.RowsAsync("v"));
    }

    [Theory]
    [InlineData("""{"partitions":2,"id":"id"}""", "partitions")]
    [InlineData("""{"partitions":1,"partitioner":"crc32","id":"id"}""", "partitioner")]
    [InlineData("""{"partitions":1,"id":"id","key":"user"}""", "key")]
    [InlineData("""{"partitions":1,"id":"other"}""", "id")]
    [InlineData("""{"partitions":1,"id":"id","delivery":"at-least-once"}""", "delivery")]
    [InlineData("""{"partitions":1,"id":"id","remember":5}""", "remember")]
    public async Task A_part_that_verdicts_rest_on_cannot_change(string definition, string part)
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");

        WeirException refused = await Assert.ThrowsAsync<WeirException>(() => fixture.DefineAsync("s", definition));

        Assert.Equal(ErrorCode.ImmutableDefinition, refused.Code);
        Assert.StartsWith(part, refused.Message, StringComparison.Ordinal);
        Assert.Equal(1, stream.DefinitionVersion);
    }

    [Fact]
    public async Task A_define_marker_that_a_crash_left_out_is_appended_before_serving()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        await NodeFixture.SendAsync(stream, Event("1"));
        await stream.PartitionList[0].SnapshotAsync();
        string file = Directory.GetFiles(fixture.Directory, "definition.json", SearchOption.AllDirectories).Single();
        await fixture.Node.StopAsync();

        // As a crash leaves it between the write of definition.json and the markers.
        StoredStream stored = StoredStream.Parse(await File.ReadAllBytesAsync(file), file);
        StreamDefinition changed = StreamDefinition.Parse(Encoding.UTF8.GetBytes("""{"partitions":1,"id":"id","fields":{"amount":"integer"}}"""));
        using (var data = Storage.DataDirectory.OpenOffline(fixture.Disk, fixture.Directory))
        {
            data.Streams().Single().WriteDefinition((stored with { Version = 2, Definition = changed }).ToJson());
        }

        EventStream again = await fixture.RestartAsync("s");

        IReadOnlyList<StoredEvent> events = again.ReadEvents(0, 0, 10);
        Assert.Equal([MarkerType.Define, null, MarkerType.Define], events.Select(one => one.Marker));
        Assert.Contains("integer", Encoding.UTF8.GetString(events[2].Value), StringComparison.Ordinal);
    }

    private static string Event(string id) => $$"""{"id":"{{id}}"}""";
}
