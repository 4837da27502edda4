using System.Buffers.Binary;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Tests.Kafka;

namespace Weir.FuzzTests.Wire;

/// <summary>What the port owes a client for an input, told from the bytes alone, all of them at once.</summary>
internal sealed class KafkaExpectation
{
    private const int LengthBytes = sizeof(int);
    private const int ShortestRequestBytes = 8;
    private const int SmallestFetchBuffer = 64 << 10;
    private const int LargestFetchBuffer = 16 << 20;

    /// <summary>The answers that are owed, in their order: how they are to be read, and the request's correlation id.</summary>
    public List<(Api Api, short Version, int Correlation)> Answers { get; } = [];

    /// <summary>What the one line in the log has to say; null: none is owed, because the input only ends early.</summary>
    public string? Line { get; private set; }

    /// <summary>Whether a batch without an answer was sent: the connection may be ended for it, with a line, whatever else is owed.</summary>
    public bool MayBeRefused { get; private set; }

    /// <summary>From this byte of the input on nothing has to be read.</summary>
    public int MayEndAt { get; private set; } = int.MaxValue;

    /// <summary>Whether a request may wait for others, or look again after a while.</summary>
    public bool MayWait { get; private set; }

    /// <summary>Bytes that fetches of the input ask to be sent at most, which the server may take for them.</summary>
    public long AskedBytes { get; private set; }

    public static KafkaExpectation Of(byte[] input, Func<short, short, bool> isOffered)
    {
        var owed = new KafkaExpectation();
        for (int at = 0; owed.Line is null && input.Length - at >= LengthBytes;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(input.AsSpan(at));
            if (length is < ShortestRequestBytes or > InMemoryKafka.RequestBytes)
            {
                owed.Line = (input[at], input[at + 1]) == (0x16, 0x03) ? "TLS" : IsHttp(input.AsSpan(at, LengthBytes)) ? "HTTP" : $"a request of {length} bytes, at byte 0";
                owed.MayEndAt = Math.Min(owed.MayEndAt, at + LengthBytes);
                break;
            }

            at += LengthBytes;
            if (input.Length - at < length)
            {
                break;
            }

            owed.Add(input.AsMemory(at, length), isOffered);
            at += length;
            if (owed.Line is not null || owed.MayBeRefused)
            {
                owed.MayEndAt = Math.Min(owed.MayEndAt, at);
            }
        }

        return owed;
    }

    private static bool IsHttp(ReadOnlySpan<byte> first) => first.SequenceEqual("GET "u8) || first.SequenceEqual("POST"u8) || first.SequenceEqual("HEAD"u8) || first.SequenceEqual("PUT "u8) || first.SequenceEqual("OPTI"u8);

    private void Add(ReadOnlyMemory<byte> frame, Func<short, short, bool> isOffered)
    {
        short key = BinaryPrimitives.ReadInt16BigEndian(frame.Span), version = BinaryPrimitives.ReadInt16BigEndian(frame.Span[2..]);
        int correlation = BinaryPrimitives.ReadInt32BigEndian(frame.Span[4..]);
        if (!isOffered(key, version))
        {
            if (key == (short)ApiKey.ApiVersions)
            {
                Answers.Add((ApiTable.ApiVersions, 0, correlation));
                return;
            }

            Line = $"API {key} version {version} is not offered";
            return;
        }

        try
        {
            var reader = new KafkaReader(frame);
            Api api = RequestHeader.Read(ref reader).Api!;
            Add(api, version, correlation, api.ReadRequest(ref reader, version));
        }
        catch (KafkaProtocolException wrong)
        {
            Line = $"API {key} version {version} cannot be read: {wrong.Message}";
            Assert.Contains($"byte {wrong.Position}", Line, StringComparison.Ordinal);
        }
    }

    private void Add(Api api, short version, int correlation, IKafkaMessage message)
    {
        if (message is ProduceRequest { Acks: 0 })
        {
            MayBeRefused = true;
            return;
        }

        Answers.Add((api, version, correlation));
        MayWait |= message is not (ApiVersionsRequest or MetadataRequest or ProduceRequest or ListOffsetsRequest or FetchRequest { MaxWaitMs: <= 0 });
        if (message is FetchRequest fetch)
        {
            AskedBytes += fetch.Topics.SelectMany(topic => topic.Partitions).Sum(partition => (long)Math.Clamp(Math.Min(fetch.MaxBytes, partition.PartitionMaxBytes), SmallestFetchBuffer, LargestFetchBuffer));
        }
    }
}
