using Weir.Kafka.Protocol;

namespace Weir.Server.Kafka;

/// <summary>Answers one API.</summary>
/// <remarks>
/// Called in the order of a connection's requests, the next one as soon as this one's task has been returned: what must happen in order happens before the
/// first wait. Answers go out in the order of the requests, whenever they are ready.
/// </remarks>
/// <returns>The answer; null where the protocol has none.</returns>
internal delegate ValueTask<IKafkaMessage?> KafkaHandler(KafkaRequest request);

/// <summary>An API as this server offers it.</summary>
/// <param name="Min">Lowest version, inclusive.</param>
/// <param name="Max">Highest version, inclusive.</param>
internal sealed record KafkaApi(Api Api, short Min, short Max, KafkaHandler Handle)
{
    public KafkaApi(Api api, KafkaHandler handle)
        : this(api, api.MinVersion, api.MaxVersion, handle)
    {
    }

    public bool Has(short version) => version >= Min && version <= Max;
}
