using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.Storage;
using Weir.TestKit;

namespace Weir.FuzzTests;

/// <summary>The files of a small stream of one partition, made by the real engine on the simulated disk: what mutations begin with.</summary>
internal sealed class StoreFiles
{
    public const string Definition = """{"partitions":1,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"}}""";
    public const string Sql = "SELECT choice, count(*) AS n, sum(n) AS total, min(choice) AS least, latest(user) AS who FROM votes GROUP BY choice";

    private readonly IReadOnlyDictionary<string, byte[]> _files;

    private StoreFiles(IReadOnlyDictionary<string, byte[]> files, string directory, LogIdentity identity, string viewSection)
    {
        _files = files;
        Directory = directory;
        Identity = identity;
        ViewSection = viewSection;
    }

    public string Directory { get; }

    public LogIdentity Identity { get; }

    public string ViewSection { get; }

    public static StoreFiles Make()
    {
        var disk = new SimulatedDisk();
        var random = new Random(7);
        WeirNode node = WeirNode.Create(
            new NodeOptions { DataDirectory = "/data", WriterThreads = 1, FlusherThreads = 1, SegmentBytes = 2 << 10, MinFreeDiskBytes = 0, MemoryBytes = 1 << 30 },
            disk,
            new FakeTime(),
            count =>
            {
                var bytes = new byte[count];
                random.NextBytes(bytes);
                return bytes;
            },
            static (_, _) => { });
        return MakeAsync(node, disk).GetAwaiter().GetResult();
    }

    /// <summary>Paths and contents of the partition's files with this suffix, ascending.</summary>
    public IReadOnlyList<KeyValuePair<string, byte[]>> Of(string suffix) =>
        [.. _files.Where(file => file.Key.StartsWith(Directory + "/", StringComparison.Ordinal) && file.Key.EndsWith(suffix, StringComparison.Ordinal)).OrderBy(file => file.Key, StringComparer.Ordinal)];

    /// <summary>The first offset in a file's name.</summary>
    public static Offset OffsetOf(string path) => new(long.Parse(Path.GetFileNameWithoutExtension(path), System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>The log as it was written, open.</summary>
    public PartitionLog OpenLog()
    {
        var disk = new SimulatedDisk();
        foreach ((string path, byte[] content) in _files)
        {
            disk.Plant(path, content);
        }

        return PartitionLog.Open(disk, Directory, Identity, new LogOptions { SegmentBytes = 2 << 10 }, out _);
    }

    private static async Task<StoreFiles> MakeAsync(WeirNode node, SimulatedDisk disk)
    {
        await node.StartAsync();
        EventStream stream = await node.DefineStreamAsync("votes", StreamDefinition.Parse(Encoding.UTF8.GetBytes(Definition)));
        View view = await node.DefineViewAsync("results", new ViewDefinition(Sql));
        for (int round = 0; round < 12; round++)
        {
            using IngestBatch batch = stream.NewBatch();
            for (int i = 0; i < 10; i++)
            {
                int number = (round * 7) + i;
                batch.Add(Encoding.UTF8.GetBytes($$"""{"id":"e{{number}}","user":"u{{number % 60}}","choice":"{{(char)('a' + (number % 3))}}","n":{{number}}.5}"""), EventHeaders.None);
            }

            await batch.SubmitAsync();
        }

        Partition partition = stream.PartitionList[0];
        await partition.SnapshotAsync();
        node.MakeKeyFiles();
        LogIdentity identity = partition.Log!.Identity;
        string directory = partition.Directory;
        await node.StopAsync();
        return new StoreFiles(disk.Files(), directory, identity, view.Section);
    }
}
