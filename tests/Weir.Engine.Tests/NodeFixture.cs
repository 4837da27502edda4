using System.Security.Cryptography;
using System.Text;
using Weir.Core;
using Weir.Storage;

namespace Weir.Engine.Tests;

/// <summary>A node over a directory of its own, deleted at the end; the real disk and clock unless a test brings others.</summary>
internal sealed class NodeFixture : IAsyncDisposable
{
    private readonly Func<string, NodeOptions>? _options;
    private readonly IThreads _threads;
    private readonly SemaphoreSlim _reported = new(0);

    private NodeFixture(Func<string, NodeOptions>? options, TimeProvider? time, IDisk? disk, IThreads? threads)
    {
        _threads = threads ?? OsThreads.Instance;
        _options = options;
        Disk = disk ?? LinuxDisk.Instance;
        Time = time ?? TimeProvider.System;
        Directory = Path.Combine(Path.GetTempPath(), "weir-engine-" + Path.GetRandomFileName());
        Node = Make();
    }

    public string Directory { get; }

    public TimeProvider Time { get; }

    /// <summary>What the next node runs on.</summary>
    public IDisk Disk { get; set; }

    public WeirNode Node { get; private set; }

    public List<(EngineEvent Kind, string Text)> Reports { get; } = [];

    public static async Task<NodeFixture> StartAsync(Func<string, NodeOptions>? options = null, TimeProvider? time = null, IDisk? disk = null, IThreads? threads = null)
    {
        var fixture = new NodeFixture(options, time, disk, threads);
        await fixture.Node.StartAsync();
        return fixture;
    }

    public async Task RestartAsync()
    {
        await Node.StopAsync();
        Node = Make();
        await Node.StartAsync();
    }

    /// <summary>Waits until the node has reported this once more than when it was last waited for.</summary>
    public async Task WaitForAsync(EngineEvent kind)
    {
        while (true)
        {
            lock (Reports)
            {
                int at = Reports.FindIndex(report => report.Kind == kind);
                if (at >= 0)
                {
                    Reports.RemoveAt(at);
                    return;
                }
            }

            Assert.True(await _reported.WaitAsync(TimeSpan.FromSeconds(30)), $"The node did not report {kind}.");
        }
    }

    /// <summary>Restarts and finds a stream again.</summary>
    public async Task<EventStream> RestartAsync(string stream)
    {
        await RestartAsync();
        Assert.True(Node.TryGetStream(stream, out EventStream? found));
        return found;
    }

    public Task<EventStream> DefineAsync(string name, string json) => Node.DefineStreamAsync(name, StreamDefinition.Parse(Encoding.UTF8.GetBytes(json)));

    public static async Task<IngestTotals> SendAsync(EventStream stream, params IEnumerable<string> events)
    {
        using IngestBatch batch = stream.NewBatch();
        foreach (string one in events)
        {
            batch.Add(Encoding.UTF8.GetBytes(one), EventHeaders.None);
        }

        await batch.SubmitAsync();
        return batch.Totals;
    }

    /// <summary>The rows of a view at the stream's present end.</summary>
    public async Task<string> RowsAsync(string view)
    {
        Assert.True(Node.TryGetView(view, out View? found));
        bool reached = await found.Model.WaitForAsync(found.Stream.FlushedPosition, TimeSpan.FromSeconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.True(reached, $"The view {view} did not reach {found.Stream.FlushedPosition}; it is {found.State} at {found.Model.Position}. {found.Failure}");
        return Encoding.UTF8.GetString(found.Model.Query(new ViewRequest()).Rows.Span);
    }

    public async ValueTask DisposeAsync()
    {
        await Node.StopAsync();
        if (System.IO.Directory.Exists(Directory))
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }
    }

    private WeirNode Make() => WeirNode.Create(
        _options?.Invoke(Directory) ?? new NodeOptions { DataDirectory = Directory, PublishInterval = TimeSpan.FromMilliseconds(10) },
        Disk,
        Time,
        RandomNumberGenerator.GetBytes,
        (kind, text) =>
        {
            lock (Reports)
            {
                Reports.Add((kind, text));
            }

            _reported.Release();
        },
        _threads);
}
