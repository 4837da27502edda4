namespace Weir.Kafka.Protocol;

/// <summary>
/// What stands before the body of a request:
/// <code>
/// 0  API key         int16
/// 2  API version     int16
/// 4  correlation id  int32    comes back in the answer
/// 8  client id       string?  length int16 in every version
///    tagged fields            header version 2 only
/// </code>
/// The first eight bytes are the same for ever, so that an unknown API or version can be answered.
/// </summary>
/// <param name="ClientId">Null: none given, or not read because <paramref name="Api"/> is null.</param>
/// <param name="Api">The API's row; null where the API or its version is not in <see cref="ApiTable"/>: the reader stands at byte 8 then, and what follows has a form that is not known.</param>
public readonly record struct RequestHeader(short ApiKey, short ApiVersion, int CorrelationId, string? ClientId, Api? Api)
{
    /// <summary>Reads the header; the reader then stands at the body.</summary>
    /// <exception cref="KafkaProtocolException">The bytes end early or are not a header.</exception>
    public static RequestHeader Read(ref KafkaReader reader)
    {
        short key = reader.ReadInt16();
        short version = reader.ReadInt16();
        int correlationId = reader.ReadInt32();
        if (!ApiTable.TryGet(key, out Api? api) || !api.Has(version))
        {
            return new RequestHeader(key, version, correlationId, null, null);
        }

        reader.IsFlexible = false;
        string? clientId = reader.ReadNullableString();
        reader.IsFlexible = api.RequestHeaderVersion(version) >= 2;
        reader.SkipTags();
        return new RequestHeader(key, version, correlationId, clientId, api);
    }
}

/// <summary>What stands before the body of an answer: the request's correlation id, and tagged fields in header version 1.</summary>
public static class ResponseHeader
{
    /// <summary>Reads the header of an answer to a request of this API and version; the reader then stands at the body.</summary>
    /// <returns>The correlation id.</returns>
    /// <exception cref="KafkaProtocolException">The bytes end early or are not a header.</exception>
    public static int Read(ref KafkaReader reader, Api api, short version)
    {
        int correlationId = reader.ReadInt32();
        reader.IsFlexible = api.ResponseHeaderVersion(version) >= 1;
        reader.SkipTags();
        return correlationId;
    }
}
