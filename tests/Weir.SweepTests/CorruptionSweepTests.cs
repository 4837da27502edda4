using System.Globalization;
using Weir.Core;
using Weir.Storage;
using Weir.TestKit;

namespace Weir.SweepTests;

/// <summary>
/// Every bit of a small store, and blocks of it, damaged in turn; each time the store is opened with the real engine and read whole. Whatever is damaged is
/// named, made anew, or without effect: nothing is ever served that was not written, and nothing is missing that nobody names.
/// </summary>
public sealed class CorruptionSweepTests
{
    private static readonly string[] Owners = ["u0", "u2", "u5", "u9", "u14", "u23", "u31", "u40", "e0", "e2", "e30", "e60", "again7"];

    [Fact]
    public async Task No_flipped_bit_is_served_or_hides_anything()
    {
        SmallStore store = await SmallStore.MakeAsync();
        var table = new SweepTable();
        Random random = Seeded(out int seed);

        // Behind a clean stop every flush is proven; behind a crash, the very last one is not.
        await SweepAsync(store, store.Stopped, "", Bits(store.Stopped, random, TestScale.BitFlips), table);
        Dictionary<string, byte[]> lastSegments = store.Crashed.Where(file => file.Key.EndsWith(".log", StringComparison.Ordinal)).GroupBy(file => Path.GetDirectoryName(file.Key)!)
            .Select(partition => partition.MaxBy(file => file.Key, StringComparer.Ordinal)).ToDictionary(StringComparer.Ordinal);
        await SweepAsync(store, store.Crashed, ", last, after a crash", Bits(lastSegments, random, TestScale.BitFlips / 10), table);

        Finish(table, seed);
    }

    [Fact]
    public async Task No_misplaced_lost_or_stale_block_is_served_or_hides_anything()
    {
        SmallStore store = await SmallStore.MakeAsync();
        var table = new SweepTable();
        Random random = Seeded(out int seed);
        Damage[] all = [.. store.Stopped.OrderBy(file => file.Key, StringComparer.Ordinal).SelectMany(file => Damage.OfBlocks(file.Key, file.Value, OthersOf(store, file.Key, file.Value)).Where(damage => !damage.Content.AsSpan().SequenceEqual(file.Value)))];
        if (all.Length > TestScale.DamagedBlocks)
        {
            random.Shuffle(all);
            all = all[..TestScale.DamagedBlocks];
        }

        await SweepAsync(store, store.Stopped, "", all, table);

        Finish(table, seed);
    }

