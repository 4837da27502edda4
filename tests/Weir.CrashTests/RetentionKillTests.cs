using System.Globalization;
using System.Text.Json;

namespace Weir.CrashTests;

/// <summary>
/// SIGKILL while retention lets segments go: between the names of the base's two copies, between the base and the first deletion, and between the
/// deletions. Whatever is left then, what went is remembered and nothing that stayed is lost.
/// </summary>
public sealed class RetentionKillTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Definitions = """
        streams:
          gifts: { partitions: 1, id: id, retention: 1500KiB, fields: { amount: "decimal(18,2)" } }
        views:
          raised: SELECT choice, sum(amount) AS total, count(*) AS n FROM gifts GROUP BY choice
        """;

    private const int Bodies = 34;
    private const int EventsPerBody = 400;

    // Call and n. The start itself renames and deletes derived files, so some of these fall before the base has its name; what was hit is asserted.
    private static readonly string[] Places = ["rename:2", "rename:3", "unlink:3", "unlink:4", "unlink:5", "unlink:6", "unlink:8"];

    private readonly WorkDirectory _filled = new();
    private readonly List<SentEvent> _sent = [];

    [Fact]
    public async Task Nothing_is_lost_or_counted_twice_wherever_the_process_dies_while_segments_go()
    {
        Strace.Need();
        int diedBeforeDeletions = 0, diedBetweenDeletions = 0;
        foreach (string place in Places)
        {
            using WorkDirectory directory = Copy();
            string call = place.Split(':')[0];
            int n = int.Parse(place.Split(':')[1], CultureInfo.InvariantCulture);
            using (ServerUnderTest doomed = ServerUnderTest.Launch(directory.Configuration, Cli.Verify.Strace.KillAt(directory.PathOf("strace"), call, n)))
            {
                await Task.WhenAny(doomed.Exited, SegmentsHaveGoneAsync(directory, doomed));
                bool isHit = doomed.HasExited;
                doomed.Kill();
                string left = LeftIn(directory);
                output.WriteLine($"{place}: {(isHit ? "killed there" : "not reached")}, {left}");
                diedBeforeDeletions += isHit && left.StartsWith("base, nothing deleted", StringComparison.Ordinal) ? 1 : 0;
                diedBetweenDeletions += isHit && left.StartsWith("base, deleting", StringComparison.Ordinal) ? 1 : 0;
            }

            (int code, string said) = await ServerUnderTest.RunAsync("log", "check", directory.Data);
            Assert.True(code == 0, $"{place}: {said}");
            await HoldsAsync(directory, place);
        }

        Assert.True(diedBeforeDeletions >= 1, "Nothing died between the base and the first deletion.");
        Assert.True(diedBetweenDeletions >= 2, "Nothing died between the deletions.");
    }

    // Filled by a process that ends before its next pass, so that every start has the same segments to let go.
    public async ValueTask InitializeAsync()
    {
        _filled.Configure(Definitions);
        using ServerUnderTest server = await ServerUnderTest.StartAsync(_filled.Configuration);
        using var api = new ServerApi(await server.Ready);
        var workload = new Workload(new Random(12), "c");
        for (int i = 0; i < Bodies; i++)
        {
            SentEvent[] body = [.. Enumerable.Range(0, EventsPerBody).Select(_ => workload.Next("gifts")).Where(one => !one.IsRefused)];
            Assert.Equal(200, (await api.SendAsync("gifts", body)).Status);
            _sent.AddRange(body);
        }

        Assert.Equal(0, await server.StopAsync());
        Assert.True(Directory.GetFiles(_filled.PartitionPath("gifts", 0), "*.log").Length >= 4, "There is too little to delete.");
    }

    public ValueTask DisposeAsync()
    {
        _filled.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task HoldsAsync(WorkDirectory directory, string place)
    {
        using ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration);
        using var api = new ServerApi(await server.Ready);
        await SegmentsHaveGoneAsync(directory, server);
        JsonElement partition = (await api.GetAsync("v1/streams/gifts")).GetProperty("partitions")[0];
        Assert.Equal("serving", partition.GetProperty("state").GetString());

        // Owners of deleted segments are known, the view has everything, and what is left can be read.
        foreach (SentEvent[] body in _sent.Chunk(2000))
        {
            Answer again = await api.SendAsync("gifts", body);
            Assert.True(again.Status == 200 && again.Outcomes.All(outcome => outcome.Verdict == "duplicate"), $"{place}: {again.Text[..Math.Min(again.Text.Length, 500)]}");
        }

        JsonElement view = await api.CurrentViewAsync("raised", "gifts");
        Assert.True(view.GetProperty("rows").EnumerateArray().Sum(row => row.GetProperty("n").GetInt64()) == _sent.Count, $"{place}: {view}");
        decimal expected = _sent.Sum(one => JsonDocument.Parse(one.Body).RootElement.GetProperty("amount").GetDecimal());
        Assert.Equal(expected, view.GetProperty("rows").EnumerateArray().Sum(row => Invariants.DecimalOf(row.GetProperty("total"))));
        long start = partition.GetProperty("log_start").GetInt64();
        List<LoggedRecord> records = await api.ReadLogAsync("gifts", 0, start);
        Assert.Equal(Enumerable.Range(0, records.Count).Select(i => start + i), records.Select(record => record.Offset));
        Assert.Equal(_sent.Skip((int)start - 1).Select(one => one.Body), records.Where(record => record.IsCounted).Select(record => record.Value));
        Invariants.RecountEqualsLive("raised", await api.RecountAsync("raised"));
        Assert.Equal(0, await server.StopAsync());
    }

    private static async Task SegmentsHaveGoneAsync(WorkDirectory directory, ServerUnderTest server)
    {
        // 1500 KiB are one sealed segment and the active one, and the start made another active one.
        using var patience = new CancellationTokenSource(ServerUnderTest.Patience);
        while (!server.HasExited && !server.Output.Contains("now begins at offset", StringComparison.Ordinal))
        {
            Assert.False(patience.IsCancellationRequested, $"Nothing is deleted: {LeftIn(directory)}\n{server.Output}");

            // Where the last run had come to the end there is nothing left to say.
            if (server.Ready.IsCompletedSuccessfully && LeftIn(directory).StartsWith("base, all deleted", StringComparison.Ordinal))
            {
                return;
            }

            await Task.Delay(20);
        }
    }

    private static string LeftIn(WorkDirectory directory)
    {
        string partition = directory.PartitionPath("gifts", 0);
        long[] bases = [.. Directory.GetFiles(partition, "*.base").Select(OffsetOf)];
        long first = Directory.GetFiles(partition, "*.log").Min(OffsetOf);
        string what = bases.Length == 0 ? "no base" : first == 0 ? "base, nothing deleted" : first < bases.Max() ? "base, deleting" : "base, all deleted";
        return string.Create(CultureInfo.InvariantCulture, $"{what}: log from {first}, base at {string.Join(", ", bases)}");
    }

    private static long OffsetOf(string path) => long.Parse(Path.GetFileNameWithoutExtension(path), CultureInfo.InvariantCulture);

    private WorkDirectory Copy()
    {
        var copy = new WorkDirectory();
        copy.Configure(Definitions);
        foreach (string file in Directory.GetFiles(_filled.Data, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy.Data, Path.GetRelativePath(_filled.Data, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return copy;
    }
}
