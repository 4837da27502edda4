using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Weir.Core;
using Weir.Engine;
using Weir.Storage;

namespace Weir.Recount.Tests;

/// <summary>A log that retention has cut is counted from its bases, and everything after them is held to the log.</summary>
public sealed class RetentionTests : IAsyncLifetime
{
    private const string Votes = """{"partitions":2,"key":"user","id":"id","claim":{"by":"user"},"retention":"32KiB","on-invalid":"dead-letter"}""";
    private const string ByChoice = "SELECT choice, count(*) AS n, sum(amount) AS total, avg(amount) AS mean, min(amount) AS least, first(user) AS f, latest(user) AS l FROM votes GROUP BY choice";
    private const string ByMinute = "SELECT choice, count(*) AS n, max(user) AS last FROM votes GROUP BY tumble(t, 1m), choice";

    private readonly string _directory = Directory.CreateTempSubdirectory("weir-cut-").FullName;
    private WeirNode _node = null!;
    private EventStream _stream = null!;

    public async ValueTask InitializeAsync()
    {
        _node = WeirNode.Create(
            new NodeOptions { DataDirectory = _directory, PublishInterval = TimeSpan.FromMilliseconds(5), SegmentBytes = 16 << 10 },
            LinuxDisk.Instance,
            TimeProvider.System,
            RandomNumberGenerator.GetBytes,
            (_, _) => { });
        await _node.StartAsync();
        _stream = await _node.DefineStreamAsync("votes", StreamDefinition.Parse(Encoding.UTF8.GetBytes(Votes)));
        await _node.DefineViewAsync("choices", new ViewDefinition(ByChoice));
        await _node.DefineViewAsync("minutes", new ViewDefinition(ByMinute, Keep: 5));
        await SendAsync(0, 1_500);
        Cut();
    }

