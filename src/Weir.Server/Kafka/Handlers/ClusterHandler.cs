using Weir.Core;
using Weir.Engine;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Kafka.Handlers;

/// <summary>DescribeCluster, DescribeLogDirs: one node, one directory.</summary>
internal sealed class ClusterHandler(KafkaTopics topics, KafkaServer server, ServerState state)
{
    private const sbyte Brokers = 1;

    public IEnumerable<KafkaApi> Apis =>
    [
        new(ApiTable.DescribeCluster, request => new(DescribeCluster(request))),
        new(ApiTable.DescribeLogDirs, request => new(DescribeLogDirs(request.As<DescribeLogDirsRequest>()))),
    ];

    private DescribeClusterResponse DescribeCluster(KafkaRequest request)
    {
        if (request.Version >= 1 && request.As<DescribeClusterRequest>().EndpointType != Brokers)
        {
            return new DescribeClusterResponse { ErrorCode = KafkaError.UnsupportedEndpointType, ErrorMessage = "There are no controllers beside the node.", EndpointType = request.As<DescribeClusterRequest>().EndpointType };
        }

        (string host, int port) = server.AdvertisedTo(request.Connection);
        return new DescribeClusterResponse
        {
            ClusterId = KafkaTopics.ClusterId,
            ControllerId = KafkaTopics.NodeId,
            Brokers = [new() { BrokerId = KafkaTopics.NodeId, Host = host, Port = port }],
        };
    }

    private DescribeLogDirsResponse DescribeLogDirs(DescribeLogDirsRequest request)
    {
        var directory = new DescribeLogDirsResponse.DescribeLogDirsResult { LogDir = Path.GetFullPath(state.Node.Options.DataDirectory) };
        try
        {
            directory.Topics = request.Topics is null
                ? [.. topics.All().Select(stream => Sizes(stream, null))]
                : [.. request.Topics.SelectMany(topic => topics.TryFind(topic.Topic, out EventStream? stream, out _) ? [Sizes(stream, topic.Partitions)] : Array.Empty<DescribeLogDirsResponse.DescribeLogDirsTopic>())];
        }
        catch (WeirException failure)
        {
            directory.ErrorCode = KafkaTopics.ErrorOf(failure.Code);
        }

        return new DescribeLogDirsResponse { Results = [directory] };
    }

    private static DescribeLogDirsResponse.DescribeLogDirsTopic Sizes(EventStream stream, IReadOnlyList<int>? partitions) => new()
    {
        Name = stream.Name,
        Partitions = [.. stream.Partitions.Where(partition => partitions is null || partitions.Contains(partition.Partition))
            .Select(partition => new DescribeLogDirsResponse.DescribeLogDirsPartition { PartitionIndex = partition.Partition, PartitionSize = partition.LogBytes })],
    };
}
