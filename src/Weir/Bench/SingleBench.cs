using System.Net;
using Weir.Cli.Load;

namespace Weir.Cli.Bench;

/// <summary>`single`: one vote per request, beside the bare web server that answers the same request, in turns, as a ratio.</summary>
internal static class SingleBench
{
    private const int Rounds = 2;

    public static async Task<IReadOnlyList<BenchResult>> RunAsync(BenchSettings settings, Terminal terminal, CancellationToken cancel)
    {
        long perRound = (settings.Events ?? 1_000_000) / Rounds;
        int connections = settings.Connections ?? 128;
        using BenchServer server = await BenchServer.StartAsync(settings, perRound * Rounds, partitions: 4, cancel);
        string bareLog = Path.Combine(Path.GetDirectoryName(server.Process.LogFile)!, "bare.log");
        int barePort = ServerProcess.FreePort();
        using var bare = new ServerProcess(["bench-bare", barePort.ToString(System.Globalization.CultureInfo.InvariantCulture)], bareLog, new IPEndPoint(IPAddress.Loopback, barePort));
        await bare.StartAsync(TimeSpan.FromMinutes(1), cancel);

        long nextId = 0;
        var measured = new (LoadTotals Totals, TimeSpan Elapsed)[2];
        double? allocated = 0;
        for (int round = -1; round < Rounds; round++)
        {
            foreach (int subject in (int[])[0, 1])
            {
                // Round -1 warms both up.
                long events = round < 0 ? Math.Min(perRound, 100_000) : perRound;
                IPEndPoint address = subject == 0 ? server.Address : bare.Address;
                double? before = await server.AllocatedBytesAsync(cancel);
                long firstId = nextId;
                nextId += events;
                (LoadTotals totals, TimeSpan elapsed) = await Progress.WatchAsync(
                    terminal,
                    () => subject == 0 ? "single" : "single, bare web server",
                    "rounds",
                    () => Rounds,
                    () => Math.Max(0, round),
                    Task.Factory.StartNew(() => SingleLoad.Run(address, BenchServer.Stream, events, connections, firstId, cancel), TaskCreationOptions.LongRunning));
                if (round >= 0)
                {
                    LoadTotals sum = measured[subject].Totals ?? new LoadTotals();
                    sum.Add(totals);
                    measured[subject] = (sum, measured[subject].Elapsed + elapsed);
                    allocated += subject == 0 ? await server.AllocatedBytesAsync(cancel) - before : 0;
                }
            }
        }

        (LoadTotals ours, TimeSpan took) = measured[0];
        (LoadTotals theirs, TimeSpan theyTook) = measured[1];
        double ratio = ours.Events / took.TotalSeconds / (theirs.Events / theyTook.TotalSeconds);
        return
        [
            new BenchResult("single", ours.Events, took) { Latency = ours.Latency, AllocatedBytesPerEvent = allocated / ours.Events, Figures = [("ratio_to_bare", ratio)] },
            new BenchResult("single, bare web server", theirs.Events, theyTook) { Latency = theirs.Latency, FlushMode = null },
        ];
    }
}
