using System.Globalization;
using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.TestKit;

namespace Weir.SweepTests;

/// <summary>
/// A data directory with every kind of file in it, made by the real engine on the simulated disk, and what its senders were told. Two states of it: after a
/// clean stop, and as a crash leaves it right after an acknowledgement (<see cref="Crashed"/>); and files as they were earlier.
/// </summary>
internal sealed class SmallStore
{
    public const string Directory = "/data";
    public const string Votes = "votes";
    public const string Clicks = "clicks";
    public const string Prefs = "prefs";

    private const string VotesDefinition = """{"partitions":2,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"},"on-invalid":"dead-letter"}""";
    private const string VotesDefinitionLater = """{"partitions":2,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"},"on-invalid":"dead-letter","retention":"1GiB"}""";
    private const string ClicksDefinition = """{"partitions":2,"id":"id","retention":"4KiB"}""";
    private const string PrefsDefinition = """{"partitions":1,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"last"}}""";

    private readonly List<SentEvent> _sent = [];
    private readonly Dictionary<(string Stream, int Partition), long> _beforeLastFlush = [];
    private int _number;

    private SmallStore()
    {
    }

    /// <summary>Files of the store after a clean stop.</summary>
    public IReadOnlyDictionary<string, byte[]> Stopped { get; private set; } = new Dictionary<string, byte[]>();

    /// <summary>Files as they were at moments before, newest last.</summary>
    public List<IReadOnlyDictionary<string, byte[]>> Earlier { get; } = [];

    /// <summary>Files after a kill right behind the last acknowledgement: the last flush has no proof yet.</summary>
    public IReadOnlyDictionary<string, byte[]> Crashed { get; private set; } = new Dictionary<string, byte[]>();

    /// <summary>Every event that was acknowledged, with what its sender was told.</summary>
    public IReadOnlyList<SentEvent> Sent => _sent;

    /// <summary>Where the very last flush of a partition before the crash began.</summary>
    public long BeforeLastFlush(string stream, int partition) => _beforeLastFlush[(stream, partition)];

    public static NodeOptions Options => new()
    {
        DataDirectory = Directory,
        WriterThreads = 1,
        FlusherThreads = 1,
        SegmentBytes = 2 << 10,
        PublishInterval = TimeSpan.FromMilliseconds(1),
        MinFreeDiskBytes = 0,
        MemoryBytes = 1 << 30,
    };

    public static WeirNode Open(SimulatedDisk disk, Action<EngineEvent, string> report)
    {
        // Ids and secrets are part of the bytes that are swept: a seed names a bit only when they are the same each time.
        var random = new Random(7);
        return WeirNode.Create(
            Options,
            disk,
            new FakeTime(),
            count =>
            {
                var bytes = new byte[count];
                random.NextBytes(bytes);
                return bytes;
            },
            report);
    }

