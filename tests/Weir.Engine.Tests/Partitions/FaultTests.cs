using System.Text;
using Weir.Core;
using Weir.TestKit;

namespace Weir.Engine.Tests;

/// <summary>Disks that fail under a running node: nothing is acknowledged that is not safe, and the partition comes back by itself.</summary>
public sealed class FaultTests
{
    private const int InputOutputError = 5;
    private const int NoSpace = 28;

    private const string Votes = """{"partitions":1,"key":"user","id":"id","claim":{"by":"user"}}""";

    public static TheoryData<string, string, int> Failures => new()
    {
        { "fdatasync", ".log", InputOutputError },
        { "fdatasync", ".log", NoSpace },
        { "pwrite", ".log", InputOutputError },
        { "pwrite", ".log", NoSpace },
        { "pwrite", ".verdicts", NoSpace },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_failed_write_or_flush_is_never_acknowledged_and_a_retry_is_counted_once(string operation, string suffix, int error)
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        EventStream stream = await fixture.DefineAsync("s", Votes);
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS n FROM s"));
        Assert.Equal(new IngestTotals { Counted = 2 }, await NodeFixture.SendAsync(stream, Vote("1", "ada"), Vote("2", "bob")));
        await fixture.RowsAsync("v");
        int before = disk.Operations.Count;
        disk.FailWhen(one => one.Name == operation && one.Path.Contains(suffix, StringComparison.Ordinal), error);

        // Verdicts go to their file block by block: 4096 fill one.
        string[] many = [.. Enumerable.Range(0, 5000).Select(i => Vote($"x{i}", $"u{i}"))];
        IngestTotals failed = await NodeFixture.SendAsync(stream, many);

        Assert.Equal(new IngestTotals { Unknown = many.Length }, failed);
        disk.ClearFaults();
        await fixture.WaitForAsync(EngineEvent.PartitionRecovered);
        IngestTotals retried = await NodeFixture.SendAsync(stream, many);
        Assert.Equal(many.Length, retried.Counted + retried.Duplicate);
        Assert.Equal(many.Length + 2, stream.VerdictTotals[(int)Verdict.Counted]);
        Assert.Equal($$"""[{"n":{{many.Length + 2}}}]""", await fixture.RowsAsync("v"));
        Assert.Equal(new IngestTotals { Duplicate = 1, Taken = 1 }, await NodeFixture.SendAsync(stream, Vote("1", "ada"), Vote("9", "bob")));

        // Fsyncgate: the file that failed is not touched again; what has its name later is another file.
        if (suffix == ".log")
        {
            DiskOperation[] after = [.. disk.Operations.Skip(before).SkipWhile(one => one.Errno == 0)];
            Assert.NotEqual("fdatasync", after.Skip(1).First(one => one.Path == after[0].Path || one.Path == after[0].Path.Replace(".tmp", "", StringComparison.Ordinal)).Name);
        }

        await AssertReplayAgreesAsync(fixture, stream);
    }

