using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Weir.Cli.Load;
using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Cli.Verify;

/// <summary>
/// One client's producer on the Kafka port: a batch without an answer, or with an error that a retry can mend, is sent again until it is acknowledged. With a
/// number, a batch keeps its place in the partition's sequence at every try, also over a kill of the server. Blocking; one thread.
/// </summary>
internal sealed class KafkaProducer(IPEndPoint server, History history, Random random, TimeSpan patience) : IDisposable
{
    private const short InitVersion = 4;
    private const string Name = "weir-verify";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly Dictionary<(string Stream, int Partition), int> _next = [];
    private readonly VerifyBatches _batches = new();
    private RawKafkaConnection? _connection;
    private long _producerId = -1;
    private short _epoch;

    /// <exception cref="WeirException">It was not acknowledged in time, or refused, which no batch here may be.</exception>
    public void SendUntilDecided(SentBody body, CancellationToken cancel)
    {
        bool isIdempotent = body.Form != EventForm.Batches;
        if (isIdempotent && (_producerId < 0 || random.Next(100) == 0))
        {
            // Now and then a client starts anew, with another number.
            InitProducerIdResponse given = Retry(connection => connection.Ask<InitProducerIdResponse>(ApiTable.InitProducerId, InitVersion, Name, new InitProducerIdRequest { TransactionTimeoutMs = 1_000 }), answer => answer.ErrorCode == KafkaError.None, cancel);
            (_producerId, _epoch) = (given.ProducerId, given.ProducerEpoch);
            _next.Clear();
        }

        string stream = body.Events[0].Stream;
        List<Part> open = [.. body.Events.GroupBy(Workload.PartitionOf).Select(group =>
        {
            SentEvent[] events = [.. group];
            int sequence = isIdempotent ? _next.GetValueOrDefault((stream, group.Key)) : -1;
            byte[] batch = _batches.Make(events, isIdempotent ? _producerId : -1, isIdempotent ? _epoch : (short)-1, sequence, body.Form == EventForm.CompressedBatches);
            return new Part(group.Key, events, batch);
        })];
        foreach (Part part in isIdempotent ? open : [])
        {
            _next[(stream, part.Partition)] = _next.GetValueOrDefault((stream, part.Partition)) + part.Events.Length;
        }

        Retry(
            connection =>
            {
                history.Sending([.. open.SelectMany(part => part.Events)]);
                return connection.Ask<ProduceResponse>(ApiTable.Produce, RawKafkaConnection.ProduceVersion, Name, Request(stream, open));
            },
            answer =>
            {
                Take(stream, answer, open);
                return open.Count == 0;
            },
            cancel);
    }

    public void Dispose()
    {
        _connection?.Dispose();
        _connection = null;
    }

    private static ProduceRequest Request(string stream, List<Part> open) => new()
    {
        Acks = -1,
        TimeoutMs = 30_000,
        TopicData = [new() { Name = stream, PartitionData = [.. open.Select(part => new ProduceRequest.PartitionProduceData { Index = part.Partition, Records = new KafkaRecords(part.Batch) })] }],
    };

    private void Take(string stream, ProduceResponse answer, List<Part> open)
    {
        foreach (ProduceResponse.PartitionProduceResponse told in answer.Responses.SelectMany(topic => topic.PartitionResponses))
        {
            Part part = open.Single(part => part.Partition == told.Index);
            if (told.ErrorCode == KafkaError.None)
            {
                history.Answered(part.Events, part.Events.Select((_, i) => new Outcome(i, "durable", Partition: told.Index, Offset: told.BaseOffset + i)));
                open.Remove(part);
            }
            else if (told.ErrorCode is not (KafkaError.NotLeaderOrFollower or KafkaError.NotEnoughReplicas or KafkaError.NotEnoughReplicasAfterAppend or KafkaError.LeaderNotAvailable))
            {
                throw new WeirException(ErrorCode.Internal, string.Create(CultureInfo.InvariantCulture, $"A batch of {part.Events.Length} events from {part.Events[0].Id} on to {stream}/{told.Index} was answered {told.ErrorCode}: {told.ErrorMessage}"));
            }
        }
    }

    private T Retry<T>(Func<RawKafkaConnection, T> ask, Func<T, bool> isDecided, CancellationToken cancel)
        where T : class
    {
        long firstTry = Stopwatch.GetTimestamp();
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            string failure = "an error that a retry can mend";
            try
            {
                _connection ??= new RawKafkaConnection(server, patience);
                T answer = ask(_connection);
                if (isDecided(answer))
                {
                    return answer;
                }
            }
            catch (Exception broken) when (broken is SocketException or WeirException { Code: ErrorCode.ServerUnreachable })
            {
                failure = broken.Message;
                Dispose();
            }

            if (Stopwatch.GetElapsedTime(firstTry) > patience)
            {
                throw new WeirException(ErrorCode.ServerUnreachable, $"A batch was not decided within {TextTable.Duration(patience)}: {failure}");
            }

            Thread.Sleep(Pause);
        }
    }

    private sealed record Part(int Partition, SentEvent[] Events, byte[] Batch);
}
