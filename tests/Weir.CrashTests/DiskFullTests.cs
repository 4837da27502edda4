using System.Diagnostics;
using System.Globalization;
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
        NeedNamespaces();
        using var directory = new WorkDirectory();
        directory.Configure(Workload.Definitions);
        Directory.CreateDirectory(directory.Data);
        string mount = string.Create(CultureInfo.InvariantCulture, $"mount -t tmpfs -o size={FileSystemMiB}m tmpfs {directory.Data} && exec \"$@\"");
        using ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration, "unshare", "-m", "sh", "-c", mount, "sh");
        using var api = new ServerApi(await server.Ready);
        var workload = new Workload(new Random(3), "c");
        SentEvent before = workload.Next("gifts");
        Assert.Equal(200, (await api.SendAsync("gifts", [before])).Status);

        // Seen through the process, because the mount is the server's alone.
        string ballast = $"/proc/{server.ProcessId}/root{directory.Data}/ballast";
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

    [Fact]
    public async Task A_write_that_is_cut_short_stops_the_partition_and_nothing_half_written_counts()
    {
        // A file may not grow beyond 400 KiB: the write that crosses it is cut short and the rest fails with EFBIG, once for every segment of 1 MiB.
        const string limits = "trap '' XFSZ; ulimit -f 800; exec \"$@\"";
        using var directory = new WorkDirectory();
        directory.Configure(Workload.Definitions);
        using var server = new RestartingServer(directory);
        var oracle = new Oracle();

        // The runtime's own memory files are larger than that unless it maps them once.
        await server.StartAsync("env", "DOTNET_EnableWriteXorExecute=0", "sh", "-c", limits, "sh");
        ServerApi api = await server.ApiAsync();
        var own = new Random(8);
        var client = new Client(server, oracle, new Workload(own, "c"), own);
        var workload = new Workload(own, "d");
        for (int i = 0; i < 40; i++)
        {
            await client.SendUntilDecidedAsync([.. Enumerable.Range(0, 200).Select(_ => workload.Next("gifts"))]);
        }

        Assert.Contains("\"EventId\":1004", server.Output, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(directory.Data, "*.cut", SearchOption.AllDirectories));
        await Invariants.HoldAsync(oracle, api);
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

    private static void NeedNamespaces()
    {
        try
        {
            using Process probe = Process.Start(new ProcessStartInfo("unshare", ["-m", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]) { RedirectStandardError = true })!;
            string error = probe.StandardError.ReadToEnd();
            probe.WaitForExit();
            if (probe.ExitCode != 0)
            {
                Assert.Skip($"A private mount is not allowed here: {error.Trim()}");
            }
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            Assert.Skip($"unshare is not installed: {missing.Message}");
        }
    }
}