    public async ValueTask DisposeAsync()
    {
        await _node.StopAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task The_views_agree_with_the_bases_and_what_came_after_them()
    {
        // Second votes and retries of owners that only the base still knows, and new owners.
        await SendAsync(700, 2_000);
        await _node.DefineViewAsync("late", new ViewDefinition(ByChoice));
        RecountResult early = await AssertEqualAsync("choices");
        Assert.Equal(new Position("votes", Starts()), early.Since);
        Assert.Contains("\"n\":1598", Assert.Single(early.JsonRows(), row => row.Contains("\"b\"", StringComparison.Ordinal)), StringComparison.Ordinal);
        await AssertEqualAsync("minutes");
        await AssertEqualAsync("late");

        // The second base has the view that was made after the first.
        await SendAsync(2_000, 3_000);
        Cut();
        await SendAsync(2_900, 3_100);
        await AssertEqualAsync("choices");
        await AssertEqualAsync("minutes");
        await AssertEqualAsync("late");
    }

    [Fact]
    public async Task The_answer_does_not_depend_on_the_number_of_passes_or_threads()
    {
        await SendAsync(700, 2_000);
        RecountResult once = await AssertEqualAsync("choices");
        foreach ((int memory, int threads) in ((int, int)[])[(20_000, 1), (60_000, 2)])
        {
            RecountResult again = Recount("choices", await PositionAsync("choices"), memory, threads);
            Assert.Equal(once.Verdicts, again.Verdicts);
            Assert.Equal(once.JsonRows(), again.JsonRows());
        }
    }

    [Fact]
    public async Task A_vote_that_the_live_view_has_too_many_is_found()
    {
        string row = Recount("choices", await PositionAsync("choices")).JsonRows().First();
        string wrong = row.Replace("\"n\":300", "\"n\":301", StringComparison.Ordinal);
        Assert.NotEqual(row, wrong);
        RecountResult recount = Recount("choices", await PositionAsync("choices"));
        RecountComparison comparison = RecountComparison.Compare(recount, [.. recount.JsonRows().Select(one => Encoding.UTF8.GetBytes(one == row ? wrong : one))], recount.Errors);
        Assert.False(comparison.Equal);
        Assert.Equal((row, wrong), (Assert.Single(comparison.Differences).Recount, comparison.Differences[0].Live));
    }

    [Fact]
    public async Task The_answer_says_since_where_it_was_counted()
    {
        string position = await PositionAsync("choices");
        Assert.True(_node.TryGetView("choices", out View? view));
        string rows = string.Join('\n', Recount("choices", position).JsonRows());
        string request = $$"""{"data":"{{_directory}}","sql":"{{ByChoice}}","position":"{{position}}","errors":1,"base_section":"{{view.Section}}","memory_bytes":1000000}""";
        using var output = new StringWriter();
        Assert.Equal(RecountChild.ExitEqual, RecountChild.Run(LinuxDisk.Instance, new StringReader(request + "\n" + rows), output, TimeProvider.System));
        long[] starts = Starts();
        Assert.Contains($"\"position\":\"{position}\",\"since\":\"votes:0={starts[0]},1={starts[1]}\",\"complete\":false,", output.ToString(), StringComparison.Ordinal);
        Assert.Contains($"\"events\":{_stream.FlushedPosition.Ends[0] + _stream.FlushedPosition.Ends[1] - starts[0] - starts[1]},", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_copy_of_a_base_is_enough_and_without_both_the_recount_says_what_is_missing()
    {
        string position = await PositionAsync("choices");
        string[] before = [.. Recount("choices", position).JsonRows()];
        Damage("*.base");
        Assert.Equal(before, Recount("choices", position).JsonRows());

        Damage("*.base2");
        WeirException e = Assert.Throws<WeirException>(() => Recount("choices", position));
        Assert.Equal(ErrorCode.LogDamaged, e.Code);
        Assert.Contains("neither copy of its base is intact", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_position_before_the_cut_is_refused_with_the_offset_at_which_the_log_begins()
    {
        WeirException e = Assert.Throws<WeirException>(() => Recount("choices", "votes:0=10,1=10"));
        Assert.Equal(ErrorCode.InvalidPosition, e.Code);
        Assert.Contains($"cut the log at {Starts()[0]}", e.Message, StringComparison.Ordinal);
    }

    private async Task<RecountResult> AssertEqualAsync(string name)
    {
        string position = await PositionAsync(name);
        Assert.True(_node.TryGetView(name, out View? view));
        ViewPage page = view.Model.Query(new ViewRequest());
        RecountResult recount = Recount(name, position);
        using JsonDocument rows = JsonDocument.Parse(page.Rows);
        Assert.Equal([.. rows.RootElement.EnumerateArray().Select(row => row.GetRawText())], recount.JsonRows());
        Assert.Equal(page.ErrorCount, recount.Errors);
        return recount;
    }

    /// <summary>The position of a view once it has caught up with what was acknowledged.</summary>
    private async Task<string> PositionAsync(string name)
    {
        Assert.True(_node.TryGetView(name, out View? view));
        Position position = _stream.FlushedPosition;
        Assert.True(await view.Model.WaitForAsync(position, TimeSpan.FromSeconds(20), TimeProvider.System, CancellationToken.None));
        return position.ToString();
    }

    private RecountResult Recount(string name, string position, long memory = 8 << 20, int threads = 2)
    {
        Assert.True(_node.TryGetView(name, out View? view));
        return RecountRun.Run(new RecountRequest
        {
            Disk = LinuxDisk.Instance,
            DataDirectory = _directory,
            Sql = view.Definition.Sql,
            Position = position,
            KeepWindows = view.Definition.Keep,
            OwnerMemoryBytes = memory,
            Threads = threads,
            BaseSection = view.Section,
        });
    }

    private void Cut()
    {
        long[] before = Starts();
        _node.RetainOnce();
        Assert.All(Starts().Zip(before), starts => Assert.True(starts.First > starts.Second));
    }

    private long[] Starts() => [.. _stream.Partitions.Select(partition => partition.LogStart)];

    private void Damage(string pattern)
    {
        foreach (string file in Directory.GetFiles(_directory, pattern, SearchOption.AllDirectories))
        {
            byte[] bytes = File.ReadAllBytes(file);
            bytes[bytes.Length / 2] ^= 1;
            File.WriteAllBytes(file, bytes);
        }
    }

    /// <summary>One vote per user; of each hundred one has an amount that no sum can take.</summary>
    private async Task SendAsync(int first, int end)
    {
        foreach (int[] users in Enumerable.Range(first, end - first).Chunk(50))
        {
            using IngestBatch batch = _stream.NewBatch();
            foreach (int user in users)
            {
                string amount = user % 1_000 == 999 ? "\"much\"" : $"{user}.25";
                batch.Add(Encoding.UTF8.GetBytes($$"""{"id":"v{{user}}","user":"u{{user}}","choice":"{{(user % 5 == 0 ? "a\\n" : "b")}}","amount":{{amount}},"t":{{1_795_204_800_000 + (user * 200L)}}}"""), EventHeaders.None);
            }

            await batch.SubmitAsync();
        }
    }
}
