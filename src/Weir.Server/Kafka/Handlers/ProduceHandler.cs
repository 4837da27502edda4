using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Weir.Core;
using Weir.Engine;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Metrics;
using Weir.Storage;

namespace Weir.Server.Kafka.Handlers;

/// <summary>
/// Produce: each batch goes to its partition as it came, and is answered when it is flushed, whatever the client calls that (acks 1 and all). The answer has no
/// verdict: whether an event counts is read where it is counted.
/// </summary>
internal sealed class ProduceHandler(ServerState state, KafkaTopics topics, KafkaMemory memory, ServerMetrics metrics)
{
    // What a compressed batch may expand to: events that repeat each other shrink to a fiftieth at best, and a small batch may be all zeros.
    private const int MostExpansion = 100;
    private const int LeastExpandedBytes = 1 << 20;

    // Of a topic's name in the log, characters: Kafka's names have no more, and a client's may have 32,767.
    private const int LongestToldName = 249;

    private const short NoAnswer = 0;
    private const short All = -1;

    /// <summary>What a transactional producer is told.</summary>
    public const string NoTransactions = "Transactions are not offered. Use an idempotent producer, and give events an id: the stream counts each id once, whichever way it is retried.";

    public IEnumerable<KafkaApi> Apis => [new(ApiTable.Produce, Handle)];

    private ValueTask<IKafkaMessage?> Handle(KafkaRequest request)
    {
        // Everything is handed to its partition before the first wait: a client's batches stay in their order.
        var produce = request.As<ProduceRequest>();
        var pending = new List<(string Topic, List<Pending> Partitions)>(produce.TopicData.Count);
        foreach (ProduceRequest.TopicProduceData topic in produce.TopicData)
        {
            var partitions = new List<Pending>(topic.PartitionData.Count);
            foreach (ProduceRequest.PartitionProduceData data in topic.PartitionData)
            {
                partitions.Add(Begin(request, produce, topic.Name, data));
            }

            pending.Add((topic.Name, partitions));
        }

        return AnswerAsync(produce, pending, state.Time.GetTimestamp());
    }

    private Pending Begin(KafkaRequest request, ProduceRequest produce, string topic, ProduceRequest.PartitionProduceData data)
    {
        var response = new ProduceResponse.PartitionProduceResponse { Index = data.Index, BaseOffset = -1 };
        if (produce.Acks is < All or > 1)
        {
            return Refused(response, KafkaError.InvalidRequiredAcks, $"acks is {produce.Acks}; 0, 1 and all are known.");
        }

        if (!string.IsNullOrEmpty(produce.TransactionalId))
        {
            return Refused(response, KafkaError.TransactionalIdAuthorizationFailed, NoTransactions);
        }

        if (state.RefusesWrites)
        {
            return Refused(response, KafkaError.NotLeaderOrFollower, "The server is stopping and takes nothing more.");
        }

        if (!topics.TryFind(topic, out EventStream? stream, out KafkaError error))
        {
            return Refused(response, error, null);
        }

        if (data.Index < 0 || data.Index >= stream.PartitionCount)
        {
            return Refused(response, KafkaError.UnknownTopicOrPartition, $"{topic} has {stream.PartitionCount} partitions.");
        }

        if (ServerState.IsReserved(topic))
        {
            return Refused(response, KafkaError.InvalidTopicException, $"{topic} is the server's own.");
        }

        if (data.Records is not { Length: > 0 } records)
        {
            return Refused(response, KafkaError.InvalidRecord, "There is no batch for the partition.");
        }

        // The frame is this server's own memory; the log fills the base offset in where it lies.
        Memory<byte> bytes = MemoryMarshal.AsMemory(records.Memory);
        IDisposable held = request.Frame.Hold();
        int mostExpanded = 0;
        if (RecordBatch.TryRead(bytes.Span, out RecordBatch header) && header.Codec != 0)
        {
            mostExpanded = (int)Math.Min(BatchContent.MostBytes, Math.Max(LeastExpandedBytes, (long)bytes.Length * MostExpansion));
            if (!memory.TryTake(mostExpanded))
            {
                held.Dispose();
                return Refused(response, KafkaError.NotEnoughReplicas, "There is no memory now to expand the batch in.");
            }

            held = new Expanding(held, memory, mostExpanded);
        }

        ProduceBatch batch = stream.NewProduceBatch();
        return batch.TryRead(bytes, data.Index, held, mostExpanded) ? new Pending(response, stream, batch, batch.SubmitAsync()) : new Pending(response, stream, batch, default);
    }

