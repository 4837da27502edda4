using System.Text;
using Weir.Core;

namespace Weir.Engine.Tests;

public sealed class IngestBatchTests
{
    [Fact]
    public async Task A_batch_that_is_disposed_while_partitions_hold_it_is_not_given_to_the_next_request()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        Partition partition = stream.PartitionList[0];
        using var held = new ManualResetEventSlim();
        partition.Post(() => held.Wait(TimeSpan.FromSeconds(30)));
        IngestBatch impatient = stream.NewBatch();
        impatient.Add("""{"id":"1"}"""u8, EventHeaders.None);
        ValueTask submitted = impatient.SubmitAsync();

        impatient.Dispose();
        using IngestBatch other = stream.NewBatch();
        other.Add("""{"id":"2"}"""u8, EventHeaders.None);

        Assert.NotSame(impatient, other);
        held.Set();
        await submitted;
        await other.SubmitAsync();
        Assert.Equal(["""{"id":"1"}""", """{"id":"2"}"""], stream.ReadEvents(0, 1, 10).Select(one => Encoding.UTF8.GetString(one.Value)));
    }

    [Fact]
    public async Task A_batch_that_is_disposed_twice_is_returned_once()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        IngestBatch batch = stream.NewBatch();

        batch.Dispose();
        batch.Dispose();

        Assert.NotSame(stream.NewBatch(), stream.NewBatch());
    }

    [Theory]
    [InlineData("exactly-once")]
    [InlineData("at-most-once")]
    public async Task Batches_told_when_flushed_go_to_the_next_request_only_after_their_fold(string delivery)
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", $$"""{"partitions":3,"id":"id","delivery":"{{delivery}}"}""");
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT sum(n) AS sum, count(*) AS events FROM s"));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(client => Task.Run(async () =>
        {
            for (int i = 0; i < 200; i++)
            {
                using IngestBatch batch = stream.NewBatch();
                for (int n = 0; n < 5; n++)
                {
                    batch.Add(Encoding.UTF8.GetBytes($$"""{"id":"{{client}}-{{i}}-{{n}}","n":{{n}}}"""), EventHeaders.None);
                }

                batch.Add("broken"u8, EventHeaders.None);
                bool isToldWhenFlushed = (i + client) % 3 > 0;
                await (isToldWhenFlushed ? batch.SubmitDurablyAsync() : batch.SubmitAsync());
                Assert.Equal(new IngestTotals { Counted = isToldWhenFlushed ? 0 : 5, Durable = isToldWhenFlushed ? 5 : 0, Refused = 1 }, batch.Totals);
                for (int n = 0; n < 5; n++)
                {
                    EventOutcome outcome = batch.OutcomeOf(n);
                    Assert.True(outcome.Offset > 0 && outcome.Offset < batch.Ends[outcome.Partition]);
                }
            }
        })));

        // What is acknowledged from memory may not be flushed yet.
        await Task.WhenAll(stream.PartitionList.Select(partition => partition.QuiesceAsync()));
        Assert.Equal("""[{"sum":16000,"events":8000}]""", await fixture.RowsAsync("v"));
    }

    [Fact]
    public async Task Every_index_has_its_own_outcome_and_refusals_say_where()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":4,"key":"user","id":"id","claim":{"by":"user"},"fields":{"n":"integer"},"limits":{"event_bytes":100}}""");
        using IngestBatch batch = stream.NewBatch();
        string[] events = ["""{"id":1,"user":"ada"}""", "{", """{"id":1,"user":"ada"}""", """{"id":2}""", """{"id":3,"user":"bob","n":"x"}""", $$"""{"id":4,"user":"{{new string('x', 100)}}"}""", """{"id":5,"user":"ada"}""", """{"id":6,"user":"eve","n":7}"""];
        ErrorCode?[] codes = [.. events.Select(one => batch.Add(Encoding.UTF8.GetBytes(one), EventHeaders.None))];

        await batch.SubmitAsync();

        Assert.Equal([null, ErrorCode.MalformedJson, null, ErrorCode.KeyMissing, ErrorCode.FieldMismatch, ErrorCode.EventTooLarge, null, null], codes);
        Assert.Equal(new IngestTotals { Counted = 2, Duplicate = 1, Taken = 1, Refused = 4 }, batch.Totals);
        Assert.Equal(8, batch.Count);
        Assert.Equal([Verdict.Counted, Verdict.None, Verdict.Duplicate, Verdict.None, Verdict.None, Verdict.None, Verdict.Taken, Verdict.Counted], Enumerable.Range(0, 8).Select(i => batch.OutcomeOf(i).Verdict));
        Assert.Equal(batch.OutcomeOf(0).Offset, batch.OutcomeOf(2).Offset);
        Assert.Equal(batch.OutcomeOf(0).Partition, batch.OutcomeOf(6).Partition);
        Assert.Contains("byte 1", batch.RefusalDetail(1), StringComparison.Ordinal);
        Assert.Contains("user", batch.RefusalDetail(3), StringComparison.Ordinal);
        Assert.Contains("Field n, at byte 2", batch.RefusalDetail(4), StringComparison.Ordinal);
        Assert.Contains("limit is 100", batch.RefusalDetail(5), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.RefusalDetail(0));
    }

    [Fact]
    public void Who_enters_the_gate_while_it_turns_is_waited_for_or_comes_later_than_the_turn()
    {
        var gate = new IngestGate();
        IngestGate.Pass early = gate.Enter(TimeProvider.System);
        int side = gate.Turn();
        IngestGate.Pass late = gate.Enter(TimeProvider.System);

        Assert.False(gate.IsEmpty(side));
        gate.Exit(ref early);
        gate.Exit(ref early);
        Assert.True(gate.IsEmpty(side));
        Assert.True(late.EnteredAtMs >= early.EnteredAtMs);
        int other = gate.Turn();
        Assert.NotEqual(side, other);
        Assert.False(gate.IsEmpty(other));
        gate.Exit(ref late);
        Assert.True(gate.IsEmpty(other));
    }

    [Fact]
    public async Task Ingest_and_fold_use_one_plan_so_nothing_is_extracted_twice()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id"}""");
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT choice, count(*) AS n FROM s GROUP BY choice"));
        await fixture.RowsAsync("v");
        await fixture.DefineAsync("s", """{"partitions":1,"id":"id","fields":{"amount":"integer"}}""");
        await NodeFixture.SendAsync(stream, """{"id":"1"}""");
        using IngestBatch batch = stream.NewBatch();
        batch.Add("""{"id":"2","choice":"a"}"""u8, EventHeaders.None);
        StreamPlan made = stream.Plan;

        await batch.SubmitAsync();

        // Extraction anew would have put the partition's own object there.
        Assert.Same(made, Assert.Single(batch.Parts).Columns.Plan);
    }
}
