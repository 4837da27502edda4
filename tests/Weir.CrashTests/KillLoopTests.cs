using System.Globalization;
using Weir.TestKit;

namespace Weir.CrashTests;

/// <summary>
/// SIGKILL at any moment, also while the process starts, under several clients that send everything again that they do not know the fate of.
/// WEIR_KILLS=n kills more often, WEIR_SEED repeats a run's choices (its timing stays the machine's).
/// </summary>
public sealed class KillLoopTests(ITestOutputHelper output)
{
    private const int Clients = 4;

    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_nothing_counts_twice_however_often_the_process_is_killed()
    {
        int kills = Setting("WEIR_KILLS", TestScale.Kills);
        int seed = Setting("WEIR_SEED", Random.Shared.Next());
        output.WriteLine($"WEIR_KILLS={kills} WEIR_SEED={seed}");
        using var directory = new WorkDirectory();
        directory.Configure(Workload.Definitions);
        using var server = new RestartingServer(directory);
        var history = new History();
        var random = new Random(seed);
        await server.StartAsync();

        using var stop = new CancellationTokenSource();
        var anomalies = new Anomalies();
        var reads = new Reads(Workload.Streams, Workload.Views, anomalies);
        List<Task> running = [reads.RunAsync(async () => (await server.ApiAsync()).Client, stop.Token)];
        for (int i = 0; i < Clients; i++)
        {
            var own = new Random(random.Next());
            running.Add(new Client(server, history, new Workload(own, $"c{i}"), own).RunAsync(stop.Token));
        }

        while (server.Kills < kills)
        {
            await Client.AnswersReachAsync(history, history.Answers + random.Next(10, 40), running);
            await Task.Delay(random.Next(20));
            server.Kill();
            if (random.Next(3) == 0)
            {
                // Once more while it recovers what the last kill left.
                Task ended = server.LaunchDoomed();
                await Task.WhenAny(ended, Task.Delay(random.Next(1_500)));
                server.Kill();
                await ended;
            }

            await server.StartAsync();
        }

        await Client.AnswersReachAsync(history, history.Answers + 10, running);
        await stop.CancelAsync();
        await Task.WhenAll(running).WaitAsync(ServerUnderTest.Patience * 2);
        reads.Compare(await Invariants.ReadLogsAsync(await server.ApiAsync()));
        Assert.Equal([], anomalies.First);
        await Invariants.HoldAsync(history, await server.ApiAsync());
        output.WriteLine($"{server.Kills} kills, {history.Sent} events, {history.Answers} answers, {history.Told.Count} verdicts, {reads.Count} reads; lost 0, double 0");
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
