using System.Security.Cryptography;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Kafka.Groups;

/// <summary>Where a group stands; the names are Kafka's.</summary>
internal enum GroupState
{
    /// <summary>No members; there may be committed offsets.</summary>
    Empty,

    /// <summary>Members are told to join anew, and those who have wait for the others.</summary>
    PreparingRebalance,

    /// <summary>All have joined; they wait for what the leader assigns.</summary>
    CompletingRebalance,

    Stable,
}

/// <summary>
/// One consumer group: who is in it, who leads, which generation it is, and what the leader assigned. The classic protocol; whether a rebalance is eager or
/// cooperative is the clients' affair, their bytes pass through. Source: Apache Kafka, GroupMetadata and GroupCoordinator (ClassicGroup).
/// </summary>
/// <remarks>Any thread: every member takes the group's lock. Time passes by <see cref="Sweep"/>. Nothing of it is on disk: after a start clients join anew.</remarks>
internal sealed class ConsumerGroup(string id, TimeProvider time)
{
    public const int MostMembers = 1000;

    /// <summary>What all protocols of a member may have together, and its assignment. Bytes.</summary>
    public const int MostMemberBytes = 1 << 20;

    /// <summary>A group's first members wait this long for more, so that starting ten consumers is one rebalance and not ten. Kafka's default is 3 s.</summary>
    public static readonly TimeSpan InitialDelay = TimeSpan.FromMilliseconds(500);

    private readonly Lock _changing = new();
    private readonly List<GroupMember> _members = [];

    // Ids that were given out to dynamic members who have to come back with them (KIP-394), and when they are forgotten.
    private readonly Dictionary<string, long> _announced = new(StringComparer.Ordinal);
    private string? _leaderId;
    private string? _protocol;
    private long _deadline;
    private long _earliest;

    public string Id => id;

    public GroupState State { get; private set; }

    public int Generation { get; private set; }

    /// <summary>"consumer" of consumers, "connect" of Kafka Connect; "" while nobody has said.</summary>
    public string ProtocolType { get; private set; } = "";

    public int MemberCount
    {
        get
        {
            lock (_changing)
            {
                return _members.Count;
            }
        }
    }

    /// <summary>Nobody is in it, or was announced.</summary>
    public bool IsVacant
    {
        get
        {
            lock (_changing)
            {
                return _members.Count == 0 && _announced.Count == 0;
            }
        }
    }

    public Task<JoinGroupResponse> JoinAsync(JoinGroupRequest request, bool mustReturnWithId, bool canSkipAssignment, string clientId, string clientHost)
    {
        lock (_changing)
        {
            if (_members.Count > 0 && (request.ProtocolType != ProtocolType || !request.Protocols.Any(offered => _members.TrueForAll(member => member.Protocols.Any(known => known.Name == offered.Name)))))
            {
                return Refuse(request, KafkaError.InconsistentGroupProtocol);
            }

            GroupMember? member = request.GroupInstanceId is { } instance ? _members.Find(one => one.InstanceId == instance) : null;
            if (request.MemberId.Length == 0)
            {
                return member is null ? JoinNew(request, mustReturnWithId, clientId, clientHost) : ReplaceStatic(member, request, canSkipAssignment, clientId, clientHost);
            }

            if (request.GroupInstanceId is not null)
            {
                return member is null ? Refuse(request, KafkaError.UnknownMemberId)
                    : member.Id != request.MemberId ? Refuse(request, KafkaError.FencedInstanceId)
                    : JoinAgain(member, request);
            }

            if (_announced.Remove(request.MemberId))
            {
                return Add(new GroupMember(request.MemberId, null, clientId, clientHost), request);
            }

            member = _members.Find(one => one.Id == request.MemberId);
            return member is null ? Refuse(request, KafkaError.UnknownMemberId) : JoinAgain(member, request);
        }
    }

    public Task<SyncGroupResponse> SyncAsync(SyncGroupRequest request)
    {
        lock (_changing)
        {
            KafkaError error = Check(request.MemberId, request.GroupInstanceId, request.GenerationId, out GroupMember? member);
            if (error == KafkaError.None && ((request.ProtocolType is { } type && type != ProtocolType) || (request.ProtocolName is { } name && name != _protocol)))
            {
                error = KafkaError.InconsistentGroupProtocol;
            }

            if (error != KafkaError.None || State == GroupState.PreparingRebalance)
            {
                return Task.FromResult(new SyncGroupResponse { ErrorCode = error != KafkaError.None ? error : KafkaError.RebalanceInProgress });
            }

            See(member!);
            member!.HasSynced = true;
            if (State == GroupState.Stable)
            {
                return Task.FromResult(AssignmentOf(member));
            }

            member.Syncing?.TrySetResult(new SyncGroupResponse { ErrorCode = KafkaError.RebalanceInProgress });
            member.Syncing = new TaskCompletionSource<SyncGroupResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
            Task<SyncGroupResponse> answer = member.Syncing.Task;
            if (member.Id == _leaderId)
            {
                Assign(request.Assignments);
            }

            return answer;
        }
    }

