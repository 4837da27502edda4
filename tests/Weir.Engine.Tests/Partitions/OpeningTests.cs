using Weir.Core;
using Weir.TestKit;

namespace Weir.Engine.Tests;

/// <summary>Disks that fail while a node starts: what concerns one partition or stream leaves the others alone, and what can be read is read.</summary>
public sealed class OpeningTests
{
    private const int InputOutputError = 5;
    private const int TooManyFiles = 24;
    private const int NoSpace = 28;
    private const int ReadOnlyFileSystem = 30;

    private const string Votes = """{"partitions":2,"key":"user","id":"id","claim":{"by":"user"}}""";
    private const string Count = "SELECT count(*) AS n FROM s";

    [Fact]
    public async Task On_a_full_disk_a_start_reads_refuses_writes_with_507_and_serves_when_there_is_room()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
        EventStream stream = await FilledAsync(fixture);
        (long Offset, Verdict Verdict)[][] before = [.. Read(stream)];

        // The process dies with the next thing it writes: the proof of the last flush. So there is a tail that only a new segment can make sure.
        disk.CrashAtChange(disk.Changes + 1);
        Task unanswered = NodeFixture.SendAsync(stream, Vote("x", "x"));
        await Task.WhenAny(unanswered, fixture.Node.Failure).WaitAsync(TimeSpan.FromSeconds(30));
        await fixture.Node.StopAsync();
        fixture.Disk = disk = disk.Kill();
        disk.CapacityBytes -= disk.FreeBytes("/");
        stream = await fixture.RestartAsync("s");

        PartitionStatus[] unwritable = [.. stream.Partitions.Where(one => one.State == PartitionState.Unwritable)];
        Assert.NotEmpty(unwritable);
        Assert.All(unwritable, one => Assert.Contains("(errno 28)", one.Reason, StringComparison.Ordinal));
        Assert.All(Read(stream).Zip(before), pair => Assert.Equal(pair.Second, pair.First[..pair.Second.Length]));
        Assert.Contains(await fixture.RowsAsync("v"), (string[])["""[{"n":200}]""", """[{"n":201}]"""]);
        using (IngestBatch batch = BatchFor(stream, unwritable[0].Partition))
        {
            await batch.SubmitAsync();
            Assert.Equal(new IngestTotals { Unknown = 1 }, batch.Totals);
            Assert.Equal(ErrorCode.DiskFull, batch.OutcomeOf(0).Code);
        }

        disk.CapacityBytes = long.MaxValue;
        foreach (PartitionStatus _ in unwritable)
        {
            await fixture.WaitForAsync(EngineEvent.PartitionRecovered);
        }

