using System.Text;
using Weir.Core;
using Weir.TestKit;

namespace Weir.Engine.Tests;

/// <summary>Opening and closing are places in the log, and the clock decides only when they are made.</summary>
public sealed class ClosingTests
{
    private const string Declared = """{"partitions":1,"id":"id","opens":"2026-11-20T12:00:10Z","closes":"2026-11-20T12:00:20Z","grace":"1s"}""";

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_stream_opens_and_closes_at_the_declared_times()
    {
        var time = new FakeTime();
        await using NodeFixture fixture = await NodeFixture.StartAsync(time: time);
        EventStream stream = await fixture.DefineAsync("s", Declared);

        Assert.Equal(StreamPhase.NotOpen, stream.Phase);
        Assert.Equal((Verdict.Closed, VerdictReason.NotOpenYet), await SendAsync(stream, "1"));
        time.Advance(10 * Second);
        Assert.Equal((Verdict.Counted, VerdictReason.None), await SendAsync(stream, "1"));
        Assert.Equal(StreamPhase.Open, stream.Phase);
        time.Advance(10 * Second);
        Assert.Equal((Verdict.Closed, VerdictReason.AfterClose), await SendAsync(stream, "2"));
        Assert.Equal((Verdict.Closed, VerdictReason.AfterClose), await SendAsync(stream, "1"));
        Assert.Equal(StreamPhase.Final, stream.Phase);

        IReadOnlyList<StoredEvent> events = stream.ReadEvents(0, 0, 100);
        Assert.Equal([MarkerType.Define, null, MarkerType.Open, null, MarkerType.Close, null, null], events.Select(one => one.Marker));
        Assert.Equal("""{"version":1,"at":1795176010000,"reopened":false,"reason":"declared"}""", Encoding.UTF8.GetString(events[2].Value));
        Assert.Equal("""{"version":1,"at":1795176020000,"reason":"declared"}""", Encoding.UTF8.GetString(events[4].Value));
    }

    [Fact]
    public async Task The_marker_is_made_without_any_event_coming()
    {
        var time = new FakeTime();
        await using NodeFixture fixture = await NodeFixture.StartAsync(time: time);
        EventStream stream = await fixture.DefineAsync("s", Declared);

        time.Advance(10 * Second);
        await PassAsync(stream);
        time.Advance(10 * Second);
        await PassAsync(stream);

        Assert.Equal(StreamPhase.Final, stream.Phase);
        Assert.Equal(3, stream.FlushedPosition.Ends[0]);
    }

    [Fact]
    public async Task A_request_received_in_time_lies_before_the_marker_and_one_received_later_behind_it()
    {
        var time = new FakeTime();
        await using NodeFixture fixture = await NodeFixture.StartAsync(time: time);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id","closes":"2026-11-20T12:00:20Z","grace":"5s"}""");
        time.Advance(20 * Second - TimeSpan.FromMilliseconds(1));
        using IngestBatch inTime = stream.NewBatch();
        inTime.Add("""{"id":"early"}"""u8, EventHeaders.None);
        time.Advance(TimeSpan.FromMilliseconds(1));

        Task<(Verdict, VerdictReason)> late = SendAsync(stream, "late");
        await PassAsync(stream);
        Assert.False(late.IsCompleted);
        await inTime.SubmitAsync();

