using System.Text.Json;

namespace Weir.CrashTests;

/// <summary>No room: on a small file system of the server's own, and by a limit on how long a file may get.</summary>
public sealed class DiskFullTests
{
    // The server refuses writes below 256 MiB free; the file system has a little more than that.
    private const int FileSystemMiB = 288;
    private const int BallastMiB = 64;

    [Fact]
    public async Task A_full_disk_refuses_writes_with_507_keeps_reads_and_recovers_by_itself()
    {
        using var directory = new WorkDirectory();
        directory.Configure(Workload.Definitions);
        using SmallFileSystem small = SmallFileSystem.Mount(directory.Data, FileSystemMiB);
        using ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration, small.Wrapper);
        using var api = new ServerApi(await server.Ready);
        var workload = new Workload(new Random(3), "c");
        SentEvent before = workload.Next("gifts");
        Assert.Equal(200, (await api.SendAsync("gifts", [before])).Status);

        string ballast = small.PathOf("ballast");
        await File.WriteAllBytesAsync(ballast, new byte[BallastMiB << 20]);
        SentEvent during = workload.Next("gifts");
        Answer refused = await AnswerOtherThan(200, () => api.SendAsync("gifts", [during]), during);
        Assert.Equal(507, refused.Status);
        Assert.Contains("WEIR-4003", refused.Text, StringComparison.Ordinal);

        JsonElement view = await api.CurrentViewAsync("raised", "gifts");
        Assert.NotEmpty(view.GetProperty("rows").EnumerateArray());
        Invariants.RecountEqualsLive("raised", await api.RecountAsync("raised"));

        File.Delete(ballast);
        Answer taken = await AnswerOtherThan(507, () => api.SendAsync("gifts", [during]), during);
        Assert.Equal(200, taken.Status);
        List<LoggedRecord> records = [];
        for (int partition = 0; partition < Workload.Partitions; partition++)
        {
            records.AddRange(await api.ReadLogAsync("gifts", partition));
        }

        Assert.Single(records, record => record.IsCounted && record.Value == before.Body);
        Assert.Single(records, record => record.IsCounted && record.Value == during.Body);
        Assert.Equal(0, await server.StopAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_restart_on_a_disk_without_a_free_byte_serves_reads_refuses_writes_and_takes_them_when_there_is_room(bool isKilled)
    {
        using var directory = new WorkDirectory();
        directory.Configure(Workload.Definitions);
        using SmallFileSystem small = SmallFileSystem.Mount(directory.Data, FileSystemMiB);
        var workload = new Workload(new Random(4), "c");
        SentEvent[] sent = [.. Enumerable.Range(0, 300).Select(_ => workload.Next("gifts")).Where(one => !one.IsRefused)];
        string rows;
        using (ServerUnderTest first = await ServerUnderTest.StartAsync(directory.Configuration, small.Wrapper))
        {
            using var before = new ServerApi(await first.Ready);
            Assert.Equal(200, (await before.SendAsync("gifts", sent)).Status);
            rows = (await before.CurrentViewAsync("raised", "gifts")).GetProperty("rows").GetRawText();
            if (isKilled)
            {
                first.Kill();
            }
            else
            {
                Assert.Equal(0, await first.StopAsync());
            }
        }

        string ballast = small.PathOf("ballast");
        small.FillWith(ballast);
        using ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration, small.Wrapper);
        using var api = new ServerApi(await server.Ready);

        Assert.Equal(rows, (await api.CurrentViewAsync("raised", "gifts")).GetProperty("rows").GetRawText());
        Assert.Equal(sent.Length, await RecordsOfAsync(api, sent));
        SentEvent during = workload.Next("gifts");
        Answer refused = await api.SendAsync("gifts", [during]);
        Assert.Equal(507, refused.Status);
        Assert.Contains("WEIR-4003", refused.Text, StringComparison.Ordinal);
        Assert.Contains("[!]the disk is full", await api.GetTextAsync("readyz"), StringComparison.Ordinal);
        Assert.True((await api.GetAsync("v1/streams")).GetProperty("disk_full").GetBoolean());

        File.Delete(ballast);
        Assert.Equal(200, (await AnswerOtherThan(507, () => api.SendAsync("gifts", [during]), during)).Status);
        Answer again = await api.SendAsync("gifts", sent);
        Assert.Equal(200, again.Status);
        Assert.All(again.Outcomes, outcome => Assert.Equal("duplicate", outcome.Verdict));
        Assert.DoesNotContain("[!]", await api.GetTextAsync("readyz"), StringComparison.Ordinal);
        Invariants.RecountEqualsLive("raised", await api.RecountAsync("raised"));
        Assert.Equal(0, await server.StopAsync());
        Assert.Equal(0, (await ServerUnderTest.RunInAsync(small.Wrapper, "log", "check", directory.Data)).Code);
    }

    [Fact]
    public async Task A_write_that_is_cut_short_stops_the_partition_and_nothing_half_written_counts()
    {
        // A file may not grow beyond 400 KiB: the write that crosses it is cut short and the rest fails with EFBIG, once for every segment of 1 MiB.
        const string limits = "trap '' XFSZ; ulimit -f 800; exec \"$@\"";
        using var directory = new WorkDirectory();
        directory.Configure(Workload.Definitions);
        using var server = new RestartingServer(directory);
        var history = new History();

        // The runtime's own memory files are larger than that unless it maps them once.
        await server.StartAsync("env", "DOTNET_EnableWriteXorExecute=0", "sh", "-c", limits, "sh");
        ServerApi api = await server.ApiAsync();
        var own = new Random(8);
        var client = new Client(server, history, new Workload(own, "c"), own);
        var workload = new Workload(own, "d");
        for (int i = 0; i < 40; i++)
        {
            await client.SendUntilDecidedAsync([.. Enumerable.Range(0, 200).Select(_ => workload.Next("gifts"))]);
        }

        Assert.Contains("\"EventId\":1004", server.Output, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(directory.Data, "*.cut", SearchOption.AllDirectories));
        await Invariants.HoldAsync(history, api);
    }

    private static async Task<Answer> AnswerOtherThan(int status, Func<Task<Answer>> send, SentEvent sent)
    {
        using var patience = new CancellationTokenSource(ServerUnderTest.Patience);
        while (true)
        {
            Answer answer = await send();
            if (answer.Status != status)
            {
                return answer;
            }

            Assert.False(patience.IsCancellationRequested, $"{sent.Id} is still answered with {status}: {answer.Text}");
            await Task.Delay(50);
        }
    }

    private static async Task<int> RecordsOfAsync(ServerApi api, SentEvent[] sent)
    {
        HashSet<string> bodies = [.. sent.Select(one => one.Body)];
        int found = 0;
        for (int partition = 0; partition < Workload.Partitions; partition++)
        {
            found += (await api.ReadLogAsync("gifts", partition)).Count(record => record.IsCounted && bodies.Contains(record.Value));
        }

        return found;
    }
}
