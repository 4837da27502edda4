using System.Collections.Concurrent;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Kafka.Groups;

/// <summary>All consumer groups of the node: it coordinates every one of them. Any thread.</summary>
internal sealed class GroupCoordinator(TimeProvider time) : IDisposable
{
    public const int MostGroups = 10_000;

    private const int LongestName = 249;

    // A client that dies takes a session's time to be noticed; the least is what makes a lost heartbeat no death.
    private const int LeastSessionMs = 1_000;
    private const int MostSessionMs = 30 * 60 * 1000;

    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, ConsumerGroup> _groups = new(StringComparer.Ordinal);
    private ITimer? _sweeps;

    public IEnumerable<ConsumerGroup> Groups => _groups.Values;

    /// <summary>From here on what is due is done by itself.</summary>
    public void Start() => _sweeps = time.CreateTimer(_ => Sweep(), null, BetweenSweeps, BetweenSweeps);

    public void Dispose() => _sweeps?.Dispose();

    public Task<JoinGroupResponse> JoinAsync(JoinGroupRequest request, short version, string clientId, string clientHost)
    {
        KafkaError error = Check(request);
        if (error != KafkaError.None)
        {
            return Task.FromResult(new JoinGroupResponse { ErrorCode = error, MemberId = request.MemberId });
        }

        ConsumerGroup group = request.MemberId.Length == 0 ? _groups.GetOrAdd(request.GroupId, name => new ConsumerGroup(name, time)) : FindOrVacant(request.GroupId);
        return group.JoinAsync(request, mustReturnWithId: version >= 4, canSkipAssignment: version >= 9, clientId, clientHost);
    }

    /// <summary>The group, or one with nobody in it, in which every question has the same answers.</summary>
    public ConsumerGroup FindOrVacant(string group) => _groups.TryGetValue(group, out ConsumerGroup? found) ? found : new ConsumerGroup(group, time);

    public bool TryFind(string group, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ConsumerGroup? found) => _groups.TryGetValue(group, out found);

    public static bool IsName(string group) => group.Length is > 0 and <= LongestName;

    /// <summary>Does what has become due in every group, and forgets those that nobody is in.</summary>
    public void Sweep()
    {
        foreach ((string name, ConsumerGroup group) in _groups)
        {
            group.Sweep();
            if (group.IsVacant && _groups.Count > MostGroups / 2)
            {
                _groups.TryRemove(name, out _);
            }
        }
    }

    public bool Forget(string group) => _groups.TryRemove(group, out _);

    private KafkaError Check(JoinGroupRequest request) =>
        !IsName(request.GroupId) ? KafkaError.InvalidGroupId
        : request.SessionTimeoutMs is < LeastSessionMs or > MostSessionMs ? KafkaError.InvalidSessionTimeout
        : request.ProtocolType.Length == 0 || request.Protocols.Count == 0 ? KafkaError.InconsistentGroupProtocol
        : request.Protocols.Sum(protocol => (long)protocol.Metadata.Length) > ConsumerGroup.MostMemberBytes ? KafkaError.InvalidRequest
        : _groups.Count >= MostGroups && !_groups.ContainsKey(request.GroupId) ? KafkaError.CoordinatorNotAvailable
        : KafkaError.None;
}
