namespace Weir.Kafka.Protocol.Tests;

/// <summary>Messages to bytes and back, without headers.</summary>
internal static class Frames
{
    /// <summary>A body's bytes; holes are filled with zeros.</summary>
    public static byte[] Write(Api api, bool isRequest, short version, IKafkaMessage message)
    {
        byte[] frame = WriteFrame(api, isRequest, version, message);
        int header = isRequest ? 4 + 2 + 2 + 4 + 2 + (api.RequestHeaderVersion(version) - 1) : 4 + 4 + api.ResponseHeaderVersion(version);
        return frame[header..];
    }

    /// <summary>The whole frame, correlation id 7, no client id.</summary>
    public static byte[] WriteFrame(Api api, bool isRequest, short version, IKafkaMessage message)
    {
        using var writer = new KafkaWriter();
        if (isRequest)
        {
            writer.WriteRequest(api, version, 7, null, message);
        }
        else
        {
            writer.WriteResponse(api, version, 7, message);
        }

        return ToArray(writer);
    }

    public static byte[] ToArray(KafkaWriter writer) => [.. writer.Pieces().SelectMany(piece => piece.HoleBytes > 0 ? new byte[piece.HoleBytes] : piece.Memory.ToArray())];

    public static IKafkaMessage Read(Api api, bool isRequest, short version, byte[] body) => Read(api, isRequest, version, body, out _);

    /// <param name="remaining">Bytes after the message.</param>
    public static IKafkaMessage Read(Api api, bool isRequest, short version, byte[] body, out int remaining)
    {
        var reader = new KafkaReader(body);
        IKafkaMessage message = isRequest ? api.ReadRequest(ref reader, version) : api.ReadResponse(ref reader, version);
        remaining = reader.RemainingBytes;
        return message;
    }
}
