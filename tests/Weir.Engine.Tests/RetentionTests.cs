using Weir.Core;
using Weir.Storage;
using Weir.TestKit;

namespace Weir.Engine.Tests;

public sealed class RetentionTests
{
    private const string Votes = """{"partitions":1,"key":"user","id":"id","claim":{"by":"user"},"retention":"64KiB"}""";

    [Fact]
    public async Task Owners_of_deleted_segments_stay_known_and_later_views_say_where_they_begin()
    {
        await using NodeFixture fixture = await StartWithSmallSegments();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        View early = await fixture.Node.DefineViewAsync("early", new ViewDefinition("SELECT choice, count(*) AS votes FROM votes GROUP BY choice"));
        await SendManyAsync(stream, 3000);
        await fixture.RowsAsync("early");

        fixture.Node.RetainOnce();

        long start = stream.Partitions[0].LogStart;
        Assert.True(start > 0, "Nothing was deleted.");
        Assert.Equal(new IngestTotals { Duplicate = 1, Taken = 1 }, await NodeFixture.SendAsync(stream, Vote(5), Vote(6).Replace("v6", "other", StringComparison.Ordinal)));
        Assert.Equal("""[{"choice":"a","votes":3000}]""", await fixture.RowsAsync("early"));
        Assert.Null(early.Model.Since);

        View late = await fixture.Node.DefineViewAsync("late", new ViewDefinition("SELECT count(*) AS votes FROM votes"));
        Assert.Equal($$"""[{"votes":{{3001 - start}}}]""", await fixture.RowsAsync("late"));
        Assert.Equal(new Position("votes", [start]), late.Model.Since);
    }

    [Fact]
    public async Task Without_snapshots_the_base_gives_the_state_back()
    {
        await using NodeFixture fixture = await StartWithSmallSegments();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        await fixture.Node.DefineViewAsync("early", new ViewDefinition("SELECT choice, count(*) AS votes FROM votes GROUP BY choice"));
        await SendManyAsync(stream, 3000);
        fixture.Node.RetainOnce();
        Assert.True(stream.Partitions[0].LogStart > 0);
        UInt128[] before = await NodeTests.HashesOf(stream);

        await fixture.RestartAsync();

        Assert.True(fixture.Node.TryGetStream("votes", out EventStream? again));
        Assert.Equal(before, await NodeTests.HashesOf(again));
        Assert.Equal("""[{"choice":"a","votes":3000}]""", await fixture.RowsAsync("early"));
    }

    [Fact]
    public async Task A_view_that_the_snapshot_does_not_have_begins_with_the_rows_in_the_base()
    {
        await using NodeFixture fixture = await StartWithSmallSegments();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        await SendManyAsync(stream, 3000);
        await stream.PartitionList[0].SnapshotAsync();
        await fixture.Node.DefineViewAsync("votes", new ViewDefinition("SELECT choice, count(*) AS votes FROM votes GROUP BY choice"));
        Assert.Equal("""[{"choice":"a","votes":3000}]""", await fixture.RowsAsync("votes"));
        await fixture.WaitForAsync(EngineEvent.ViewBuilt);
        fixture.Node.RetainOnce();
        Assert.True(stream.Partitions[0].LogStart > 0);

        await fixture.RestartAsync();

        Assert.Equal("""[{"choice":"a","votes":3000}]""", await fixture.RowsAsync("votes"));
        Assert.True(fixture.Node.TryGetView("votes", out View? again));
        Assert.Null(again.Model.Since);
    }

    [Fact]
    public async Task A_view_made_after_a_cut_is_in_the_next_base()
    {
        await using NodeFixture fixture = await StartWithSmallSegments();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        await SendManyAsync(stream, 3000);
        fixture.Node.RetainOnce();
        long start = stream.Partitions[0].LogStart;
        await fixture.Node.DefineViewAsync("late", new ViewDefinition("SELECT count(*) AS votes FROM votes"));
        await SendManyAsync(stream, 3000, first: 3000);
        string rows = await fixture.RowsAsync("late");
        await fixture.WaitForAsync(EngineEvent.ViewBuilt);
        fixture.Node.RetainOnce();
        Assert.True(stream.Partitions[0].LogStart > start);

        await fixture.RestartAsync();

        Assert.Equal(rows, await fixture.RowsAsync("late"));
    }