    public KafkaError Heartbeat(string memberId, string? instanceId, int generation)
    {
        lock (_changing)
        {
            KafkaError error = Check(memberId, instanceId, generation, out GroupMember? member);
            if (error == KafkaError.None)
            {
                See(member!);
                error = State == GroupState.PreparingRebalance ? KafkaError.RebalanceInProgress : KafkaError.None;
            }

            return error;
        }
    }

    /// <summary>Whether a member may commit offsets now.</summary>
    public KafkaError CheckCommit(string memberId, string? instanceId, int generation)
    {
        lock (_changing)
        {
            if (generation < 0 && _members.Count == 0)
            {
                // A consumer that takes no part in groups, or a tool.
                return KafkaError.None;
            }

            KafkaError error = Check(memberId, instanceId, generation, out GroupMember? member);
            if (error != KafkaError.None)
            {
                return error;
            }

            See(member!);
            return State == GroupState.CompletingRebalance ? KafkaError.RebalanceInProgress : KafkaError.None;
        }
    }

    /// <param name="instanceId">A static member can be told to leave by this name alone; <paramref name="memberId"/> is "" then.</param>
    public KafkaError Leave(string memberId, string? instanceId)
    {
        lock (_changing)
        {
            if (instanceId is null && _announced.Remove(memberId))
            {
                ConsiderJoined();
                return KafkaError.None;
            }

            GroupMember? member = instanceId is null ? _members.Find(one => one.Id == memberId) : _members.Find(one => one.InstanceId == instanceId);
            if (member is null)
            {
                return KafkaError.UnknownMemberId;
            }

            if (memberId.Length > 0 && member.Id != memberId)
            {
                return KafkaError.FencedInstanceId;
            }

            Remove(member, KafkaError.UnknownMemberId);
            return KafkaError.None;
        }
    }

    /// <summary>Does what has become due: sessions that have expired, rebalances that have waited long enough. Called every so often.</summary>
    public void Sweep()
    {
        lock (_changing)
        {
            long now = time.GetTimestamp();
            foreach (string announced in _announced.Where(one => one.Value <= now).Select(one => one.Key).ToList())
            {
                _announced.Remove(announced);
            }

            foreach (GroupMember member in _members.Where(one => one.Joining is null && one.Syncing is null && time.GetElapsedTime(one.SeenAt, now) > one.SessionTimeout).ToList())
            {
                Remove(member, KafkaError.UnknownMemberId);
            }

            if (State == GroupState.PreparingRebalance)
            {
                if (now >= _deadline)
                {
                    CompleteJoin();
                }
                else
                {
                    ConsiderJoined();
                }
            }
            else if (State == GroupState.CompletingRebalance && now >= _deadline)
            {
                // Whoever never asked for his assignment is not there.
                foreach (GroupMember member in _members.Where(one => !one.HasSynced).ToList())
                {
                    Remove(member, KafkaError.UnknownMemberId);
                }

                if (State == GroupState.CompletingRebalance)
                {
                    Prepare();
                }
            }
        }
    }

    public DescribeGroupsResponse.DescribedGroup Describe()
    {
        lock (_changing)
        {
            bool isStable = State == GroupState.Stable;
            return new DescribeGroupsResponse.DescribedGroup
            {
                GroupId = id,
                GroupState = State.ToString(),
                ProtocolType = ProtocolType,
                ProtocolData = isStable ? _protocol ?? "" : "",
                Members = [.. _members.Select(member => new DescribeGroupsResponse.DescribedGroupMember
                {
                    MemberId = member.Id,
                    GroupInstanceId = member.InstanceId,
                    ClientId = member.ClientId,
                    ClientHost = member.ClientHost,
                    MemberMetadata = isStable ? member.MetadataFor(_protocol) : [],
                    MemberAssignment = member.Assignment,
                })],
            };
        }
    }

    /// <summary>The metadata with which members subscribed, of a group of consumers.</summary>
    public IReadOnlyList<byte[]> Subscriptions()
    {
        lock (_changing)
        {
            return [.. _members.SelectMany(member => member.Protocols).Select(protocol => protocol.Metadata)];
        }
    }

