using System.Globalization;
using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.Recount;
using Weir.Storage;
using Weir.TestKit;

namespace Weir.SweepTests;

/// <summary>
/// A fixed workload in which the k-th file call fails, for every k until a run passes. Afterwards power is lost and the fault is gone: nothing that was
/// acknowledged is lost, nothing is counted twice, and a recount agrees.
/// </summary>
public sealed class IoErrorSweepTests
{
    private const string Definition = """{"partitions":2,"key":["user"],"id":"id","claim":{"by":["user"],"keep":"first"},"retention":"3KiB"}""";
    private const string Sql = "SELECT choice, count(*) AS n FROM s GROUP BY choice";
    private const int Events = 96;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan SnapshotWithin = TimeSpan.FromMilliseconds(500);

    // Where a failure needs no word: it is tried again, or only a file is missing that saves time and is made later.
    private static readonly string[] MayBeSilent = ["index", "key file", "verdicts", "free bytes", "read,", "length,", "exists,", "open Read,", "list,", "snapshot", "directory"];

    private static readonly (string Name, int Errno)[] Errors =
    [
        ("EIO", DiskException.InputOutput), ("ENOSPC", DiskException.NoSpace), ("EDQUOT", DiskException.QuotaExceeded),
        ("EROFS", DiskException.ReadOnlyFileSystem), ("EINTR", DiskException.Interrupted),
    ];

    [Fact]
    public async Task Whatever_file_call_fails_nothing_acknowledged_is_lost_and_nothing_counts_twice()
    {
        var reached = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var failed = new HashSet<string>(StringComparer.Ordinal);
        int step = TestScale.EngineCallStep;
        int first = 1 + Random.Shared.Next(step);
        var faults = new List<string>();
        int runs = 0, unknown = 0;
        foreach ((string name, int errno) in Errors)
        {
            foreach (bool isForEver in (bool[])[false, true])
            {
                bool hasPassed = false;
                for (long k = first; !hasPassed && faults.Count < 20; k += step)
                {
                    var run = new Run();
                    string fault = string.Create(CultureInfo.InvariantCulture, $"{name} at call {k}{(isForEver ? " and for ever" : "")}");
                    try
                    {
                        hasPassed = !await run.WorkAsync(k, errno, isForEver).WaitAsync(Patience);
                        await run.ProveAsync(seed: (int)k).WaitAsync(Patience);
                        Assert.True(run.Disk.SecondFlushes.Count == 0, $"Flushed again: {string.Join(", ", run.Disk.SecondFlushes)}");
                        Assert.True(run.Said.Count > 0 || run.Disk.Failed.All(site => MayBeSilent.Any(part => site.Contains(part, StringComparison.Ordinal))), "Nobody said anything.");
                    }
                    catch (Exception exception)
                    {
                        faults.Add($"{fault} ({string.Join("; ", run.Disk.Failed.Take(5))}): {exception.GetType().Name} {exception.Message}\n    {string.Join("\n    ", run.Said.Distinct().Take(5))}\n{exception.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("Weir.", StringComparison.Ordinal))}");
                    }

                    runs++;
                    unknown += run.Unknown;
                    failed.UnionWith(run.Disk.Failed);
                    foreach ((string site, long calls) in run.Disk.Reached)
                    {
                        reached[site] = Math.Max(reached.GetValueOrDefault(site), calls);
                    }
                }
            }
        }

        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{runs} runs from call {first} in steps of {step}; {unknown} events unknown; call sites: {reached.Count} reached, {failed.Count} failed; acknowledged and lost 0, counted twice 0, second flushes 0\n{string.Join('\n', reached.Select(site => $"{site.Value,6} {site.Key}{(failed.Contains(site.Key) ? "" : " (did not fail in this run)")}"))}"));
        Assert.True(faults.Count == 0, string.Join('\n', faults));
        foreach (string operation in (string[])["open CreateNew", "open ReadWrite", "open Read", "exists", "delete", "rename", "mkdir", "flush of names", "list", "free bytes", "lock", "length", "read", "write", "flush", "truncate"])
        {
            Assert.Contains(reached.Keys, site => site.StartsWith(operation + ",", StringComparison.Ordinal));
        }
    }

    /// <summary>One run: the workload under the fault, then the proof without it.</summary>
    private sealed class Run
    {
        private readonly SimulatedDisk _disk = new();
        private readonly HashSet<int> _acknowledged = [];

        public Run() => Disk = new FaultingDisk(_disk);

        public FaultingDisk Disk { get; }

        /// <summary>What callers and the operator were told.</summary>
        public List<string> Said { get; } = [];

        public int Unknown { get; private set; }

        /// <returns>Whether the fault was reached.</returns>
        public async Task<bool> WorkAsync(long k, int errno, bool isForEver)
        {
            Disk.FailAt(k, errno, isForEver);
            for (int start = 0; start < 2; start++)
            {
                WeirNode node = Open(Disk);
                await TryAsync(node.StartAsync);
                if (node.State == NodeState.Serving)
                {
                    await TryAsync(() => WorkAsync(node, start * Events / 2));
                }

                await node.StopAsync();
                Assert.True(node.State == NodeState.Stopped, $"The node is {node.State}.");
            }

            bool isReached = Disk.Failed.Count > 0;
            Disk.FailAt(long.MaxValue, 0, isForEver: false);
            return isReached;
        }