    [Fact]
    public async Task A_view_made_between_a_base_and_the_cut_that_failed_loses_nothing_by_the_next_one()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await StartWithSmallSegments(disk);
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        await SendManyAsync(stream, 3000);
        string partition = stream.PartitionList[0].Directory;
        disk.FailWhen(one => one.Name == "fsync" && one.Path == partition, errno: 5);
        fixture.Node.RetainOnce();
        disk.ClearFaults();
        Assert.Equal(0, stream.Partitions[0].LogStart);
        await fixture.Node.DefineViewAsync("late", new ViewDefinition("SELECT count(*) AS votes FROM votes"));
        Assert.Equal("""[{"votes":3000}]""", await fixture.RowsAsync("late"));
        await fixture.WaitForAsync(EngineEvent.ViewBuilt);

        fixture.Node.RetainOnce();

        Assert.True(stream.Partitions[0].LogStart > 0, "Nothing was deleted.");
        await fixture.RestartAsync();
        Assert.Equal("""[{"votes":3000}]""", await fixture.RowsAsync("late"));
    }

    [Fact]
    public async Task A_cut_that_its_partition_did_not_come_to_in_time_is_not_made_later()
    {
        var threads = new ImpatientThreads();
        await using NodeFixture fixture = await StartWithSmallSegments(threads: threads);
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        await SendManyAsync(stream, 3000);
        Partition partition = stream.PartitionList[0];
        using (var isBusy = new ManualResetEventSlim())
        {
            partition.Post(isBusy.Wait);
            threads.WaitsNoMinute = true;
            fixture.Node.RetainOnce();
            threads.WaitsNoMinute = false;
            await fixture.Node.DefineViewAsync("late", new ViewDefinition("SELECT count(*) AS votes FROM votes"));
            isBusy.Set();
            Assert.Equal("""[{"votes":3000}]""", await fixture.RowsAsync("late"));
        }

        Assert.Equal(0, stream.Partitions[0].LogStart);
        await fixture.WaitForAsync(EngineEvent.RetentionStopped);
        await fixture.WaitForAsync(EngineEvent.ViewBuilt);
        fixture.Node.RetainOnce();
        Assert.True(stream.Partitions[0].LogStart > 0, "Nothing was deleted.");
        await fixture.RestartAsync();
        Assert.Equal("""[{"votes":3000}]""", await fixture.RowsAsync("late"));
    }

    [Fact]
    public async Task Verdicts_of_a_cut_log_that_a_repair_deleted_are_made_again()
    {
        await using NodeFixture fixture = await StartWithSmallSegments();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        await SendManyAsync(stream, 3000);
        fixture.Node.RetainOnce();
        long start = stream.Partitions[0].LogStart;
        Assert.True(start > 0);
        await stream.PartitionList[0].SnapshotAsync();
        string partition = stream.PartitionList[0].Directory;
        await fixture.Node.StopAsync();
        string verdicts = Directory.GetFiles(partition, "*.verdicts").Order(StringComparer.Ordinal).First();
        byte[] bytes = File.ReadAllBytes(verdicts);
        bytes[^100] ^= 1;
        File.WriteAllBytes(verdicts, bytes);

        LogRepair.Apply(fixture.Disk, LogRepair.Plan(fixture.Disk, partition), new LogOptions());

        stream = await fixture.RestartAsync("votes");
        Assert.All(stream.ReadEvents(0, start, 10_000).Where(one => one.Marker is null), one => Assert.Equal(Verdict.Counted, one.Verdict));
        Assert.Equal(3001, stream.FlushedPosition.Ends[0]);
    }

    [Fact]
    public async Task Without_base_and_snapshot_a_cut_log_is_read_only()
    {
        await using NodeFixture fixture = await StartWithSmallSegments();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        await SendManyAsync(stream, 3000);
        fixture.Node.RetainOnce();
        await fixture.Node.StopAsync();
        foreach (string file in Directory.EnumerateFiles(fixture.Directory, "*.base*", SearchOption.AllDirectories))
        {
            File.Delete(file);
        }

        await fixture.RestartAsync();

        Assert.True(fixture.Node.TryGetStream("votes", out EventStream? again));
        Assert.Equal(PartitionState.ReadOnly, again.Partitions[0].State);
        Assert.Equal(1, (await NodeFixture.SendAsync(again, Vote(5))).Unknown);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_goes_for_its_age_when_the_clock_has_jumped_and_it_is_said_once(bool isWrittenToAfter)
    {
        await using NodeFixture fixture = await StartWithSmallSegments();
        EventStream stream = await fixture.DefineAsync("votes", Votes.Replace("64KiB", "1h", StringComparison.Ordinal));
        await SendManyAsync(stream, 3000);
        ((FakeTime)fixture.Time).JumpWallClock(TimeSpan.FromDays(36500));
        if (isWrittenToAfter)
        {
            // The jump lies in the active segment, which stays in any case.
            await SendManyAsync(stream, 100, first: 3000);
        }

        fixture.Node.RetainOnce();
        fixture.Node.RetainOnce();

        Assert.Equal(0, stream.Partitions[0].LogStart);
        string said = Assert.Single(fixture.Reports, report => report.Kind == EngineEvent.RetentionStopped).Text;
        Assert.Contains(isWrittenToAfter ? "The clock jumped" : "the clock may have jumped", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Segments_go_when_they_are_old_by_a_clock_that_went_steadily_and_the_stream_may_be_idle_for_a_day()
    {
        await using NodeFixture fixture = await StartWithSmallSegments();
        EventStream stream = await fixture.DefineAsync("votes", Votes.Replace("64KiB", "36h", StringComparison.Ordinal));
        for (int day = 0; day < 3; day++)
        {
            await SendManyAsync(stream, 1000, first: day * 1000);
            ((FakeTime)fixture.Time).Advance(TimeSpan.FromHours(20));
        }

        fixture.Node.RetainOnce();

        // They are 60, 40 and 20 hours old; a segment with one of the last is kept whole.
        Assert.InRange(stream.Partitions[0].LogStart, 1401, 2001);
        Assert.DoesNotContain(fixture.Reports, report => report.Kind == EngineEvent.RetentionStopped);
    }

    // The clock stands still, so that retention runs when a test says so.
    private static Task<NodeFixture> StartWithSmallSegments(IDisk? disk = null, IThreads? threads = null) => NodeFixture.StartAsync(
        directory => new NodeOptions
        {
            DataDirectory = directory,
            PublishInterval = TimeSpan.FromMilliseconds(10),
            SegmentBytes = 32 << 10,
        },
        new FakeTime(),
        disk,
        threads);

    private static async Task SendManyAsync(EventStream stream, int count, int first = 0)
    {
        foreach (int[] chunk in Enumerable.Range(first, count).Chunk(100))
        {
            Assert.Equal(chunk.Length, (await NodeFixture.SendAsync(stream, chunk.Select(Vote))).Counted);
        }
    }

    private static string Vote(int i) => $$"""{"id":"v{{i}}","user":"u{{i}}","choice":"a"}""";

    /// <summary>Threads of the operating system, for which a minute may be over at once.</summary>
    private sealed class ImpatientThreads : IThreads
    {
        public bool WaitsNoMinute { get; set; }

        public ILoop StartLoop(string name, Action step, Func<int> delayMs, Action<Exception> onFailure) => OsThreads.Instance.StartLoop(name, step, delayMs, onFailure);

        public IFlusher StartFlusher(int threads, Action<Exception> onFailure) => OsThreads.Instance.StartFlusher(threads, onFailure);

        public Task Start(string name, Action job) => OsThreads.Instance.Start(name, job);

        public bool Wait(Task task, TimeSpan timeout, Task? other = null) =>
            OsThreads.Instance.Wait(task, WaitsNoMinute && timeout == TimeSpan.FromMinutes(1) ? TimeSpan.Zero : timeout, other);

        public void Queue(IThreadPoolWorkItem item) => OsThreads.Instance.Queue(item);
    }
}
