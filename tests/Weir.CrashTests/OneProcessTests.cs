using System.Globalization;

namespace Weir.CrashTests;

/// <summary>One process per data directory, and the orderly end of that process.</summary>
public sealed class OneProcessTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_second_process_on_the_directory_refuses_and_names_the_first()
    {
        using var directory = new WorkDirectory();
        directory.Configure(Workload.Definitions);
        using ServerUnderTest first = await ServerUnderTest.StartAsync(directory.Configuration);
        string[] before = Contents(directory);

        (int code, string printed) = await ServerUnderTest.RunAsync("serve", directory.Configuration);

        Assert.Equal(1, code);
        Assert.Contains("WEIR-5001", printed, StringComparison.Ordinal);
        Assert.Contains(first.ProcessId.ToString(CultureInfo.InvariantCulture), printed, StringComparison.Ordinal);
        Assert.Equal(before, Contents(directory));
        using var api = new ServerApi(await first.Ready);
        Assert.Equal(200, (await api.SendAsync("gifts", [new Workload(new Random(1), "c").Next("gifts")])).Status);
    }

    [Fact]
    public async Task After_a_kill_the_lock_is_free()
    {
        using var directory = new WorkDirectory();
        directory.Configure(Workload.Definitions);
        using (ServerUnderTest first = await ServerUnderTest.StartAsync(directory.Configuration))
        {
            first.Kill();
        }

        using ServerUnderTest second = await ServerUnderTest.StartAsync(directory.Configuration);
        Assert.False(second.HasExited);
    }

    [Fact]
    public async Task SIGTERM_under_load_exits_with_0_and_loses_nothing_that_was_acknowledged()
    {
        using var directory = new WorkDirectory();
        directory.Configure(Workload.Definitions);
        using var server = new RestartingServer(directory);
        var history = new History();
        await server.StartAsync();
        using var stop = new CancellationTokenSource();
        Task[] clients = [.. Enumerable.Range(0, 4).Select(i => new Random(i)).Select((own, i) => new Client(server, history, new Workload(own, $"c{i}"), own).RunAsync(stop.Token))];
        for (int i = 0; i < 2; i++)
        {
            long enough = history.Answers + 30;
            while (history.Answers < enough)
            {
                await Task.WhenAny(Task.WhenAny(clients), Task.Delay(5));
                Assert.DoesNotContain(clients, client => client.IsFaulted);
            }

            Assert.Equal(0, await server.StopAsync());

            // An orderly end leaves nothing to cut or to keep aside.
            await server.StartAsync();
            Assert.DoesNotContain("TailCut", server.Output, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFiles(directory.Data, "*.cut", SearchOption.AllDirectories));
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients).WaitAsync(ServerUnderTest.Patience * 2);
        await Invariants.HoldAsync(history, await server.ApiAsync());
        output.WriteLine($"{history.Sent} events, {history.Answers} answers");
    }

    [Fact]
    public async Task SIGTERM_during_a_long_recovery_exits_at_once_with_0_and_leaves_the_log_as_it_was()
    {
        // One sealed segment of 16 MiB without a snapshot: its body is read by the replay only, in more than a dozen reads.
        string[] large = ["env", "WEIR_ENGINE__SEGMENT_BYTES=16MiB", "WEIR_ENGINE__SNAPSHOT_BYTES=1GiB"];
        const string oneLog = "streams: { gifts: { partitions: 1, id: id } }";
        Strace.Need();
        using var directory = new WorkDirectory();
        directory.Configure(oneLog);
        var workload = new Workload(new Random(6), "c");
        using (ServerUnderTest first = await ServerUnderTest.StartAsync(directory.Configuration, large))
        {
            using var api = new ServerApi(await first.Ready);
            while (Directory.GetFiles(directory.PartitionPath("gifts", 0), "*.log").Length < 2)
            {
                Assert.Equal(200, (await api.SendAsync("gifts", [.. Enumerable.Range(0, 2000).Select(_ => workload.Next("gifts"))])).Status);
            }

            Assert.Equal(0, await first.StopAsync());
        }

        string[] logs = [.. Directory.GetFiles(directory.PartitionPath("gifts", 0), "*.log").Order(StringComparer.Ordinal)];
        byte[][] before = [.. logs.Select(File.ReadAllBytes)];

        // Slower than anybody waits for: read to its end it would take minutes.
        string trace = directory.PathOf("strace");
        using (ServerUnderTest slow = ServerUnderTest.Launch(directory.Configuration, [.. large, .. Strace.OnPath(trace, logs[0], "pread64:delay_enter=10000000:when=4+")]))
        {
            using var patience = new CancellationTokenSource(ServerUnderTest.Patience);
            while (!File.Exists(trace) || (await File.ReadAllLinesAsync(trace, patience.Token)).Length < 4)
            {
                await Task.Delay(20, patience.Token);
            }

            Assert.Equal(0, await slow.StopAsync());
            Assert.False(slow.Ready.IsCompletedSuccessfully);
        }

        Assert.Equal(before, logs.Select(File.ReadAllBytes));
        Assert.Equal(0, (await ServerUnderTest.RunAsync("log", "check", directory.Data)).Code);
        using ServerUnderTest again = await ServerUnderTest.StartAsync(directory.Configuration, large);
        Assert.Equal(0, await again.StopAsync());
    }

    // The logs themselves are left out: the first process may still be writing the frame that proves its last flush.
    private static string[] Contents(WorkDirectory directory) =>
        [.. Directory.GetFiles(directory.Data, "*", SearchOption.AllDirectories).Where(path => !path.EndsWith(".log", StringComparison.Ordinal)).Select(path => $"{path} {new FileInfo(path).Length}").Order(StringComparer.Ordinal)];
}
