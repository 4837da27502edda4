using System.Net;
using System.Text;
using Weir.Cli.Load;
using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Storage;

namespace Weir.Cli.Verify;

/// <summary>The logs once more, as a Kafka consumer gets them: the same events at the same offsets as over HTTP, and markers where the other are none.</summary>
internal static class KafkaLogs
{
    private const int FetchBytes = 1 << 20;
    private const short Version = 11;

    public static void Compare(IPEndPoint server, IReadOnlyList<CheckedStream> streams, Logs logs, Anomalies anomalies)
    {
        using var connection = new RawKafkaConnection(server, TimeSpan.FromSeconds(30));
        foreach (CheckedStream stream in streams)
        {
            for (int partition = 0; partition < stream.Partitions; partition++)
            {
                Compare(connection, stream.Name, partition, logs[stream.Name, partition], anomalies);
            }
        }
    }

    private static void Compare(RawKafkaConnection connection, string stream, int partition, List<LoggedRecord> logged, Anomalies anomalies)
    {
        long next = 0;
        while (next < logged.Count)
        {
            long from = next;
            foreach ((long offset, string? value) in Fetch(connection, stream, partition, from))
            {
                LoggedRecord? record = offset < logged.Count ? logged[(int)offset] : null;
                if (offset != next || (record is not null && (value is null) != (record.Verdict is null)) || (value is not null && record is not null && value != record.Value))
                {
                    anomalies.Add(AnomalyKind.InconsistentOffset, $"{stream}/{partition}:{offset}", record?.Id ?? "", $"a fetch from {from} gives {value ?? "a marker"} at offset {offset}, expected {next}: {record?.Shown ?? "nothing"}");
                    return;
                }

                next++;
            }

            if (next == from)
            {
                anomalies.Add(AnomalyKind.LostWrite, $"{stream}/{partition}:{next}", logged[(int)next].Id, "a fetch from here gives nothing, and the log has it");
                return;
            }
        }
    }

    /// <returns>Offset and value of every record from <paramref name="from"/> on that one fetch brings; null: a marker.</returns>
    private static List<(long Offset, string? Value)> Fetch(RawKafkaConnection connection, string stream, int partition, long from)
    {
        FetchResponse answer = connection.Ask<FetchResponse>(ApiTable.Fetch, Version, "weir-verify", new FetchRequest
        {
            MaxBytes = FetchBytes,
            MinBytes = 1,
            Topics = [new() { Topic = stream, Partitions = [new() { Partition = partition, FetchOffset = from, PartitionMaxBytes = FetchBytes }] }],
        });
        FetchResponse.PartitionData data = answer.Responses[0].Partitions[0];
        if (data.ErrorCode != KafkaError.None)
        {
            throw new WeirException(ErrorCode.Internal, $"A fetch of {stream}/{partition} from {from} was answered {data.ErrorCode}.");
        }

        var found = new List<(long, string?)>();
        ReadOnlyMemory<byte> rest = data.Records?.Memory ?? default;
        var content = new BatchContent();
        while (RecordBatch.TryRead(rest.Span, out RecordBatch stored))
        {
            if (content.TryExpand(rest[..stored.Bytes.Length], BatchContent.MostBytes, out ReadOnlyMemory<byte> expanded) != ExpandResult.Done || !RecordBatch.TryRead(expanded.Span, out RecordBatch batch) || !stored.HasValidCrc())
            {
                throw new WeirException(ErrorCode.LogDamaged, $"A fetch of {stream}/{partition} from {from} brings a batch that cannot be read.");
            }

            foreach (Record record in batch)
            {
                long offset = batch.BaseOffset.Value + record.OffsetDelta;
                if (offset >= from)
                {
                    found.Add((offset, batch.IsControl ? null : Encoding.UTF8.GetString(batch.Bytes.Slice(record.ValueAt, Math.Max(0, record.ValueLength)))));
                }
            }

            rest = rest[stored.Bytes.Length..];
        }

        return found;
    }
}
