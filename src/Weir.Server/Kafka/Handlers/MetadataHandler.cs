using Weir.Core;
using Weir.Engine;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Kafka.Handlers;

/// <summary>Metadata: which topics there are, and that this node leads all their partitions. A name that is not known is not made into a topic: a typing error would be one.</summary>
internal sealed class MetadataHandler(KafkaTopics topics, KafkaServer server)
{
    // Versions 10 and 11 take an id in a question, and have no answer without a name.
    private const short FirstWithoutName = 12;

    private static readonly int[] ThisNode = [KafkaTopics.NodeId];

    public IEnumerable<KafkaApi> Apis => [new(ApiTable.Metadata, request => new(Answer(request)))];

    private MetadataResponse Answer(KafkaRequest request)
    {
        (string host, int port) = server.AdvertisedTo(request.Connection);
        return new MetadataResponse
        {
            Brokers = [new() { NodeId = KafkaTopics.NodeId, Host = host, Port = port }],
            ClusterId = KafkaTopics.ClusterId,
            ControllerId = KafkaTopics.NodeId,
            Topics = [.. TopicsOf(request.As<MetadataRequest>(), request.Version)],
        };
    }

    private IEnumerable<MetadataResponse.MetadataResponseTopic> TopicsOf(MetadataRequest request, short version)
    {
        // In version 0, which kafka-python asks with to find out whom it talks to, an empty list means all.
        if (request.Topics is null || (version == 0 && request.Topics.Count == 0))
        {
            try
            {
                return topics.All().Select(Describe);
            }
            catch (WeirException)
            {
                // Not recovered yet: no topics, and the client asks again.
                return [];
            }
        }

        return request.Topics.Select(wanted =>
        {
            bool isFound = wanted.Name is { } name ? topics.TryFind(name, out EventStream? stream, out KafkaError error) : topics.TryFind(wanted.TopicId, out stream, out error);
            return isFound ? Describe(stream!) : new MetadataResponse.MetadataResponseTopic { Name = wanted.Name ?? (version < FirstWithoutName ? "" : null), TopicId = wanted.TopicId, ErrorCode = error };
        });
    }

    private static MetadataResponse.MetadataResponseTopic Describe(EventStream stream) => new()
    {
        Name = stream.Name,
        TopicId = stream.Id,
        IsInternal = ServerState.IsReserved(stream.Name),
        Partitions = [.. stream.Partitions.Select(partition => new MetadataResponse.MetadataResponsePartition
        {
            PartitionIndex = partition.Partition,
            ErrorCode = partition.State is PartitionState.Stopped or PartitionState.Recovering ? KafkaError.LeaderNotAvailable : KafkaError.None,
            LeaderId = KafkaTopics.NodeId,
            LeaderEpoch = KafkaTopics.LeaderEpoch,
            ReplicaNodes = ThisNode,
            IsrNodes = ThisNode,
        })],
    };
}
