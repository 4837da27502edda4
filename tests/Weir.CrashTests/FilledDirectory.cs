namespace Weir.CrashTests;

/// <summary>A data directory that a server filled and left in order: several segments, snapshots, verdicts, key files. Made once, copied for each test.</summary>
public sealed class FilledDirectory : IAsyncLifetime
{
    /// <summary>The stream that has most of it.</summary>
    public const string Stream = "gifts";

    // Segments roll and snapshots are made at 1 MiB of a partition.
    private const int EventsPerBody = 400;
    private const int Bodies = 50;

    private readonly WorkDirectory _directory = new();

    public async ValueTask InitializeAsync()
    {
        _directory.Configure(Workload.Definitions);
        using ServerUnderTest server = await ServerUnderTest.StartAsync(_directory.Configuration);
        using var api = new ServerApi(await server.Ready);
        var workload = new Workload(new Random(5), "c");
        for (int i = 0; i < Bodies; i++)
        {
            string stream = i % 5 == 4 ? "votes" : Stream;
            Assert.Equal(200, (await api.SendAsync(stream, [.. Enumerable.Range(0, EventsPerBody).Select(_ => workload.Next(stream))])).Status);
        }

        // Snapshots and key files are written beside the traffic; a stop does not wait for them.
        using var patience = new CancellationTokenSource(ServerUnderTest.Patience);
        while (Array.Exists(["*.snapshot", "*.keys"], pattern => Directory.GetFiles(_directory.Data, pattern, SearchOption.AllDirectories).Length < 2))
        {
            Assert.False(patience.IsCancellationRequested, "No snapshots or key files are made.");
            Assert.Equal(200, (await api.SendAsync(Stream, [.. Enumerable.Range(0, 4).Select(_ => workload.Next(Stream))])).Status);
        }

        Assert.Equal(0, await server.StopAsync());
    }

    /// <summary>A copy of its own for one test.</summary>
    internal WorkDirectory Copy()
    {
        var copy = new WorkDirectory();
        copy.Configure(Workload.Definitions);
        foreach (string file in Directory.GetFiles(_directory.Data, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy.Data, Path.GetRelativePath(_directory.Data, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return copy;
    }

    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }
}
