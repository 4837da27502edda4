using System.Buffers.Binary;
using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Tests.Support;

namespace Weir.Server.Tests.Kafka;

/// <summary>What /metrics says of the Kafka port is what was sent to it.</summary>
public sealed class KafkaMetricsTests
{
    private const string Yaml = """
        kafka: { listen: 127.0.0.1:0 }
        streams:
          s: { partitions: 1 }
          strict: { partitions: 1, key: user, on-invalid: refuse }
        """;

    [Fact]
    public async Task Events_are_counted_once_by_what_their_batch_was_told()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);
        long producer = client.Ask<InitProducerIdResponse>(ApiTable.InitProducerId, 4, new InitProducerIdRequest()).ProducerId;
        byte[] first = Numbered(KafkaClient.Batch("{}", "{}", "{}"), producer, sequence: 0);

        long offset = client.Produce("s", 0, first).BaseOffset;
        Assert.Equal(offset, client.Produce("s", 0, first).BaseOffset);
        Assert.Equal(KafkaError.OutOfOrderSequenceNumber, client.Produce("s", 0, Numbered(KafkaClient.Batch("{}", "{}"), producer, sequence: 100)).ErrorCode);
        Assert.Equal(KafkaError.InvalidRecord, client.Produce("strict", 0, KafkaClient.Batch("no JSON")).ErrorCode);
        Assert.Equal(KafkaError.CorruptMessage, client.Produce("s", 0, [1, 2, 3]).ErrorCode);
        Assert.Equal(KafkaError.CorruptMessage, client.Produce("s", 0, Claiming(2_000_000_000)).ErrorCode);

        string page = (await server.GetAsync("/metrics")).Text;
        Assert.Equal(3, Value(page, "weir_ingest_events_total{stream=\"s\",protocol=\"kafka\",outcome=\"durable\"}"));
        Assert.Equal(3, Value(page, "weir_ingest_events_total{stream=\"s\",protocol=\"kafka\",outcome=\"duplicate\"}"));
        Assert.Equal(2 + 1 + 1, Value(page, "weir_ingest_events_total{stream=\"s\",protocol=\"kafka\",outcome=\"refused\"}"));
        Assert.Equal(1, Value(page, "weir_ingest_events_total{stream=\"strict\",protocol=\"kafka\",outcome=\"refused\"}"));
        Assert.Equal(2, Value(page, "weir_ingest_ack_duration_seconds_count{stream=\"s\"}"));
    }

    [Fact]
    public async Task Requests_bytes_connections_and_members_are_what_the_client_made()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);
        client.Produce("s", 0, KafkaClient.Batch("{\"n\":1}", "{\"n\":2}"));
        long bytes = 0;
        for (int i = 0; i < 3; i++)
        {
            bytes += client.Fetch("s", 0, 0).Records!.Value.Length;
        }

        JoinGroupResponse joined = client.Ask<JoinGroupResponse>(ApiTable.JoinGroup, 3, new JoinGroupRequest
        {
            GroupId = "g",
            SessionTimeoutMs = 30_000,
            RebalanceTimeoutMs = 30_000,
            ProtocolType = "consumer",
            Protocols = [new() { Name = "range", Metadata = [0] }],
        });
        Assert.Equal(KafkaError.None, joined.ErrorCode);

        string page = (await server.GetAsync("/metrics")).Text;
        Assert.Equal(3, Value(page, "weir_kafka_request_duration_seconds_count{api=\"Fetch\"}"));
        Assert.Equal(1, Value(page, "weir_kafka_request_duration_seconds_count{api=\"Produce\"}"));
        Assert.Equal(bytes, Value(page, "weir_kafka_fetch_bytes_total{stream=\"s\"}"));
        Assert.Equal(1, Value(page, "weir_kafka_connections"));
        Assert.Equal(1, Value(page, "weir_kafka_group_members"));
    }

    [Theory]
    [InlineData("tls", new byte[] { 0x16, 0x03, 0x01, 0x02, 0, 1, 0, 0 })]
    [InlineData("http", new byte[] { (byte)'G', (byte)'E', (byte)'T', (byte)' ', (byte)'/' })]
    [InlineData("length", new byte[] { 0x7F, 0xFF, 0xFF, 0xFF })]
    [InlineData("unknown_api", new byte[] { 0, 0, 0, 8, 0x7F, 0, 0, 0, 0, 0, 0, 1 })]
    [InlineData("unreadable", new byte[] { 0, 0, 0, 10, 0, 3, 0, 9, 0, 0, 0, 1, 0x7F, 0xFF })]
    public async Task A_connection_that_is_closed_for_what_it_sent_is_counted_by_the_reason(string reason, byte[] sent)
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);
        client.Send(sent);
        Assert.True(client.IsClosedByServer());

        string page = (await server.GetAsync("/metrics")).Text;
        Assert.Equal(1, Value(page, $"weir_kafka_connection_faults_total{{reason=\"{reason}\"}}"));
    }

    [Fact]
    public async Task A_batch_that_is_refused_without_an_answer_closes_its_connection_and_both_are_counted()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);
        client.Send(ApiTable.Produce, 9, KafkaClient.ProduceRequest("strict", 0, KafkaClient.Batch("no JSON"), acks: 0));
        Assert.True(client.IsClosedByServer());

        string page = (await server.GetAsync("/metrics")).Text;
        Assert.Equal(1, Value(page, "weir_kafka_connection_faults_total{reason=\"refused\"}"));
        Assert.Equal(1, Value(page, "weir_ingest_events_total{stream=\"strict\",protocol=\"kafka\",outcome=\"refused\"}"));
    }

    // Where a producer's number, epoch and sequence lie: Kafka's record batch, format 2.
    private static byte[] Numbered(byte[] batch, long producer, int sequence)
    {
        BinaryPrimitives.WriteInt64BigEndian(batch.AsSpan(43), producer);
        BinaryPrimitives.WriteInt16BigEndian(batch.AsSpan(51), 0);
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(53), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(batch.AsSpan(17), Crc32C.Compute(batch.AsSpan(21)));
        return batch;
    }

    // One record, and a header that says otherwise, under a checksum that holds.
    private static byte[] Claiming(int records)
    {
        byte[] batch = KafkaClient.Batch("{}");
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(23), records - 1);
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(57), records);
        BinaryPrimitives.WriteUInt32BigEndian(batch.AsSpan(17), Crc32C.Compute(batch.AsSpan(21)));
        return batch;
    }

    private static double Value(string page, string series)
    {
        string line = Assert.Single(page.Split('\n'), line => line.StartsWith(series + " ", StringComparison.Ordinal));
        return double.Parse(line[(series.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }
}
