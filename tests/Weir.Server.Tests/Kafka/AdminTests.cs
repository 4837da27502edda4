using System.Net;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Tests.Support;
using Weir.TestKit;

namespace Weir.Server.Tests.Kafka;

/// <summary>Topics made, changed and deleted through the Kafka port, and what HTTP then says about them.</summary>
public sealed class AdminTests
{
    private const string Yaml = """
        kafka: { listen: 127.0.0.1:0 }
        streams:
          declared: { partitions: 2 }
        """;

    private const sbyte Topic = 2;
    private const sbyte Broker = 4;

    [Fact]
    public async Task A_created_topic_is_a_stream_with_the_defaults()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        CreateTopicsResponse.CreatableTopicResult made = Create(client, new() { Name = "made", NumPartitions = 3, ReplicationFactor = 1, Configs = [new() { Name = "retention.ms", Value = "3600000" }] });
        string stream = (await server.GetAsync("/v1/streams/made")).Text;
        MetadataResponse.MetadataResponseTopic seen = Assert.Single(client.Ask<MetadataResponse>(ApiTable.Metadata, 12, new MetadataRequest { Topics = [new() { Name = "made" }] }).Topics);

        Assert.Equal((KafkaError.None, null, 3, (short)1), (made.ErrorCode, made.ErrorMessage, made.NumPartitions, made.ReplicationFactor));
        Assert.Equal((made.TopicId, 3), (seen.TopicId, seen.Partitions.Count));
        Assert.Contains("\"partitions\":3", stream, StringComparison.Ordinal);
        Assert.Contains("\"retention\":", stream, StringComparison.Ordinal);
        Assert.Equal(KafkaError.None, client.Produce("made", 2, KafkaClient.Batch("{}")).ErrorCode);
    }

    [Fact]
    public async Task What_is_only_validated_is_not_made()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        Assert.Equal(KafkaError.None, Create(client, new() { Name = "made", NumPartitions = -1, ReplicationFactor = -1 }, validateOnly: true).ErrorCode);

        Assert.Equal(KafkaError.UnknownTopicOrPartition, client.Fetch("made", 0, 0).ErrorCode);
    }

    public static TheoryData<string, int, short, string, KafkaError> Refused => new()
    {
        { "declared", -1, -1, "", KafkaError.TopicAlreadyExists },
        { "__weir_mine", -1, -1, "", KafkaError.InvalidTopicException },
        { "Not a name", -1, -1, "", KafkaError.InvalidTopicException },
        { "a", 0, -1, "", KafkaError.InvalidPartitions },
        { "a", 100_000, -1, "", KafkaError.InvalidPartitions },
        { "a", 1, 3, "", KafkaError.InvalidReplicationFactor },
        { "a", 1, 1, "cleanup.policy=compact", KafkaError.InvalidConfig },
        { "a", 1, 1, "retention.ms=soon", KafkaError.InvalidConfig },
        { "a", 1, 1, "retention.ms=0", KafkaError.InvalidConfig },
        { "a", 1, 1, "retention.ms=9223372036854775807", KafkaError.InvalidConfig },
        { "a", 1, 1, "retention.bytes=9223372036854775807", KafkaError.InvalidConfig },
        { "a", 1, 1, "retention.ms=60000,retention.bytes=1000", KafkaError.InvalidConfig },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task A_topic_that_cannot_be_is_refused_with_a_sentence(string name, int partitions, short replicas, string configs, KafkaError expected)
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        CreateTopicsResponse.CreatableTopicResult refused = Create(client, new()
        {
            Name = name,
            NumPartitions = partitions,
            ReplicationFactor = replicas,
            Configs = [.. configs.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(config => config.Split('=')).Select(pair => new CreateTopicsRequest.CreatableTopicConfig { Name = pair[0], Value = pair[1] })],
        });

        Assert.Equal(expected, refused.ErrorCode);
        Assert.False(string.IsNullOrEmpty(refused.ErrorMessage));
        Assert.Equal(["declared"], client.Ask<MetadataResponse>(ApiTable.Metadata, 12, new MetadataRequest { Topics = null }).Topics.Select(topic => topic.Name));
    }

    [Fact]
    public async Task A_topic_named_twice_in_a_request_is_made_neither_time()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);
        CreateTopicsRequest.CreatableTopic one = new() { Name = "twice", NumPartitions = 1, ReplicationFactor = 1 };

        CreateTopicsResponse answer = client.Ask<CreateTopicsResponse>(ApiTable.CreateTopics, 7, new CreateTopicsRequest { Topics = [one, one], TimeoutMs = 1_000 });

        Assert.Equal([KafkaError.InvalidRequest, KafkaError.InvalidRequest], answer.Topics.Select(topic => topic.ErrorCode));
        Assert.Equal(KafkaError.UnknownTopicOrPartition, client.Fetch("twice", 0, 0).ErrorCode);
    }

    [Fact]
    public async Task A_deleted_topic_is_gone_by_its_name_and_by_its_id_and_its_name_is_free()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);
        Guid id = Create(client, new() { Name = "first", NumPartitions = 1, ReplicationFactor = 1 }).TopicId;
        Create(client, new() { Name = "second", NumPartitions = 1, ReplicationFactor = 1 });
        client.Produce("first", 0, KafkaClient.Batch("{}"));

        DeleteTopicsResponse byId = client.Ask<DeleteTopicsResponse>(ApiTable.DeleteTopics, 6, new DeleteTopicsRequest { Topics = [new() { Name = null, TopicId = id }, new() { Name = null, TopicId = Guid.NewGuid() }] });
        DeleteTopicsResponse byName = client.Ask<DeleteTopicsResponse>(ApiTable.DeleteTopics, 5, new DeleteTopicsRequest { TopicNames = ["second", "unknown"] });

        Assert.Equal([("first", KafkaError.None), (null, KafkaError.UnknownTopicId)], byId.Responses.Select(one => (one.Name, one.ErrorCode)));
        Assert.Equal([("second", KafkaError.None), ("unknown", KafkaError.UnknownTopicOrPartition)], byName.Responses.Select(one => (one.Name!, one.ErrorCode)));
        Assert.Equal(KafkaError.UnknownTopicOrPartition, client.Fetch("first", 0, 0).ErrorCode);
        Assert.NotEqual(id, Create(client, new() { Name = "first", NumPartitions = 1, ReplicationFactor = 1 }).TopicId);
        Assert.Empty(KafkaClient.Events(client.Fetch("first", 0, 0).Records));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_deletion_that_failed_on_the_disk_can_be_asked_for_again(bool overKafka)
    {
        var disk = new SimulatedDisk();
        await using TestServer server = await TestServer.StartAsync(Yaml, disk: disk);
        using var client = new KafkaClient(server.Host.KafkaPort);
        Create(client, new() { Name = "gone", NumPartitions = 1, ReplicationFactor = 1 });
        disk.FailWhen(one => one.Name == "unlink" || (one.Name == "fsync" && one.Path.EndsWith("/views/unmade", StringComparison.Ordinal)), errno: 5);
        Assert.False(await DeleteAsync());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await server.PutAsync("/v1/views/unmade", "\"SELECT count(*) AS n FROM declared\"")).Status);
        disk.ClearFaults();

        Assert.True(await DeleteAsync());
        Assert.Equal(HttpStatusCode.NoContent, (await server.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/v1/views/unmade"))).Status);

        Assert.DoesNotContain(disk.List(server.DataDirectory + "/streams"), name => name.StartsWith("gone", StringComparison.Ordinal));
        Assert.Empty(disk.List(server.DataDirectory + "/views"));
        Assert.False(await DeleteAsync());

        async Task<bool> DeleteAsync() => overKafka
            ? client.Ask<DeleteTopicsResponse>(ApiTable.DeleteTopics, 5, new DeleteTopicsRequest { TopicNames = ["gone"] }).Responses[0].ErrorCode == KafkaError.None
            : (await server.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/v1/streams/gone"))).Status == HttpStatusCode.NoContent;
    }

    [Fact]
    public async Task A_topic_that_a_view_reads_is_not_deleted()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml + "\nviews:\n  by: { sql: \"SELECT count(*) AS n FROM declared\" }");
        using var client = new KafkaClient(server.Host.KafkaPort);

        DeleteTopicsResponse answer = client.Ask<DeleteTopicsResponse>(ApiTable.DeleteTopics, 6, new DeleteTopicsRequest { Topics = [new() { Name = "declared" }] });

        Assert.Equal(KafkaError.PolicyViolation, answer.Responses[0].ErrorCode);
        Assert.Contains("by", answer.Responses[0].ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Partitions_stay_as_many_as_they_are()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        CreatePartitionsResponse answer = client.Ask<CreatePartitionsResponse>(
            ApiTable.CreatePartitions, 3, new CreatePartitionsRequest { Topics = [new() { Name = "declared", Count = 4, Assignments = null }, new() { Name = "unknown", Count = 4, Assignments = null }] });

        Assert.Equal([KafkaError.InvalidPartitions, KafkaError.UnknownTopicOrPartition], answer.Results.Select(result => result.ErrorCode));
        Assert.Contains("2 partitions for ever", answer.Results[0].ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retention_is_set_shown_and_taken_away()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);
        Create(client, new() { Name = "kept", NumPartitions = 1, ReplicationFactor = 1 });

        Assert.Equal(("-1", "-1"), Retention(client, "kept"));
        Assert.Equal(KafkaError.None, Alter(client, "kept", ("retention.ms", 0, "86400000")).ErrorCode);
        Assert.Equal(("86400000", "-1"), Retention(client, "kept"));
        Assert.Equal(KafkaError.InvalidConfig, Alter(client, "kept", ("retention.bytes", 0, "1000000")).ErrorCode);
        Assert.Equal(KafkaError.None, Alter(client, "kept", ("retention.bytes", 0, "1000000"), ("retention.ms", 1, null)).ErrorCode);
        Assert.Equal(("-1", "1000000"), Retention(client, "kept"));
        Assert.Equal(KafkaError.None, Alter(client, "kept", ("retention.bytes", 0, "-1")).ErrorCode);
        Assert.Equal(("-1", "-1"), Retention(client, "kept"));

        Assert.Equal(KafkaError.InvalidConfig, Alter(client, "kept", ("retention.ms", 2, "1")).ErrorCode);
        Assert.Equal(KafkaError.InvalidConfig, Alter(client, "kept", ("cleanup.policy", 0, "compact")).ErrorCode);
        Assert.Equal(KafkaError.UnknownTopicOrPartition, Alter(client, "unknown", ("retention.ms", 0, "1")).ErrorCode);
    }

    [Fact]
    public async Task The_configuration_of_topics_and_of_the_broker_is_shown()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        DescribeConfigsResponse answer = client.Ask<DescribeConfigsResponse>(ApiTable.DescribeConfigs, 4, new DescribeConfigsRequest
        {
            Resources =
            [
                new() { ResourceType = Topic, ResourceName = "declared", ConfigurationKeys = null },
                new() { ResourceType = Broker, ResourceName = "1", ConfigurationKeys = ["message.max.bytes"] },
                new() { ResourceType = Topic, ResourceName = "unknown", ConfigurationKeys = null },
                new() { ResourceType = 8, ResourceName = "1", ConfigurationKeys = null },
            ],
        });

        Assert.Equal([KafkaError.None, KafkaError.None, KafkaError.UnknownTopicOrPartition, KafkaError.InvalidRequest], answer.Results.Select(result => result.ErrorCode));
        Assert.Contains(answer.Results[0].Configs, config => config is { Name: "weir.definition", ReadOnly: true } && config.Value!.Contains("\"partitions\":2", StringComparison.Ordinal));
        Assert.Equal(["retention.ms", "retention.bytes"], answer.Results[0].Configs.Where(config => !config.ReadOnly).Select(config => config.Name));
        Assert.Equal("message.max.bytes", Assert.Single(answer.Results[1].Configs).Name);
    }

    [Fact]
    public async Task The_cluster_is_one_node_and_its_directory_has_the_bytes_of_the_logs()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);
        DescribeLogDirsRequest both = new() { Topics = [new() { Topic = "declared", Partitions = [0, 1] }, new() { Topic = "unknown", Partitions = [0] }] };
        long[] before = Sizes();
        byte[] batch = KafkaClient.Batch(new string('x', 5_000));
        client.Produce("declared", 1, batch);

        DescribeClusterResponse cluster = client.Ask<DescribeClusterResponse>(ApiTable.DescribeCluster, 1, new DescribeClusterRequest { EndpointType = 1 });

        Assert.Equal(("127.0.0.1", server.Host.KafkaPort), (Assert.Single(cluster.Brokers).Host, cluster.Brokers[0].Port));
        Assert.Equal(cluster.ControllerId, cluster.Brokers[0].BrokerId);
        Assert.Equal(KafkaError.UnsupportedEndpointType, client.Ask<DescribeClusterResponse>(ApiTable.DescribeCluster, 1, new DescribeClusterRequest { EndpointType = 2 }).ErrorCode);
        Assert.InRange(Sizes()[0] - before[0], 0, 200);
        Assert.InRange(Sizes()[1] - before[1], batch.Length, batch.Length + 200);
        Assert.Equal("declared", Assert.Single(Ask(new DescribeLogDirsRequest { Topics = null }).Topics).Name);

        long[] Sizes() => [.. Assert.Single(Ask(both).Topics).Partitions.OrderBy(partition => partition.PartitionIndex).Select(partition => partition.PartitionSize)];

        DescribeLogDirsResponse.DescribeLogDirsResult Ask(DescribeLogDirsRequest request) => Assert.Single(client.Ask<DescribeLogDirsResponse>(ApiTable.DescribeLogDirs, 4, request).Results);
    }

    private static CreateTopicsResponse.CreatableTopicResult Create(KafkaClient client, CreateTopicsRequest.CreatableTopic topic, bool validateOnly = false) =>
        Assert.Single(client.Ask<CreateTopicsResponse>(ApiTable.CreateTopics, 7, new CreateTopicsRequest { Topics = [topic], TimeoutMs = 1_000, ValidateOnly = validateOnly }).Topics);

    private static IncrementalAlterConfigsResponse.AlterConfigsResourceResponse Alter(KafkaClient client, string topic, params (string Name, sbyte Operation, string? Value)[] configs) =>
        Assert.Single(client.Ask<IncrementalAlterConfigsResponse>(ApiTable.IncrementalAlterConfigs, 1, new IncrementalAlterConfigsRequest
        {
            Resources = [new() { ResourceType = Topic, ResourceName = topic, Configs = [.. configs.Select(config => new IncrementalAlterConfigsRequest.AlterableConfig { Name = config.Name, ConfigOperation = config.Operation, Value = config.Value })] }],
        }).Responses);

    private static (string? Milliseconds, string? Bytes) Retention(KafkaClient client, string topic)
    {
        DescribeConfigsResponse.DescribeConfigsResult result = Assert.Single(client.Ask<DescribeConfigsResponse>(ApiTable.DescribeConfigs, 4, new DescribeConfigsRequest { Resources = [new() { ResourceType = Topic, ResourceName = topic, ConfigurationKeys = null }] }).Results);
        return (Of("retention.ms"), Of("retention.bytes"));

        string? Of(string name) => result.Configs.Single(config => config.Name == name).Value;
    }
}