    private static Task<JoinGroupResponse> Refuse(JoinGroupRequest request, KafkaError error) =>
        Task.FromResult(new JoinGroupResponse { ErrorCode = error, MemberId = request.MemberId });

    private Task<JoinGroupResponse> JoinNew(JoinGroupRequest request, bool mustReturnWithId, string clientId, string clientHost)
    {
        if (_members.Count + _announced.Count >= MostMembers)
        {
            return Refuse(request, KafkaError.GroupMaxSizeReached);
        }

        string memberId = NewMemberId(request.GroupInstanceId ?? clientId);
        if (mustReturnWithId && request.GroupInstanceId is null)
        {
            // A client that gives up before it has its answer leaves only this behind.
            _announced[memberId] = time.GetTimestamp() + Ticks(TimeSpan.FromMilliseconds(request.SessionTimeoutMs));
            return Task.FromResult(new JoinGroupResponse { ErrorCode = KafkaError.MemberIdRequired, MemberId = memberId });
        }

        return Add(new GroupMember(memberId, request.GroupInstanceId, clientId, clientHost), request);
    }

    private Task<JoinGroupResponse> Add(GroupMember member, JoinGroupRequest request)
    {
        if (_members.Count == 0)
        {
            ProtocolType = request.ProtocolType;
        }

        _members.Add(member);
        return JoinAgain(member, request, isNew: true);
    }

    private Task<JoinGroupResponse> JoinAgain(GroupMember member, JoinGroupRequest request, bool isNew = false)
    {
        bool isSame = !isNew && member.HasSameProtocols(request.Protocols);
        See(member);
        if (isSame && (State == GroupState.CompletingRebalance || (State == GroupState.Stable && member.Id != _leaderId)))
        {
            // It has not had the answer to its last join, or asks without a reason: the generation is as it was.
            return Task.FromResult(Joined(member));
        }

        member.Protocols = request.Protocols;
        member.SessionTimeout = TimeSpan.FromMilliseconds(request.SessionTimeoutMs);
        member.RebalanceTimeout = TimeSpan.FromMilliseconds(request.RebalanceTimeoutMs > 0 ? request.RebalanceTimeoutMs : request.SessionTimeoutMs);
        member.Joining?.TrySetResult(new JoinGroupResponse { ErrorCode = KafkaError.RebalanceInProgress, MemberId = member.Id });
        member.Joining = new TaskCompletionSource<JoinGroupResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<JoinGroupResponse> answer = member.Joining.Task;
        if (State != GroupState.PreparingRebalance)
        {
            Prepare();
        }

        ConsiderJoined();
        return answer;
    }

    // A static member that was started anew: another id, the same place. Where the group is stable and would choose the same protocol nobody else is bothered.
    private Task<JoinGroupResponse> ReplaceStatic(GroupMember member, JoinGroupRequest request, bool canSkipAssignment, string clientId, string clientHost)
    {
        string before = member.Id;
        member.Fail(KafkaError.FencedInstanceId);
        member.Id = NewMemberId(member.InstanceId!);
        (member.ClientId, member.ClientHost) = (clientId, clientHost);
        bool isLeader = _leaderId == before;
        if (isLeader)
        {
            _leaderId = member.Id;
        }

        if (State != GroupState.Stable)
        {
            return JoinAgain(member, request);
        }

        member.Protocols = request.Protocols;
        if (Select() != _protocol)
        {
            return JoinAgain(member, request);
        }

        member.SessionTimeout = TimeSpan.FromMilliseconds(request.SessionTimeoutMs);
        member.RebalanceTimeout = TimeSpan.FromMilliseconds(request.RebalanceTimeoutMs > 0 ? request.RebalanceTimeoutMs : request.SessionTimeoutMs);
        See(member);
        JoinGroupResponse answer = Joined(member);
        if (isLeader)
        {
            // A leader that cannot be told to leave the assignment alone is told that somebody else leads: the group would not listen to it now.
            answer.SkipAssignment = canSkipAssignment;
            answer.Leader = canSkipAssignment ? member.Id : before;
            answer.Members = canSkipAssignment ? answer.Members : [];
        }

        return Task.FromResult(answer);
    }

    private KafkaError Check(string memberId, string? instanceId, int generation, out GroupMember? member)
    {
        member = instanceId is null ? _members.Find(one => one.Id == memberId) : _members.Find(one => one.InstanceId == instanceId);
        return member is null ? KafkaError.UnknownMemberId
            : member.Id != memberId ? KafkaError.FencedInstanceId
            : generation != Generation ? KafkaError.IllegalGeneration
            : KafkaError.None;
    }