    private static Pending Refused(ProduceResponse.PartitionProduceResponse response, KafkaError error, string? text)
    {
        response.ErrorCode = error;
        response.ErrorMessage = text;
        return new Pending(response, null, null, default);
    }

    private async ValueTask<IKafkaMessage?> AnswerAsync(ProduceRequest produce, List<(string Topic, List<Pending> Partitions)> pending, long receivedAt)
    {
        var answer = new ProduceResponse.TopicProduceResponse[pending.Count];
        string? failed = null;
        TimeSpan throttle = TimeSpan.Zero;
        for (int i = 0; i < answer.Length; i++)
        {
            (string topic, List<Pending> partitions) = pending[i];
            foreach (Pending one in partitions)
            {
                if (one.Batch is { } batch)
                {
                    await one.Told;
                    Complete(one.Response, one.Stream!, batch);
                    metrics.Record(one.Stream!, batch, state.Time.GetElapsedTime(receivedAt));
                    throttle = batch.Unacknowledged == ErrorCode.QueueFull ? one.Stream!.EstimateDrain() : throttle;
                    batch.Dispose();
                }

                if (one.Response.ErrorCode != KafkaError.None)
                {
                    failed ??= $"{topic[..Math.Min(topic.Length, LongestToldName)]}-{one.Response.Index}: {one.Response.ErrorCode}. {one.Response.ErrorMessage}";
                }
            }

            answer[i] = new ProduceResponse.TopicProduceResponse { Name = topic, PartitionResponses = [.. partitions.Select(one => one.Response)] };
        }

        if (produce.Acks != NoAnswer)
        {
            return new ProduceResponse { Responses = answer, ThrottleTimeMs = (int)throttle.TotalMilliseconds };
        }

        // Who wants no answers learns of an error only by the end of the connection, as with Kafka.
        return failed is null ? null : throw new ConnectionAbortedException($"a batch sent with acks=0 was not taken, {failed}");
    }

    private static void Complete(ProduceResponse.PartitionProduceResponse response, EventStream stream, ProduceBatch batch)
    {
        response.LogStartOffset = stream.LogStart(response.Index);
        response.ErrorMessage = batch.Detail;
        if (batch.Error != ProduceError.None)
        {
            response.ErrorCode = ErrorOf(batch.Error);
            response.RecordErrors = [.. batch.Refusals.Select(refusal => new ProduceResponse.BatchIndexAndErrorMessage { BatchIndex = refusal.Record, BatchIndexErrorMessage = refusal.Detail })];
        }
        else if (batch.Unacknowledged is { } failure)
        {
            // It may be there all the same, which is what the second of these says; both are tried again.
            response.ErrorCode = failure == ErrorCode.PartitionStopped ? KafkaError.NotEnoughReplicasAfterAppend : KafkaTopics.ErrorOf(failure);
            response.ErrorMessage = WeirErrors.Get(failure).Sentence;
        }
        else
        {
            response.BaseOffset = batch.BaseOffset;
        }
    }

    private static KafkaError ErrorOf(ProduceError error) => error switch
    {
        ProduceError.Corrupt => KafkaError.CorruptMessage,
        ProduceError.UnsupportedFormat => KafkaError.UnsupportedForMessageFormat,
        ProduceError.UnsupportedCompression => KafkaError.UnsupportedCompressionType,
        ProduceError.TooLarge => KafkaError.MessageTooLarge,
        ProduceError.InvalidRecord or ProduceError.NotAllowed => KafkaError.InvalidRecord,
        ProduceError.SequenceGap => KafkaError.OutOfOrderSequenceNumber,
        ProduceError.AppendedEarlier => KafkaError.DuplicateSequenceNumber,
        ProduceError.Fenced => KafkaError.InvalidProducerEpoch,
        ProduceError.UnknownProducer => KafkaError.UnknownProducerId,
        ProduceError.TooManyProducers => KafkaError.PolicyViolation,
        _ => KafkaError.KafkaStorageError,
    };

    /// <summary>A frame, and the memory that a batch of it expands in.</summary>
    private sealed class Expanding(IDisposable frame, KafkaMemory memory, long taken) : IDisposable
    {
        public void Dispose()
        {
            frame.Dispose();
            memory.Return(taken);
        }
    }

    private readonly record struct Pending(ProduceResponse.PartitionProduceResponse Response, EventStream? Stream, ProduceBatch? Batch, ValueTask Told);
}
