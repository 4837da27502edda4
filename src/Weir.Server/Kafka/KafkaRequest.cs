using Weir.Kafka.Protocol;

namespace Weir.Server.Kafka;

/// <summary>One request while it is answered.</summary>
/// <param name="message">Null only of an ApiVersions request in a version that is not known.</param>
/// <param name="frame">What the message's records are views of; the request's to let go of.</param>
internal sealed class KafkaRequest(KafkaConnection connection, RequestHeader header, IKafkaMessage? message, KafkaFrame frame)
{
    private List<IDisposable>? _heldUntilSent;

    public KafkaConnection Connection => connection;

    public RequestHeader Header => header;

    /// <summary>As the protocol's documents spell it.</summary>
    public string ApiName => (header.Api ?? ApiTable.ApiVersions).Name;

    public short Version => header.ApiVersion;

    public KafkaFrame Frame => frame;

    /// <summary>The message, of the type that the API's requests have.</summary>
    public T As<T>()
        where T : class, IKafkaMessage => (T)message!;

    /// <summary>Disposed when the answer has been sent, or never will be. By the handler, until its task completes.</summary>
    public void HoldUntilSent(IDisposable held) => (_heldUntilSent ??= []).Add(held);

    public void LetGo()
    {
        _heldUntilSent?.ForEach(held => held.Dispose());
        _heldUntilSent = null;
        frame.Dispose();
    }
}