    private void Prepare()
    {
        foreach (GroupMember member in _members)
        {
            member.Syncing?.TrySetResult(new SyncGroupResponse { ErrorCode = KafkaError.RebalanceInProgress });
            member.Syncing = null;
        }

        bool isFirst = State == GroupState.Empty;
        State = GroupState.PreparingRebalance;
        long now = time.GetTimestamp();
        _earliest = isFirst ? now + Ticks(InitialDelay) : now;
        _deadline = now + Ticks(_members.Max(member => member.RebalanceTimeout));
    }

    private void ConsiderJoined()
    {
        if (State == GroupState.PreparingRebalance && _announced.Count == 0 && time.GetTimestamp() >= _earliest && _members.TrueForAll(member => member.Joining is not null))
        {
            CompleteJoin();
        }
    }

    private void CompleteJoin()
    {
        // Static members are given the time of their session to come back.
        _members.RemoveAll(member => member.Joining is null && member.InstanceId is null);
        Generation = Generation == int.MaxValue ? 1 : Generation + 1;
        if (_members.Count == 0)
        {
            Clear();
            return;
        }

        State = GroupState.CompletingRebalance;
        _protocol = Select();
        if (!_members.Exists(member => member.Id == _leaderId && member.Joining is not null))
        {
            _leaderId = (_members.Find(member => member.Joining is not null) ?? _members[0]).Id;
        }

        _deadline = time.GetTimestamp() + Ticks(_members.Max(member => member.RebalanceTimeout));
        foreach (GroupMember member in _members)
        {
            member.HasSynced = false;
            if (member.Joining is { } joining)
            {
                member.Joining = null;
                See(member);
                joining.TrySetResult(Joined(member));
            }
        }
    }

    private JoinGroupResponse Joined(GroupMember member) => new()
    {
        GenerationId = Generation,
        ProtocolType = ProtocolType,
        ProtocolName = _protocol,
        Leader = _leaderId!,
        MemberId = member.Id,
        Members = member.Id != _leaderId ? [] : [.. _members.Select(one => new JoinGroupResponse.JoinGroupResponseMember
        {
            MemberId = one.Id,
            GroupInstanceId = one.InstanceId,
            Metadata = one.MetadataFor(_protocol),
        })],
    };

    private void Assign(IReadOnlyList<SyncGroupRequest.SyncGroupRequestAssignment> assignments)
    {
        foreach (GroupMember member in _members)
        {
            member.Assignment = assignments.FirstOrDefault(one => one.MemberId == member.Id)?.Assignment ?? [];
        }

        State = GroupState.Stable;
        foreach (GroupMember member in _members)
        {
            if (member.Syncing is { } syncing)
            {
                member.Syncing = null;
                See(member);
                syncing.TrySetResult(AssignmentOf(member));
            }
        }
    }

    private SyncGroupResponse AssignmentOf(GroupMember member) => new() { ProtocolType = ProtocolType, ProtocolName = _protocol, Assignment = member.Assignment };

    private void Remove(GroupMember member, KafkaError reason)
    {
        member.Fail(reason);
        _members.Remove(member);
        if (State == GroupState.PreparingRebalance)
        {
            if (_members.Count == 0 && _announced.Count == 0)
            {
                CompleteJoin();
            }
            else
            {
                ConsiderJoined();
            }
        }
        else if (_members.Count == 0)
        {
            Generation = Generation == int.MaxValue ? 1 : Generation + 1;
            Clear();
        }
        else if (State != GroupState.Empty)
        {
            Prepare();
        }
    }

    private void Clear()
    {
        State = GroupState.Empty;
        _leaderId = null;
        _protocol = null;
    }

    // Each member votes for the first of its protocols that all have; the most votes win, the first of them by name where they are equal.
    private string? Select()
    {
        HashSet<string> common = [.. _members[0].Protocols.Select(protocol => protocol.Name)];
        _members.ForEach(member => common.IntersectWith(member.Protocols.Select(protocol => protocol.Name)));
        return _members.Select(member => member.Protocols.FirstOrDefault(protocol => common.Contains(protocol.Name))?.Name)
            .Where(name => name is not null).GroupBy(name => name!, StringComparer.Ordinal)
            .OrderByDescending(votes => votes.Count()).ThenBy(votes => votes.Key, StringComparer.Ordinal).FirstOrDefault()?.Key;
    }

    private void See(GroupMember member) => member.SeenAt = time.GetTimestamp();

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    // Nobody else's: 128 random bits.
    private static string NewMemberId(string prefix) => $"{(prefix.Length > 100 ? prefix[..100] : prefix)}-{new Guid(RandomNumberGenerator.GetBytes(16))}";
}
