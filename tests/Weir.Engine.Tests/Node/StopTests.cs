using System.Text;
using Weir.Core;
using Weir.TestKit;

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
    public async Task A_stop_while_the_log_is_replayed_ends_the_replay_at_the_next_batch_and_leaves_the_log_as_it_was()
    {
        const int batches = 100;
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(disk: disk);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        for (int i = 0; i < batches; i++)
        {
            await NodeFixture.SendAsync(stream, $$"""{"id":"{{i}}"}""");
        }

        await fixture.Node.StopAsync();
        string log = disk.Operations.Last(one => one.Path.EndsWith(".log", StringComparison.Ordinal) || one.Path.EndsWith(".log.tmp", StringComparison.Ordinal)).Path.Replace(".tmp", "", StringComparison.Ordinal);
        byte[] before = disk.Content(log);

        // Verdict files are opened when everything is ready for the replay.
        using var isReplaying = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        disk.FailWhen(
            one =>
            {
                if (one.Path.EndsWith(".verdicts", StringComparison.Ordinal) && !isReplaying.IsSet)
                {
                    isReplaying.Set();
                    goOn.Wait(TimeSpan.FromSeconds(30));
                }

                return false;
            },
            errno: 5);
        Task restart = Task.Run(fixture.RestartAsync);
        Assert.True(isReplaying.Wait(TimeSpan.FromSeconds(30)));
        Task stop = fixture.Node.StopAsync();
        goOn.Set();

        await Assert.ThrowsAsync<OperationCanceledException>(() => restart);
        await stop.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(NodeState.Stopped, fixture.Node.State);
        Assert.InRange(Assert.Single(Assert.Single(fixture.Node.Streams).PartitionList).Replayed, 0, 2);
        Assert.Equal(before, disk.Content(log));
        disk.ClearFaults();
        stream = await fixture.RestartAsync("s");
        Assert.Equal(batches, stream.VerdictTotals[(int)Verdict.Counted]);
        Assert.Equal(before, disk.Content(log));
    }

    [Fact]
    public async Task A_stop_waits_for_a_retention_pass_which_ends_without_a_base()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(
            directory => new NodeOptions { DataDirectory = directory, PublishInterval = TimeSpan.FromMilliseconds(10), SegmentBytes = 8 << 10 }, disk: disk);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        for (int i = 0; i < 400; i++)
        {
            await NodeFixture.SendAsync(stream, $$"""{"id":"{{i}}"}""");
        }

        // By the name of the thread: key files are made from the same segments.
        using var isRetaining = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        disk.FailWhen(
            one =>
            {
                if (Thread.CurrentThread.Name == "weir-retain" && one.Name == "pread" && !isRetaining.IsSet)
                {
                    isRetaining.Set();
                    goOn.Wait(TimeSpan.FromSeconds(30));
                }

                return false;
            },
            errno: 5);
        Task define = fixture.DefineAsync("s", """{"partitions":1,"id":"id","retention":"16KiB"}""");
        Task retain = define.ContinueWith(_ => fixture.Node.ConsiderRetention(), TaskScheduler.Default);
        Assert.True(isRetaining.Wait(TimeSpan.FromSeconds(30)));
        Task stop = Task.Factory.StartNew(fixture.Node.StopAsync, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
        Assert.True(SpinWait.SpinUntil(() => fixture.Node.State != NodeState.Serving, TimeSpan.FromSeconds(20)));
        goOn.Set();

        await Task.WhenAll(stop, retain).WaitAsync(TimeSpan.FromSeconds(30));
        int end = disk.Operations.Count;
        Assert.DoesNotContain(disk.Operations, one => one.Name == "rename" && one.Path.Contains(".base", StringComparison.Ordinal));
        Assert.DoesNotContain(fixture.Reports, report => report.Kind is EngineEvent.Retained or EngineEvent.RetentionStopped or EngineEvent.NodeFailed);
        disk.ClearFaults();
        Assert.Equal(end, disk.Operations.Count);
        stream = await fixture.RestartAsync("s");
        Assert.Equal(400, stream.VerdictTotals[(int)Verdict.Counted]);
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
