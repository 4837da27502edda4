using System.Net;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Kafka.Groups;

namespace Weir.Server.Kafka.Handlers;

/// <summary>JoinGroup, SyncGroup, Heartbeat, LeaveGroup: who is in a group, and what is assigned to whom.</summary>
internal sealed class MembershipHandler(GroupCoordinator groups)
{
    private const short FirstWithSeveralLeaving = 3;

    public IEnumerable<KafkaApi> Apis =>
    [
        new(ApiTable.JoinGroup, async request => await groups.JoinAsync(request.As<JoinGroupRequest>(), request.Version, request.Connection.ClientId, HostOf(request.Connection))),
        new(ApiTable.SyncGroup, async request => await SyncAsync(request.As<SyncGroupRequest>())),
        new(ApiTable.Heartbeat, request => new(Beat(request.As<HeartbeatRequest>()))),
        new(ApiTable.LeaveGroup, request => new(Leave(request.As<LeaveGroupRequest>(), request.Version))),
    ];

    // As Kafka shows it, and tools expect it.
    private static string HostOf(KafkaConnection connection) => $"/{(connection.Peer as IPEndPoint)?.Address}";

    private Task<SyncGroupResponse> SyncAsync(SyncGroupRequest request) =>
        request.Assignments.Any(one => one.Assignment.Length > ConsumerGroup.MostMemberBytes)
            ? Task.FromResult(new SyncGroupResponse { ErrorCode = KafkaError.InvalidRequest })
            : groups.FindOrVacant(request.GroupId).SyncAsync(request);

    private HeartbeatResponse Beat(HeartbeatRequest request) =>
        new() { ErrorCode = groups.FindOrVacant(request.GroupId).Heartbeat(request.MemberId, request.GroupInstanceId, request.GenerationId) };

    private LeaveGroupResponse Leave(LeaveGroupRequest request, short version)
    {
        ConsumerGroup group = groups.FindOrVacant(request.GroupId);
        if (version < FirstWithSeveralLeaving)
        {
            return new LeaveGroupResponse { ErrorCode = group.Leave(request.MemberId, null) };
        }

        return new LeaveGroupResponse
        {
            Members = [.. request.Members.Select(member => new LeaveGroupResponse.MemberResponse
            {
                MemberId = member.MemberId,
                GroupInstanceId = member.GroupInstanceId,
                ErrorCode = group.Leave(member.MemberId, member.GroupInstanceId),
            })],
        };
    }
}
