using System.Text;
using Weir.Core;

namespace Weir.Engine.Tests;

/// <summary>Payloads that have the same print of 24 bits and are not the same: where no id is declared, only equal payloads are one event.</summary>
public sealed class LookalikeTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_keep_last_only_an_equal_payload_is_a_duplicate(bool inOneBatch)
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"key":"user","claim":{"by":"user","keep":"last"}}""");
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT sum(n) AS n FROM s"));
        (string a, string b) = Lookalikes(stream, "ada");
        (string c, string d) = Lookalikes(stream, "bob");

        Assert.Equal(
            ["counted", "replaced", "duplicate", "counted", "duplicate", "replaced", "replaced", "duplicate", "replaced"],
            await SendAsync(stream, inOneBatch, a, b, b, c, c, d, a, a, c));
        await AssertReplayAgreesAsync(fixture, stream, $$"""[{"n":{{NumberOf(a) + NumberOf(c)}}}]""");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_keep_first_only_an_equal_payload_is_a_duplicate(bool inOneBatch)
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"key":"user","claim":{"by":"user"}}""");
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT sum(n) AS n FROM s"));
        (string a, string b) = Lookalikes(stream, "ada");
        (string c, string d) = Lookalikes(stream, "bob");

        Assert.Equal(["counted", "taken", "duplicate", "counted", "taken", "duplicate", "taken"], await SendAsync(stream, inOneBatch, a, b, a, d, c, d, b));
        await AssertReplayAgreesAsync(fixture, stream, $$"""[{"n":{{NumberOf(a) + NumberOf(d)}}}]""");
    }

    [Fact]
    public async Task Payloads_are_compared_across_the_batches_of_one_round()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"key":"user","claim":{"by":"user","keep":"last"}}""");
        (string a, string b) = Lookalikes(stream, "ada");
        using var held = new ManualResetEventSlim();
        stream.PartitionList[0].Post(() => held.Wait(TimeSpan.FromSeconds(30)));

        Task<string[]>[] sent = [SendAsync(stream, true, a), SendAsync(stream, true, b), SendAsync(stream, true, b, a)];
        held.Set();

        Assert.Equal([["counted"], ["replaced"], ["duplicate", "replaced"]], await Task.WhenAll(sent));
    }

    /// <summary>
    /// Simulator, seed 2333: the columns of a batch that was read to take rows back are ranges of a buffer in which, meanwhile, payloads of others were
    /// compared; a larger batch then got a buffer of its own, and the columns seemed to be those of the batch read again.
    /// </summary>
    [Fact]
    public async Task A_row_is_taken_back_by_its_own_columns_whatever_was_compared_in_between()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"key":"user","claim":{"by":"user","keep":"last"}}""");
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT sum(n) AS n FROM s"));
        string[] small = ["""{"padding":"a","n":1000,"user":"cyd"}"""];
        string[] large = [.. Enumerable.Range(0, 50).Select(i => $$"""{"user":"u{{i}}","n":10}""")];

        await SendAsync(stream, true, """{"user":"bob","n":2}""", """{"user":"ada","n":1}""");
        await SendAsync(stream, true, small);
        await SendAsync(stream, true, large);
        Assert.Equal(["replaced"], await SendAsync(stream, true, """{"user":"ada","n":3}"""));
        Assert.Equal(["duplicate"], await SendAsync(stream, true, small));
        Assert.Equal(["duplicate"], await SendAsync(stream, true, large[7]));
        Assert.Equal(["replaced"], await SendAsync(stream, true, """{"user":"bob","n":4}"""));

        await AssertReplayAgreesAsync(fixture, stream, """[{"n":1507}]""");
    }

    private static async Task AssertReplayAgreesAsync(NodeFixture fixture, EventStream stream, string rows)
    {
        UInt128[] before = await NodeTests.HashesOf(stream);
        long[] totals = stream.VerdictTotals;
        Assert.Equal(rows, await fixture.RowsAsync("v"));
        EventStream again = await fixture.RestartAsync("s");
        Assert.Equal(0, again.PartitionList[0].ReplayedFrom);
        Assert.Equal(totals, again.VerdictTotals);
        Assert.Equal(before, await NodeTests.HashesOf(again));
        Assert.Equal(rows, await fixture.RowsAsync("v"));
    }

    private static async Task<string[]> SendAsync(EventStream stream, bool inOneBatch, params string[] events)
    {
        List<string> verdicts = [];
        foreach (string[] chunk in events.Chunk(inOneBatch ? events.Length : 1))
        {
            using IngestBatch batch = stream.NewBatch();
            foreach (string one in chunk)
            {
                batch.Add(Encoding.UTF8.GetBytes(one), EventHeaders.None);
            }

            await batch.SubmitAsync();
            verdicts.AddRange(Enumerable.Range(0, chunk.Length).Select(i => batch.OutcomeOf(i).Verdict.Word()));
        }

        return [.. verdicts];
    }

    /// <summary>Two events of a user with the same print: among some thousand there are such.</summary>
    internal static (string First, string Second) Lookalikes(EventStream stream, string user)
    {
        Dictionary<uint, string> byPrint = [];
        for (int n = 0; ; n++)
        {
            string value = $$"""{"user":"{{user}}","n":{{n * 7919}}}""";
            uint print = stream.Plan.Hash.Fingerprint(Encoding.UTF8.GetBytes(value));
            if (!byPrint.TryAdd(print, value))
            {
                return (byPrint[print], value);
            }
        }
    }

    private static long NumberOf(string value) => System.Text.Json.JsonDocument.Parse(value).RootElement.GetProperty("n").GetInt64();
}
