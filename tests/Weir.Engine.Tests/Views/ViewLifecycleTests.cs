using Weir.Core;

namespace Weir.Engine.Tests.Views;

/// <summary>Views come, change and go beside traffic and other views.</summary>
public sealed class ViewLifecycleTests
{
    [Fact]
    public async Task Views_over_streams_with_other_numbers_of_partitions_do_not_meet()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        await fixture.DefineAsync("narrow", """{"partitions":1,"id":"id"}""");
        EventStream wide = await fixture.DefineAsync("wide", """{"partitions":8,"id":"id"}""");
        await fixture.Node.DefineViewAsync("one", new ViewDefinition("SELECT count(*) AS n FROM narrow"));
        await fixture.Node.DefineViewAsync("eight", new ViewDefinition("SELECT count(*) AS n FROM wide"));

        await NodeFixture.SendAsync(wide, Enumerable.Range(0, 100).Select(i => $$"""{"id":{{i}}}"""));

        Assert.Equal("""[{"n":100}]""", await fixture.RowsAsync("eight"));
        Assert.Equal("""[{"n":0}]""", await fixture.RowsAsync("one"));
    }

    [Fact]
    public async Task A_view_that_is_built_beside_a_live_one_loses_nothing_that_is_collected_meanwhile()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync(directory => new NodeOptions { DataDirectory = directory, PublishInterval = TimeSpan.FromMilliseconds(1) });
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":32,"id":"id"}""");
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 2000).Select(i => $$"""{"id":{{i}}}"""));
        await fixture.Node.DefineViewAsync("live", new ViewDefinition("SELECT count(*) AS n FROM s"));
        Assert.Equal("""[{"n":2000}]""", await fixture.RowsAsync("live"));

        for (int i = 0; i < 5; i++)
        {
            await fixture.Node.DefineViewAsync($"later{i}", new ViewDefinition("SELECT count(*) AS n FROM s"));
            Assert.Equal("""[{"n":2000}]""", await fixture.RowsAsync($"later{i}"));
        }
    }

    [Fact]
    public async Task After_a_restart_a_view_is_live_only_when_it_shows_what_it_showed_before()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":8,"id":"id"}""");
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS n FROM s"));
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 100).Select(i => $$"""{"id":{{i}}}"""));
        await fixture.RowsAsync("v");
        Position before = stream.FlushedPosition;

        await fixture.RestartAsync();

        Assert.True(fixture.Node.TryGetView("v", out View? view));
        Assert.True(SpinWait.SpinUntil(() => view.State == ViewState.Live, TimeSpan.FromSeconds(30)));
        Assert.True(view.Model.Position.Covers(before), $"It was at {before} and is at {view.Model.Position}.");
    }

    [Fact]
    public async Task A_view_under_the_name_of_a_deleted_one_does_not_take_over_its_state()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS n FROM s WHERE id = '1'"));
        await NodeFixture.SendAsync(stream, """{"id":"1"}""", """{"id":"2"}""");
        await fixture.RowsAsync("v");
        await stream.PartitionList[0].SnapshotAsync();
        await fixture.Node.DeleteViewAsync("v");
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS n FROM s"));
        Assert.Equal("""[{"n":2}]""", await fixture.RowsAsync("v"));

        await fixture.RestartAsync();

        Assert.Equal("""[{"n":2}]""", await fixture.RowsAsync("v"));
    }

    [Fact]
    public async Task A_wrong_definition_leaves_the_view_that_is_there_running()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS n FROM s"));

        await Assert.ThrowsAnyAsync<WeirException>(() => fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS n FROM nowhere")));
        await NodeFixture.SendAsync(stream, """{"id":"1"}""");

        Assert.Equal("""[{"n":1}]""", await fixture.RowsAsync("v"));
    }

    [Fact]
    public async Task A_view_defined_anew_is_built_anew_and_survives_a_restart()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":2,"id":"id"}""");
        await NodeFixture.SendAsync(stream, """{"id":"1","n":5}""", """{"id":"2","n":7}""");
        View first = await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS n FROM s"));
        await fixture.RowsAsync("v");

        View second = await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT sum(n) AS total FROM s"));

        Assert.Equal(first.Version + 1, second.Version);
        Assert.Equal("""[{"total":12}]""", await fixture.RowsAsync("v"));
        await fixture.RestartAsync();
        Assert.Equal("""[{"total":12}]""", await fixture.RowsAsync("v"));
    }

    [Fact]
    public async Task A_view_built_under_load_counts_each_event_once()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync(directory => new NodeOptions { DataDirectory = directory, PublishInterval = TimeSpan.FromMilliseconds(2) });
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":2,"key":"user","id":"id","claim":{"by":"user","keep":"last"}}""");
        using var stop = new CancellationTokenSource();
        long sent = 0;
        Task load = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await NodeFixture.SendAsync(stream, Enumerable.Range(0, 50).Select(_ => $$"""{"id":{{sent}},"user":"u{{sent++ % 40}}","choice":"{{sent % 3}}"}"""));
            }
        });

        var views = new List<string>();
        for (int i = 0; i < 8; i++)
        {
            await fixture.Node.DefineViewAsync($"v{i}", new ViewDefinition("SELECT choice, count(*) AS n FROM s GROUP BY choice"));
            await fixture.RowsAsync($"v{i}");
            views.Add($"v{i}");
        }

        await stop.CancelAsync();
        await load;
        var rows = new HashSet<string>();
        foreach (string view in views)
        {
            rows.Add(await fixture.RowsAsync(view));
        }

        // All views agree, and with keep: last as many events stand as there are owners.
        string only = Assert.Single(rows);
        using System.Text.Json.JsonDocument document = System.Text.Json.JsonDocument.Parse(only);
        Assert.Equal(Math.Min(sent, 40), document.RootElement.EnumerateArray().Sum(row => row.GetProperty("n").GetInt64()));
    }
}
