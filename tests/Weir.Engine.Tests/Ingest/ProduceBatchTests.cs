using System.Text;
using Weir.Core;

namespace Weir.Engine.Tests.Ingest;

public sealed class ProduceBatchTests
{
    private const string Votes = """{"partitions":4,"key":"user","id":"id","claim":{"by":"user"}}""";
    private const string Counted = """{"partitions":1,"id":"id"}""";

    private static string Vote(string user, string id, string choice = "a") => $$"""{"user":"{{user}}","id":"{{id}}","choice":"{{choice}}"}""";

    private static int PartitionOf(string key, PartitionerKind kind = PartitionerKind.Murmur2) => Partitioner.PartitionOf(kind, Encoding.UTF8.GetBytes(key), 4);

    [Fact]
    public async Task An_event_counts_once_whether_it_comes_over_http_or_kafka_or_both()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        string[] users = [.. Enumerable.Range(0, 50).Select(i => $"u{i}")];

        foreach (IGrouping<int, string> group in users.GroupBy(user => PartitionOf(user)))
        {
            Assert.Equal(ProduceError.None, (await stream.ProduceAsync(KafkaBatch.Of(group.Select(user => ((string?)user, Vote(user, user)))), group.Key)).Error);
            Assert.Equal(ProduceError.None, (await stream.ProduceAsync(KafkaBatch.Values(group.Select(user => Vote(user, user))), group.Key)).Error);
        }

        IngestTotals again = await NodeFixture.SendAsync(stream, users.Select(user => Vote(user, user)));
        IngestTotals others = await NodeFixture.SendAsync(stream, users.Select(user => Vote(user, "other")));
        await NodeFixture.SendAsync(stream, "{\"user\":\"new\",\"id\":\"new\"}");
        await stream.ProduceAsync(KafkaBatch.Values("{\"user\":\"new\",\"id\":\"new\"}"), PartitionOf("new"));