    public static async Task<SmallStore> MakeAsync()
    {
        var store = new SmallStore();
        var disk = new SimulatedDisk();
        WeirNode node = Open(disk, static (_, _) => { });
        await node.StartAsync();
        EventStream votes = await DefineAsync(node, Votes, VotesDefinition);
        EventStream clicks = await DefineAsync(node, Clicks, ClicksDefinition);
        EventStream prefs = await DefineAsync(node, Prefs, PrefsDefinition);
        await node.DefineViewAsync("results", new ViewDefinition("SELECT choice, count(*) AS n FROM votes GROUP BY choice"));
        await node.DefineViewAsync("pages", new ViewDefinition("SELECT choice, count(*) AS n FROM clicks GROUP BY choice"));
        await node.DefineViewAsync("likes", new ViewDefinition("SELECT choice, sum(n) AS n FROM prefs GROUP BY choice"));

        await store.SendAsync(votes, 6, 8);
        await store.SendAsync(clicks, 6, 8);
        await store.SendAsync(prefs, 3, 6);
        store.Earlier.Add(disk.Files());
        foreach (Partition partition in votes.PartitionList.Concat(prefs.PartitionList))
        {
            await partition.SnapshotAsync();
        }

        await node.StopAsync();
        store.Earlier.Add(disk.Files());

        (node, votes, clicks, prefs) = await ReopenAsync(disk);
        await node.DefineViewAsync("results", new ViewDefinition("SELECT choice, count(*) AS n FROM votes WHERE choice < 'z' GROUP BY choice"));
        await DefineAsync(node, Votes, VotesDefinitionLater);
        await node.DefineViewAsync("gone", new ViewDefinition("SELECT count(*) AS n FROM votes"));
        await node.DeleteViewAsync("gone");
        await store.SendAsync(votes, 6, 8);
        await store.SendAsync(clicks, 8, 8);
        await store.SendAsync(prefs, 2, 6);
        node.RetainOnce();
        foreach (Partition partition in votes.PartitionList)
        {
            await partition.SnapshotAsync();
        }

        node.MakeKeyFiles();
        store.Earlier.Add(disk.Files());
        await store.SendAsync(clicks, 2, 8);
        await store.SendAsync(votes, 2, 8);
        await store.SendAsync(prefs, 1, 6);
        foreach (EventStream stream in node.Streams)
        {
            for (int partition = 0; partition < stream.PartitionCount; partition++)
            {
                store._beforeLastFlush[(stream.Name, partition)] = stream.Partitions[partition].FlushedEnd;
            }
        }

        await store.SendAsync(votes, 1, 8);
        await store.SendAsync(clicks, 1, 8);
        await store.SendAsync(prefs, 1, 4);
        store.Crashed = disk.Files();
        await node.StopAsync();
        store.Stopped = disk.Files();
        return store;
    }

    /// <summary>A disk that holds these files, as if it always had.</summary>
    public static SimulatedDisk DiskOf(IReadOnlyDictionary<string, byte[]> files)
    {
        var disk = new SimulatedDisk();
        foreach ((string path, byte[] content) in files)
        {
            disk.Plant(path, content);
        }

        return disk;
    }

    private static async Task<(WeirNode Node, EventStream Votes, EventStream Clicks, EventStream Prefs)> ReopenAsync(SimulatedDisk disk)
    {
        WeirNode node = Open(disk, static (_, _) => { });
        await node.StartAsync();
        EventStream[] found = [.. ((string[])[Votes, Clicks, Prefs]).Select(name => node.Streams.Single(stream => stream.Name == name))];
        return (node, found[0], found[1], found[2]);
    }

    private static Task<EventStream> DefineAsync(WeirNode node, string name, string json) => node.DefineStreamAsync(name, StreamDefinition.Parse(Encoding.UTF8.GetBytes(json)));

    // Each batch has new owners, retries, and owners who try again.
    private async Task SendAsync(EventStream stream, int batches, int events)
    {
        for (int b = 0; b < batches; b++)
        {
            using IngestBatch batch = stream.NewBatch();
            var values = new List<string>();
            for (int i = 0; i < events; i++)
            {
                int number = i % 4 == 3 ? _number / 2 : _number++;
                string id = i % 8 == 5 ? "again" + _number.ToString(CultureInfo.InvariantCulture) : "e" + number.ToString(CultureInfo.InvariantCulture);
                values.Add($$"""{"id":"{{id}}","user":"u{{number % 97}}","choice":"{{(char)('a' + (number % 3))}}","n":{{number % 10}}}""");
                batch.Add(Encoding.UTF8.GetBytes(values[^1]), EventHeaders.None);
            }

            await batch.SubmitAsync();
            for (int i = 0; i < events; i++)
            {
                EventOutcome outcome = batch.OutcomeOf(i);
                Assert.True(outcome.Kind == OutcomeKind.Decided, $"{outcome} {values[i]} {stream.Partitions[Math.Max(0, outcome.Partition)]}");
                _sent.Add(new SentEvent(stream.Name, outcome.Partition, outcome.Offset, values[i], outcome.Verdict));
            }
        }
    }
}

/// <summary>An acknowledged event. A duplicate's offset is that of its original.</summary>
internal sealed record SentEvent(string Stream, int Partition, long Offset, string Value, Verdict Verdict);
