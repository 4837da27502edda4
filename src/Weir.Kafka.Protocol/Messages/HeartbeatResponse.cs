// Written by eng/Weir.CodeGen from Schema/Heartbeat.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of Heartbeat (API 12), versions 0 to 4.</summary>
public sealed class HeartbeatResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds. From version 1 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>What went wrong, or None.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static HeartbeatResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.Heartbeat, isRequest: false, version);
        var read = new HeartbeatResponse();
        if (version >= 1)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        read.ErrorCode = reader.ReadError();
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.Heartbeat, version);
        if (version >= 1)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        writer.WriteError(ErrorCode);
        writer.WriteTagCount(0);
    }
}
