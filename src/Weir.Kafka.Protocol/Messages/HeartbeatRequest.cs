// Written by eng/Weir.CodeGen from Schema/Heartbeat.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of Heartbeat (API 12), versions 0 to 4.</summary>
public sealed class HeartbeatRequest : IKafkaMessage
{
    /// <summary>Id of the group.</summary>
    public string GroupId { get; set; } = "";

    /// <summary>Generation of the group that the member believes in.</summary>
    public int GenerationId { get; set; }

    /// <summary>Id that the coordinator gave the member; empty: not yet.</summary>
    public string MemberId { get; set; } = "";

    /// <summary>Id of a static member; null: not static. From version 3 on.</summary>
    public string? GroupInstanceId { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static HeartbeatRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.Heartbeat, isRequest: true, version);
        var read = new HeartbeatRequest();
        read.GroupId = reader.ReadString();
        read.GenerationId = reader.ReadInt32();
        read.MemberId = reader.ReadString();
        if (version >= 3)
        {
            read.GroupInstanceId = reader.ReadNullableString();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.Heartbeat, version);
        writer.WriteString(GroupId);
        writer.WriteInt32(GenerationId);
        writer.WriteString(MemberId);
        if (version >= 3)
        {
            writer.WriteNullableString(GroupInstanceId);
        }

        writer.WriteTagCount(0);
    }
}