    [Fact]
    public async Task The_other_partitions_go_on_while_one_is_stopped()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":2,"id":"id"}""");
        disk.FailWhen(one => one.Name is "fdatasync" or "open" && one.Path.Contains("/0/", StringComparison.Ordinal), InputOutputError);
        string[] events = [.. Enumerable.Range(0, 50).Select(i => $$"""{"id":{{i}}}""")];

        IngestTotals first = await NodeFixture.SendAsync(stream, events);
        Assert.InRange(first.Unknown, 1, 49);
        Assert.Equal(50, first.Unknown + first.Counted);
        IngestTotals second = await NodeFixture.SendAsync(stream, events);
        Assert.Equal(first.Unknown, second.Unknown);
        Assert.Equal(first.Counted, second.Duplicate);
        Assert.Equal(PartitionState.Serving, stream.Partitions[1].State);
        Assert.NotEqual(PartitionState.Serving, stream.Partitions[0].State);

        disk.ClearFaults();
        await fixture.WaitForAsync(EngineEvent.PartitionRecovered);
        await NodeFixture.SendAsync(stream, events);
        Assert.Equal(50, stream.VerdictTotals[(int)Verdict.Counted]);
    }

    [Fact]
    public async Task A_question_put_to_a_stopped_partition_is_answered_from_the_recovered_state()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        EventStream stream = await fixture.DefineAsync("s", Votes);
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 2000).Select(i => Vote($"{i}", $"u{i}")));
        Partition partition = stream.PartitionList[0];
        UInt128 before = await partition.AskAsync(partition.ContentHash);
        disk.FailWhen(one => one.Name == "pwrite" && one.Path.Contains(".log", StringComparison.Ordinal), InputOutputError);
        await NodeFixture.SendAsync(stream, Vote("x", "x"));

        Task<UInt128>[] asked = [.. Enumerable.Range(0, 50).Select(_ => partition.AskAsync(partition.ContentHash))];
        disk.ClearFaults();

        foreach (UInt128 hash in await Task.WhenAll(asked).WaitAsync(TimeSpan.FromSeconds(30)))
        {
            // Half of a failed write may have arrived, but half a batch is none.
            Assert.Equal(before, hash);
        }

    }

    [Fact]
    public async Task A_view_defined_while_a_partition_is_stopped_counts_everything_once_it_is_back()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        EventStream stream = await fixture.DefineAsync("s", Votes);
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 2000).Select(i => Vote($"{i}", $"u{i}")));
        await stream.PartitionList[0].SnapshotAsync();
        disk.FailWhen(one => one.Name == "pwrite" && one.Path.Contains(".log", StringComparison.Ordinal), InputOutputError);
        await NodeFixture.SendAsync(stream, Vote("x", "x"));

        View view = await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS n FROM s"));
        disk.ClearFaults();

        Assert.Equal("""[{"n":2000}]""", await fixture.RowsAsync("v"));
        // Its builder says so a moment after its last partition was merged.
        Assert.True(SpinWait.SpinUntil(() => view.State == ViewState.Live, TimeSpan.FromSeconds(30)));
        await stream.PartitionList[0].SnapshotAsync();
        await fixture.RestartAsync();
        Assert.Equal("""[{"n":2000}]""", await fixture.RowsAsync("v"));
    }

    [Fact]
    public async Task A_node_stops_although_a_partition_cannot_be_recovered()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        EventStream stream = await fixture.DefineAsync("s", Votes);
        disk.FailWhen(one => one.Name is "fdatasync" or "pwrite" or "open" or "fsync", InputOutputError);
        Assert.Equal(new IngestTotals { Unknown = 1 }, await NodeFixture.SendAsync(stream, Vote("1", "ada")));
        await fixture.WaitForAsync(EngineEvent.PartitionRecoveryFailed);
        Task<UInt128> asked = stream.PartitionList[0].AskAsync(stream.PartitionList[0].ContentHash);

        await fixture.Node.StopAsync().WaitAsync(TimeSpan.FromSeconds(30));

        await asked.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(30));
        disk.ClearFaults();
        EventStream again = await fixture.RestartAsync("s");
        IngestTotals retried = await NodeFixture.SendAsync(again, Vote("1", "ada"));
        Assert.Equal(1, retried.Counted + retried.Duplicate);
    }

    [Fact]
    public async Task A_stream_whose_partition_cannot_be_recovered_can_be_deleted()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        EventStream stream = await fixture.DefineAsync("s", Votes);
        disk.FailWhen(one => one.Name is "fdatasync" or "pwrite" && one.Path.Contains(".log", StringComparison.Ordinal), InputOutputError);
        await NodeFixture.SendAsync(stream, Vote("1", "ada"));

        await fixture.Node.DeleteStreamAsync("s").WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Empty(fixture.Node.Streams);
    }

    [Theory]
    [InlineData("unlink", "definition.json")]
    [InlineData("fsync", "s-")]
    [InlineData("fdatasync", ".verdicts")]
    [InlineData("unlink", ".log")]
    [InlineData("rmdir", "s-")]
    [InlineData("fsync", "/streams")]
    public async Task A_stream_whose_deletion_failed_is_neither_back_nor_in_the_way_of_the_next_one(string operation, string path)
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        await NodeFixture.SendAsync(await fixture.DefineAsync("s", Votes), Vote("1", "ada"));
        disk.FailWhen(one => one.Name == operation && one.Path.Contains(path, StringComparison.Ordinal), InputOutputError);
        try
        {
            await fixture.Node.DeleteStreamAsync("s");
        }
        catch (WeirException)
        {
            await Assert.ThrowsAnyAsync<WeirException>(() => fixture.DefineAsync("s", Votes));
        }

        disk.ClearFaults();
        EventStream next = await fixture.DefineAsync("s", Votes);
        Assert.Equal(new IngestTotals { Counted = 1 }, await NodeFixture.SendAsync(next, Vote("1", "ada")));

        await fixture.Node.StopAsync();
        fixture.Disk = disk.LosePower(new Random(1));
        EventStream again = await fixture.RestartAsync("s");
        Assert.Equal(new IngestTotals { Duplicate = 1 }, await NodeFixture.SendAsync(again, Vote("1", "ada")));
        Assert.Single(fixture.Disk.List(fixture.Directory + "/streams"));
    }

    [Fact]
    public async Task A_deletion_that_failed_can_be_tried_again()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        await fixture.DefineAsync("s", Votes);
        disk.FailWhen(one => one.Name == "unlink", InputOutputError);
        await Assert.ThrowsAnyAsync<WeirException>(() => fixture.Node.DeleteStreamAsync("s"));
        disk.ClearFaults();

        await fixture.Node.DeleteStreamAsync("s");

        Assert.Empty(disk.List(fixture.Directory + "/streams"));
    }

    [Fact]
    public async Task A_stream_that_could_not_be_made_leaves_nothing_behind()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        disk.FailWhen(one => one.Name == "fdatasync" && one.Path.Contains("/2/", StringComparison.Ordinal), NoSpace);

        await Assert.ThrowsAnyAsync<WeirException>(() => fixture.DefineAsync("s", """{"partitions":3,"id":"id"}"""));
        disk.ClearFaults();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":3,"id":"id"}""");
        await NodeFixture.SendAsync(stream, """{"id":1}""");

        EventStream again = await fixture.RestartAsync("s");
        Assert.Equal(1, again.VerdictTotals[(int)Verdict.Counted]);
    }

    [Fact]
    public async Task A_stream_that_could_neither_be_made_nor_taken_away_is_not_in_the_way_of_the_next_one()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        string streams = fixture.Directory + "/streams/";
        disk.FailWhen(one => (one.Name == "fsync" && one.Path.LastIndexOf('/') == streams.Length - 1 && disk.FileExists(one.Path + "/definition.json")) || one.Name == "unlink", InputOutputError);
        await Assert.ThrowsAnyAsync<WeirException>(() => fixture.DefineAsync("s", Votes));
        disk.ClearFaults();

        EventStream next = await fixture.DefineAsync("s", Votes);
        Assert.Equal(new IngestTotals { Counted = 1 }, await NodeFixture.SendAsync(next, Vote("1", "ada")));

        EventStream again = await fixture.RestartAsync("s");
        Assert.Equal(new IngestTotals { Duplicate = 1 }, await NodeFixture.SendAsync(again, Vote("1", "ada")));
    }

    [Fact]
    public async Task A_change_that_failed_and_is_then_taken_back_is_not_in_force_after_a_start()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        EventStream stream = await fixture.DefineAsync("s", Votes);
        disk.FailWhen(one => one.Name == "fsync" && one.Path == stream.StorageDirectory.Path, InputOutputError);
        await Assert.ThrowsAnyAsync<WeirException>(() => fixture.DefineAsync("s", Votes.Replace("}}", "},\"opens\":\"2099-01-01T00:00:00Z\"}", StringComparison.Ordinal)));
        disk.ClearFaults();

        await fixture.DefineAsync("s", Votes);

        EventStream again = await fixture.RestartAsync("s");
        Assert.Null(again.Definition.Opens);
        Assert.Equal(new IngestTotals { Counted = 1 }, await NodeFixture.SendAsync(again, Vote("1", "ada")));
    }

    [Fact]
    public async Task A_view_whose_change_failed_and_is_then_taken_back_is_the_old_one_after_a_start()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        await NodeFixture.SendAsync(await fixture.DefineAsync("s", Votes), Vote("1", "ada"));
        var definition = new ViewDefinition("SELECT count(*) AS n FROM s");
        await fixture.Node.DefineViewAsync("v", definition);
        disk.FailWhen(one => one.Name == "fsync" && one.Path.EndsWith("/views/v", StringComparison.Ordinal), InputOutputError);
        await Assert.ThrowsAnyAsync<WeirException>(() => fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS other FROM s")));
        disk.ClearFaults();

        await fixture.Node.DefineViewAsync("v", definition);

        await fixture.RestartAsync();
        Assert.Equal("""[{"n":1}]""", await fixture.RowsAsync("v"));
    }

    [Fact]
    public async Task A_view_whose_deletion_failed_and_that_is_then_defined_is_there_after_a_start()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        await NodeFixture.SendAsync(await fixture.DefineAsync("s", Votes), Vote("1", "ada"));
        var definition = new ViewDefinition("SELECT count(*) AS n FROM s");
        await fixture.Node.DefineViewAsync("v", definition);
        disk.FailWhen(one => one.Name == "fsync" && one.Path.EndsWith("/views/v", StringComparison.Ordinal), InputOutputError);
        await Assert.ThrowsAnyAsync<WeirException>(() => fixture.Node.DeleteViewAsync("v"));
        disk.ClearFaults();

        await fixture.Node.DefineViewAsync("v", definition);

        await fixture.RestartAsync();
        Assert.Equal("""[{"n":1}]""", await fixture.RowsAsync("v"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_view_that_could_not_be_made_is_not_there_after_a_start(bool canTakeBack)
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        await fixture.DefineAsync("s", Votes);
        bool hasFailed = false;
        disk.FailWhen(one => one.Name == "fsync" && one.Path.EndsWith("/views/v", StringComparison.Ordinal) && !(canTakeBack && hasFailed) && (hasFailed = true), InputOutputError);
        await Assert.ThrowsAnyAsync<WeirException>(() => fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS n FROM s")));
        disk.ClearFaults();
        if (!canTakeBack)
        {
            await fixture.Node.DeleteViewAsync("v");
        }

        await fixture.RestartAsync();

        Assert.Empty(fixture.Node.Views);
        Assert.Empty(disk.List(fixture.Directory + "/views"));
    }

    [Fact]
    public async Task A_failed_snapshot_harms_nothing()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(Options, disk: disk);
        EventStream stream = await fixture.DefineAsync("s", Votes);
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 500).Select(i => Vote($"{i}", $"u{i}")));
        disk.FailWhen(one => one.Path.Contains(".snapshot", StringComparison.Ordinal), NoSpace);

        await Assert.ThrowsAnyAsync<WeirException>(() => stream.PartitionList[0].SnapshotAsync());
        Assert.Equal(new IngestTotals { Counted = 1, Duplicate = 1 }, await NodeFixture.SendAsync(stream, Vote("7", "u7"), Vote("n", "n")));
        disk.ClearFaults();
        await stream.PartitionList[0].SnapshotAsync();

        EventStream again = await fixture.RestartAsync("s");
        Assert.True(again.PartitionList[0].ReplayedFrom > 500);
        Assert.Equal(501, again.VerdictTotals[(int)Verdict.Counted]);
    }

    [Fact]
    public async Task A_full_queue_refuses_and_takes_again_when_it_has_drained()
    {
        var disk = new SimulatedDisk();
        using var held = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        await using NodeFixture fixture = await NodeFixture.StartAsync(
            directory => new NodeOptions { DataDirectory = directory, QueueBytesPerPartition = 4096, PublishInterval = TimeSpan.FromMilliseconds(10) }, disk: disk);
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        await NodeFixture.SendAsync(stream, """{"id":"0"}""");
        disk.FailWhen(
            one =>
            {
                if (one.Name == "fdatasync" && one.Path.Contains(".log", StringComparison.Ordinal))
                {
                    entered.Set();
                    held.Wait(TimeSpan.FromSeconds(30));
                }

                return false;
            },
            InputOutputError);
        string padding = new('x', 1500);
        Task<IngestTotals> flushing = NodeFixture.SendAsync(stream, $$"""{"id":"1","p":"{{padding}}"}""");
        Assert.True(entered.Wait(TimeSpan.FromSeconds(30)));

        Task<IngestTotals> second = NodeFixture.SendAsync(stream, $$"""{"id":"2","p":"{{padding}}"}""");
        Task<IngestTotals> third = NodeFixture.SendAsync(stream, $$"""{"id":"3","p":"{{padding}}"}""");
        using IngestBatch batch = stream.NewBatch();
        batch.Add(Encoding.UTF8.GetBytes($$"""{"id":"4","p":"{{padding}}"}"""), EventHeaders.None);
        await batch.SubmitAsync();

        Assert.Equal(ErrorCode.QueueFull, batch.OutcomeOf(0).Code);
        Assert.Equal(OutcomeKind.Unknown, batch.OutcomeOf(0).Kind);
        held.Set();
        disk.ClearFaults();
        Assert.All(await Task.WhenAll(flushing, second, third), totals => Assert.Equal(new IngestTotals { Counted = 1 }, totals));
        Assert.Equal(new IngestTotals { Counted = 1 }, await NodeFixture.SendAsync(stream, """{"id":"4"}"""));
        Assert.Equal(0, stream.Partitions[0].QueuedBytes);
    }

    [Fact]
    public async Task When_memory_is_used_up_known_owners_are_answered_and_new_ones_refused()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"key":"user","id":"id","claim":{"by":"user"},"on-invalid":"dead-letter","limits":{"state_bytes":100000}}""");
        int known = 0;
        for (IngestTotals totals = default; totals.Refused == 0; known++)
        {
            totals = await NodeFixture.SendAsync(stream, Vote($"{known}", $"u{known}"));
        }

        known--;
        using IngestBatch batch = stream.NewBatch();
        string[] events = [Vote("0", "u0"), Vote("new", "newcomer"), Vote("other", "u1"), "not json", Vote("new2", "newcomer2"), Vote($"{known - 1}", $"u{known - 1}")];
        foreach (string one in events)
        {
            batch.Add(Encoding.UTF8.GetBytes(one), EventHeaders.None);
        }

        await batch.SubmitAsync();

        Assert.Equal(new IngestTotals { Duplicate = 2, Taken = 1, Invalid = 1, Refused = 2 }, batch.Totals);
        Assert.Equal([Verdict.Duplicate, Verdict.None, Verdict.Taken, Verdict.Invalid, Verdict.None, Verdict.Duplicate], Enumerable.Range(0, 6).Select(i => batch.OutcomeOf(i).Verdict));
        Assert.Equal(ErrorCode.StateFull, batch.OutcomeOf(1).Code);
        Assert.Equal(1, batch.OutcomeOf(0).Offset);
        Assert.Equal(new IngestTotals { Refused = 3 }, await NodeFixture.SendAsync(stream, Vote("a", "n1"), Vote("b", "n2"), Vote("c", "n3")));
        await AssertReplayAgreesAsync(fixture, stream);
    }

    [Fact]
    public async Task With_keep_last_a_known_owner_cannot_use_up_memory_either()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"key":"user","id":"id","claim":{"by":"user","keep":"last"},"limits":{"state_bytes":100000}}""");
        IngestTotals totals = default;
        for (int i = 0; i < 20_000 && totals.Refused == 0; i++)
        {
            totals = await NodeFixture.SendAsync(stream, Vote($"{i}", "ada"));
        }

        Assert.Equal(new IngestTotals { Refused = 1 }, totals);
        Assert.Equal(new IngestTotals { Duplicate = 1 }, await NodeFixture.SendAsync(stream, Vote("0", "ada")));
    }

    internal static NodeOptions Options(string directory) => new() { DataDirectory = directory, PublishInterval = TimeSpan.FromMilliseconds(10), WriterThreads = 2, FlusherThreads = 2 };

    private static async Task AssertReplayAgreesAsync(NodeFixture fixture, EventStream stream)
    {
        UInt128[] live = await NodeTests.HashesOf(stream);
        EventStream again = await fixture.RestartAsync(stream.Name);
        Assert.Equal(live, await NodeTests.HashesOf(again));
    }

    private static string Vote(string id, string user) => $$"""{"id":"{{id}}","user":"{{user}}"}""";
}
