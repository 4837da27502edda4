using Weir.Core;

namespace Weir.Engine.Tests;

public sealed class NodeTests
{
    private const string Votes = """{"partitions":4,"key":"user","id":"id","claim":{"by":"user"}}""";

    [Fact]
    public async Task Counts_each_owner_once_and_tells_retries_from_second_votes()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        await fixture.Node.DefineViewAsync("results", new ViewDefinition("SELECT choice, count(*) AS votes FROM votes GROUP BY choice"));

        IngestTotals first = await NodeFixture.SendAsync(stream, Vote("1", "ada", "blue"), Vote("2", "bob", "red"), Vote("3", "eve", "blue"));
        IngestTotals second = await NodeFixture.SendAsync(stream, Vote("1", "ada", "blue"), Vote("4", "ada", "red"), "not json", Vote("5", "mia", "red"));

        Assert.Equal(new IngestTotals { Counted = 3 }, first);
        Assert.Equal(new IngestTotals { Counted = 1, Duplicate = 1, Taken = 1, Refused = 1 }, second);
        Assert.Equal("""[{"choice":"blue","votes":2},{"choice":"red","votes":2}]""", await fixture.RowsAsync("results"));
    }

    [Fact]
    public async Task State_survives_a_restart_and_a_retry_is_still_known()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        await fixture.Node.DefineViewAsync("results", new ViewDefinition("SELECT choice, count(*) AS votes FROM votes GROUP BY choice"));
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 1000).Select(i => Vote($"{i}", $"u{i}", i % 2 == 0 ? "a" : "b")));
        Position before = stream.FlushedPosition;

        await fixture.RestartAsync();

        Assert.True(fixture.Node.TryGetStream("votes", out EventStream? again));
        Assert.Equal(before, again.FlushedPosition);
        IngestTotals retry = await NodeFixture.SendAsync(again, Vote("7", "u7", "b"), Vote("x", "u8", "b"), Vote("y", "new", "a"));
        Assert.Equal(new IngestTotals { Duplicate = 1, Taken = 1, Counted = 1 }, retry);
        Assert.Equal("""[{"choice":"a","votes":501},{"choice":"b","votes":500}]""", await fixture.RowsAsync("results"));
    }

    [Fact]
    public async Task Views_over_streams_of_different_width_live_beside_each_other()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream wide = await fixture.DefineAsync("wide", """{"partitions":4,"key":"user"}""");
        EventStream narrow = await fixture.DefineAsync("narrow", """{"partitions":1,"key":"user"}""");
        await fixture.Node.DefineViewAsync("a", new ViewDefinition("SELECT count(*) AS n FROM narrow"));
        await fixture.Node.DefineViewAsync("b", new ViewDefinition("SELECT count(*) AS n FROM wide"));

        await NodeFixture.SendAsync(wide, Enumerable.Range(0, 40).Select(i => $$"""{"user":"u{{i}}"}"""));
        await NodeFixture.SendAsync(narrow, """{"user":"u1"}""");

        Assert.Equal("""[{"n":1}]""", await fixture.RowsAsync("a"));
        Assert.Equal("""[{"n":40}]""", await fixture.RowsAsync("b"));
    }

    [Fact]
    public async Task A_view_added_beside_running_traffic_counts_what_came_before()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 5000).Select(i => Vote($"{i}", $"u{i % 4000}", "a")));

        await fixture.Node.DefineViewAsync("late", new ViewDefinition("SELECT count(*) AS votes FROM votes"));
        await NodeFixture.SendAsync(stream, Vote("z", "zoe", "a"));

        Assert.Equal("""[{"votes":4001}]""", await fixture.RowsAsync("late"));
    }

    [Fact]
    public async Task Snapshot_and_tail_give_the_state_that_a_full_replay_gives()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        await fixture.Node.DefineViewAsync("results", new ViewDefinition("SELECT choice, count(*) AS votes FROM votes GROUP BY choice"));
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 3000).Select(i => Vote($"{i}", $"u{i}", "a")));
        await fixture.RowsAsync("results");
        await Task.WhenAll(stream.PartitionList.Select(partition => partition.SnapshotAsync()));
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 3000).Select(i => Vote($"x{i}", $"w{i}", "b")));
        UInt128[] live = await HashesOf(stream);

        await fixture.RestartAsync();

        Assert.True(fixture.Node.TryGetStream("votes", out EventStream? again));
        Assert.All(again.PartitionList, partition => Assert.InRange(partition.ReplayedFrom, 1, long.MaxValue));
        Assert.Equal("""[{"choice":"a","votes":3000},{"choice":"b","votes":3000}]""", await fixture.RowsAsync("results"));
        Assert.Equal(live, await HashesOf(again));
    }

    [Fact]
    public async Task Close_is_a_place_in_the_log_and_makes_the_view_final()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        View view = await fixture.Node.DefineViewAsync("results", new ViewDefinition("SELECT choice, count(*) AS votes FROM votes GROUP BY choice"));
        await NodeFixture.SendAsync(stream, Vote("1", "ada", "blue"));

        Position closed = await stream.CloseAsync();
        Assert.Equal(closed, await stream.CloseAsync());
        IngestTotals late = await NodeFixture.SendAsync(stream, Vote("2", "bob", "blue"), Vote("1", "ada", "blue"));

        Assert.Equal(new IngestTotals { Closed = 2 }, late);
        Assert.Equal(StreamPhase.Final, stream.Phase);
        await fixture.RowsAsync("results");
        Assert.True(view.Model.IsFinal);
        WeirException refused = await Assert.ThrowsAsync<WeirException>(() => stream.OpenAsync(reopen: false));
        Assert.Equal(ErrorCode.AlreadyFinal, refused.Code);
        await stream.OpenAsync(reopen: true);
        Assert.Equal(new IngestTotals { Counted = 1, Duplicate = 1 }, await NodeFixture.SendAsync(stream, Vote("2", "bob", "blue"), Vote("1", "ada", "blue")));
        Assert.True(stream.Reopened);
    }

    [Fact]
    public async Task With_keep_last_the_newer_event_takes_the_place_of_the_older_one()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("votes", """{"partitions":2,"key":"user","id":"id","claim":{"by":"user","keep":"last"}}""");
        await fixture.Node.DefineViewAsync("results", new ViewDefinition("SELECT choice, count(*) AS votes FROM votes GROUP BY choice"));

        await NodeFixture.SendAsync(stream, Vote("1", "ada", "blue"), Vote("2", "bob", "blue"), Vote("3", "ada", "red"));
        IngestTotals retries = await NodeFixture.SendAsync(stream, Vote("1", "ada", "blue"), Vote("3", "ada", "red"), Vote("4", "bob", "red"));

        Assert.Equal(new IngestTotals { Duplicate = 2, Replaced = 1 }, retries);
        Assert.Equal("""[{"choice":"red","votes":2}]""", await fixture.RowsAsync("results"));
        await fixture.Node.DefineViewAsync("again", new ViewDefinition("SELECT choice, count(*) AS n FROM votes GROUP BY choice"));
        Assert.Equal("""[{"choice":"red","n":2}]""", await fixture.RowsAsync("again"));
        await fixture.RestartAsync();
        Assert.Equal("""[{"choice":"red","votes":2}]""", await fixture.RowsAsync("results"));
    }

    internal static async Task<UInt128[]> HashesOf(EventStream stream) =>
        await Task.WhenAll(stream.PartitionList.Select(partition => partition.AskAsync(partition.ContentHash)));

    private static string Vote(string id, string user, string choice) => $$"""{"id":"{{id}}","user":"{{user}}","choice":"{{choice}}"}""";
}
