using Weir.Core;
using Weir.Engine;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Storage;

namespace Weir.Server.Kafka.Handlers;

/// <summary>ListOffsets: the first offset, the end, or the first offset of a time. Times are append times: the clients' own are data, and in no order.</summary>
internal sealed class ListOffsetsHandler(KafkaTopics topics)
{
    private const long Latest = -1;
    private const long Earliest = -2;
    private const long MaxTimestamp = -3;
    private const long EarliestLocal = -4;
    private const long LatestTiered = -5;

    public IEnumerable<KafkaApi> Apis => [new(ApiTable.ListOffsets, request => new(Answer(request.As<ListOffsetsRequest>())))];

    private ListOffsetsResponse Answer(ListOffsetsRequest request) => new()
    {
        Topics = [.. request.Topics.Select(topic => new ListOffsetsResponse.ListOffsetsTopicResponse
        {
            Name = topic.Name,
            Partitions = [.. topic.Partitions.Select(partition => Find(topic.Name, partition))],
        })],
    };

    private ListOffsetsResponse.ListOffsetsPartitionResponse Find(string topic, ListOffsetsRequest.ListOffsetsPartition wanted)
    {
        var found = new ListOffsetsResponse.ListOffsetsPartitionResponse { PartitionIndex = wanted.PartitionIndex };
        if (!topics.TryFind(topic, out EventStream? stream, out KafkaError error))
        {
            found.ErrorCode = error;
        }
        else if (wanted.PartitionIndex < 0 || wanted.PartitionIndex >= stream.PartitionCount)
        {
            found.ErrorCode = KafkaError.UnknownTopicOrPartition;
        }
        else
        {
            try
            {
                (found.Offset, found.Timestamp) = Find(stream, wanted.PartitionIndex, wanted.Timestamp);
                found.LeaderEpoch = found.Offset >= 0 ? KafkaTopics.LeaderEpoch : -1;
            }
            catch (WeirException failure)
            {
                found.ErrorCode = KafkaTopics.ErrorOf(failure);
            }
        }

        return found;
    }

    private static (long Offset, long Timestamp) Find(EventStream stream, int partition, long timestamp)
    {
        using LogReader reader = stream.OpenReader(partition, stream.LogStart(partition));
        switch (timestamp)
        {
            case Latest:
                return (stream.FlushedEnd(partition), -1);
            case Earliest or EarliestLocal:
                return (stream.LogStart(partition), -1);
            case MaxTimestamp:
                // Append times never go back: the last record has the highest.
                long last = stream.FlushedEnd(partition) - 1;
                if (last < stream.LogStart(partition))
                {
                    return (-1, -1);
                }

                reader.Seek(new Offset(last));
                return reader.TryReadNext(out StoredBatch batch) ? (last, batch.AppendTimeMs) : (-1, -1);
            case LatestTiered or < 0:
                return (-1, -1);
            default:
                Offset first = reader.SeekTime(timestamp);
                return reader.TryReadNext(out StoredBatch found) ? (first.Value, found.AppendTimeMs) : (-1, -1);
        }
    }
}
