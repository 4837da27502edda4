using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Kafka.Groups;

namespace Weir.Server.Kafka.Handlers;

/// <summary>OffsetCommit, OffsetFetch, OffsetDelete: where groups go on. A commit is answered when it is on disk.</summary>
internal sealed class GroupOffsetsHandler(GroupCoordinator groups, GroupOffsets offsets, KafkaTopics topics)
{
    private const short FirstWithSeveralGroups = 8;

    public IEnumerable<KafkaApi> Apis =>
    [
        new(ApiTable.OffsetCommit, async request => await CommitAsync(request.As<OffsetCommitRequest>())),
        new(ApiTable.OffsetFetch, async request => await FetchAsync(request.As<OffsetFetchRequest>(), request.Version)),
        new(ApiTable.OffsetDelete, async request => await DeleteAsync(request.As<OffsetDeleteRequest>())),
    ];

    private async Task<OffsetCommitResponse> CommitAsync(OffsetCommitRequest request)
    {
        KafkaError error = GroupCoordinator.IsName(request.GroupId)
            ? groups.FindOrVacant(request.GroupId).CheckCommit(request.MemberId, request.GroupInstanceId, request.GenerationIdOrMemberEpoch)
            : KafkaError.InvalidGroupId;
        var wanted = new List<(OffsetKey Key, CommittedOffset? Offset)>();
        var errors = new Dictionary<OffsetKey, KafkaError>();
        foreach (OffsetCommitRequest.OffsetCommitRequestTopic topic in request.Topics)
        {
            foreach (OffsetCommitRequest.OffsetCommitRequestPartition partition in topic.Partitions)
            {
                var key = new OffsetKey(topic.Name, partition.PartitionIndex);
                errors[key] = error != KafkaError.None ? error : Check(key, partition);
                if (errors[key] == KafkaError.None)
                {
                    wanted.Add((key, new CommittedOffset(partition.CommittedOffset, partition.CommittedLeaderEpoch, partition.CommittedMetadata ?? "")));
                }
            }
        }

        KafkaError outcome = wanted.Count == 0 ? KafkaError.None : await TryAsync(async () => await offsets.CommitAsync(request.GroupId, wanted) ? KafkaError.None : KafkaError.CoordinatorNotAvailable);
        wanted.ForEach(one => errors[one.Key] = outcome);
        return new OffsetCommitResponse
        {
            Topics = [.. request.Topics.Select(topic => new OffsetCommitResponse.OffsetCommitResponseTopic
            {
                Name = topic.Name,
                Partitions = [.. topic.Partitions.Select(partition => new OffsetCommitResponse.OffsetCommitResponsePartition
                {
                    PartitionIndex = partition.PartitionIndex,
                    ErrorCode = errors[new OffsetKey(topic.Name, partition.PartitionIndex)],
                })],
            })],
        };
    }

    private KafkaError Check(OffsetKey key, OffsetCommitRequest.OffsetCommitRequestPartition partition) =>
        Encoding.UTF8.GetByteCount(partition.CommittedMetadata ?? "") > GroupOffsets.MostMetadataBytes ? KafkaError.OffsetMetadataTooLarge
        : partition.CommittedOffset < 0 ? KafkaError.InvalidCommitOffsetSize
        : !topics.TryFind(key.Topic, out EventStream? stream, out KafkaError error) ? error
        : key.Partition < 0 || key.Partition >= stream.PartitionCount ? KafkaError.UnknownTopicOrPartition
        : KafkaError.None;

