using System.Diagnostics.CodeAnalysis;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Kafka;

/// <summary>A partition that a client wants records of.</summary>
internal sealed class FetchedPartition
{
    /// <summary>Name of the topic; "" where the client only gave the id.</summary>
    public required string Topic { get; init; }

    public required Guid TopicId { get; init; }

    public required int Partition { get; init; }

    public long Offset { get; set; }

    public int MaxBytes { get; set; }

    /// <summary>As the client was told last; within a session it is told again only when it has changed.</summary>
    public long ToldHighWatermark { get; set; } = -1;

    public long ToldLogStart { get; set; } = -1;
}

/// <summary>
/// What a client fetches from one request to the next, so that it need not name every partition each time (KIP-227). One request at a time holds it.
/// </summary>
internal sealed class FetchSession
{
    /// <summary>Partitions of one session; a request that names more stands for itself.</summary>
    public const int MostPartitions = 2_000;

    private readonly Dictionary<(string Topic, Guid TopicId, int Partition), FetchedPartition> _known = [];
    private List<FetchedPartition> _partitions = [];

    public required int Id { get; init; }

    /// <summary>What the next request must say; 1 follows the highest.</summary>
    public int NextEpoch { get; set; } = 1;

    public long UsedAt { get; set; }

    /// <summary>In the order in which they are answered. The first is the one that was passed over for longest.</summary>
    public IReadOnlyList<FetchedPartition> Partitions => _partitions;

    /// <returns>False: that would be more than <see cref="MostPartitions"/>; the session is of no use any more.</returns>
    public bool TryAdd(FetchRequest request)
    {
        foreach (FetchedPartition wanted in FetchSessions.PartitionsOf(request))
        {
            if (_known.TryGetValue(KeyOf(wanted), out FetchedPartition? known))
            {
                known.Offset = wanted.Offset;
                known.MaxBytes = wanted.MaxBytes;
            }
            else if (_partitions.Count < MostPartitions)
            {
                _known[KeyOf(wanted)] = wanted;
                _partitions.Add(wanted);
            }
            else
            {
                return false;
            }
        }

        return true;
    }

    public void Forget(IReadOnlyList<FetchRequest.ForgottenTopic> topics)
    {
        foreach (FetchRequest.ForgottenTopic topic in topics)
        {
            foreach (int partition in topic.Partitions)
            {
                _known.Remove((topic.Topic, topic.TopicId, partition));
            }
        }

        if (_known.Count < _partitions.Count)
        {
            _partitions.RemoveAll(one => !_known.ContainsKey(KeyOf(one)));
        }
    }

    /// <summary>Partitions that got records go to the end, so that a busy one does not starve the others of an answer's bytes.</summary>
    public void MoveToEnd(IEnumerable<FetchedPartition> served)
    {
        HashSet<FetchedPartition> last = [.. served];
        if (last.Count == 0)
        {
            return;
        }

        _partitions = [.. _partitions.Where(one => !last.Contains(one)), .. _partitions.Where(last.Contains)];
    }

    private static (string, Guid, int) KeyOf(FetchedPartition one) => (one.Topic, one.TopicId, one.Partition);
}

/// <summary>All clients' sessions. Any thread.</summary>
internal sealed class FetchSessions(TimeProvider time)
{
    /// <summary>As Kafka's default: beyond it clients are answered without a session, which costs them longer requests.</summary>
    private const int MostSessions = 1000;

    /// <summary>A session that was not used for this long gives way to a new one.</summary>
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(2);

    private readonly Dictionary<int, FetchSession> _sessions = [];
    private int _lastId;

    /// <summary>The partitions that a request names, in its order.</summary>
    public static IEnumerable<FetchedPartition> PartitionsOf(FetchRequest request) =>
        from topic in request.Topics
        from partition in topic.Partitions
        select new FetchedPartition { Topic = topic.Topic, TopicId = topic.TopicId, Partition = partition.Partition, Offset = partition.FetchOffset, MaxBytes = partition.PartitionMaxBytes };

    /// <summary>The session of a request: a new one, the one it names, or none.</summary>
    /// <param name="session">Null: the request stands for itself. Not null: it is this request's alone until <see cref="Release"/>.</param>
    /// <returns>The error that the request is answered with.</returns>
    public KafkaError Take(FetchRequest request, out FetchSession? session)
    {
        session = null;
        FetchSession? taken = null;
        lock (_sessions)
        {
            if (request.SessionEpoch <= 0)
            {
                _sessions.Remove(request.SessionId);
                if (request.SessionEpoch == 0 && TryMakeRoom())
                {
                    taken = new FetchSession { Id = NextId(), UsedAt = time.GetTimestamp() };
                }
            }
            else if (!_sessions.Remove(request.SessionId, out taken))
            {
                // While a request holds it, it is not here: one that overlaps is out of turn.
                return KafkaError.FetchSessionIdNotFound;
            }
            else if (taken.NextEpoch != request.SessionEpoch)
            {
                _sessions[taken.Id] = taken;
                return KafkaError.InvalidFetchSessionEpoch;
            }
        }

        if (taken?.TryAdd(request) == false)
        {
            // The client names all of them again, and is answered without a session.
            return request.SessionEpoch > 0 ? KafkaError.FetchSessionIdNotFound : KafkaError.None;
        }

        session = taken;
        if (session is not null && request.SessionEpoch > 0)
        {
            session.NextEpoch = session.NextEpoch == int.MaxValue ? 1 : session.NextEpoch + 1;
            session.Forget(request.ForgottenTopicsData);
        }

        return KafkaError.None;
    }

    public void Release(FetchSession session)
    {
        lock (_sessions)
        {
            session.UsedAt = time.GetTimestamp();
            _sessions[session.Id] = session;
        }
    }

    private bool TryMakeRoom()
    {
        if (_sessions.Count < MostSessions)
        {
            return true;
        }

        FetchSession oldest = _sessions.Values.MinBy(one => one.UsedAt)!;
        return time.GetElapsedTime(oldest.UsedAt) > KeptFor && _sessions.Remove(oldest.Id);
    }

    private int NextId()
    {
        do
        {
            _lastId = _lastId == int.MaxValue ? 1 : _lastId + 1;
        }
        while (_sessions.ContainsKey(_lastId));
        return _lastId;
    }
}