        Assert.All(stream.Partitions, one => Assert.Equal((PartitionState.Serving, null), (one.State, one.Reason)));
        Assert.All(Read(stream).Zip(before), pair => Assert.Equal(pair.Second, pair.First[..pair.Second.Length]));
        IngestTotals retried = await NodeFixture.SendAsync(stream, Voters().Append(Vote("x", "x")));
        Assert.Equal((201, 0), ((int)(retried.Duplicate + retried.Counted), (int)retried.Taken));
        Assert.InRange(retried.Counted, 0, 1);
        Assert.Equal("""[{"n":201}]""", await fixture.RowsAsync("v"));
        UInt128[] live = await NodeTests.HashesOf(stream);
        Assert.Equal(live, await NodeTests.HashesOf(await fixture.RestartAsync("s")));
    }

    [Theory]
    [InlineData(NoSpace)]
    [InlineData(ReadOnlyFileSystem)]
    public async Task A_disk_that_takes_no_verdicts_while_the_log_is_replayed_still_gives_every_verdict_to_readers(int errno)
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
        EventStream stream = await FilledAsync(fixture);

        // 4096 verdicts fill a block: some blocks are full, one is not.
        await NodeFixture.SendAsync(stream, Enumerable.Range(0, 20_000).Select(i => Vote($"m{i}", $"u{i % 9000}")));
        (long Offset, Verdict Verdict)[][] before = [.. Read(stream)];
        await fixture.Node.StopAsync();
        int readFrom = disk.Operations.Count;
        disk.FailWhen(one => one.Name is "pwrite" or "unlink" or "ftruncate" && one.Path.Contains("/streams/", StringComparison.Ordinal), errno);

        stream = await fixture.RestartAsync("s");

        Assert.All(stream.Partitions, one => Assert.Equal(PartitionState.Unwritable, one.State));
        Assert.Equal(before, Read(stream));
        Assert.DoesNotContain(disk.Operations.Skip(readFrom), one => one.Path.Contains(".verdicts", StringComparison.Ordinal) && one is { Name: "pwrite", Errno: 0 });
        await fixture.Node.DefineViewAsync("late", new ViewDefinition(Count));
        Assert.Equal(await fixture.RowsAsync("v"), await fixture.RowsAsync("late"));
        Assert.Equal(errno == NoSpace ? ErrorCode.DiskFull : ErrorCode.PartitionStopped, await CodeOfAsync(stream, partition: 0));

        disk.ClearFaults();
        await fixture.WaitForAsync(EngineEvent.PartitionRecovered);
        await fixture.WaitForAsync(EngineEvent.PartitionRecovered);
        Assert.Equal(before, Read(stream));
        Assert.Null(await CodeOfAsync(stream, partition: 0));
    }

    [Fact]
    public async Task What_cannot_be_written_again_is_not_read_before_it_is_and_the_reason_says_how_much_waits()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
        EventStream stream = await FilledAsync(fixture);
        string before = await fixture.RowsAsync("v");

        // Written whole, and not flushed.
        disk.FailWhen(one => one.Name == "fdatasync", InputOutputError);
        await NodeFixture.SendAsync(stream, Voters().Select(vote => vote.Replace("\"id\":\"", "\"id\":\"again-", StringComparison.Ordinal)));
        await fixture.Node.StopAsync();
        disk.FailWhen(one => one.Name == "pwrite" || (one.Name == "fdatasync" && one.Path.EndsWith(".log", StringComparison.Ordinal)), InputOutputError);

        stream = await fixture.RestartAsync("s");

        Assert.All(stream.Partitions, one => Assert.Equal(PartitionState.Unwritable, one.State));
        Assert.Contains(stream.Partitions, one => one.Reason!.Contains("have no proof of a flush and wait to be written again", StringComparison.Ordinal));
        Assert.InRange(Read(stream).Sum(one => one.Length), 2, 202);

        // Rows of less than the whole log could be fewer than somebody has read.
        Assert.True(fixture.Node.TryGetView("v", out View? view));
        Assert.NotEqual(ViewState.Live, view.State);

        disk.ClearFaults();
        await fixture.WaitForAsync(EngineEvent.PartitionRecovered);
        await fixture.WaitForAsync(EngineEvent.PartitionRecovered);
        Assert.Equal("""[{"n":200}]""", before);
        Assert.Equal(before, await fixture.RowsAsync("v"));
    }

    [Theory]
    [InlineData("open")]
    [InlineData("pread")]
    public async Task A_segment_that_cannot_be_read_leaves_its_partition_read_only_and_the_others_serving(string operation)
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
        await FilledAsync(fixture);
        await fixture.Node.StopAsync();
        disk.FailWhen(one => one.Name == operation && one.Path.Contains("/1/", StringComparison.Ordinal) && one.Path.EndsWith(".log", StringComparison.Ordinal), InputOutputError);

        EventStream stream = await fixture.RestartAsync("s");

        Assert.Equal([PartitionState.Serving, PartitionState.ReadOnly], stream.Partitions.Select(one => one.State));
        Assert.Contains("/1/", stream.Partitions[1].Reason, StringComparison.Ordinal);
        Assert.Contains("(errno 5)", stream.Partitions[1].Reason, StringComparison.Ordinal);
        Assert.Null(await CodeOfAsync(stream, partition: 0));
        Assert.Equal(ErrorCode.PartitionReadOnly, await CodeOfAsync(stream, partition: 1));
        Assert.NotEmpty(stream.ReadEvents(0, 0, 1000));
    }

    [Fact]
    public async Task A_stream_with_a_stopped_partition_is_neither_closed_nor_opened_and_says_so_at_once()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
        await FilledAsync(fixture);
        await fixture.Node.StopAsync();
        disk.FailWhen(one => one.Name == "open" && one.Path.Contains("/1/", StringComparison.Ordinal) && one.Path.EndsWith(".log", StringComparison.Ordinal), Storage.DiskException.NoAccess);

        EventStream stream = await fixture.RestartAsync("s");

        Assert.Equal([PartitionState.Serving, PartitionState.Stopped], stream.Partitions.Select(one => one.State));
        await Assert.ThrowsAsync<WeirException>(() => stream.CloseAsync().WaitAsync(TimeSpan.FromSeconds(20)));
        await Assert.ThrowsAsync<WeirException>(() => stream.OpenAsync(reopen: true).WaitAsync(TimeSpan.FromSeconds(20)));
        disk.ClearFaults();
    }

    [Fact]
    public async Task A_partition_that_cannot_be_opened_is_tried_again_while_the_others_serve_and_its_views_wait_for_it()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
        await FilledAsync(fixture);
        await fixture.DefineAsync("other", """{"partitions":1,"id":"id"}""");
        await fixture.Node.StopAsync();
        disk.FailWhen(one => one.Name == "open" && one.Path.Contains("/s-", StringComparison.Ordinal) && one.Path.Contains("/1/", StringComparison.Ordinal), TooManyFiles);

        EventStream stream = await fixture.RestartAsync("s");

        Assert.Equal([PartitionState.Serving, PartitionState.Stopped], stream.Partitions.Select(one => one.State));
        Assert.Contains("(errno 24)", stream.Partitions[1].Reason, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.PartitionStopped, await CodeOfAsync(stream, partition: 1));
        Assert.Equal(ErrorCode.PartitionStopped, Assert.ThrowsAny<WeirException>(() => stream.ReadEvents(1, 0, 10)).Code);
        Assert.True(fixture.Node.TryGetView("v", out View? view));
        Assert.Equal(ViewState.Building, view.State);
        Assert.Contains("(errno 24)", view.WaitsFor, StringComparison.Ordinal);
        Assert.True(fixture.Node.TryGetStream("other", out EventStream? other));
        Assert.Equal(1, (await NodeFixture.SendAsync(other, """{"id":"1"}""")).Counted);

        disk.ClearFaults();
        await fixture.WaitForAsync(EngineEvent.PartitionRecovered);
        Assert.Equal("""[{"n":200}]""", await fixture.RowsAsync("v"));

        // Its rows are merged a moment before it is called live.
        Assert.True(SpinWait.SpinUntil(() => view.State == ViewState.Live, TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task A_stream_whose_definition_cannot_be_read_is_named_and_never_begun_anew()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
        await FilledAsync(fixture);
        await fixture.DefineAsync("other", """{"partitions":1,"id":"id"}""");
        await fixture.Node.StopAsync();
        disk.FailWhen(one => one.Name == "pread" && one.Path.Contains("/s-", StringComparison.Ordinal) && one.Path.EndsWith("definition.json", StringComparison.Ordinal), InputOutputError);

        await fixture.RestartAsync();

        Assert.Contains("(errno 5)", fixture.Node.Unreadable["s"], StringComparison.Ordinal);
        Assert.Contains("stream s", fixture.Node.Unreadable["view v"], StringComparison.Ordinal);
        Assert.Equal("other", Assert.Single(fixture.Node.Streams).Name);
        Assert.Equal(ErrorCode.DiskError, (await Assert.ThrowsAsync<WeirException>(() => fixture.DefineAsync("s", Votes))).Code);
        Assert.Equal(ErrorCode.DiskError, (await Assert.ThrowsAsync<WeirException>(() => fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS n FROM other")))).Code);

        disk.ClearFaults();
        EventStream stream = await fixture.RestartAsync("s");
        Assert.Equal(200, stream.VerdictTotals[(int)Verdict.Counted]);
        Assert.Equal("""[{"n":200}]""", await fixture.RowsAsync("v"));
    }

    [Fact]
    public async Task A_change_of_the_definition_that_a_full_disk_did_not_take_is_made_when_there_is_room()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
        EventStream stream = await FilledAsync(fixture);
        string changed = Votes.Replace("\"claim\"", "\"grace\":\"3s\",\"claim\"", StringComparison.Ordinal);

        // definition.json takes it, the logs do not; and the process ends.
        disk.FailWhen(one => one.Name == "pwrite" && IsNewSegment(one), NoSpace);
        await Assert.ThrowsAnyAsync<WeirException>(() => fixture.DefineAsync("s", changed));
        stream = await fixture.RestartAsync("s");

        Assert.Equal(TimeSpan.FromSeconds(3), stream.Definition.Grace);
        Assert.All(stream.Partitions, one => Assert.Equal(PartitionState.Unwritable, one.State));
        Assert.Equal(ErrorCode.DiskFull, await CodeOfAsync(stream, partition: 1));
        Assert.Equal("""[{"n":200}]""", await fixture.RowsAsync("v"));

        disk.ClearFaults();
        await fixture.WaitForAsync(EngineEvent.PartitionRecovered);
        await fixture.WaitForAsync(EngineEvent.PartitionRecovered);
        Assert.All(Enumerable.Range(0, 2), partition => Assert.Equal(2, stream.ReadEvents(partition, 0, 1000).Count(one => one.Marker == MarkerType.Define)));
        Assert.Null(await CodeOfAsync(stream, partition: 1));
    }

    [Fact]
    public async Task A_running_partition_that_a_full_disk_stopped_answers_507_until_there_is_room()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
        EventStream stream = await FilledAsync(fixture);
        await fixture.RowsAsync("v");
        disk.FailWhen(one => one.Name == "pwrite" && IsNewSegment(one), NoSpace);

        Assert.Equal(ErrorCode.PartitionStopped, await CodeOfAsync(stream, partition: 0));
        Assert.Equal(ErrorCode.DiskFull, await CodeOfAsync(stream, partition: 0));
        Assert.Equal("""[{"n":200}]""", await fixture.RowsAsync("v"));

        disk.ClearFaults();
        await fixture.WaitForAsync(EngineEvent.PartitionRecovered);
        Assert.Null(await CodeOfAsync(stream, partition: 0));
    }

    [Fact]
    public async Task A_stream_on_a_full_disk_can_be_deleted_and_the_node_stopped()
    {
        var disk = new SimulatedDisk();
        await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
        await FilledAsync(fixture);
        await fixture.Node.StopAsync();
        disk.FailWhen(one => one.Name == "pwrite" && one.Path.Contains("/streams/", StringComparison.Ordinal), NoSpace);
        await fixture.RestartAsync("s");

        await fixture.Node.DeleteViewAsync("v");
        await fixture.Node.DeleteStreamAsync("s").WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Empty(fixture.Node.Streams);
        await fixture.Node.StopAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("*.log")]
    public async Task A_partition_whose_files_were_deleted_is_read_only_and_says_so_and_never_begins_anew(string pattern)
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await FilledAsync(fixture);
        await fixture.Node.StopAsync();
        string partition = Directory.EnumerateDirectories(fixture.Directory, "0", SearchOption.AllDirectories).Single();
        if (pattern.Length == 0)
        {
            Directory.Delete(partition, recursive: true);
        }
        else
        {
            foreach (string file in Directory.GetFiles(partition, pattern))
            {
                File.Delete(file);
            }
        }

        stream = await fixture.RestartAsync("s");

        Assert.Equal([PartitionState.ReadOnly, PartitionState.Serving], stream.Partitions.Select(one => one.State));
        Assert.Contains("there is no segment", stream.Partitions[0].Reason, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.PartitionReadOnly, await CodeOfAsync(stream, partition: 0));
        Assert.Empty(Directory.Exists(partition) ? Directory.GetFiles(partition, "*.log") : []);
    }

    [Fact]
    public async Task A_crash_while_a_stream_is_made_leaves_no_stream_or_a_whole_one()
    {
        bool isFinished = false;
        for (int change = 1; !isFinished; change++)
        {
            var disk = new SimulatedDisk();
            await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
            disk.CrashAtChange(disk.Changes + change);
            try
            {
                await fixture.DefineAsync("s", Votes);
                isFinished = true;
            }
            catch (SimulatedCrashException)
            {
            }

            await fixture.Node.StopAsync();
            fixture.Disk = disk.LosePower(new Random(change));
            await fixture.RestartAsync();
            EventStream stream = await fixture.DefineAsync("s", Votes);
            Assert.All(stream.Partitions, one => Assert.Equal(PartitionState.Serving, one.State));
            Assert.Equal(1, (await NodeFixture.SendAsync(stream, Vote("a", "a"))).Counted);
        }
    }

    [Fact]
    public async Task A_stream_whose_definition_a_killed_process_left_unflushed_outlives_the_next_power_loss()
    {
        bool isFinished = false;
        for (int change = 1; !isFinished; change++)
        {
            var disk = new SimulatedDisk();
            await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
            disk.CrashAtChange(disk.Changes + change);
            try
            {
                await fixture.DefineAsync("s", Votes);
                isFinished = true;
            }
            catch (SimulatedCrashException)
            {
            }

            await fixture.Node.StopAsync();
            fixture.Disk = disk = disk.Kill();
            await fixture.RestartAsync();
            if (!fixture.Node.TryGetStream("s", out EventStream? stream))
            {
                continue;
            }

            Assert.Equal(1, (await NodeFixture.SendAsync(stream, Vote("a", "a"))).Counted);
            disk.Die();
            for (int seed = 0; seed < 5; seed++)
            {
                await fixture.Node.StopAsync();
                fixture.Disk = disk.LosePower(new Random(seed));
                stream = await fixture.RestartAsync("s");
                Assert.Equal(1, stream.VerdictTotals[(int)Verdict.Counted]);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Whichever_reads_of_a_verdict_file_fail_every_verdict_is_known_after_the_start(int failures)
    {
        int reads = failures;
        for (int failing = 0; failing < reads; failing++)
        {
            var disk = new SimulatedDisk();
            await using NodeFixture fixture = await NodeFixture.StartAsync(NoFloor, disk: disk);
            EventStream stream = await FilledAsync(fixture);
            (long Offset, Verdict Verdict)[][] before = [.. Read(stream)];
            await Task.WhenAll(stream.PartitionList.Select(partition => partition.SnapshotAsync()));
            await fixture.Node.StopAsync();
            int read = -1;
            disk.FailWhen(operation => operation.Name == "pread" && operation.Path.EndsWith("/0/00000000000000000000.verdicts", StringComparison.Ordinal) && ++read >= failing && read < failing + failures, InputOutputError);
            stream = await fixture.RestartAsync("s");
            reads = Math.Max(reads, read + 1);
            disk.ClearFaults();

            Assert.Equal(before, Read(stream));
            await fixture.Node.DefineViewAsync("w", new ViewDefinition(Count));
            Assert.Equal("""[{"n":200}]""", await fixture.RowsAsync("w"));
        }

        Assert.True(reads > failures, "No read of the file was seen.");
    }

    private static NodeOptions NoFloor(string directory) =>
        new() { DataDirectory = directory, PublishInterval = TimeSpan.FromMilliseconds(10), WriterThreads = 2, FlusherThreads = 2, MinFreeDiskBytes = 0 };

    // A segment gets its name when it is complete, and the handle that it is appended to by keeps the one that it was opened by.
    private static bool IsNewSegment(DiskOperation operation) => operation.Path.EndsWith(".log.tmp", StringComparison.Ordinal);

    private static async Task<EventStream> FilledAsync(NodeFixture fixture)
    {
        EventStream stream = await fixture.DefineAsync("s", Votes);
        await fixture.Node.DefineViewAsync("v", new ViewDefinition(Count));
        foreach (string[] chunk in Voters().Chunk(20))
        {
            Assert.Equal(chunk.Length, (await NodeFixture.SendAsync(stream, chunk)).Counted);
        }

        return stream;
    }

    private static IEnumerable<string> Voters() => Enumerable.Range(0, 200).Select(i => Vote($"{i}", $"u{i}"));

    private static IEnumerable<(long Offset, Verdict Verdict)[]> Read(EventStream stream) =>
        stream.PartitionList.Select(partition => stream.ReadEvents(partition.Id, 0, 100_000).Select(one => (one.Offset, one.Verdict)).ToArray());

    /// <summary>What an event for a partition is answered with; null: it was decided.</summary>
    private static async Task<ErrorCode?> CodeOfAsync(EventStream stream, int partition)
    {
        using IngestBatch batch = BatchFor(stream, partition);
        await batch.SubmitAsync();
        EventOutcome outcome = batch.OutcomeOf(0);
        return outcome.Kind == OutcomeKind.Decided ? null : outcome.Code;
    }

    private static IngestBatch BatchFor(EventStream stream, int partition)
    {
        for (int i = 0; ; i++)
        {
            string user = $"late-{partition}-{i}";
            if (Partitioner.PartitionOf(stream.Definition.Partitioner, System.Text.Encoding.UTF8.GetBytes(user), stream.PartitionCount) == partition)
            {
                IngestBatch batch = stream.NewBatch();
                batch.Add(System.Text.Encoding.UTF8.GetBytes(Vote(user, user)), EventHeaders.None);
                return batch;
            }
        }
    }

    private static string Vote(string id, string user) => $$"""{"id":"{{id}}","user":"{{user}}"}""";
}
