using System.Diagnostics;
using System.Net;
using Weir.Cli.Load;
using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Cli.Bench;

/// <summary>A consumer that reads every partition from its first offset until it has seen as many events as it was told, and only counts them.</summary>
internal sealed class FetchLoad(IPEndPoint server, int partitions)
{
    private readonly long[] _next = new long[partitions];

    /// <summary>Events seen.</summary>
    public long Records { get; private set; }

    /// <summary>Bytes of batches received.</summary>
    public long Bytes { get; private set; }

    public Task<TimeSpan> RunAsync(long events, int fetchBytes, int partitionBytes, CancellationToken cancel) => Task.Factory.StartNew(
        () =>
        {
            long started = Stopwatch.GetTimestamp();
            using var connection = new RawKafkaConnection(server);
            while (Records < events)
            {
                cancel.ThrowIfCancellationRequested();
                FetchOnce(connection, fetchBytes, partitionBytes);
            }

            return Stopwatch.GetElapsedTime(started);
        },
        cancel,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    private void FetchOnce(RawKafkaConnection connection, int fetchBytes, int partitionBytes)
    {
        FetchResponse answer = connection.Ask<FetchResponse>(ApiTable.Fetch, RawKafkaConnection.FetchVersion, "weir-bench", new FetchRequest
        {
            MaxWaitMs = 500,
            MinBytes = 1,
            MaxBytes = fetchBytes,
            Topics = [new() { Topic = BenchServer.Stream, Partitions = [.. _next.Select((offset, partition) => new FetchRequest.FetchPartition { Partition = partition, FetchOffset = offset, PartitionMaxBytes = partitionBytes })] }],
        });
        foreach (FetchResponse.PartitionData partition in answer.Responses.SelectMany(topic => topic.Partitions))
        {
            if (partition.ErrorCode != KafkaError.None)
            {
                throw new WeirException(ErrorCode.Internal, $"the server answered {partition.ErrorCode} for partition {partition.PartitionIndex}");
            }

            Count(partition);
        }
    }

    private void Count(FetchResponse.PartitionData partition)
    {
        ReadOnlySpan<byte> rest = partition.Records is { } records ? records.Memory.Span : default;
        Bytes += rest.Length;
        while (RecordBatch.TryRead(rest, out RecordBatch batch))
        {
            int before = (int)Math.Max(0, _next[partition.PartitionIndex] - batch.BaseOffset.Value);
            Records += batch.IsControl ? 0 : batch.RecordCount - before;
            _next[partition.PartitionIndex] = batch.BaseOffset.Value + batch.RecordCount;
            rest = rest[batch.Bytes.Length..];
        }
    }
}
