// Own files or one journal? Prints the table that docs/adr/0001-each-partition-keeps-its-own-files.md quotes.
// Usage: JournalOrFiles [directory] [seconds per run] [runs]. Needs 4 GB of disk for a moment, deletes everything it wrote.
using System.Globalization;
using Weir.Bench.JournalOrFiles;

string root = Path.Combine(args.Length > 0 ? args[0] : Path.GetTempPath(), "weir-journal-or-files");
TimeSpan duration = TimeSpan.FromSeconds(args.Length > 1 ? double.Parse(args[1], CultureInfo.InvariantCulture) : 1);
int runs = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 5;
const int all = 8_000;

List<Setup> setups = [];
foreach (int work in (int[])[0, 300])
{
    foreach (Blocks blocks in Enum.GetValues<Blocks>())
    {
        setups.Add(new Setup(Layout.Journal, 0, Flushers: 1, FlushLimit: all, blocks, work));
        setups.Add(new Setup(Layout.Journal, 0, Flushers: 1, FlushLimit: all / 2, blocks, work));
        foreach (int partitions in (int[])[4, 16])
        {
            foreach (int flushers in work == 0 ? (int[])[2, 4, 8, 16] : (int[])[4, 8])
            {
                setups.Add(new Setup(Layout.OwnFiles, partitions, flushers, FlushLimit: all, blocks, work));
            }
        }
    }
}

Console.WriteLine("layout      partitions flushers limit blocks       work/ns |  events/s  flushes/s  p50/ms  p99/ms");
// Runs are interleaved, so that a busy neighbour disturbs every set-up alike.
Dictionary<Setup, List<Result>> results = setups.ToDictionary(setup => setup, _ => new List<Result>());
for (int run = 0; run < runs; run++)
{
    foreach (Setup setup in setups)
    {
        Directory.CreateDirectory(root);
        try
        {
            results[setup].Add(new ClosedLoop(setup, root).Run(duration));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}

foreach (Setup setup in setups)
{
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{setup.Layout,-11} {setup.Partitions,10} {setup.Flushers,8} {setup.FlushLimit,5} {setup.Blocks,-12} {setup.WorkNanoseconds,7} | {Median(r => r.EventsPerSecond),9:F0} {Median(r => r.FlushesPerSecond),10:F0} {Median(r => r.P50Milliseconds),7:F2} {Median(r => r.P99Milliseconds),7:F2}"));
    double Median(Func<Result, double> figure) => results[setup].Select(figure).Order().ElementAt(runs / 2);
}
