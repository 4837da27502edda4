using Weir.Core;
using Weir.Engine;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Kafka.Handlers;

/// <summary>CreateTopics, DeleteTopics, CreatePartitions: streams with the defaults. Key, id, claim and views are defined over HTTP or in weir.yaml.</summary>
internal sealed class TopicAdminHandler(ServerState state, KafkaTopics topics)
{
    private const short FirstWithIds = 6;

    public IEnumerable<KafkaApi> Apis =>
    [
        new(ApiTable.CreateTopics, async request => await CreateAsync(request.As<CreateTopicsRequest>())),
        new(ApiTable.DeleteTopics, async request => await DeleteAsync(request.As<DeleteTopicsRequest>(), request.Version)),
        new(ApiTable.CreatePartitions, request => new(RefusePartitions(request.As<CreatePartitionsRequest>()))),
    ];

    private async Task<CreateTopicsResponse> CreateAsync(CreateTopicsRequest request)
    {
        var results = new List<CreateTopicsResponse.CreatableTopicResult>();
        foreach (CreateTopicsRequest.CreatableTopic topic in request.Topics)
        {
            var result = new CreateTopicsResponse.CreatableTopicResult { Name = topic.Name, ErrorMessage = null };
            bool isTwice = request.Topics.Count(other => other.Name == topic.Name) > 1;
            (result.ErrorCode, result.ErrorMessage) = isTwice ? (KafkaError.InvalidRequest, "The topic is named twice.") : await TryAsync(() => CreateAsync(topic, request.ValidateOnly, result));
            results.Add(result);
        }

        return new CreateTopicsResponse { Topics = results };
    }

    private async Task<(KafkaError, string?)> CreateAsync(CreateTopicsRequest.CreatableTopic topic, bool validateOnly, CreateTopicsResponse.CreatableTopicResult result)
    {
        WeirNode node = state.NodeForWriting(topic.Name);
        if (node.TryGetStream(topic.Name, out _))
        {
            return (KafkaError.TopicAlreadyExists, $"There is a stream {topic.Name}.");
        }

        if (topic.ReplicationFactor is not (1 or -1) || topic.Assignments.Count > 0)
        {
            return (KafkaError.InvalidReplicationFactor, "There is one node, so one replica: replication factor 1 (or -1), and no assignment.");
        }

        if (topic.NumPartitions is not -1 and (< 1 or > StreamDefinition.MaxPartitions))
        {
            return (KafkaError.InvalidPartitions, $"A stream has 1 to {StreamDefinition.MaxPartitions} partitions; -1 takes the default.");
        }

        var retention = new TopicRetention(null);
        foreach (CreateTopicsRequest.CreatableTopicConfig config in topic.Configs)
        {
            if (retention.Set(config.Name, config.Value) is { } wrong)
            {
                return (KafkaError.InvalidConfig, wrong);
            }
        }

        StreamDefinition definition = StreamDefinition.Parse("{}"u8.ToArray()) with { Retention = retention.Value };
        definition = topic.NumPartitions == -1 ? definition : definition with { Partitions = topic.NumPartitions };
        result.NumPartitions = definition.Partitions;
        result.ReplicationFactor = 1;
        if (!validateOnly)
        {
            EventStream stream = await node.DefineStreamAsync(topic.Name, StreamDefinition.Parse(definition.ToJson()));
            result.TopicId = stream.Id;
        }

        return (KafkaError.None, null);
    }

    private async Task<DeleteTopicsResponse> DeleteAsync(DeleteTopicsRequest request, short version)
    {
        IEnumerable<(string? Name, Guid Id)> wanted = version >= FirstWithIds ? request.Topics.Select(topic => (topic.Name, topic.TopicId)) : request.TopicNames.Select(name => ((string?)name, Guid.Empty));
        var results = new List<DeleteTopicsResponse.DeletableTopicResult>();
        foreach ((string? name, Guid id) in wanted)
        {
            bool isFound = name is null ? topics.TryFind(id, out EventStream? stream, out KafkaError error) : topics.TryFind(name, out stream, out error);
            string? text = null;

            // One whose deletion failed is no stream any more; by its name this deletes what is left of it.
            if (isFound || (name is not null && error == KafkaError.UnknownTopicOrPartition))
            {
                (error, text) = await TryAsync(async () =>
                {
                    await state.NodeForWriting(name ?? stream!.Name).DeleteStreamAsync(name ?? stream!.Name);
                    return (KafkaError.None, null);
                });
            }

            results.Add(new DeleteTopicsResponse.DeletableTopicResult { Name = name ?? stream?.Name, TopicId = stream?.Id ?? id, ErrorCode = error, ErrorMessage = text });
        }

        return new DeleteTopicsResponse { Responses = results };
    }

    // A key's partition is its home for ever: with more partitions an owner would have two.
    private CreatePartitionsResponse RefusePartitions(CreatePartitionsRequest request) => new()
    {
        Results = [.. request.Topics.Select(topic => new CreatePartitionsResponse.CreatePartitionsTopicResult
        {
            Name = topic.Name,
            ErrorCode = topics.TryFind(topic.Name, out EventStream? stream, out KafkaError error) ? KafkaError.InvalidPartitions : error,
            ErrorMessage = stream is null ? null : $"{topic.Name} has {stream.PartitionCount} partitions for ever: with another number keys would move, and be counted again. Make another stream.",
        })],
    };

    private static async Task<(KafkaError Error, string? Text)> TryAsync(Func<Task<(KafkaError, string?)>> act)
    {
        try
        {
            return await act();
        }
        catch (WeirException failure)
        {
            KafkaError error = failure.Code switch
            {
                ErrorCode.ReservedName or ErrorCode.ConfigurationValue => KafkaError.InvalidTopicException,
                ErrorCode.InUse => KafkaError.PolicyViolation,
                ErrorCode.Recovering or ErrorCode.ShuttingDown => KafkaError.NotController,
                _ => KafkaTopics.ErrorOf(failure.Code),
            };
            return (error, failure.Message);
        }
    }
}
