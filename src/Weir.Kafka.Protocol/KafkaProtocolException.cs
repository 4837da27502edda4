namespace Weir.Kafka.Protocol;

/// <summary>
/// Bytes that are not the message they claim to be: the one exception that reading raises, whatever the input. The connection they came from cannot be
/// read any further, because where its next frame means what it says is no longer known; a retry of the same bytes does not help.
/// </summary>
public sealed class KafkaProtocolException : Exception
{
    internal KafkaProtocolException(string what, Api? api, bool isRequest, short version, int position)
        : base(Describe(what, api, isRequest, version, position))
    {
        ApiKey = api?.Key;
        IsRequest = isRequest;
        Version = version;
        Position = position;
    }

    /// <summary>The API whose message was read; null: its header was.</summary>
    public ApiKey? ApiKey { get; }

    /// <summary>True: a request. False: an answer.</summary>
    public bool IsRequest { get; }

    /// <summary>Version that the message was read as; -1 in a header.</summary>
    public short Version { get; }

    /// <summary>Byte of the frame, after its length field, at which the part that is wrong begins.</summary>
    public int Position { get; }

    private static string Describe(string what, Api? api, bool isRequest, short version, int position)
    {
        string message = api is null ? "header" : $"{api.Name} {(isRequest ? "request" : "response")} v{version}";
        return $"{message}, byte {position}: {what}";
    }
}