        /// <summary>Power is lost, the fault is gone: everything is sent again, and counted once.</summary>
        public async Task ProveAsync(int seed)
        {
            SimulatedDisk disk = _disk.LosePower(new Random(seed));
            WeirNode node = Open(disk);
            await node.StartAsync();
            EventStream stream = await node.DefineStreamAsync("s", StreamDefinition.Parse(Encoding.UTF8.GetBytes(Definition)));
            View view = await node.DefineViewAsync("v", new ViewDefinition(Sql));
            Assert.All(stream.Partitions, partition => Assert.True(partition.State == PartitionState.Serving, partition.Reason));
            if (stream.Phase != StreamPhase.Open)
            {
                await stream.OpenAsync(reopen: true);
            }

            using (IngestBatch batch = stream.NewBatch())
            {
                for (int i = 0; i < Events; i++)
                {
                    batch.Add(Event(i), EventHeaders.None);
                }

                await batch.SubmitAsync();
                for (int i = 0; i < Events; i++)
                {
                    EventOutcome outcome = batch.OutcomeOf(i);
                    Assert.True(outcome.Kind == OutcomeKind.Decided && outcome.Verdict is Verdict.Counted or Verdict.Duplicate, $"Event {i} is {outcome}.");
                    Assert.True(outcome.Verdict == Verdict.Duplicate || !_acknowledged.Contains(i), $"Event {i} was acknowledged and is lost.");
                }
            }

            Assert.True(await view.Model.WaitForAsync(stream.FlushedPosition, Patience, TimeProvider.System, CancellationToken.None));
            string rows = Encoding.UTF8.GetString(view.Model.Query(new ViewRequest()).Rows.Span);
            string position = stream.FlushedPosition.ToString();
            bool isWhole = view.Model.Since is null;
            await node.StopAsync();
            Assert.Equal(NodeState.Stopped, node.State);
            if (isWhole)
            {
                Assert.Equal("""[{"choice":"a","n":32},{"choice":"b","n":32},{"choice":"c","n":32}]""", rows);
            }

            RecountResult recount = RecountRun.Run(new RecountRequest { Disk = disk, DataDirectory = SmallStore.Directory, Sql = Sql, Position = position, Threads = 1, BaseSection = view.Section });
            RecountComparison comparison = RecountComparison.Compare(recount, [.. rows.Trim('[', ']').Replace("},{", "}\n{", StringComparison.Ordinal).Split('\n').Select(row => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(row))], 0);
            Assert.True(comparison.Equal, string.Join('\n', comparison.Differences));
        }

        private async Task WorkAsync(WeirNode node, int from)
        {
            EventStream stream = await node.DefineStreamAsync("s", StreamDefinition.Parse(Encoding.UTF8.GetBytes(Definition)));
            await TryAsync(() => node.DefineViewAsync("v", new ViewDefinition(Sql)));
            await TryAsync(() => stream.OpenAsync(reopen: true));
            for (int at = from; at < from + (Events / 2); at += 8)
            {
                await SendAsync(stream, at);
            }

            // Asked of a partition that is being recovered it waits, for ever where the disk fails for ever; nobody but a test asks.
            await TryAsync(() => Task.WhenAny(stream.PartitionList[0].SnapshotAsync(), Task.Delay(SnapshotWithin)));
            await TryAsync(() => Task.Run(node.RetainOnce));
            await TryAsync(() => Task.Run(node.MakeKeyFiles));
            await TryAsync(() => Task.Run(() => stream.ReadEvents(0, stream.Partitions[0].LogStart, 10)));
            await TryAsync(() => Task.Run(() => stream.FindReceipts(Encoding.UTF8.GetBytes("u3"), ReceiptBy.Owner, 10)));
            await TryAsync(stream.CloseAsync);
        }

        private async Task SendAsync(EventStream stream, int first)
        {
            using IngestBatch batch = stream.NewBatch();
            for (int i = first; i < first + 8; i++)
            {
                batch.Add(Event(i), EventHeaders.None);
            }

            await batch.SubmitAsync();
            for (int i = 0; i < 8; i++)
            {
                EventOutcome outcome = batch.OutcomeOf(i);
                if (outcome.Kind == OutcomeKind.Decided && outcome.Verdict is Verdict.Counted or Verdict.Duplicate)
                {
                    _acknowledged.Add(first + i);
                }
                else
                {
                    Unknown++;
                    Said.Add(outcome.ToString());
                }
            }
        }

        // What a caller is told is a WeirException; anything else is a defect and ends the run.
        private async Task TryAsync(Func<Task> step)
        {
            try
            {
                await step();
            }
            catch (WeirException told)
            {
                Said.Add(told.Message);
            }
        }

        private WeirNode Open(IDisk disk) => WeirNode.Create(
            SmallStore.Options,
            disk,
            new FakeTime(),
            count => Encoding.UTF8.GetBytes("0123456789abcdef")[..count],
            (kind, text) =>
            {
                if (kind is not (EngineEvent.ViewBuilt or EngineEvent.Retained or EngineEvent.PartitionRecovered))
                {
                    lock (Said)
                    {
                        Said.Add($"{kind}: {text}");
                    }
                }
            });

        private static byte[] Event(int i) => Encoding.UTF8.GetBytes($$"""{"id":"e{{i}}","user":"u{{i}}","choice":"{{(char)('a' + (i % 3))}}"}""");
    }
}
