using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Tests.Support;

namespace Weir.Server.Tests.Kafka;

public sealed class KafkaPortTests
{
    private const string Yaml = """
        kafka: { listen: 127.0.0.1:0 }
        streams:
          s: { partitions: 2 }
          strict: { partitions: 1, key: user, on-invalid: refuse }
        """;

    [Fact]
    public async Task What_is_produced_is_fetched_and_what_http_wrote_too()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        Assert.Equal(1, client.Produce("s", 0, KafkaClient.Batch("{\"n\":1}", "{\"n\":2}")).BaseOffset);
        await server.PostAsync("/v1/streams/s/events", "[{\"n\":3},{\"n\":4}]");

        List<(long Offset, string Value)> all = [];
        foreach (int partition in new[] { 0, 1 })
        {
            FetchResponse.PartitionData data = client.Fetch("s", partition, 0);
            Assert.Equal(KafkaError.None, data.ErrorCode);
            all.AddRange(KafkaClient.Events(data.Records));
        }

        Assert.Equal(["{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "{\"n\":4}"], all.Select(one => one.Value).Order());
        Assert.Equal((1, 2), (all[0].Offset, all[1].Offset));
    }

    [Fact]
    public async Task Requests_sent_in_one_go_are_answered_in_their_order_also_when_an_early_one_waits()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        int waiting = client.Send(ApiTable.Fetch, 11, KafkaClient.FetchRequest("s", 0, 1, maxWaitMs: 20_000));
        int produced = client.Send(ApiTable.Produce, 9, KafkaClient.ProduceRequest("s", 0, KafkaClient.Batch("{}")));
        int asked = client.Send(ApiTable.Metadata, 9, new MetadataRequest { Topics = null });

