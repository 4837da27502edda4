using System.Collections.Concurrent;
using System.Text.Json;
using Weir.Core;
using Weir.TestKit;

namespace Weir.Engine.Tests;

/// <summary>
/// The process dies, or the power goes, at a disk operation chosen by a seed, under load; the oracle is what clients were told.
/// I1: what was acknowledged is counted once, however often it is sent again. I2: nothing else is counted. I4: view, replay and totals agree.
/// I5: offsets have no gaps.
/// </summary>
public sealed class CrashTests
{
    private const int Senders = 3;

    public static TheoryData<int, bool> Seeds
    {
        get
        {
            var seeds = new TheoryData<int, bool>();
            for (int seed = 0; seed < 24; seed++)
            {
                seeds.Add(seed, seed % 3 == 0);
            }

            return seeds;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Nothing_acknowledged_is_lost_and_nothing_is_counted_twice(int seed, bool keepLast)
    {
        var random = new Random(seed);
        var disk = new SimulatedDisk();
        var acknowledged = new ConcurrentDictionary<string, bool>();
        var sent = new ConcurrentDictionary<string, bool>();
        string definition = keepLast ? """{"partitions":2,"key":"user","id":"id","claim":{"by":"user","keep":"last"}}""" : """{"partitions":2,"id":"id"}""";
        NodeFixture fixture = await NodeFixture.StartAsync(Small, disk: disk);
        await fixture.DefineAsync("s", definition);
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT count(*) AS n FROM s"));
        int next = 0;
        for (int life = 0; life < 3; life++)
        {
            Assert.True(fixture.Node.TryGetStream("s", out EventStream? stream));

            // By hand, and before the end draws near: the tables of so few owners are larger than the log that would be due for a snapshot, and
            // copying them takes more rounds than are left then. What is sent from here on lies behind it; another one may be on its way at the end.
            await Task.WhenAll(stream.PartitionList.Select(partition => partition.SnapshotAsync()));
            disk.CrashAtChange(disk.Changes + random.Next(1, 250));
            Task unfinished = stream.PartitionList[random.Next(2)].SnapshotAsync();
            Task load = Task.WhenAll(Enumerable.Range(0, Senders).Select(_ => SendUntilItFailsAsync(stream, acknowledged, sent, () => Interlocked.Increment(ref next))));
            await Task.WhenAny(load, fixture.Node.Failure).WaitAsync(TimeSpan.FromSeconds(60));
            await fixture.Node.StopAsync();
            await load.WaitAsync(TimeSpan.FromSeconds(60));
            await unfinished.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(60));
            disk = random.Next(3) == 0 ? disk.Kill() : disk.LosePower(random);
            fixture.Disk = disk;
            await fixture.RestartAsync();
        }

        Assert.True(fixture.Node.TryGetStream("s", out EventStream? last));
        IngestTotals again = await NodeFixture.SendAsync(last, sent.Keys.Order(StringComparer.Ordinal).Select(Event));
        IngestTotals acks = await NodeFixture.SendAsync(last, acknowledged.Keys.Select(Event));

        Assert.Equal(acknowledged.Count, acks.Duplicate);
        Assert.Equal(sent.Count, again.Duplicate + again.Counted + again.Replaced);
        Assert.InRange(again.Duplicate, acknowledged.Count, sent.Count);
        Assert.Equal(sent.Count, last.VerdictTotals[(int)Verdict.Counted] + last.VerdictTotals[(int)Verdict.Replaced]);
        long standing = last.VerdictTotals[(int)Verdict.Counted];
        string rows = await fixture.RowsAsync("v");
        Assert.Equal($$"""[{"n":{{standing}}}]""", rows);
        foreach (Partition partition in last.PartitionList)
        {
            IReadOnlyList<StoredEvent> events = last.ReadEvents(partition.Id, 0, 10_000);
            Assert.Equal(Enumerable.Range(0, events.Count).Select(i => (long)i), events.Select(one => one.Offset));
            Assert.All(events.Where(one => one.Marker is null), one => Assert.True(sent.ContainsKey(IdOf(one))));
            Assert.All(events.Where(one => one.Marker is null), one => Assert.NotEqual(Verdict.None, one.Verdict));
        }

        UInt128[] live = await NodeTests.HashesOf(last);
        last = await fixture.RestartAsync("s");

        // A snapshot may be from before the view was built; then it is built again.
        Assert.Equal(rows, await fixture.RowsAsync("v"));
        Assert.Equal(live, await NodeTests.HashesOf(last));
        await fixture.DisposeAsync();
    }

    private static async Task SendUntilItFailsAsync(EventStream stream, ConcurrentDictionary<string, bool> acknowledged, ConcurrentDictionary<string, bool> sent, Func<int> next)
    {
        for (int round = 0; round < 400; round++)
        {
            string[] ids = [.. Enumerable.Range(0, 1 + (next() % 7)).Select(_ => $"{next()}")];
            foreach (string id in ids)
            {
                sent.TryAdd(id, true);
            }

            using IngestBatch batch = stream.NewBatch();
            foreach (string id in ids)
            {
                batch.Add(System.Text.Encoding.UTF8.GetBytes(Event(id)), EventHeaders.None);
            }

            await batch.SubmitAsync();
            bool failed = false;
            for (int i = 0; i < ids.Length; i++)
            {
                EventOutcome outcome = batch.OutcomeOf(i);
                failed |= outcome.Kind == OutcomeKind.Unknown;
                if (outcome.Kind == OutcomeKind.Decided)
                {
                    acknowledged.TryAdd(ids[i], true);
                }
            }

            if (failed)
            {
                return;
            }
        }
    }

    private static NodeOptions Small(string directory) => new()
    {
        DataDirectory = directory,
        PublishInterval = TimeSpan.FromMilliseconds(10),
        WriterThreads = 2,
        FlusherThreads = 2,
        SegmentBytes = 8 << 10,
        SnapshotBytes = 12 << 10,
    };

    private static string Event(string id) => $$"""{"id":"{{id}}","user":"u{{int.Parse(id, System.Globalization.CultureInfo.InvariantCulture) % 20}}"}""";

    private static string IdOf(StoredEvent stored)
    {
        using JsonDocument document = JsonDocument.Parse(stored.Value);
        return document.RootElement.GetProperty("id").GetString()!;
    }
}
