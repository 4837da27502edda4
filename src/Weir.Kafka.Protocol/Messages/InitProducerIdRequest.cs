// Written by eng/Weir.CodeGen from Schema/InitProducerId.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of InitProducerId (API 22), versions 0 to 4.</summary>
public sealed class InitProducerIdRequest : IKafkaMessage
{
    /// <summary>Id of the transactional producer; null: not transactional.</summary>
    public string? TransactionalId { get; set; } = "";

    /// <summary>An idle transaction is aborted after so many milliseconds.</summary>
    public int TransactionTimeoutMs { get; set; }

    /// <summary>Id of the producer; -1: none. From version 3 on.</summary>
    public long ProducerId { get; set; } = -1;

    /// <summary>Epoch of the producer; -1: none. From version 3 on.</summary>
    public short ProducerEpoch { get; set; } = -1;

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static InitProducerIdRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.InitProducerId, isRequest: true, version);
        var read = new InitProducerIdRequest();
        read.TransactionalId = reader.ReadNullableString();
        read.TransactionTimeoutMs = reader.ReadInt32();
        if (version >= 3)
        {
            read.ProducerId = reader.ReadInt64();
            read.ProducerEpoch = reader.ReadInt16();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.InitProducerId, version);
        writer.WriteNullableString(TransactionalId);
        writer.WriteInt32(TransactionTimeoutMs);
        if (version >= 3)
        {
            writer.WriteInt64(ProducerId);
            writer.WriteInt16(ProducerEpoch);
        }

        writer.WriteTagCount(0);
    }
}
