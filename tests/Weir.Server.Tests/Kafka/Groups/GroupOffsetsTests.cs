using System.Security.Cryptography;
using Weir.Core;
using Weir.Engine;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Kafka.Groups;
using Weir.Server.Tests.Support;
using Weir.TestKit;

namespace Weir.Server.Tests.Kafka.Groups;

public sealed class GroupOffsetsTests
{
    private const string Yaml = """
        kafka: { listen: 127.0.0.1:0 }
        streams:
          s: { partitions: 2 }
        """;

    [Fact]
    public async Task Committed_offsets_are_there_after_a_start_and_gone_once_deleted()
    {
        TestServer server = await TestServer.StartAsync(Yaml);
        using (var client = new KafkaClient(server.Host.KafkaPort))
        {
            Assert.Equal(KafkaError.None, Commit(client, "g", 0, 5, "first"));
            Assert.Equal(KafkaError.None, Commit(client, "g", 0, 7, "then"));
            Assert.Equal(KafkaError.None, Commit(client, "g", 1, 1, null));
            Assert.Equal(KafkaError.None, Commit(client, "h", 1, 9, ""));
        }

        string directory = await server.StopAsync();
        server = await TestServer.StartInAsync(directory, Yaml);
        await using TestServer ended = server;
        using var again = new KafkaClient(server.Host.KafkaPort);
        Assert.Equal([(0, 7L, "then"), (1, 1L, "")], Fetch(again, "g"));
        Assert.Equal([(1, 9L, "")], Fetch(again, "h"));
        Assert.Empty(Fetch(again, "nobody"));
        Assert.Equal(["g", "h"], again.Ask<ListGroupsResponse>(ApiTable.ListGroups, 4, new ListGroupsRequest()).Groups.Select(group => group.GroupId));

        OffsetDeleteResponse deleted = again.Ask<OffsetDeleteResponse>(ApiTable.OffsetDelete, 0, new OffsetDeleteRequest { GroupId = "g", Topics = [new() { Name = "s", Partitions = [new() { PartitionIndex = 0 }] }] });
        DeleteGroupsResponse gone = again.Ask<DeleteGroupsResponse>(ApiTable.DeleteGroups, 2, new DeleteGroupsRequest { GroupsNames = ["h", "nobody"] });

        Assert.Equal(KafkaError.None, deleted.Topics[0].Partitions[0].ErrorCode);
        Assert.Equal([KafkaError.None, KafkaError.GroupIdNotFound], gone.Results.Select(one => one.ErrorCode));
        Assert.Equal([(1, 1L, "")], Fetch(again, "g"));
        Assert.Empty(Fetch(again, "h"));
        Assert.Equal("Dead", again.Ask<DescribeGroupsResponse>(ApiTable.DescribeGroups, 5, new DescribeGroupsRequest { Groups = ["h"] }).Groups[0].GroupState);
    }

    [Fact]
    public async Task A_topic_that_was_deleted_and_made_again_has_no_offsets_of_the_old_one()
    {
        TestServer server = await TestServer.StartAsync("kafka: { listen: 127.0.0.1:0 }");
        using (var client = new KafkaClient(server.Host.KafkaPort))
        {
            await server.PutAsync("/v1/streams/t", """{"partitions":2}""");
            Assert.Equal(KafkaError.None, Commit(client, "g", 0, 5, "old", topic: "t"));
            Assert.Equal(KafkaError.None, Commit(client, "g", 1, 6, "old", topic: "t"));
            await server.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/v1/streams/t"));
            Assert.Empty(Fetch(client, "g"));
            await server.PutAsync("/v1/streams/t", """{"partitions":2}""");
            Assert.Empty(Fetch(client, "g"));
            Assert.Equal(KafkaError.None, Commit(client, "g", 1, 0, "new", topic: "t"));
            Assert.Equal([(1, 0L, "new")], Fetch(client, "g"));
        }

        string directory = await server.StopAsync();
        server = await TestServer.StartInAsync(directory, "kafka: { listen: 127.0.0.1:0 }");
        await using TestServer ended = server;
        using var again = new KafkaClient(server.Host.KafkaPort);
        Assert.Equal([(1, 0L, "new")], Fetch(again, "g"));
    }

    [Fact]
    public async Task A_commit_that_there_is_no_place_for_is_refused_and_every_other_one_is_there_after_a_start()
    {
        var disk = new SimulatedDisk();
        using (ServerState state = await StartNodeAsync(disk))
        {
            var offsets = new GroupOffsets(state, most: 3);
            Assert.True(await offsets.CommitAsync("g", [(new OffsetKey("s", 0), At(1)), (new OffsetKey("s", 1), At(2))]));
            Assert.True(await offsets.CommitAsync("h", [(new OffsetKey("s", 0), At(3))]));
            Assert.True(await offsets.CommitAsync("h", [(new OffsetKey("s", 0), null)]));

            WeirException refused = await Assert.ThrowsAsync<WeirException>(() => offsets.CommitAsync("i", [(new OffsetKey("s", 0), At(4))]));
            Assert.Equal(ErrorCode.TooManyGroups, refused.Code);
            Assert.True(await offsets.CommitAsync("g", [(new OffsetKey("s", 1), At(5))]));
            await state.Node.StopAsync();
        }

        using ServerState again = await StartNodeAsync(disk);
        var found = new GroupOffsets(again, most: 3);
        await found.OpenAsync();
        Assert.Equal([(0, 1L), (1, 5L)], found.All("g").Select(one => (one.Key.Partition, one.Offset.Offset)).Order());
        Assert.Equal(["g"], found.Groups);
        await Assert.ThrowsAsync<WeirException>(() => found.CommitAsync("i", [(new OffsetKey("s", 0), At(4))]));
        await again.Node.StopAsync();

        static CommittedOffset At(long offset) => new(offset, -1, "");
    }

