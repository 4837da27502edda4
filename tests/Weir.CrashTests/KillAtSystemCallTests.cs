using System.Globalization;

namespace Weir.CrashTests;

/// <summary>
/// SIGKILL not at a time but at a call: as a thread enters its n-th write, flush, rename or truncation. Begins with an empty directory, so the first kills
/// fall into making the streams; later ones into recovery and traffic.
/// </summary>
public sealed class KillAtSystemCallTests(ITestOutputHelper output)
{
    // Call and n. The first start makes everything, so the early places lie in the making of streams; from the eighth on there is traffic before them.
    private static readonly string[] Places =
    [
        "fsync:1", "rename:1", "pwrite64:4", "fdatasync:3", "rename:4", "fsync:12", "pwrite64:1",
        "fdatasync:1", "pwrite64:2", "fdatasync:2", "rename:1", "unlink:1", "pwrite64:7", "fdatasync:4", "pwrite64:15", "fsync:2",
    ];

    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_nothing_counts_twice_wherever_the_process_dies()
    {
        Strace.Need();
        using var directory = new WorkDirectory();
        directory.Configure(Workload.Definitions);
        using var server = new RestartingServer(directory);
        var history = new History();
        var random = new Random(20);
        using var stop = new CancellationTokenSource();
        Task[] clients = [.. Enumerable.Range(0, 2).Select(i => new Random(i)).Select((own, i) => new Client(server, history, new Workload(own, $"c{i}"), own).RunAsync(stop.Token))];
        int hits = 0;
        foreach (string place in Places)
        {
            string call = place.Split(':')[0];
            int n = int.Parse(place.Split(':')[1], CultureInfo.InvariantCulture);
            Task ended = server.LaunchDoomed(Cli.Verify.Strace.KillAt(directory.PathOf("strace"), call, n));
            long enough = history.Answers + 25;
            while (!ended.IsCompleted && history.Answers < enough)
            {
                await Task.WhenAny(ended, Task.Delay(10));
                foreach (Task failed in clients.Where(client => client.IsFaulted))
                {
                    await failed;
                }
            }

            // A place that no thread reaches in so many requests ends like the others.
            hits += ended.IsCompleted ? 1 : 0;
            output.WriteLine($"{place}: {(ended.IsCompleted ? "killed there" : "not reached")}");
            server.Kill();
            await ended;
        }

        await server.StartAsync();
        await stop.CancelAsync();
        await Task.WhenAll(clients).WaitAsync(ServerUnderTest.Patience * 2);
        await Invariants.HoldAsync(history, await server.ApiAsync());
        output.WriteLine($"{hits} of {Places.Length} places reached, {history.Sent} events, {history.Told.Count} verdicts; lost 0, double 0");
        Assert.True(hits >= Places.Length / 2, $"Only {hits} of {Places.Length} kills hit.");
    }
}
