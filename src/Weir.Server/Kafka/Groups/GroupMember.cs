using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Kafka.Groups;

/// <summary>One consumer of a group. Belongs to its group, which touches it under its lock.</summary>
internal sealed class GroupMember(string id, string? instanceId, string clientId, string clientHost)
{
    /// <summary>Given by the coordinator; a static member gets another one when its process is started anew.</summary>
    public string Id { get; set; } = id;

    /// <summary>What a static member calls itself (KIP-345); null: it is dynamic.</summary>
    public string? InstanceId => instanceId;

    public string ClientId { get; set; } = clientId;

    public string ClientHost { get; set; } = clientHost;

    public TimeSpan SessionTimeout { get; set; }

    public TimeSpan RebalanceTimeout { get; set; }

    /// <summary>What it can be assigned by, preferred first; the bytes are the clients' own.</summary>
    public IReadOnlyList<JoinGroupRequest.JoinGroupRequestProtocol> Protocols { get; set; } = [];

    public byte[] Assignment { get; set; } = [];

    /// <summary>Timestamp of the monotonic clock at which it was heard of last.</summary>
    public long SeenAt { get; set; }

    /// <summary>Waits for the others to join.</summary>
    public TaskCompletionSource<JoinGroupResponse>? Joining { get; set; }

    /// <summary>Waits for the leader's assignment.</summary>
    public TaskCompletionSource<SyncGroupResponse>? Syncing { get; set; }

    public bool HasSynced { get; set; }

    public byte[] MetadataFor(string? protocol) => Protocols.FirstOrDefault(one => one.Name == protocol)?.Metadata ?? [];

    public bool HasSameProtocols(IReadOnlyList<JoinGroupRequest.JoinGroupRequestProtocol> others) =>
        Protocols.Count == others.Count && Protocols.Zip(others).All(pair => pair.First.Name == pair.Second.Name && pair.First.Metadata.AsSpan().SequenceEqual(pair.Second.Metadata));

    /// <summary>Ends whatever it waits for.</summary>
    public void Fail(KafkaError error)
    {
        Joining?.TrySetResult(new JoinGroupResponse { ErrorCode = error, MemberId = Id });
        Joining = null;
        Syncing?.TrySetResult(new SyncGroupResponse { ErrorCode = error });
        Syncing = null;
    }
}