    [Fact]
    public async Task What_cannot_be_committed_says_why_per_partition()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        Assert.Equal(KafkaError.UnknownTopicOrPartition, Commit(client, "g", 2, 1, ""));
        Assert.Equal(KafkaError.InvalidCommitOffsetSize, Commit(client, "g", 0, -1, ""));
        Assert.Equal(KafkaError.OffsetMetadataTooLarge, Commit(client, "g", 0, 1, new string('x', 4097)));
        Assert.Equal(KafkaError.None, Commit(client, "g", 0, 1, new string('x', 4096)));
        Assert.Equal(KafkaError.InvalidGroupId, Commit(client, "", 0, 1, ""));
        Assert.Equal(KafkaError.UnknownMemberId, Commit(client, "g", 0, 1, "", generation: 3, member: "nobody"));
    }

    [Fact]
    public async Task The_servers_own_stream_is_read_and_not_written_by_others()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);
        Commit(client, "g", 0, 5, "");

        Assert.Contains("\"g\":\"g\"", (await server.GetAsync("/v1/views/__weir_offsets?wait=5s&at=__weir_offsets:0=2")).Text, StringComparison.Ordinal);
        Assert.Equal("WEIR-1413", (await server.PostAsync("/v1/streams/__weir_offsets/events", "{}")).Code);
        Assert.Equal("WEIR-1413", (await server.PutAsync("/v1/streams/__mine", "{}")).Code);
        Assert.Equal("WEIR-1413", (await server.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/v1/views/__weir_offsets"))).Code);
        Assert.Equal(KafkaError.InvalidTopicException, client.Produce("__weir_offsets", 0, KafkaClient.Batch("{}")).ErrorCode);
        Assert.True(client.Ask<MetadataResponse>(ApiTable.Metadata, 9, new MetadataRequest { Topics = null }).Topics.Single(topic => topic.Name == "__weir_offsets").IsInternal);
    }

    [Fact]
    public async Task A_transactional_producer_is_told_what_to_do_instead()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        using var client = new KafkaClient(server.Host.KafkaPort);

        FindCoordinatorResponse.Coordinator refused = client.Ask<FindCoordinatorResponse>(ApiTable.FindCoordinator, 4, new FindCoordinatorRequest { KeyType = 1, CoordinatorKeys = ["t"] }).Coordinators[0];
        FindCoordinatorResponse found = client.Ask<FindCoordinatorResponse>(ApiTable.FindCoordinator, 2, new FindCoordinatorRequest { Key = "g" });

        Assert.Equal(KafkaError.TransactionalIdAuthorizationFailed, refused.ErrorCode);
        Assert.Contains("idempotent producer", refused.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal((KafkaError.None, server.Host.KafkaPort), (found.ErrorCode, found.Port));
    }

    private static async Task<ServerState> StartNodeAsync(SimulatedDisk disk)
    {
        var node = WeirNode.Create(new NodeOptions { DataDirectory = "/weir", PublishInterval = TimeSpan.FromMilliseconds(10) }, disk, TimeProvider.System, RandomNumberGenerator.GetBytes, static (_, _) => { });
        await node.StartAsync();
        return new ServerState(node, TimeProvider.System) { HasDefinitions = true };
    }

    private static KafkaError Commit(KafkaClient client, string group, int partition, long offset, string? metadata, int generation = -1, string member = "", string topic = "s") =>
        client.Ask<OffsetCommitResponse>(ApiTable.OffsetCommit, 7, new OffsetCommitRequest
        {
            GroupId = group,
            GenerationIdOrMemberEpoch = generation,
            MemberId = member,
            Topics = [new() { Name = topic, Partitions = [new() { PartitionIndex = partition, CommittedOffset = offset, CommittedMetadata = metadata }] }],
        }).Topics[0].Partitions[0].ErrorCode;

    private static IEnumerable<(int, long, string?)> Fetch(KafkaClient client, string group) =>
        client.Ask<OffsetFetchResponse>(ApiTable.OffsetFetch, 8, new OffsetFetchRequest { Groups = [new() { GroupId = group, Topics = null }] })
            .Groups[0].Topics.SelectMany(topic => topic.Partitions).Select(one => (one.PartitionIndex, one.CommittedOffset, one.Metadata)).Order();
}