    private async Task<OffsetFetchResponse> FetchAsync(OffsetFetchRequest request, short version)
    {
        KafkaError error = await OpenAsync();
        if (version >= FirstWithSeveralGroups)
        {
            return new OffsetFetchResponse
            {
                Groups = [.. request.Groups.Select(group => new OffsetFetchResponse.OffsetFetchResponseGroup
                {
                    GroupId = group.GroupId,
                    ErrorCode = error,
                    Topics = error != KafkaError.None ? [] : [.. Wanted(group.GroupId, group.Topics?.Select(topic => (topic.Name, topic.PartitionIndexes))).GroupBy(one => one.Key.Topic).Select(topic => new OffsetFetchResponse.OffsetFetchResponseTopics
                    {
                        Name = topic.Key,
                        Partitions = [.. topic.Select(one => new OffsetFetchResponse.OffsetFetchResponsePartitions
                        {
                            PartitionIndex = one.Key.Partition,
                            CommittedOffset = one.Offset?.Offset ?? -1,
                            CommittedLeaderEpoch = one.Offset?.LeaderEpoch ?? -1,
                            Metadata = one.Offset?.Metadata ?? "",
                        })],
                    })],
                })],
            };
        }

        // Version 1 has no place for an error of the whole, and clients look at the partitions' too.
        return new OffsetFetchResponse
        {
            ErrorCode = error,
            Topics = [.. Wanted(request.GroupId, request.Topics?.Select(topic => (topic.Name, topic.PartitionIndexes))).GroupBy(one => one.Key.Topic).Select(topic => new OffsetFetchResponse.OffsetFetchResponseTopic
            {
                Name = topic.Key,
                Partitions = [.. topic.Select(one => new OffsetFetchResponse.OffsetFetchResponsePartition
                {
                    PartitionIndex = one.Key.Partition,
                    ErrorCode = error,
                    CommittedOffset = one.Offset?.Offset ?? -1,
                    CommittedLeaderEpoch = one.Offset?.LeaderEpoch ?? -1,
                    Metadata = one.Offset?.Metadata ?? "",
                })],
            })],
        };
    }

    // Of partitions that are named, also those without an offset; of none that are named, all that have one.
    private IEnumerable<(OffsetKey Key, CommittedOffset? Offset)> Wanted(string group, IEnumerable<(string Name, IReadOnlyList<int> Partitions)>? named) => named is null
        ? offsets.All(group).Select(one => (one.Key, (CommittedOffset?)one.Offset))
        : named.SelectMany(topic => topic.Partitions.Select(partition => new OffsetKey(topic.Name, partition))).Select(key => (key, offsets.Find(group, key)));

    private async Task<OffsetDeleteResponse> DeleteAsync(OffsetDeleteRequest request)
    {
        KafkaError error = await OpenAsync();
        bool isKnown = groups.TryFind(request.GroupId, out ConsumerGroup? group) || offsets.Groups.Contains(request.GroupId);
        if (error != KafkaError.None || !isKnown || (group is { State: not GroupState.Empty, ProtocolType: not Subscription.ConsumerProtocol }))
        {
            return new OffsetDeleteResponse { ErrorCode = error != KafkaError.None ? error : isKnown ? KafkaError.NonEmptyGroup : KafkaError.GroupIdNotFound };
        }

        HashSet<string> subscribed = [.. (group?.Subscriptions() ?? []).SelectMany(Subscription.TopicsOf)];
        List<(OffsetKey Key, CommittedOffset? Offset)> wanted =
            [.. request.Topics.Where(topic => !subscribed.Contains(topic.Name)).SelectMany(topic => topic.Partitions.Select(partition => (new OffsetKey(topic.Name, partition.PartitionIndex), (CommittedOffset?)null))).Where(one => offsets.Find(request.GroupId, one.Item1) is not null)];
        KafkaError outcome = wanted.Count == 0 ? KafkaError.None : await TryAsync(async () => await offsets.CommitAsync(request.GroupId, wanted) ? KafkaError.None : KafkaError.CoordinatorNotAvailable);
        return new OffsetDeleteResponse
        {
            Topics = [.. request.Topics.Select(topic => new OffsetDeleteResponse.OffsetDeleteResponseTopic
            {
                Name = topic.Name,
                Partitions = [.. topic.Partitions.Select(partition => new OffsetDeleteResponse.OffsetDeleteResponsePartition
                {
                    PartitionIndex = partition.PartitionIndex,
                    ErrorCode = subscribed.Contains(topic.Name) ? KafkaError.GroupSubscribedToTopic : outcome,
                })],
            })],
        };
    }

    private Task<KafkaError> OpenAsync() => TryAsync(async () =>
    {
        await offsets.OpenAsync();
        return KafkaError.None;
    });

    // Clients ask again after these, but for the one of a commit that there is no place for.
    private static async Task<KafkaError> TryAsync(Func<Task<KafkaError>> act)
    {
        try
        {
            return await act();
        }
        catch (WeirException failure)
        {
            return failure.Code switch
            {
                ErrorCode.Recovering or ErrorCode.ViewBuilding => KafkaError.CoordinatorLoadInProgress,
                ErrorCode.TooManyGroups => KafkaError.InvalidCommitOffsetSize,
                _ => KafkaError.CoordinatorNotAvailable,
            };
        }
    }
}
