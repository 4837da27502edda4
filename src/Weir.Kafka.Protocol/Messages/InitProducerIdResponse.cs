// Written by eng/Weir.CodeGen from Schema/InitProducerId.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of InitProducerId (API 22), versions 0 to 4.</summary>
public sealed class InitProducerIdResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>What went wrong, or None.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>Id of the producer; -1: none.</summary>
    public long ProducerId { get; set; } = -1;

    /// <summary>Epoch of the producer; -1: none.</summary>
    public short ProducerEpoch { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static InitProducerIdResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.InitProducerId, isRequest: false, version);
        var read = new InitProducerIdResponse();
        read.ThrottleTimeMs = reader.ReadInt32();
        read.ErrorCode = reader.ReadError();
        read.ProducerId = reader.ReadInt64();
        read.ProducerEpoch = reader.ReadInt16();
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.InitProducerId, version);
        writer.WriteInt32(ThrottleTimeMs);
        writer.WriteError(ErrorCode);
        writer.WriteInt64(ProducerId);
        writer.WriteInt16(ProducerEpoch);
        writer.WriteTagCount(0);
    }
}
