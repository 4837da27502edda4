namespace Weir.Kafka.Protocol;

/// <summary>Reads a message's body; see <see cref="IKafkaMessage"/>.</summary>
/// <exception cref="KafkaProtocolException">The bytes are not that message.</exception>
public delegate IKafkaMessage MessageReader(ref KafkaReader reader, short version);

/// <summary>One row of <see cref="ApiTable"/>: what this codec can read and write of an API. What a server offers of it is the server's decision.</summary>
public sealed class Api
{
    private readonly MessageReader _readRequest;
    private readonly MessageReader _readResponse;

    internal Api(ApiKey key, short min, short max, short firstFlexible, MessageReader readRequest, MessageReader readResponse)
    {
        Key = key;
        Name = key.ToString();
        MinVersion = min;
        MaxVersion = max;
        FirstFlexibleVersion = firstFlexible;
        _readRequest = readRequest;
        _readResponse = readResponse;
    }

    /// <summary>Number of the API on the wire.</summary>
    public ApiKey Key { get; }

    /// <summary>As Kafka calls it.</summary>
    public string Name { get; }

    /// <summary>Lowest version, inclusive.</summary>
    public short MinVersion { get; }

    /// <summary>Highest version, inclusive.</summary>
    public short MaxVersion { get; }

    /// <summary>First version in the form of KIP-482: compact lengths and tagged fields. <see cref="short.MaxValue"/>: none.</summary>
    public short FirstFlexibleVersion { get; }

    /// <summary>Whether the codec knows the version.</summary>
    public bool Has(short version) => version >= MinVersion && version <= MaxVersion;

    /// <summary>Whether the version has the form of KIP-482.</summary>
    public bool IsFlexible(short version) => version >= FirstFlexibleVersion;

    /// <summary>Version of the request's header: 2 has tagged fields.</summary>
    public short RequestHeaderVersion(short version) => IsFlexible(version) ? (short)2 : (short)1;

    /// <summary>
    /// Version of the answer's header: 1 has tagged fields. ApiVersions stays at 0 for ever, because a client reads that answer before it knows what the
    /// broker speaks (KIP-511).
    /// </summary>
    public short ResponseHeaderVersion(short version) => IsFlexible(version) && Key != ApiKey.ApiVersions ? (short)1 : (short)0;

    /// <summary>Reads the body of a request.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not that message, or the version is out of range.</exception>
    public IKafkaMessage ReadRequest(ref KafkaReader reader, short version) => _readRequest(ref reader, version);

    /// <summary>Reads the body of an answer.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not that message, or the version is out of range.</exception>
    public IKafkaMessage ReadResponse(ref KafkaReader reader, short version) => _readResponse(ref reader, version);
}
