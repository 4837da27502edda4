using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Tests.Kafka;

/// <summary>One raw connection to the Kafka port. Requests and answers are the codec's; what is sent is whatever a test wants.</summary>
internal sealed class KafkaClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TcpClient _tcp = new() { NoDelay = true };
    private readonly NetworkStream _stream;
    private int _correlation;

    public KafkaClient(int port)
    {
        _tcp.Connect("127.0.0.1", port);
        _stream = _tcp.GetStream();
        _stream.ReadTimeout = (int)Patience.TotalMilliseconds;
    }

    public T Ask<T>(Api api, short version, IKafkaMessage request)
        where T : class, IKafkaMessage
    {
        Send(api, version, request);
        return Read<T>(api, version, _correlation);
    }

    /// <returns>The correlation id.</returns>
    public int Send(Api api, short version, IKafkaMessage request)
    {
        Send(Frame(api, version, ++_correlation, request));
        return _correlation;
    }

    /// <summary>A request as it goes over the wire, its length before it.</summary>
    public static byte[] Frame(Api api, short version, int correlation, IKafkaMessage request)
    {
        using var writer = new KafkaWriter();
        writer.WriteRequest(api, version, correlation, "test", request);
        return [.. writer.Pieces().SelectMany(piece => piece.Memory.ToArray())];
    }

    public void Send(ReadOnlySpan<byte> bytes) => _stream.Write(bytes);

    public T Read<T>(Api api, short version, int correlation)
        where T : class, IKafkaMessage
    {
        byte[] length = new byte[4];
        _stream.ReadExactly(length);
        byte[] frame = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        _stream.ReadExactly(frame);
        var reader = new KafkaReader(frame);
        Assert.Equal(correlation, ResponseHeader.Read(ref reader, api, version));
        var answer = (T)api.ReadResponse(ref reader, version);
        Assert.Equal(0, reader.RemainingBytes);
        return answer;
    }

    /// <summary>Whether the server ends the connection without another byte.</summary>
    public bool IsClosedByServer()
    {
        try
        {
            return _stream.Read(new byte[1]) == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public ProduceResponse.PartitionProduceResponse Produce(string topic, int partition, byte[] batch, short acks = -1, short version = 9) =>
        Ask<ProduceResponse>(ApiTable.Produce, version, ProduceRequest(topic, partition, batch, acks)).Responses[0].PartitionResponses[0];

    public static ProduceRequest ProduceRequest(string topic, int partition, byte[] batch, short acks = -1) => new()
    {
        Acks = acks,
        TimeoutMs = 10_000,
        TopicData = [new() { Name = topic, PartitionData = [new() { Index = partition, Records = new KafkaRecords(batch) }] }],
    };

    public static FetchRequest FetchRequest(string topic, int partition, long offset, int maxWaitMs = 0, int minBytes = 1, int maxBytes = 1 << 20) => new()
    {
        MaxWaitMs = maxWaitMs,
        MinBytes = minBytes,
        MaxBytes = maxBytes,
        Topics = [new() { Topic = topic, Partitions = [new() { Partition = partition, FetchOffset = offset, PartitionMaxBytes = maxBytes }] }],
    };

    public FetchResponse.PartitionData Fetch(string topic, int partition, long offset, int maxWaitMs = 0) =>
        Ask<FetchResponse>(ApiTable.Fetch, 11, FetchRequest(topic, partition, offset, maxWaitMs)).Responses[0].Partitions[0];

    /// <summary>A batch of events without keys.</summary>
    public static byte[] Batch(params IEnumerable<string> values)
    {
        var writer = new RecordBatchWriter();
        writer.Begin(timestampMs: 5);
        foreach (string value in values)
        {
            writer.Append(hasKey: false, default, Encoding.UTF8.GetBytes(value));
        }

        return writer.Finish().ToArray();
    }

    /// <summary>The values of all event records in fetched batches, and the offset of the first.</summary>
    public static List<(long Offset, string Value)> Events(KafkaRecords? records)
    {
        List<(long, string)> events = [];
        ReadOnlySpan<byte> rest = records is { } some ? some.Memory.Span : default;
        while (!rest.IsEmpty)
        {
            Assert.True(RecordBatch.TryRead(rest, out RecordBatch batch) && batch.HasValidCrc());
            foreach (Weir.Core.Record record in batch)
            {
                if (!batch.IsControl)
                {
                    events.Add((batch.BaseOffset.Value + record.OffsetDelta, Encoding.UTF8.GetString(batch.Bytes.Slice(record.ValueAt, record.ValueLength))));
                }
            }

            rest = rest[batch.Bytes.Length..];
        }

        return events;
    }

    public void Dispose() => _tcp.Dispose();
}