        Assert.Equal((50, 50), (again.Duplicate, others.Taken));
        Assert.Equal((51, 101, 50), ((int)stream.VerdictTotals[(int)Verdict.Counted], (int)stream.VerdictTotals[(int)Verdict.Duplicate], (int)stream.VerdictTotals[(int)Verdict.Taken]));
    }

    [Fact]
    public async Task A_batch_is_stored_as_it_came_but_for_its_base_offset()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", Counted);
        byte[] sent = KafkaBatch.Of(("k", "{\"id\":\"k\"}")).From(fixture.Node.NextProducerId(), sequence: 0);

        (_, long offset, _) = await stream.ProduceAsync(sent);

        using Storage.LogReader reader = stream.OpenReader(0, offset);
        Assert.True(reader.TryReadNext(out Storage.StoredBatch stored));
        Assert.Equal(1, offset);
        Assert.Equal(sent.AsSpan(RecordBatch.MagicAt).ToArray(), stored.Bytes[RecordBatch.MagicAt..].ToArray());
    }

    [Fact]
    public async Task A_key_that_is_not_the_values_is_refused_with_both()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("votes", Votes);

        (ProduceError error, _, string? detail) = await stream.ProduceAsync(KafkaBatch.Of(("ann", Vote("ann", "1")), ("bob", Vote("ann", "2"))), PartitionOf("ann"));

        Assert.Equal(ProduceError.InvalidRecord, error);
        Assert.Equal("Record 1: the key is 'bob', but user in the value makes it 'ann'. Send that, or no key and the right partition.", detail);
        Assert.Equal(0, stream.VerdictTotals.Sum());
    }

    [Fact]
    public async Task A_record_in_another_partition_than_its_keys_is_refused_and_the_partitioner_that_it_matches_is_named()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("votes", Votes);
        string user = Enumerable.Range(0, 100).Select(i => $"u{i}").First(name => PartitionOf(name) == 1 && PartitionOf(name, PartitionerKind.Crc32) == 2);

        string? byCrc32 = (await stream.ProduceAsync(KafkaBatch.Of((user, Vote(user, "1"))), 2)).Detail;
        string? byChance = (await stream.ProduceAsync(KafkaBatch.Of((user, Vote(user, "1"))), 3)).Detail;

        Assert.Equal($"Record 0: the key '{user}' (user) belongs in partition 1 by murmur2; it came to 2. crc32 puts it here: set the client's partitioner to murmur2, or define the stream with crc32.", byCrc32);
        Assert.Equal($"Record 0: the key '{user}' (user) belongs in partition 1 by murmur2; it came to 3.", byChance);
    }

    [Theory]
    [InlineData("", 1, ProduceError.None)]
    [InlineData(",\"on-invalid\":\"dead-letter\"", 1, ProduceError.None)]
    [InlineData(",\"on-invalid\":\"refuse\"", 0, ProduceError.InvalidRecord)]
    public async Task What_is_no_event_becomes_a_dead_letter_unless_the_stream_refuses_it(string rule, int invalid, ProduceError expected)
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", $$"""{"partitions":1,"id":"id"{{rule}}}""");

        (ProduceError error, _, _) = await stream.ProduceAsync(KafkaBatch.Values("{\"id\":\"1\"}", "no json"));

        Assert.Equal(expected, error);
        Assert.Equal(invalid, stream.VerdictTotals[(int)Verdict.Invalid]);
    }

    public static TheoryData<string, ProduceError> Damages => new()
    {
        { "checksum", ProduceError.Corrupt },
        { "cut", ProduceError.Corrupt },
        { "longer", ProduceError.Corrupt },
        { "count", ProduceError.Corrupt },
        { "magic", ProduceError.UnsupportedFormat },
        { "control", ProduceError.NotAllowed },
        { "transactional", ProduceError.NotAllowed },
        { "foreign producer", ProduceError.UnknownProducer },
        { "no sequence", ProduceError.Corrupt },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_batch_that_is_none_is_refused_and_leaves_nothing(string damage, ProduceError expected)
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", Counted);
        byte[] batch = KafkaBatch.Values("{\"id\":\"1\"}", "{\"id\":\"2\"}").From(fixture.Node.NextProducerId(), sequence: 0);
        switch (damage)
        {
            case "checksum":
                batch[^1] ^= 1;
                break;
            case "cut":
                batch = batch[..^1];
                break;
            case "longer":
                batch = [.. batch, 0];
                break;
            case "count":
                batch[RecordBatch.RecordCountAt + 3]++;
                batch[RecordBatch.LastOffsetDeltaAt + 3]++;
                batch.Sealed();
                break;
            case "magic":
                batch[RecordBatch.MagicAt] = 1;
                break;
            case "control":
                batch[RecordBatch.AttributesAt + 1] |= (byte)RecordBatch.ControlBit;
                batch.Sealed();
                break;
            case "transactional":
                batch[RecordBatch.AttributesAt + 1] |= (byte)RecordBatch.TransactionalBit;
                batch.Sealed();
                break;
            case "foreign producer":
                batch = batch.From(producer: 5000, sequence: 0);
                break;
            case "no sequence":
                batch = batch.From(producer: 0, sequence: -1);
                break;
        }

        Assert.Equal(expected, (await stream.ProduceAsync(batch)).Error);
        Assert.Equal(1, stream.FlushedEnd(0));
    }

    [Fact]
    public async Task A_compressed_batch_is_stored_compressed_and_counted_read_found_and_replayed_like_any_other()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"key":"user","id":"id","claim":{"by":"user"}}""");
        await fixture.Node.DefineViewAsync("v", new ViewDefinition("SELECT choice, count(*) AS votes FROM s GROUP BY choice"));
        byte[] sent = KafkaBatch.Of(("ann", Vote("ann", "1")), ("bob", Vote("bob", "1", "b")), ("ann", Vote("ann", "2")), (null, Vote("eve", "1", "b"))).Gzipped();

        Assert.Equal((ProduceError.None, 1), await ErrorAndOffsetAsync(stream, sent));
        string before = await fixture.RowsAsync("v");
        CheckReads(stream);
        stream = await fixture.RestartAsync("s");

        Assert.Equal(before, await fixture.RowsAsync("v"));
        Assert.Contains("\"b\",\"votes\":2", before, StringComparison.Ordinal);
        CheckReads(stream);
        Assert.Equal((3, 1), ((int)stream.VerdictTotals[(int)Verdict.Counted], (int)stream.VerdictTotals[(int)Verdict.Taken]));

        void CheckReads(EventStream stream)
        {
            using Storage.LogReader reader = stream.OpenReader(0, 1);
            Assert.True(reader.TryReadNext(out Storage.StoredBatch stored));
            Assert.Equal(sent.AsSpan(RecordBatch.MagicAt).ToArray(), stored.Bytes[RecordBatch.MagicAt..].ToArray());
            Assert.Equal(Vote("bob", "1", "b"), Encoding.UTF8.GetString(stream.ReadEvents(0, 2, 1)[0].Value));
            Assert.Equal([1L, 3L], stream.FindReceipts("ann"u8.ToArray(), ReceiptBy.Owner, 10).Select(one => one.Offset));
            Assert.Equal(4L, Assert.Single(stream.FindReceipts("eve"u8.ToArray(), ReceiptBy.Owner, 10)).Offset);
            Assert.Equal(3L, Assert.Single(stream.ReadDeadLetters(null, 10, out _)).Offset);
        }
    }

    [Fact]
    public async Task A_batch_that_expands_too_far_or_is_not_what_its_codec_writes_is_refused()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", Counted);
        byte[] sent = KafkaBatch.Values($"{{\"id\":\"{new string(' ', 100_000)}\"}}").Gzipped();
        byte[] wrong = (byte[])sent.Clone();
        wrong[RecordBatch.AttributesAt + 1] = (byte)Storage.BatchCodec.Lz4;

        using ProduceBatch bomb = stream.NewProduceBatch();
        Assert.False(bomb.TryRead(sent, 0, null, mostExpanded: 50_000));

        Assert.Equal(ProduceError.TooLarge, bomb.Error);
        Assert.Equal(ProduceError.Corrupt, (await stream.ProduceAsync(wrong.Sealed())).Error);
    }

    [Fact]
    public async Task A_batch_sent_again_gets_its_first_offset_also_after_a_restart_from_log_or_snapshot()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1}""");
        long producer = fixture.Node.NextProducerId();
        byte[][] batches = [.. Enumerable.Range(0, 7).Select(i => KafkaBatch.Values($"{{\"n\":{i}}}", "{}").From(producer, sequence: i * 2))];
        List<long> offsets = [];
        foreach (byte[] batch in batches)
        {
            offsets.Add((await stream.ProduceAsync(batch)).BaseOffset);
        }

        await CheckAsync(stream);
        stream = await fixture.RestartAsync("s");
        await CheckAsync(stream);
        await Task.WhenAll(stream.PartitionList.Select(partition => partition.SnapshotAsync()));
        stream = await fixture.RestartAsync("s");
        Assert.NotEqual(0, stream.PartitionList[0].ReplayedFrom);
        await CheckAsync(stream);
        Assert.Equal((ProduceError.None, 15), await ErrorAndOffsetAsync(stream, KafkaBatch.Values("{}").From(producer, sequence: 14)));
        Assert.True(fixture.Node.NextProducerId() > producer);

        async Task CheckAsync(EventStream stream)
        {
            foreach (int kept in Enumerable.Range(2, 5))
            {
                Assert.Equal((ProduceError.None, offsets[kept]), await ErrorAndOffsetAsync(stream, batches[kept]));
            }

            Assert.Equal((ProduceError.AppendedEarlier, -1), await ErrorAndOffsetAsync(stream, batches[1]));
            Assert.Equal((ProduceError.SequenceGap, -1), await ErrorAndOffsetAsync(stream, batches[1].From(producer, sequence: 15)));
            Assert.Equal((ProduceError.UnknownProducer, -1), await ErrorAndOffsetAsync(stream, batches[1].From(producer + 1, sequence: 2)));
            Assert.Equal(15, stream.FlushedEnd(0));
        }
    }

    [Fact]
    public async Task A_retry_beside_its_original_in_one_round_is_answered_with_the_same_offset()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1}""");
        byte[] batch = KafkaBatch.Values("{}").From(fixture.Node.NextProducerId(), sequence: 0);

        (ProduceError Error, long, string?)[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => stream.ProduceAsync(batch)));

        Assert.All(answers, answer => Assert.Equal((ProduceError.None, 1L, null), answer));
        Assert.Equal(2, stream.FlushedEnd(0));
    }

    [Fact]
    public async Task A_full_memory_refuses_a_batch_with_new_owners_as_a_whole_and_takes_one_with_known_owners()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1,"id":"id","limits":{"state_bytes":1}}""");
        await stream.ProduceAsync(KafkaBatch.Values("{\"id\":\"1\"}"));

        Assert.Equal(ProduceError.StateFull, (await stream.ProduceAsync(KafkaBatch.Values("{\"id\":\"1\"}", "{\"id\":\"2\"}"))).Error);
        Assert.Equal(ProduceError.None, (await stream.ProduceAsync(KafkaBatch.Values("{\"id\":\"1\"}"))).Error);
        Assert.Equal((1, 1), ((int)stream.VerdictTotals[(int)Verdict.Counted], (int)stream.VerdictTotals[(int)Verdict.Duplicate]));
    }

    [Fact]
    public async Task Those_who_wait_for_a_flush_are_told()
    {
        await using NodeFixture fixture = await NodeFixture.StartAsync();
        EventStream stream = await fixture.DefineAsync("s", """{"partitions":1}""");
        var told = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);

        using (stream.WatchFlushes(0, () => told.TrySetResult(stream.FlushedEnd(0))))
        {
            await stream.ProduceAsync(KafkaBatch.Values("{}"));
        }

        Assert.Equal(2, await told.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    private static async Task<(ProduceError, long)> ErrorAndOffsetAsync(EventStream stream, byte[] batch)
    {
        (ProduceError error, long offset, _) = await stream.ProduceAsync(batch);
        return (error, offset);
    }
}
