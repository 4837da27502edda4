using Weir.Core;

namespace Weir.Engine.Tests.Fold;

public sealed class ProducerTableTests
{
    private const long Day = ProducerTable.KeptForMs;

    [Fact]
    public void Sequences_go_round()
    {
        var table = new ProducerTable();
        byte[] last = Batch(1, int.MaxValue - 1, records: 3);
        Note(table, Batch(1, 0), 0);

        Note(table, last, 10);

        Assert.Equal(ProducerCheck.Retry, Check(table, last));
        Assert.Equal(ProducerCheck.Next, Check(table, Batch(1, 1)));
        Assert.Equal(ProducerCheck.Gap, Check(table, Batch(1, 2)));
        Assert.Equal(ProducerCheck.Older, Check(table, Batch(1, int.MaxValue - 2)));
    }

    [Fact]
    public void A_new_epoch_begins_at_zero_and_fences_the_old_one()
    {
        var table = new ProducerTable();
        Note(table, Batch(1, 0, epoch: 3), 0);

        Assert.Equal(ProducerCheck.Gap, Check(table, Batch(1, 1, epoch: 4)));
        Assert.Equal(ProducerCheck.Next, Check(table, Batch(1, 0, epoch: 4)));
        Assert.Equal(ProducerCheck.Fenced, Check(table, Batch(1, 1, epoch: 2)));
        Note(table, Batch(1, 0, epoch: 4), 1);
        Assert.Equal(ProducerCheck.Fenced, Check(table, Batch(1, 0, epoch: 3)));
        Assert.Equal(ProducerCheck.Retry, Check(table, Batch(1, 0, epoch: 4)));
    }

    [Fact]
    public void A_full_table_forgets_whoever_was_silent_longest_but_nobody_who_was_active_within_a_day()
    {
        var table = new ProducerTable();
        for (int id = 0; id < ProducerTable.MostProducers; id++)
        {
            Note(table, Batch(id, 0), id, appendTimeMs: id);
        }

        Note(table, Batch(0, 1), 500_000, appendTimeMs: 500_000);
        long newcomer = ProducerTable.MostProducers;

        Assert.Equal(ProducerCheck.Full, Check(table, Batch(newcomer, 0), nowMs: 1 + Day - 1));
        Assert.Equal(ProducerCheck.Next, Check(table, Batch(newcomer, 0), nowMs: 1 + Day));
        Note(table, Batch(newcomer, 0), 600_000, 1 + Day);
        Assert.Equal(ProducerTable.MostProducers, table.Count);
        Assert.Equal(ProducerCheck.Unknown, Check(table, Batch(1, 1)));
        Assert.Equal(ProducerCheck.Next, Check(table, Batch(0, 2)));
        Assert.Equal(ProducerCheck.Next, Check(table, Batch(2, 1)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_snapshot_of_any_table_is_that_table(int seed)
    {
        var random = new Random(seed);
        ProducerTable table = new(), next = new();
        long offset = 0;
        for (int i = 0; i < 40; i++)
        {
            byte[] batch = Batch(random.Next(6), random.Next(3), random.Next(1, 4), (short)random.Next(3));
            Note(table, batch, offset, offset);
            offset += 5;
        }

        next.Load(table.ToBytes());

        Assert.Equal((table.ContentHash(), table.Count, table.HighestId), (next.ContentHash(), next.Count, next.HighestId));
        Assert.Equal(table.ToBytes(), next.ToBytes());
        Assert.NotEqual((UInt128)0, table.ContentHash());
    }

    [Fact]
    public void A_section_of_another_form_is_not_loaded()
    {
        var table = new ProducerTable();
        Note(table, Batch(1, 0), 0);
        byte[] bytes = table.ToBytes();

        Assert.Throws<InvariantException>(() => new ProducerTable().Load(bytes.AsSpan(0, bytes.Length - 1)));
        Assert.Throws<InvariantException>(() => new ProducerTable().Load([.. bytes, .. bytes]));
        Assert.Throws<InvariantException>(() => new ProducerTable().Load([.. bytes[..10], 6, .. bytes[11..]]));
    }

    private static byte[] Batch(long producer, int sequence, int records = 1, short epoch = 0) =>
        KafkaBatch.Values(Enumerable.Repeat("{}", records)).From(producer, sequence, epoch);

    private static ProducerCheck Check(ProducerTable table, byte[] bytes, long nowMs = 0)
    {
        Assert.True(RecordBatch.TryRead(bytes, out RecordBatch batch));
        return table.Check(batch, nowMs, out _);
    }

    private static void Note(ProducerTable table, byte[] bytes, long offset, long appendTimeMs = 0)
    {
        Assert.True(RecordBatch.TryRead(bytes, out RecordBatch batch));
        table.Note(batch, offset, appendTimeMs);
    }
}