        Assert.Equal(new IngestTotals { Counted = 1 }, inTime.Totals);
        Assert.Equal((Verdict.Closed, VerdictReason.AfterClose), await late);
        Assert.Equal([MarkerType.Define, null, MarkerType.Close, null], stream.ReadEvents(0, 0, 10).Select(one => one.Marker));
    }

    [Fact]
    public async Task Nobody_is_waited_for_longer_than_grace()
    {
        var time = new FakeTime();
        await using NodeFixture fixture = await NodeFixture.StartAsync(time: time);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id","closes":"2026-11-20T12:00:20Z","grace":"5s"}""");
        using IngestBatch slow = stream.NewBatch();
        slow.Add("""{"id":"slow"}"""u8, EventHeaders.None);
        time.Advance(20 * Second);
        Task<(Verdict, VerdictReason)> late = SendAsync(stream, "late");
        await PassAsync(stream);
        Assert.False(late.IsCompleted);

        // The wall clock says nothing about how long somebody has been waited for.
        time.JumpWallClock(-TimeSpan.FromHours(1));
        time.Advance(5 * Second);

        Assert.Equal((Verdict.Closed, VerdictReason.AfterClose), await late);
        await slow.SubmitAsync();
        Assert.Equal(new IngestTotals { Closed = 1 }, slow.Totals);
    }

    [Fact]
    public async Task A_requested_close_waits_for_requests_that_came_before_it()
    {
        var time = new FakeTime();
        await using NodeFixture fixture = await NodeFixture.StartAsync(time: time);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":4,"id":"id","grace":"5s"}""");
        using IngestBatch before = stream.NewBatch();
        for (int i = 0; i < 20; i++)
        {
            before.Add(Encoding.UTF8.GetBytes($$"""{"id":{{i}}}"""), EventHeaders.None);
        }

        time.Advance(Second);
        Task<Position> closing = stream.CloseAsync();
        await PassAsync(stream);
        Assert.False(closing.IsCompleted);
        await before.SubmitAsync();
        Position closed = await closing;

        Assert.Equal(new IngestTotals { Counted = 20 }, before.Totals);
        Assert.Equal(20 + 4 + 4, closed.Ends.ToArray().Sum());
        Assert.Equal(StreamPhase.Final, stream.Phase);
    }

    [Fact]
    public async Task A_close_that_is_requested_while_the_declared_one_waits_is_that_one()
    {
        var time = new FakeTime();
        await using NodeFixture fixture = await NodeFixture.StartAsync(time: time);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":4,"id":"id","closes":"2026-11-20T12:00:20Z","grace":"5s"}""");
        using IngestBatch before = stream.NewBatch();
        before.Add("""{"id":"before"}"""u8, EventHeaders.None);
        time.Advance(20 * Second);
        await PassAsync(stream);
        using IngestBatch between = stream.NewBatch();
        between.Add("""{"id":"between"}"""u8, EventHeaders.None);

        Task<Position> closing = stream.CloseAsync();
        Task<Position> again = stream.CloseAsync();
        await PassAsync(stream);
        Assert.False(closing.IsCompleted);
        await before.SubmitAsync();
        Position closed = await closing;
        Assert.Equal(closed, await again);
        await between.SubmitAsync();

        Assert.Equal((1, 1), (before.Totals.Counted, between.Totals.Closed));
        Assert.All(Enumerable.Range(0, 4), partition =>
        {
            StoredEvent marker = Assert.Single(stream.ReadEvents(partition, 0, 10), one => one.Marker == MarkerType.Close);
            Assert.Contains("declared", Encoding.UTF8.GetString(marker.Value), StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task A_close_that_is_requested_when_the_stream_is_about_to_open_comes_behind_the_opening()
    {
        var time = new FakeTime();
        await using NodeFixture fixture = await NodeFixture.StartAsync(time: time);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id","opens":"2026-11-20T12:00:10Z"}""");
        time.Advance(10 * Second);

        await stream.CloseAsync();

        Assert.Equal(StreamPhase.Final, stream.Phase);
        Assert.Equal([MarkerType.Define, MarkerType.Open, MarkerType.Close], stream.ReadEvents(0, 0, 10).Select(one => one.Marker));
    }

    [Fact]
    public async Task A_close_marker_that_is_missing_at_the_start_is_appended_before_any_event()
    {
        var time = new FakeTime();
        await using NodeFixture fixture = await NodeFixture.StartAsync(time: time);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id","closes":"2026-11-20T12:00:20Z"}""");
        Assert.Equal((Verdict.Counted, VerdictReason.None), await SendAsync(stream, "1"));
        await fixture.Node.StopAsync();
        time.Advance(60 * Second);

        EventStream again = await fixture.RestartAsync("s");

        Assert.Equal((Verdict.Closed, VerdictReason.AfterClose), await SendAsync(again, "2"));
        Assert.Equal([MarkerType.Define, null, MarkerType.Close, null], again.ReadEvents(0, 0, 10).Select(one => one.Marker));
    }

    [Fact]
    public async Task A_stream_that_was_reopened_does_not_close_again_for_the_time_that_has_passed()
    {
        var time = new FakeTime();
        await using NodeFixture fixture = await NodeFixture.StartAsync(time: time);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":2,"id":"id","closes":"2026-11-20T12:00:20Z"}""");
        time.Advance(30 * Second);
        await PassAsync(stream);
        Assert.Equal(StreamPhase.Final, stream.Phase);
        await stream.OpenAsync(reopen: true);

        Assert.Equal((Verdict.Counted, VerdictReason.None), await SendAsync(stream, "1"));
        EventStream again = await fixture.RestartAsync("s");

        Assert.True(again.Reopened);
        Assert.Equal((Verdict.Counted, VerdictReason.None), await SendAsync(again, "2"));
    }

    [Fact]
    public async Task A_stream_that_is_reopened_while_one_partition_has_yet_to_close_is_open_in_all_of_them()
    {
        var time = new FakeTime();
        await using NodeFixture fixture = await NodeFixture.StartAsync(FaultTests.Options, time);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":2,"id":"id","closes":"2026-11-20T12:00:20Z"}""");
        Partition first = stream.PartitionList[0];
        using (var isBusy = new ManualResetEventSlim())
        {
            stream.PartitionList[1].Post(isBusy.Wait);
            time.Advance(20 * Second);
            await first.CloseAsync(MarkerJson.OpenOrClose(time.GetUtcNow().ToUnixTimeMilliseconds(), isReopening: false, isDeclared: false, isOpening: false), time.GetUtcNow().ToUnixTimeMilliseconds());

            Task<Position> reopened = stream.OpenAsync(reopen: true);
            isBusy.Set();
            await reopened;
        }

        await PassAsync(stream);
        Assert.Equal(StreamPhase.Open, stream.Phase);
        Assert.True(stream.Reopened);
        Assert.All(Enumerable.Range(0, 2), partition => Assert.Equal([MarkerType.Define, MarkerType.Close, MarkerType.Open], stream.ReadEvents(partition, 0, 10).Select(one => one.Marker)));
    }

    [Fact]
    public async Task A_wall_clock_that_is_set_back_holds_up_neither_the_last_frame_nor_a_stop()
    {
        var time = new FakeTime();
        await using NodeFixture fixture = await NodeFixture.StartAsync(time: time);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        await SendAsync(stream, "1");
        long before = stream.ReadEvents(0, 1, 1)[0].AppendTimeMs;

        time.JumpWallClock(-TimeSpan.FromDays(365));
        await SendAsync(stream, "2");
        await fixture.Node.StopAsync().WaitAsync(TimeSpan.FromSeconds(30));

        EventStream again = await fixture.RestartAsync("s");
        Assert.Equal(before, again.ReadEvents(0, 2, 1)[0].AppendTimeMs);
    }

    private static async Task<(Verdict Verdict, VerdictReason Reason)> SendAsync(EventStream stream, string id)
    {
        using IngestBatch batch = stream.NewBatch();
        batch.Add(Encoding.UTF8.GetBytes($$"""{"id":"{{id}}"}"""), EventHeaders.None);
        await batch.SubmitAsync();
        EventOutcome outcome = batch.OutcomeOf(0);
        return (outcome.Verdict, outcome.Reason);
    }

    /// <summary>Two passes of every partition's loop: what the clock made due has been begun, and what was begun is done.</summary>
    private static async Task PassAsync(EventStream stream)
    {
        for (int i = 0; i < 3; i++)
        {
            await Task.WhenAll(stream.PartitionList.Select(partition => partition.AskAsync(() => 0)));
        }
    }
}
