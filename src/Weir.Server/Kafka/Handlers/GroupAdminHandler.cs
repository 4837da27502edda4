using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Kafka.Groups;

namespace Weir.Server.Kafka.Handlers;

/// <summary>ListGroups, DescribeGroups, DeleteGroups.</summary>
internal sealed class GroupAdminHandler(GroupCoordinator groups, GroupOffsets offsets)
{
    private const string Dead = "Dead";
    private const string Classic = "classic";
    private const short FirstThatSaysNotFound = 6;

    public IEnumerable<KafkaApi> Apis =>
    [
        new(ApiTable.ListGroups, async request => await ListAsync(request.As<ListGroupsRequest>())),
        new(ApiTable.DescribeGroups, async request => await DescribeAsync(request.As<DescribeGroupsRequest>(), request.Version)),
        new(ApiTable.DeleteGroups, async request => await DeleteAsync(request.As<DeleteGroupsRequest>())),
    ];

    private async Task<ListGroupsResponse> ListAsync(ListGroupsRequest request)
    {
        KafkaError error = await OpenAsync();
        if (error != KafkaError.None)
        {
            return new ListGroupsResponse { ErrorCode = error };
        }

        Dictionary<string, ListGroupsResponse.ListedGroup> listed = offsets.Groups.ToDictionary(
            name => name, name => new ListGroupsResponse.ListedGroup { GroupId = name, GroupState = nameof(GroupState.Empty), GroupType = Classic }, StringComparer.Ordinal);
        foreach (ConsumerGroup group in groups.Groups.Where(group => !group.IsVacant))
        {
            listed[group.Id] = new ListGroupsResponse.ListedGroup { GroupId = group.Id, ProtocolType = group.ProtocolType, GroupState = group.State.ToString(), GroupType = Classic };
        }

        return new ListGroupsResponse
        {
            Groups = [.. listed.Values
                .Where(group => request.StatesFilter.Count == 0 || request.StatesFilter.Contains(group.GroupState, StringComparer.OrdinalIgnoreCase))
                .Where(group => request.TypesFilter.Count == 0 || request.TypesFilter.Contains(group.GroupType, StringComparer.OrdinalIgnoreCase))
                .OrderBy(group => group.GroupId, StringComparer.Ordinal)],
        };
    }

    private async Task<DescribeGroupsResponse> DescribeAsync(DescribeGroupsRequest request, short version)
    {
        KafkaError error = await OpenAsync();
        return new DescribeGroupsResponse { Groups = [.. request.Groups.Select(name => Describe(name, error, version))] };
    }

    private DescribeGroupsResponse.DescribedGroup Describe(string name, KafkaError error, short version)
    {
        bool isActive = groups.TryFind(name, out ConsumerGroup? group) && !group.IsVacant;
        if (error == KafkaError.None && !isActive && !offsets.Groups.Contains(name))
        {
            return new DescribeGroupsResponse.DescribedGroup
            {
                GroupId = name,
                GroupState = Dead,
                ErrorCode = version >= FirstThatSaysNotFound ? KafkaError.GroupIdNotFound : KafkaError.None,
                ErrorMessage = version >= FirstThatSaysNotFound ? $"There is no group {name}." : null,
            };
        }

        return error != KafkaError.None ? new DescribeGroupsResponse.DescribedGroup { GroupId = name, ErrorCode = error } : groups.FindOrVacant(name).Describe();
    }

    private async Task<DeleteGroupsResponse> DeleteAsync(DeleteGroupsRequest request)
    {
        var results = new List<DeleteGroupsResponse.DeletableGroupResult>();
        foreach (string name in request.GroupsNames)
        {
            results.Add(new DeleteGroupsResponse.DeletableGroupResult { GroupId = name, ErrorCode = await DeleteAsync(name) });
        }

        return new DeleteGroupsResponse { Results = results };
    }

    private async Task<KafkaError> DeleteAsync(string name)
    {
        KafkaError error = await OpenAsync();
        if (error != KafkaError.None)
        {
            return error;
        }

        bool isKnown = groups.TryFind(name, out ConsumerGroup? group);
        if (group is { IsVacant: false })
        {
            return KafkaError.NonEmptyGroup;
        }

        List<(OffsetKey, CommittedOffset?)> all = [.. offsets.All(name).Select(one => (one.Key, (CommittedOffset?)null))];
        if (all.Count == 0 && !isKnown)
        {
            return KafkaError.GroupIdNotFound;
        }

        try
        {
            if (all.Count > 0 && !await offsets.CommitAsync(name, all))
            {
                return KafkaError.CoordinatorNotAvailable;
            }
        }
        catch (WeirException)
        {
            return KafkaError.CoordinatorNotAvailable;
        }

        groups.Forget(name);
        return KafkaError.None;
    }

    private async Task<KafkaError> OpenAsync()
    {
        try
        {
            await offsets.OpenAsync();
            return KafkaError.None;
        }
        catch (WeirException)
        {
            return KafkaError.CoordinatorLoadInProgress;
        }
    }
}
