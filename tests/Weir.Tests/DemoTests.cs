namespace Weir.Cli.Tests;

public sealed class DemoTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("weir-demo-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_small_demo_survives_its_kill_and_finds_nothing_lost_and_nothing_double()
    {
        CommandRun run = await CommandRun.OfAsync(
            "demo", "--fast", "--no-wait", "--json", "--port", "0", "--data", Path.Combine(_folder, "demo"), "--paced-votes", "20000", "--fast-votes", "20000");

        Assert.True(run.Code == ExitCode.Ok, run.Error + run.Out);
        Assert.True(run.Json["right"]!.GetValue<bool>());
        Assert.Equal(0, run.Json["lost"]!.GetValue<long>());
        Assert.Equal(0, run.Json["double"]!.GetValue<long>());
        Assert.True(run.Json["recount_equal"]!.GetValue<bool>());
        Assert.Equal(41_000, run.Json["sent"]!.GetValue<long>());
        long sum = new[] { "counted", "duplicate", "taken", "closed", "refused" }.Sum(outcome => run.Json[outcome]!.GetValue<long>());
        Assert.Equal(41_000, sum);
        Assert.Contains("Live results", run.Error, StringComparison.Ordinal);
        Assert.Contains("Nothing lost, nothing counted twice.", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_server_keeps_running_until_the_demo_is_told_to_end_and_then_stops_in_order()
    {
        string data = Path.Combine(_folder, "demo");
        using var stop = new CancellationTokenSource();
        var output = new WaitingWriter("The server keeps running");
        int port = Load.ServerProcess.FreePort();
        Task<int> demo = CommandLine.RunAsync(
            ["demo", "--fast", "--port", $"{port}", "--data", data, "--paced-votes", "2000", "--fast-votes", "2000"],
            new Terminal(output, TextWriter.Null, isInteractive: false, hasColor: false),
            stop.Token);
        await output.Found;

        CommandRun view = await CommandRun.OfAsync("view", "results", "--url", $"127.0.0.1:{port}");
        await stop.CancelAsync();

        Assert.Equal(ExitCode.Ok, await demo);
        Assert.Contains("final at votes:", view.Out, StringComparison.Ordinal);
        Assert.Contains("Stopped: everything taken is on disk", (await File.ReadAllLinesAsync(Path.Combine(data, "server.log")))[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_no_demo_made_is_left_alone()
    {
        string precious = Path.Combine(_folder, "precious.txt");
        await File.WriteAllTextAsync(precious, "mine");

        CommandRun run = await CommandRun.OfAsync("demo", "--no-wait", "--port", "0", "--data", _folder);

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.StartsWith("WEIR-3013", run.Error, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(precious));
    }

    [Fact]
    public async Task A_port_in_use_is_named_with_what_helps()
    {
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        int port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;

        CommandRun run = await CommandRun.OfAsync("demo", "--no-wait", "--port", $"{port}", "--data", Path.Combine(_folder, "demo"));

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains($"127.0.0.1:{port}", run.Error, StringComparison.Ordinal);
        Assert.Contains("--port 0", run.Error, StringComparison.Ordinal);
    }
}
