using System.Globalization;
using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.Recount;
using Weir.Storage;

namespace Weir.CrashTests;

/// <summary>
/// The data directory that every run of the sweep begins with, as a killed process left it; and the events in it. It has sealed segments, snapshots and an
/// unproven tail, and retention will cut it at the next start.
/// </summary>
internal sealed class SweptStore : IDisposable
{
    public const string Definitions = """
        streams:
          votes: { partitions: 1, key: user, id: id, claim: { by: user, keep: first }, retention: 1200KiB }
          gifts: { partitions: 1, id: id }
        views:
          tally: SELECT choice, count(*) AS n FROM votes GROUP BY choice
        """;

    public const string Tally = "SELECT choice, count(*) AS n FROM votes GROUP BY choice";

    // No file of a run is named after an offset at or beyond this.
    private const int Offsets = 200;

    private const int LargeBytes = 40_000;

    private static readonly string[] Suffixes = [".log", ".index", ".verdicts", ".keys", ".snapshot", ".base", ".base2", ".cut"];
    private static readonly string[] Others = ["format", "weir.lock", "producers", "view-version", "probe", "streams", "views", "views/tally", "views/tally/definition.json", "views/more", "views/more/definition.json"];
    private static readonly TimeSpan ServesWithin = TimeSpan.FromSeconds(30);

    private readonly WorkDirectory _directory = new();

    private SweptStore()
    {
    }

    public List<SentEvent> Sent { get; } = [];

    public static async Task<SweptStore> MakeAsync()
    {
        var store = new SweptStore();
        store._directory.Configure(Definitions);
        using ServerUnderTest server = await ServerUnderTest.StartAsync(store._directory.Configuration);
        using var api = new ServerApi(await server.Ready);
        for (int body = 0; body < 5; body++)
        {
            SentEvent[] events = Votes($"t{body}", 16, LargeBytes);
            Assert.Equal(200, (await api.SendAsync("votes", events)).Status);
            store.Sent.AddRange(events);
        }

        server.Kill();
        return store;
    }

