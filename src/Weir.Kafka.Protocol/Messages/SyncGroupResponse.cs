// Written by eng/Weir.CodeGen from Schema/SyncGroup.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of SyncGroup (API 14), versions 0 to 5.</summary>
public sealed class SyncGroupResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds. From version 1 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>What went wrong, or None.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>Class of protocols, as in "consumer". From version 5 on.</summary>
    public string? ProtocolType { get; set; }

    /// <summary>Name of the protocol that the group chose. From version 5 on.</summary>
    public string? ProtocolName { get; set; }

    /// <summary>The member's part, in the form that the group's protocol defines.</summary>
    public byte[] Assignment { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static SyncGroupResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.SyncGroup, isRequest: false, version);
        var read = new SyncGroupResponse();
        if (version >= 1)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        read.ErrorCode = reader.ReadError();
        if (version >= 5)
        {
            read.ProtocolType = reader.ReadNullableString();
            read.ProtocolName = reader.ReadNullableString();
        }

        read.Assignment = reader.ReadBytes();
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.SyncGroup, version);
        if (version >= 1)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        writer.WriteError(ErrorCode);
        if (version >= 5)
        {
            writer.WriteNullableString(ProtocolType);
            writer.WriteNullableString(ProtocolName);
        }

        writer.WriteBytes(Assignment);
        writer.WriteTagCount(0);
    }
}