        Assert.Equal("{}", Assert.Single(KafkaClient.Events(client.Read<FetchResponse>(ApiTable.Fetch, 11, waiting).Responses[0].Partitions[0].Records)).Value);
        Assert.Equal(1, client.Read<ProduceResponse>(ApiTable.Produce, 9, produced).Responses[0].PartitionResponses[0].BaseOffset);
        Assert.Equal(["s", "strict"], client.Read<MetadataResponse>(ApiTable.Metadata, 9, asked).Topics.Select(topic => topic.Name));
    }

    [Fact]
    public async Task A_fetch_at_the_end_is_answered_empty_when_its_time_is_over()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        FetchResponse.PartitionData data = client.Fetch("s", 0, 1, maxWaitMs: 50);

        Assert.Equal((KafkaError.None, 1L, 0), (data.ErrorCode, data.HighWatermark, data.Records?.Length ?? 0));
        Assert.Equal(KafkaError.OffsetOutOfRange, client.Fetch("s", 0, 2).ErrorCode);
        Assert.Equal(KafkaError.UnknownTopicOrPartition, client.Fetch("s", 2, 0).ErrorCode);
        Assert.Equal(KafkaError.UnknownTopicOrPartition, client.Fetch("unknown", 0, 0).ErrorCode);
    }

    [Fact]
    public async Task A_session_tells_only_what_has_changed()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);
        FetchRequest request = KafkaClient.FetchRequest("s", 0, 1);
        request.SessionEpoch = 0;
        FetchResponse first = client.Ask<FetchResponse>(ApiTable.Fetch, 11, request);

        FetchResponse nothing = client.Ask<FetchResponse>(ApiTable.Fetch, 11, new FetchRequest { SessionId = first.SessionId, SessionEpoch = 1, MaxBytes = 1 << 20 });
        client.Produce("s", 0, KafkaClient.Batch("{}"));
        FetchResponse something = client.Ask<FetchResponse>(ApiTable.Fetch, 11, new FetchRequest { SessionId = first.SessionId, SessionEpoch = 2, MaxBytes = 1 << 20 });
        FetchResponse outOfTurn = client.Ask<FetchResponse>(ApiTable.Fetch, 11, new FetchRequest { SessionId = first.SessionId, SessionEpoch = 2 });
        FetchResponse unknown = client.Ask<FetchResponse>(ApiTable.Fetch, 11, new FetchRequest { SessionId = first.SessionId + 1, SessionEpoch = 1 });

        Assert.NotEqual(0, first.SessionId);
        Assert.Equal(1, first.Responses[0].Partitions[0].HighWatermark);
        Assert.Empty(nothing.Responses);
        Assert.Equal("{}", Assert.Single(KafkaClient.Events(something.Responses[0].Partitions[0].Records)).Value);
        Assert.Equal((KafkaError.InvalidFetchSessionEpoch, KafkaError.FetchSessionIdNotFound), (outOfTurn.ErrorCode, unknown.ErrorCode));
    }

    [Fact]
    public async Task An_unknown_version_of_ApiVersions_is_answered_in_version_0_with_the_offer()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        client.Send([0, 0, 0, 10, 0, 18, 0, 99, 0, 0, 0, 7, 0xFF, 0xFF]);
        ApiVersionsResponse answer = client.Read<ApiVersionsResponse>(ApiTable.ApiVersions, 0, 7);
        ApiVersionsResponse known = client.Ask<ApiVersionsResponse>(ApiTable.ApiVersions, 3, new ApiVersionsRequest { ClientSoftwareName = "test", ClientSoftwareVersion = "1" });

        Assert.Equal(KafkaError.UnsupportedVersion, answer.ErrorCode);
        Assert.Equal(known.ApiKeys.Select(api => (api.ApiKey, api.MinVersion, api.MaxVersion)), answer.ApiKeys.Select(api => (api.ApiKey, api.MinVersion, api.MaxVersion)));

        // Version 0 of Produce is told for librdkafka's sake (KafkaApis), and not read.
        Assert.Contains(known.ApiKeys, api => api is { ApiKey: 0, MinVersion: 0, MaxVersion: 11 });
    }

    [Fact]
    public async Task METADATA_v0_with_no_names_lists_all_topics()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        Assert.Equal(["s", "strict"], client.Ask<MetadataResponse>(ApiTable.Metadata, 0, new MetadataRequest { Topics = [] }).Topics.Select(topic => topic.Name));
        Assert.Empty(client.Ask<MetadataResponse>(ApiTable.Metadata, 1, new MetadataRequest { Topics = [] }).Topics);
    }

    /// <summary>librdkafka 2.16.0 asks for all topics with three bytes more than the message has (docs/internals/kafka-protocol.md).</summary>
    [Fact]
    public async Task METADATA_v13_of_librdkafka_for_all_topics_is_answered()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        client.Send(Convert.FromHexString("00000019" + "0003000d00000004000772646b61666b610000000000010000"));

        Assert.Equal(["s", "strict"], client.Read<MetadataResponse>(ApiTable.Metadata, 13, 4).Topics.Select(topic => topic.Name));
    }

    public static TheoryData<byte[]> Strangers => new()
    {
        new byte[] { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01 },
        "GET / HTTP/1.1\r\n\r\n"u8.ToArray(),
        new byte[] { 0, 0, 0, 3, 1, 2, 3 },
        new byte[] { 0x7F, 0xFF, 0xFF, 0xFF },
        new byte[] { 0xFF, 0xFF, 0xFF, 0xFF },
        new byte[] { 0, 0, 0, 10, 0, 0, 0, 99, 0, 0, 0, 7, 0xFF, 0xFF },
        new byte[] { 0, 0, 0, 10, 0, 99, 0, 0, 0, 0, 0, 7, 0xFF, 0xFF },
        new byte[] { 0, 0, 0, 10, 0, 3, 0, 9, 0, 0, 0, 7, 0x7F, 0xFF },
    };

    [Theory]
    [MemberData(nameof(Strangers))]
    public async Task What_is_no_request_ends_its_connection_and_no_other(byte[] bytes)
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var good = new KafkaClient(server.Host.KafkaPort);
        using var stranger = new KafkaClient(server.Host.KafkaPort);

        stranger.Send(bytes);

        Assert.True(stranger.IsClosedByServer());
        Assert.Equal(KafkaError.None, good.Produce("s", 0, KafkaClient.Batch("{}")).ErrorCode);
    }

    [Fact]
    public async Task Without_answers_a_batch_is_taken_all_the_same_and_an_error_ends_the_connection()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        client.Send(ApiTable.Produce, 9, KafkaClient.ProduceRequest("s", 0, KafkaClient.Batch("{}"), acks: 0));
        Assert.Equal(2, client.Produce("s", 0, KafkaClient.Batch("{}")).BaseOffset);
        client.Send(ApiTable.Produce, 9, KafkaClient.ProduceRequest("unknown", 0, KafkaClient.Batch("{}"), acks: 0));

        Assert.True(client.IsClosedByServer());
    }

    [Fact]
    public async Task Each_wrong_record_is_named_with_a_sentence()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        ProduceResponse.PartitionProduceResponse refused = client.Produce("strict", 0, KafkaClient.Batch("{\"user\":\"a\"}", "{}", "no"));

        Assert.Equal((KafkaError.InvalidRecord, -1L), (refused.ErrorCode, refused.BaseOffset));
        Assert.Equal([1, 2], refused.RecordErrors.Select(error => error.BatchIndex));
        Assert.Contains("Record 1", refused.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(KafkaError.InvalidRequiredAcks, client.Produce("s", 0, KafkaClient.Batch("{}"), acks: 2).ErrorCode);
        Assert.Equal(KafkaError.CorruptMessage, client.Produce("s", 0, [1, 2, 3]).ErrorCode);
    }

    [Theory]
    [InlineData(-1, 4, 3)]
    [InlineData(-2, 4, 0)]
    [InlineData(-3, 7, 2)]
    [InlineData(-4, 8, 0)]
    [InlineData(-5, 9, -1)]
    [InlineData(0, 4, 0)]
    [InlineData(long.MaxValue, 4, -1)]
    public async Task Offsets_are_found_by_append_time(long timestamp, short version, long expected)
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);
        client.Produce("s", 0, KafkaClient.Batch("{}", "{}"));

        ListOffsetsResponse answer = client.Ask<ListOffsetsResponse>(
            ApiTable.ListOffsets, version, new ListOffsetsRequest { Topics = [new() { Name = "s", Partitions = [new() { PartitionIndex = 0, Timestamp = timestamp }] }] });

        Assert.Equal((KafkaError.None, expected), (answer.Topics[0].Partitions[0].ErrorCode, answer.Topics[0].Partitions[0].Offset));
    }

    [Fact]
    public async Task Producer_ids_differ_and_transactions_are_refused()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        InitProducerIdResponse one = Ask(null), other = Ask(null), refused = Ask("t");

        Assert.Equal((KafkaError.None, one.ProducerId + 1, (short)0), (other.ErrorCode, other.ProducerId, other.ProducerEpoch));
        Assert.Equal(KafkaError.TransactionalIdAuthorizationFailed, refused.ErrorCode);

        InitProducerIdResponse Ask(string? transactionalId) => client.Ask<InitProducerIdResponse>(ApiTable.InitProducerId, 4, new InitProducerIdRequest { TransactionalId = transactionalId });
    }

    [Fact]
    public async Task A_client_is_told_the_address_that_it_reached_or_the_advertised_one()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        await using TestServer behind = await TestServer.StartAsync("kafka: { listen: 127.0.0.1:0, advertised: events.example.org:9094 }");

        Assert.Equal(("127.0.0.1", server.Host.KafkaPort), BrokerOf(server));
        Assert.Equal(("events.example.org", 9094), BrokerOf(behind));

        static (string, int) BrokerOf(TestServer server)
        {
            using var client = new KafkaClient(server.Host.KafkaPort);
            MetadataResponse.MetadataResponseBroker broker = Assert.Single(client.Ask<MetadataResponse>(ApiTable.Metadata, 12, new MetadataRequest { Topics = null }).Brokers);
            return (broker.Host, broker.Port);
        }
    }

    [Fact]
    public async Task A_port_that_other_machines_reach_has_to_be_meant()
    {
        WeirException refused = await Assert.ThrowsAnyAsync<WeirException>(() => TestServer.StartAsync("kafka: { listen: \"*:0\" }"));

        Assert.Contains("kafka.listen", refused.Message, StringComparison.Ordinal);
    }
}