    /// <summary>A copy to run on.</summary>
    public WorkDirectory Copy()
    {
        var copy = new WorkDirectory();
        copy.Configure(Definitions);
        foreach (string file in Directory.GetFiles(_directory.Data, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy.Data, Path.GetRelativePath(_directory.Data, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return copy;
    }

    /// <summary>Every path that a run can touch in a copy, for strace, which knows no patterns.</summary>
    public static IEnumerable<string> PathsOf(WorkDirectory copy)
    {
        IEnumerable<string> partitions = from stream in (string[])["votes", "gifts"] select copy.PartitionPath(stream, 0);
        IEnumerable<string> files = Others.Select(name => Path.Combine(copy.Data, name)).Concat(
            from partition in partitions
            from name in (string[])[.. from offset in Enumerable.Range(0, Offsets) from suffix in Suffixes select string.Create(CultureInfo.InvariantCulture, $"{offset:D20}{suffix}"), "../definition.json"]
            select Path.GetFullPath(Path.Combine(partition, name)));
        return partitions.Concat(partitions.Select(partition => Path.GetDirectoryName(partition)!)).Append(copy.Data).Concat(files.SelectMany(file => new[] { file, file + ".tmp" }));
    }

    /// <summary>Votes of as many users, each at least so long.</summary>
    public static SentEvent[] Votes(string prefix, int count, int bytes = 0)
    {
        string padding = new('.', bytes);
        return [.. Enumerable.Range(0, count).Select(i => $"{prefix}-{i}").Select(id => new SentEvent("votes", "u" + id, id, $$"""{"user":"u{{id}}","id":"{{id}}","choice":"{{"abc"[id[^1] % 3]}}","pad":"{{padding}}"}"""))];
    }

    /// <summary>
    /// The fault is gone and the directory is opened again, by the engine in this process: every partition serves, everything is sent again, what was acknowledged
    /// is a retry, and the view, its recount and the sender agree on the sum.
    /// </summary>
    /// <returns>What does not hold; null: everything does.</returns>
    public async Task<string?> ProveAsync(WorkDirectory copy, IReadOnlyList<SentEvent> sent, IReadOnlySet<string> acknowledged)
    {
        var said = new List<string>();
        await using var node = WeirNode.Create(
            new NodeOptions { DataDirectory = copy.Data, WriterThreads = 1, FlusherThreads = 1, PublishInterval = TimeSpan.FromMilliseconds(10) },
            LinuxDisk.Instance,
            TimeProvider.System,
            System.Security.Cryptography.RandomNumberGenerator.GetBytes,
            (kind, text) =>
            {
                lock (said)
                {
                    said.Add($"{kind}: {text}");
                }
            });
        try
        {
            await node.StartAsync();
        }
        catch (WeirException refused)
        {
            return $"The directory does not open: {refused.Message}";
        }

        SentEvent[] all = [.. Sent, .. sent];
        foreach (EventStream stream in node.Streams)
        {
            if (stream.Partitions.FirstOrDefault(partition => partition.State != PartitionState.Serving) is { } stopped)
            {
                return $"Partition {stopped.Partition} of {stream.Name} is {stopped.State}: {stopped.Reason}; {string.Join("; ", said)}";
            }

            if (stream.Phase != StreamPhase.Open)
            {
                await stream.OpenAsync(reopen: true);
            }

            if (await SendAgainAsync(stream, [.. all.Where(one => one.Stream == stream.Name)], acknowledged) is { } wrong)
            {
                return wrong;
            }
        }

        return await CompareAsync(node, copy, all);
    }

    public void Dispose() => _directory.Dispose();

    private static async Task<string?> SendAgainAsync(EventStream stream, SentEvent[] events, IReadOnlySet<string> acknowledged)
    {
        foreach (SentEvent[] chunk in events.Chunk(16))
        {
            using IngestBatch batch = stream.NewBatch();
            foreach (SentEvent one in chunk)
            {
                batch.Add(Encoding.UTF8.GetBytes(one.Body), EventHeaders.None);
            }

            await batch.SubmitAsync();
            for (int i = 0; i < chunk.Length; i++)
            {
                EventOutcome outcome = batch.OutcomeOf(i);
                if (outcome.Kind != OutcomeKind.Decided || outcome.Verdict is not (Verdict.Counted or Verdict.Duplicate))
                {
                    return $"{chunk[i].Id} is {outcome}.";
                }

                if (outcome.Verdict == Verdict.Counted && acknowledged.Contains(chunk[i].Id))
                {
                    return $"{chunk[i].Id} was acknowledged and is lost.";
                }
            }
        }

        return null;
    }

    private static async Task<string?> CompareAsync(WeirNode node, WorkDirectory copy, SentEvent[] all)
    {
        Assert.True(node.TryGetStream("votes", out EventStream? votes));
        if (!node.TryGetView("tally", out View? view) || !await view.Model.WaitForAsync(votes.FlushedPosition, ServesWithin, TimeProvider.System, CancellationToken.None))
        {
            return "The view does not come.";
        }

        string rows = Encoding.UTF8.GetString(view.Model.Query(new ViewRequest()).Rows.Span);
        string expected = $"[{string.Join(',', all.Where(one => one.Stream == "votes").GroupBy(one => "abc"[one.Id[^1] % 3]).OrderBy(group => group.Key).Select(group => $$"""{"choice":"{{group.Key}}","n":{{group.Count()}}}"""))}]";
        if (rows != expected)
        {
            return $"The view has {rows} where {expected} was sent.";
        }

        RecountResult recount = RecountRun.Run(new RecountRequest { Disk = LinuxDisk.Instance, DataDirectory = copy.Data, Sql = Tally, Position = votes.FlushedPosition.ToString(), Threads = 1, BaseSection = view.Section });
        string counted = $"[{string.Join(',', recount.JsonRows())}]";
        return counted == expected ? null : $"The recount has {counted} where {expected} was sent.";
    }
}
