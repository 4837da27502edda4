using System.Diagnostics;
using System.Globalization;
using Weir.Simulator;

// weir-sim --seeds N [--from N]   runs seeds and prints what they met; exit code 1 when an invariant was broken
// weir-sim --seed N [--hash]      replays one with its trace, or prints only the hash of what it did
int seeds = 0, from = 1, one = -1, threads = Environment.ProcessorCount;
bool isHashOnly = false;
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--seeds" when i + 1 < args.Length && int.TryParse(args[++i], NumberStyles.None, CultureInfo.InvariantCulture, out seeds):
        case "--from" when i + 1 < args.Length && int.TryParse(args[++i], NumberStyles.None, CultureInfo.InvariantCulture, out from):
        case "--seed" when i + 1 < args.Length && int.TryParse(args[++i], NumberStyles.None, CultureInfo.InvariantCulture, out one):
        case "--threads" when i + 1 < args.Length && int.TryParse(args[++i], NumberStyles.None, CultureInfo.InvariantCulture, out threads) && threads > 0:
            break;
        case "--hash":
            isHashOnly = true;
            break;
        default:
            Console.Error.WriteLine("weir-sim --seeds N [--from N] [--threads N] | --seed N [--hash]");
            return 2;
    }
}

if (one >= 0)
{
    var simulation = new Simulation(one, new Stack<JobThread>(), isHashOnly ? null : Console.Out);
    Violation? violation = simulation.Run();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{simulation.Hash:x16}"));
    if (violation is not null)
    {
        Console.Error.WriteLine(violation);
    }

    return violation is null ? 0 : 1;
}

var watch = Stopwatch.StartNew();
SeedRun run = SeedRun.Of(from, seeds, threads, line => Console.WriteLine(line));
Console.WriteLine(run.Report(watch.Elapsed, Environment.CpuUsage.TotalTime));
return run.Failures.Count == 0 ? 0 : 1;
