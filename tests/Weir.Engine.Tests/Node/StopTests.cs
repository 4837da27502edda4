using System.Text;
using Weir.Core;

namespace Weir.Engine.Tests;

public sealed class StopTests
{
    [Fact]
    public async Task Everybody_who_submits_while_the_node_stops_is_answered()
    {
        for (int round = 0; round < 15; round++)
        {
            await using NodeFixture fixture = await NodeFixture.StartAsync();
            EventStream stream = await fixture.DefineAsync("s", """{"partitions":2,"id":"id"}""");
            long counted = 0, unknown = 0, sent = 0;
            Task[] senders = [.. Enumerable.Range(0, 4).Select(sender => Task.Run(async () =>
            {
                for (int i = 0; ; i++)
                {
                    IngestTotals totals = await NodeFixture.SendAsync(stream, $$"""{"id":"{{sender}}-{{i}}"}""");
                    Interlocked.Increment(ref sent);
                    Interlocked.Add(ref counted, totals.Counted);
                    Interlocked.Add(ref unknown, totals.Unknown);
                    if (totals.Unknown > 0)
                    {
                        break;
                    }
                }
            }))];
            while (Interlocked.Read(ref counted) < 8)
            {
                await Task.Yield();
            }

            await fixture.Node.StopAsync();
            await Task.WhenAll(senders).WaitAsync(TimeSpan.FromSeconds(20));

            Assert.Equal(sent, counted + unknown);
            EventStream again = await fixture.RestartAsync("s");
            Assert.InRange(again.VerdictTotals[(int)Verdict.Counted], counted, counted + unknown);
        }
    }

    [Fact]
    public async Task A_batch_that_comes_after_the_stop_is_told_so()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        using IngestBatch batch = stream.NewBatch();
        batch.Add("""{"id":"1"}"""u8, EventHeaders.None);
        await fixture.Node.StopAsync();

        await batch.SubmitAsync();

        Assert.Equal(new IngestTotals { Unknown = 1 }, batch.Totals);
        Assert.Equal(ErrorCode.ShuttingDown, batch.OutcomeOf(0).Code);
    }

    [Fact]
    public async Task Questions_to_a_stopped_node_fail_instead_of_waiting()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        await fixture.Node.StopAsync();

        Task close = stream.CloseAsync();
        Task<UInt128> hash = stream.PartitionList[0].AskAsync(stream.PartitionList[0].ContentHash);

        await Assert.ThrowsAsync<WeirException>(() => close.WaitAsync(TimeSpan.FromSeconds(20)));
        await Assert.ThrowsAsync<WeirException>(() => hash.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task Stopping_twice_at_once_is_one_stop()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");

        await Task.WhenAll(fixture.Node.StopAsync(), fixture.Node.StopAsync());

        Assert.Equal(NodeState.Stopped, fixture.Node.State);
    }

    [Fact]
    public async Task A_deleted_stream_is_gone_and_its_name_is_free()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":3,"id":"id"}""");
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 300).Select(i => $$"""{"id":{{i}}}"""));
        Task snapshots = Task.WhenAll(stream.PartitionList.Select(partition => partition.SnapshotAsync()));
        using IngestBatch late = stream.NewBatch();
        late.Add("""{"id":"late"}"""u8, EventHeaders.None);

        await fixture.Node.DeleteStreamAsync("s");

        await late.SubmitAsync();
        Assert.Equal(new IngestTotals { Unknown = 1 }, late.Totals);
        Assert.False(fixture.Node.TryGetStream("s", out _));
        Assert.Empty(Directory.GetDirectories(Path.Combine(fixture.Directory, "streams")));
        EventStream anew = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        Assert.Equal(new IngestTotals { Counted = 1 }, await NodeFixture.SendAsync(anew, """{"id":"0"}"""));
        await snapshots.ContinueWith(_ => { }, TaskScheduler.Default);
        EventStream again = await fixture.RestartAsync("s");
        Assert.Equal(1, again.VerdictTotals[(int)Verdict.Counted]);
    }

    [Fact]
    public async Task Two_directories_with_one_stream_name_are_not_guessed_between()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        await NodeFixture.SendAsync(stream, """{"id":"1"}""");
        string original = Directory.GetDirectories(Path.Combine(fixture.Directory, "streams")).Single();
        await fixture.Node.StopAsync();
        string copy = Path.Combine(fixture.Directory, "streams", "s-00000000");
        Directory.CreateDirectory(copy);
        File.Copy(Path.Combine(original, "definition.json"), Path.Combine(copy, "definition.json"));

        WeirException refused = await Assert.ThrowsAsync<WeirException>(() => fixture.RestartAsync());

        Assert.Contains(original, refused.Message, StringComparison.Ordinal);
        Assert.Contains(copy, refused.Message, StringComparison.Ordinal);
    }
}
