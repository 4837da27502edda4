using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Kafka;

/// <summary>The one table of what is offered, and the answer to the request that asks for it.</summary>
internal sealed class KafkaApis
{
    /// <summary>
    /// Told to be the first version of Produce, which it is not: librdkafka compresses nothing for a server that does not offer version 0, and uses the highest all the
    /// same. Apache Kafka 4 tells it too (KAFKA-18659).
    /// </summary>
    private const short ToldFirstProduce = 0;

    private readonly FrozenDictionary<short, KafkaApi> _byKey;
    private readonly ApiVersionsResponse.ApiVersion[] _offer;

    public KafkaApis(IReadOnlyList<KafkaApi> apis)
    {
        IReadOnlyList<KafkaApi> all = [.. apis, new KafkaApi(ApiTable.ApiVersions, _ => Answer(KafkaError.None))];
        _byKey = all.ToFrozenDictionary(api => (short)api.Api.Key);
        _offer = [.. all.OrderBy(api => api.Api.Key).Select(Offer)];
        ForUnknownVersion = new KafkaApi(ApiTable.ApiVersions, _ => Answer(KafkaError.UnsupportedVersion));
    }

    public IEnumerable<KafkaApi> All => _byKey.Values.OrderBy(api => api.Api.Key);

    /// <summary>Answers an ApiVersions request in a version that is not known: with the error, and the offer beside it.</summary>
    public KafkaApi ForUnknownVersion { get; }

    public bool TryGet(in RequestHeader header, [NotNullWhen(true)] out KafkaApi? api)
    {
        api = null;
        return header.Api is not null && _byKey.TryGetValue(header.ApiKey, out api) && api.Has(header.ApiVersion);
    }

    private static ApiVersionsResponse.ApiVersion Offer(KafkaApi api) =>
        new() { ApiKey = (short)api.Api.Key, MinVersion = api.Api.Key == ApiKey.Produce ? ToldFirstProduce : api.Min, MaxVersion = api.Max };

    private ValueTask<IKafkaMessage?> Answer(KafkaError error) => new(new ApiVersionsResponse { ErrorCode = error, ApiKeys = _offer });
}
