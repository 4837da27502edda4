using System.Diagnostics;
using System.Net;
using Weir.Cli.Load;
using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Cli.Bench;

/// <summary>Sends made requests over several connections, a thread each, with a few in flight, as an idempotent producer has. Latency is from sending to answer.</summary>
internal sealed class KafkaLoad(IPEndPoint server)
{
    private const int InFlight = 5;

    private long _acknowledged;

    /// <summary>Requests acknowledged so far; for progress.</summary>
    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <exception cref="WeirException">The server answers with an error, or went away.</exception>
    public async Task<(LatencyHistogram Latency, TimeSpan Elapsed)> RunAsync(byte[][] requests, int connections, CancellationToken cancel)
    {
        long next = -1;
        long started = Stopwatch.GetTimestamp();
        LatencyHistogram[] latencies = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ =>
            Task.Factory.StartNew(SendLoop, cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        var latency = new LatencyHistogram();
        Array.ForEach(latencies, latency.Add);
        return (latency, elapsed);

        LatencyHistogram SendLoop()
        {
            var mine = new LatencyHistogram();
            var sentAt = new Queue<long>(InFlight);
            using var connection = new RawKafkaConnection(server);
            while (!cancel.IsCancellationRequested)
            {
                long index = sentAt.Count < InFlight ? Interlocked.Increment(ref next) : long.MaxValue;
                if (index < requests.Length)
                {
                    sentAt.Enqueue(Stopwatch.GetTimestamp());
                    connection.Send(requests[index]);
                    continue;
                }

                if (sentAt.Count == 0)
                {
                    break;
                }

                Check(connection.Receive<ProduceResponse>(ApiTable.Produce, RawKafkaConnection.ProduceVersion));
                mine.RecordSince(sentAt.Dequeue());
                Interlocked.Increment(ref _acknowledged);
            }

            cancel.ThrowIfCancellationRequested();
            return mine;
        }
    }

    private static void Check(ProduceResponse answer)
    {
        ProduceResponse.PartitionProduceResponse partition = answer.Responses[0].PartitionResponses[0];
        if (partition.ErrorCode != KafkaError.None)
        {
            throw new WeirException(ErrorCode.Internal, $"the server answered {partition.ErrorCode}: {partition.ErrorMessage}");
        }
    }
}