    [Fact]
    public async Task A_last_segment_that_ends_at_a_frame_before_its_verdicts_do_is_damage()
    {
        SmallStore store = await SmallStore.MakeAsync();
        string last = store.Stopped.Keys.Where(path => path.Contains("/clicks-", StringComparison.Ordinal) && path.Contains("/0/", StringComparison.Ordinal) && path.EndsWith(".log", StringComparison.Ordinal)).Max(StringComparer.Ordinal)!;
        SimulatedDisk disk = SmallStore.DiskOf(store.Stopped);
        disk.Plant(last, store.Stopped[last].AsSpan(0, 64));

        StoreReading reading = await StoreReading.ReadAsync(disk, []);

        PartitionReading partition = reading.Partitions[(SmallStore.Clicks, 0)];
        Assert.Equal(Engine.PartitionState.ReadOnly, partition.Status.State);
        Assert.Contains(partition.Named, said => said.Contains(Path.GetFileName(last), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_repaired_partition_serves_again_and_has_lost_only_what_could_not_be_read()
    {
        SmallStore store = await SmallStore.MakeAsync();
        StoreReading intact = await StoreReading.ReadAsync(SmallStore.DiskOf(store.Stopped), []);
        Dictionary<string, byte[]> segments = store.Stopped.Where(file => Damage.KindOf(file.Key) == "segment").ToDictionary(StringComparer.Ordinal);
        Random random = Seeded(out int seed);
        int repaired = 0;
        foreach (Damage damage in DrawBits(segments, random, TestScale.RepairedFlips))
        {
            string directory = Path.GetDirectoryName(damage.Path)!;
            string stream = Path.GetFileName(Path.GetDirectoryName(directory)!);
            (string, int) id = (stream[..stream.LastIndexOf('-')], int.Parse(Path.GetFileName(directory), CultureInfo.InvariantCulture));
            SimulatedDisk disk = SmallStore.DiskOf(store.Stopped);
            disk.Plant(damage.Path, damage.Content);
            PartitionReading damaged = (await StoreReading.ReadAsync(disk, [])).Partitions[id];
            if (damaged.Status.State != Engine.PartitionState.ReadOnly)
            {
                continue;
            }

            LogRepairPlan plan;
            Dictionary<string, byte[]> files;
            try
            {
                plan = Repair(disk.Files(), directory, out files);
            }
            catch (WeirException refused) when (refused.Message.Contains("the definition at offset 0 is damaged", StringComparison.Ordinal) && !damaged.Events.ContainsKey(0))
            {
                // Nothing could be decided without it.
                continue;
            }

            PartitionReading again = (await StoreReading.ReadAsync(SmallStore.DiskOf(files), [])).Partitions[id];
            string repeat = string.Create(CultureInfo.InvariantCulture, $"{damage}, WEIR_SEED={seed}");
            Assert.True(again.Status.State == Engine.PartitionState.Serving, $"{repeat}: {again.Status.Reason}");
            foreach ((long offset, EventReading was) in intact.Partitions[id].Events)
            {
                bool isLost = plan.Lost.Any(range => range.Start.Value <= offset && offset < range.End.Value);
                Assert.False(isLost && damaged.Events.ContainsKey(offset), $"{repeat}: {offset} could be read and is lost.");
                Assert.True(isLost ? again.Events[offset].Content.Contains(" Lost ", StringComparison.Ordinal) : again.Events[offset].Content == was.Content, $"{repeat}: {offset} reads {again.Events[offset].Content}.");
            }

            repaired++;
        }

        Assert.True(repaired > 0, "Nothing was damaged.");
    }

    // On the real disk: a repair renames directories, which the simulated one cannot.
    private static LogRepairPlan Repair(IReadOnlyDictionary<string, byte[]> files, string partition, out Dictionary<string, byte[]> repaired)
    {
        string root = Directory.CreateTempSubdirectory("weir-sweep-").FullName;
        try
        {
            string real = Directory.CreateDirectory(Path.Combine(root, "0")).FullName;
            foreach ((string path, byte[] content) in files.Where(file => Path.GetDirectoryName(file.Key) == partition))
            {
                File.WriteAllBytes(Path.Combine(real, Path.GetFileName(path)), content);
            }

            LogRepairPlan plan = LogRepair.Plan(LinuxDisk.Instance, real);
            LogRepair.Apply(LinuxDisk.Instance, plan, new LogOptions());
            repaired = files.Where(file => Path.GetDirectoryName(file.Key) != partition).ToDictionary(StringComparer.Ordinal);
            foreach (string path in Directory.GetFiles(real))
            {
                repaired[Path.Combine(partition, Path.GetFileName(path))] = File.ReadAllBytes(path);
            }

            return plan;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task SweepAsync(SmallStore store, IReadOnlyDictionary<string, byte[]> files, string group, IEnumerable<Damage> damages, SweepTable table)
    {
        StoreReading expected = await StoreReading.ReadAsync(SmallStore.DiskOf(files), Owners);
        var options = new ParallelOptions { MaxDegreeOfParallelism = 2 * Environment.ProcessorCount };
        await Parallel.ForEachAsync(damages, options, async (damage, _) =>
        {
            StoreReading actual = await StoreReading.ReadAsync(Damaged(), Owners);
            (Outcome outcome, string why) = Judgement.Of(store, expected, actual, damage, Damaged);
            table.Add(damage, group, outcome, why);

            SimulatedDisk Damaged()
            {
                SimulatedDisk disk = SmallStore.DiskOf(files);
                disk.Plant(damage.Path, damage.Content);
                return disk;
            }
        });
    }

    private static IEnumerable<Damage> Bits(IReadOnlyDictionary<string, byte[]> files, Random random, int count) =>
        files.Sum(file => file.Value.Length * 8L) > count ? DrawBits(files, random, count) : EveryBit(files);

    private static IEnumerable<Damage> EveryBit(IReadOnlyDictionary<string, byte[]> files) =>
        files.SelectMany(file => Enumerable.Range(0, file.Value.Length * 8).Select(bit => Damage.Flip(file.Key, file.Value, bit)));

    // The same number of each kind of file: a verdict file has a hundred times the bytes of a definition.
    private static Damage[] DrawBits(IReadOnlyDictionary<string, byte[]> files, Random random, int count)
    {
        KeyValuePair<string, byte[]>[][] kinds = [.. files.OrderBy(file => file.Key, StringComparer.Ordinal).GroupBy(file => Damage.KindOf(file.Key)).Select(kind => kind.ToArray())];
        return
        [
            .. Enumerable.Range(0, count).Select(i =>
            {
                (string path, byte[] content) = kinds[i % kinds.Length][random.Next(kinds[i % kinds.Length].Length)];
                return Damage.Flip(path, content, random.NextInt64(content.Length * 8L));
            }),
        ];
    }

    // The file of the same kind in another partition, and this one as it was earlier.
    private static List<(string Name, byte[] Content)> OthersOf(SmallStore store, string path, byte[] content)
    {
        string kind = Damage.KindOf(path);
        List<(string, byte[])> others = [.. store.Stopped.Where(file => file.Key != path && Damage.KindOf(file.Key) == kind && Path.GetDirectoryName(file.Key) != Path.GetDirectoryName(path)).Take(1).Select(file => (file.Key, file.Value))];
        foreach (IReadOnlyDictionary<string, byte[]> earlier in store.Earlier)
        {
            if (earlier.TryGetValue(path, out byte[]? old) && !old.AsSpan().SequenceEqual(content))
            {
                others.Add((Damage.Earlier, old));
            }
        }

        return others;
    }

    private static Random Seeded(out int seed)
    {
        seed = Environment.GetEnvironmentVariable("WEIR_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        return new Random(seed);
    }

    private static void Finish(SweepTable table, int seed)
    {
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"WEIR_SEED={seed}\n{table}"));
        Assert.True(table.Silent.Count == 0, string.Create(CultureInfo.InvariantCulture, $"{table.Silent.Count} silent, WEIR_SEED={seed}:\n{string.Join('\n', table.Silent.Take(20))}\n{table}"));
    }
}
