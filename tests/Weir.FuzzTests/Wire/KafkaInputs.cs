using System.Buffers.Binary;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Server.Tests.Kafka;

namespace Weir.FuzzTests.Wire;

/// <summary>What clients that are broken, hostile or somebody else's send to the Kafka port, made from valid frames. The same seed gives the same inputs.</summary>
internal sealed class KafkaInputs
{
    /// <summary>The stream that the valid frames speak of.</summary>
    public const string Topic = "fuzz";

    private const int LengthBytes = sizeof(int);
    private const int MostFrames = 4;

    private static readonly byte[][] Strangers =
    [
        Convert.FromHexString("16030100c8010000c40303"),
        .. ((string[])["GET / HTTP/1.1\r\nHost: weir\r\n\r\n", "POST /v1/streams/s/events HTTP/1.1\r\n", "HEAD / HTTP/1.0\r\n\r\n", "PUT / HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n", "SSH-2.0-OpenSSH_9.6\r\n", "\r\n\r\n\r\n\r\n"]).Select(System.Text.Encoding.ASCII.GetBytes),
    ];

    /// <summary>What a count, a length or the number of tagged fields can claim.</summary>
    private static readonly byte[][] Claims =
        [.. ((string[])["7fffffff", "ffffffff", "fffffffe", "80000000", "00ffffff", "7fff", "ffff", "8000", "ffffffff07", "ffffffff0f", "ffffffffff", "ffff7f", "ff7f", "00", "01", "00000000"]).Select(Convert.FromHexString)];

    private static readonly int[] Lengths = [0, 1, 7, 8, -1, int.MinValue, int.MaxValue, InMemoryKafka.RequestBytes, InMemoryKafka.RequestBytes + 1, 1 << 20, 1 << 24, 1 << 30];

    private static readonly short[] Versions = [-1, 0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 16, 17, 99, short.MinValue, short.MaxValue];

    private readonly Random _random;
    private readonly Mutator _mutator;

    public KafkaInputs(int seed)
    {
        _random = new Random(seed);
        _mutator = new Mutator(_random, Claims);
    }

    /// <summary>The valid frames, each with its length. Correlation ids are their places.</summary>
    public static IReadOnlyList<byte[]> Frames { get; } =
    [
        .. Requests().Select((one, i) => KafkaClient.Frame(one.Api, one.Version, i, one.Message)),
        Convert.FromHexString("0000000a001200630000003fffff"),
    ];

    /// <summary>Every value that the valid frames carry.</summary>
    public static IReadOnlySet<string> Payloads { get; } = new HashSet<string>(((short[])[3, 7, 8, 9, 11]).SelectMany(PayloadsOf));

    /// <summary>The next input.</summary>
    public byte[] Next() => _random.Next(16) switch
    {
        < 6 => [.. Valid(_random.Next(2)), .. Framed(_mutator.Mutate(Body(), Body())), .. Valid(_random.Next(2))],
        < 9 => _mutator.Mutate(Valid(1 + _random.Next(MostFrames)), Frame()),
        9 => [.. Valid(_random.Next(MostFrames)), .. WithLength(Frame(), _random.GetItems(Lengths, 1)[0])],
        10 => [.. Valid(_random.Next(2)), .. WithKey(Frame(), (short)_random.Next(-2, 70), _random.GetItems(Versions, 1)[0])],
        11 => [.. Valid(_random.Next(2)), .. _random.GetItems(Strangers, 1)[0]],
        12 => Cut(Valid(1 + _random.Next(MostFrames))),
        13 => [.. Valid(_random.Next(2)), .. Framed(WithClaim(Body())), .. Valid(1)],
        14 => [.. Valid(_random.Next(2)), .. Framed([.. Body(), .. _random.GetItems(Claims, 8).SelectMany(claim => claim)]), .. Valid(1)],
        _ => Valid(1 + _random.Next(MostFrames)),
    };

    /// <summary>The pieces in which an input arrives.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Pieces(byte[] input)
    {
        int[] cuts = [0, .. Enumerable.Range(0, _random.Next(3)).Select(_ => _random.Next(input.Length + 1)).Order(), input.Length];
        return [.. cuts.Zip(cuts.Skip(1), (from, to) => (ReadOnlyMemory<byte>)input.AsMemory(from, to - from)).Where(piece => piece.Length > 0)];
    }

    private byte[] Frame() => Frames[_random.Next(Frames.Count)];

    private byte[] Body() => Frame()[LengthBytes..];

    private byte[] Valid(int frames) => [.. Enumerable.Range(0, frames).SelectMany(_ => Frame())];

    private byte[] Cut(byte[] bytes) => bytes[.._random.Next(bytes.Length)];

    private byte[] WithClaim(byte[] body)
    {
        byte[] claim = _random.GetItems(Claims, 1)[0];
        int at = _random.Next(body.Length);
        return [.. body[..at], .. claim, .. body[Math.Min(body.Length, at + _random.Next(claim.Length + 1))..]];
    }

    private static byte[] Framed(byte[] body) => WithLength([0, 0, 0, 0, .. body], body.Length);

    private static byte[] WithLength(byte[] frame, int length)
    {
        byte[] changed = [.. frame];
        BinaryPrimitives.WriteInt32BigEndian(changed, length);
        return changed;
    }

    private static byte[] WithKey(byte[] frame, short key, short version)
    {
        byte[] changed = [.. frame];
        BinaryPrimitives.WriteInt16BigEndian(changed.AsSpan(LengthBytes), key);
        BinaryPrimitives.WriteInt16BigEndian(changed.AsSpan(LengthBytes + sizeof(short)), version);
        return changed;
    }

    private static string[] PayloadsOf(short version) => [$$"""{"produced with":{{version}}}""", $$"""{"and":"again with {{version}}"}"""];

    private static IEnumerable<(Api Api, short Version, IKafkaMessage Message)> Requests()
    {
        yield return (ApiTable.ApiVersions, 0, new ApiVersionsRequest());
        yield return (ApiTable.ApiVersions, 3, new ApiVersionsRequest { ClientSoftwareName = "test", ClientSoftwareVersion = "1" });
        foreach (short version in (short[])[1, 8, 9, 12, 13])
        {
            yield return (ApiTable.Metadata, version, new MetadataRequest { Topics = [new() { Name = Topic }] });
        }

        yield return (ApiTable.Metadata, 10, new MetadataRequest { Topics = [new() { TopicId = new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) }, new() { Name = "unknown" }] });
        foreach (short version in (short[])[3, 7, 9, 11])
        {
            yield return (ApiTable.Produce, version, KafkaClient.ProduceRequest(Topic, 0, KafkaClient.Batch(PayloadsOf(version))));
        }

        yield return (ApiTable.Produce, 8, KafkaClient.ProduceRequest(Topic, 0, KafkaClient.Batch(PayloadsOf(8)), acks: 0));
        yield return (ApiTable.Produce, 8, KafkaClient.ProduceRequest("unknown", 0, KafkaClient.Batch(PayloadsOf(8)), acks: 0));
        foreach (short version in (short[])[4, 7, 11, 12])
        {
            yield return (ApiTable.Fetch, version, KafkaClient.FetchRequest(Topic, 0, 1, maxWaitMs: 500, maxBytes: 4096));
        }

        foreach (short version in (short[])[1, 4, 7, 9])
        {
            yield return (ApiTable.ListOffsets, version, new ListOffsetsRequest { Topics = [new() { Name = Topic, Partitions = [new() { PartitionIndex = 0, Timestamp = -1 }] }] });
        }
    }
}
