using System.Buffers.Binary;
using System.Globalization;
using Weir.Kafka.Protocol;
using static Weir.FuzzTests.Targets.LogTargets;

namespace Weir.FuzzTests.Targets;

/// <summary>Kafka's messages. What is read is written and read again: the second and the third form must be the same bytes.</summary>
internal static class KafkaTargets
{
    /// <summary>An answer's frame does not say what it answers: API key and version stand before it here.</summary>
    private const int KeyAndVersionBytes = 4;

    public static IEnumerable<FuzzTarget> All()
    {
        yield return new FuzzTarget("kafka requests", 40, Corpus(isRequest: true), ReadRequest) { Dictionary = Lengths, BytesPerByte = 512 };
        yield return new FuzzTarget("kafka answers", 20, Corpus(isRequest: false), ReadResponse) { Dictionary = Lengths, BytesPerByte = 512 };
    }

    /// <summary>What a count or a length can claim.</summary>
    private static IReadOnlyList<byte[]> Lengths { get; } =
        [.. ((string[])["7fffffff", "ffffffff", "fffffffe", "80000000", "7fff", "ffff", "ffffffff07", "ffffffff0f", "ffff7f", "00", "01"]).Select(Convert.FromHexString)];

    private static int ReadRequest(byte[] input)
    {
        try
        {
            var reader = new KafkaReader(input);
            RequestHeader header = RequestHeader.Read(ref reader);
            if (header.Api is null)
            {
                return -1;
            }

            IKafkaMessage message = header.Api.ReadRequest(ref reader, header.ApiVersion);
            short version = header.ApiVersion;
            Api api = header.Api;
            CheckTwice(message, writer => writer.WriteRequest(api, version, header.CorrelationId, header.ClientId, message), frame =>
            {
                var again = new KafkaReader(frame);
                Check(RequestHeader.Read(ref again) == header, "the header was written as another");
                return api.ReadRequest(ref again, version);
            }, (writer, read) => writer.WriteRequest(api, version, header.CorrelationId, header.ClientId, read));
            return HashCode(header.ApiKey, version, Math.Sign(reader.RemainingBytes), 0, 0);
        }
        catch (KafkaProtocolException refused)
        {
            return HashCode((int)(refused.ApiKey ?? (ApiKey)(-1)), refused.Version, -1, Math.Min(refused.Position, 64), 0);
        }
    }

    private static int ReadResponse(byte[] input)
    {
        if (input.Length < KeyAndVersionBytes
            || !ApiTable.TryGet(BinaryPrimitives.ReadInt16BigEndian(input), out Api? api)
            || !api.Has(BinaryPrimitives.ReadInt16BigEndian(input.AsSpan(2))))
        {
            return -1;
        }

        short version = BinaryPrimitives.ReadInt16BigEndian(input.AsSpan(2));
        try
        {
            var reader = new KafkaReader(input.AsMemory(KeyAndVersionBytes));
            int correlationId = ResponseHeader.Read(ref reader, api, version);
            IKafkaMessage message = api.ReadResponse(ref reader, version);
            CheckTwice(message, writer => writer.WriteResponse(api, version, correlationId, message), frame =>
            {
                var again = new KafkaReader(frame);
                Check(ResponseHeader.Read(ref again, api, version) == correlationId, "the header was written as another");
                return api.ReadResponse(ref again, version);
            }, (writer, read) => writer.WriteResponse(api, version, correlationId, read));
            return HashCode((int)api.Key, version, Math.Sign(reader.RemainingBytes), 0, 0);
        }
        catch (KafkaProtocolException refused)
        {
            return HashCode((int)api.Key, version, -1, Math.Min(refused.Position, 64), 0);
        }
    }

    private static void CheckTwice(IKafkaMessage message, Action<KafkaWriter> write, Func<byte[], IKafkaMessage> read, Action<KafkaWriter, IKafkaMessage> writeAgain)
    {
        using var writer = new KafkaWriter();
        write(writer);
        byte[] second = Frame(writer);
        IKafkaMessage again = read(second[4..]);
        writeAgain(writer, again);
        Check(second.AsSpan().SequenceEqual(Frame(writer)), $"a {message.GetType().Name} is written as another one");
    }

    private static byte[] Frame(KafkaWriter writer)
    {
        byte[] frame = new byte[writer.FrameBytes];
        int at = 0;
        foreach (FramePiece piece in writer.Pieces())
        {
            piece.Memory.Span.CopyTo(frame.AsSpan(at));
            at += piece.Memory.Length;
        }

        return frame;
    }

    /// <summary>The bodies that others made, of the codec's own tests, with a header.</summary>
    private static byte[][] Corpus(bool isRequest)
    {
        var assembly = typeof(KafkaTargets).Assembly;
        IEnumerable<string> bodies = assembly.GetManifestResourceNames().Where(name => name.StartsWith("kafka/", StringComparison.Ordinal) && !name.Contains("librdkafka", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        var corpus = new List<byte[]>();
        foreach (string name in bodies)
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            foreach (string[] three in reader.ReadToEnd().Split('\n').Where(line => line.Length > 0 && line[0] != '#').Chunk(3))
            {
                string[] words = three[0].Split(' ');
                if (words[1] == "request" == isRequest)
                {
                    short version = short.Parse(words[2], CultureInfo.InvariantCulture);
                    Api api = ApiTable.All.Single(api => api.Name == words[0]);
                    corpus.Add([.. Header(api, isRequest, version), .. three[2] == "-" ? [] : Convert.FromHexString(three[2])]);
                }
            }
        }

        return [.. corpus];
    }

    private static byte[] Header(Api api, bool isRequest, short version)
    {
        byte[] header = new byte[8];
        BinaryPrimitives.WriteInt16BigEndian(header, (short)api.Key);
        BinaryPrimitives.WriteInt16BigEndian(header.AsSpan(2), version);
        return isRequest
            ? [.. header, 0, 1, (byte)'c', .. new byte[api.RequestHeaderVersion(version) - 1]]
            : [.. header, .. new byte[api.ResponseHeaderVersion(version)]];
    }
}
