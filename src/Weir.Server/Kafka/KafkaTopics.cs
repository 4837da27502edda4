using System.Diagnostics.CodeAnalysis;
using Weir.Core;
using Weir.Engine;
using Weir.Kafka.Protocol;
using Weir.Storage;

namespace Weir.Server.Kafka;

/// <summary>Streams as Kafka clients see them: topics of the same name and id, with one broker, this one.</summary>
internal sealed class KafkaTopics(ServerState state)
{
    /// <summary>This node's number; there is one.</summary>
    public const int NodeId = 0;

    /// <summary>A log with one writer has no elections.</summary>
    public const int LeaderEpoch = 0;

    /// <summary>Clients only compare it with what they saw before.</summary>
    public const string ClusterId = "weir";

    /// <exception cref="WeirException">Not recovered yet.</exception>
    public IReadOnlyList<EventStream> All() => state.Recovered().Streams;

    /// <param name="error">Why there is no such topic now.</param>
    public bool TryFind(string name, [NotNullWhen(true)] out EventStream? stream, out KafkaError error)
    {
        stream = null;
        error = KafkaError.None;
        try
        {
            stream = state.Stream(name);
            return true;
        }
        catch (WeirException failure)
        {
            error = ErrorOf(failure.Code);
            return false;
        }
    }

    /// <inheritdoc cref="TryFind(string, out EventStream?, out KafkaError)"/>
    public bool TryFind(Guid id, [NotNullWhen(true)] out EventStream? stream, out KafkaError error)
    {
        stream = null;
        error = KafkaError.None;
        try
        {
            stream = All().FirstOrDefault(one => one.Id == id);
            error = stream is null ? KafkaError.UnknownTopicId : KafkaError.None;
            return stream is not null;
        }
        catch (WeirException failure)
        {
            error = ErrorOf(failure.Code);
            return false;
        }
    }

    /// <summary>What a client is told when a stream or partition cannot do now what it asks. What may be tried again has an error that clients try again after.</summary>
    public static KafkaError ErrorOf(ErrorCode code) => code switch
    {
        ErrorCode.UnknownStream => KafkaError.UnknownTopicOrPartition,
        ErrorCode.Recovering => KafkaError.LeaderNotAvailable,
        ErrorCode.ShuttingDown => KafkaError.NotLeaderOrFollower,
        ErrorCode.QueueFull => KafkaError.NotEnoughReplicas,
        _ => KafkaError.KafkaStorageError,
    };

    /// <summary>As <see cref="ErrorOf(ErrorCode)"/>, of a failed read.</summary>
    public static KafkaError ErrorOf(WeirException failure) => failure is OffsetNotStoredException ? KafkaError.OffsetOutOfRange : ErrorOf(failure.Code);
}
