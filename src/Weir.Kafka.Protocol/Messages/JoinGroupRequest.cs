// Written by eng/Weir.CodeGen from Schema/JoinGroup.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of JoinGroup (API 11), versions 0 to 9.</summary>
public sealed class JoinGroupRequest : IKafkaMessage
{
    /// <summary>Id of the group.</summary>
    public string GroupId { get; set; } = "";

    /// <summary>A member is taken for dead when no heartbeat came for so many milliseconds.</summary>
    public int SessionTimeoutMs { get; set; }

    /// <summary>How long the coordinator waits for members to rejoin, in milliseconds. From version 1 on.</summary>
    public int RebalanceTimeoutMs { get; set; } = -1;

    /// <summary>Id that the coordinator gave the member; empty: not yet.</summary>
    public string MemberId { get; set; } = "";

    /// <summary>Id of a static member; null: not static. From version 5 on.</summary>
    public string? GroupInstanceId { get; set; }

    /// <summary>Class of protocols, as in "consumer".</summary>
    public string ProtocolType { get; set; } = "";

    /// <summary>Protocols that the member speaks, best first.</summary>
    public IReadOnlyList<JoinGroupRequestProtocol> Protocols { get; set; } = [];

    /// <summary>Why, in words. From version 8 on.</summary>
    public string? Reason { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static JoinGroupRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.JoinGroup, isRequest: true, version);
        var read = new JoinGroupRequest();
        read.GroupId = reader.ReadString();
        read.SessionTimeoutMs = reader.ReadInt32();
        if (version >= 1)
        {
            read.RebalanceTimeoutMs = reader.ReadInt32();
        }

        read.MemberId = reader.ReadString();
        if (version >= 5)
        {
            read.GroupInstanceId = reader.ReadNullableString();
        }

        read.ProtocolType = reader.ReadString();
        read.Protocols = reader.ReadArray<JoinGroupRequestProtocol>(version);
        if (version >= 8)
        {
            read.Reason = reader.ReadNullableString();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.JoinGroup, version);
        writer.WriteString(GroupId);
        writer.WriteInt32(SessionTimeoutMs);
        if (version >= 1)
        {
            writer.WriteInt32(RebalanceTimeoutMs);
        }

        writer.WriteString(MemberId);
        if (version >= 5)
        {
            writer.WriteNullableString(GroupInstanceId);
        }

        writer.WriteString(ProtocolType);
        writer.WriteArray(Protocols, version);
        if (version >= 8)
        {
            writer.WriteNullableString(Reason);
        }

        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="JoinGroupRequest.Protocols"/>.</summary>
    public sealed class JoinGroupRequestProtocol : IKafkaStruct<JoinGroupRequestProtocol>
    {
        /// <summary>Name of the protocol, as in "range".</summary>
        public string Name { get; set; } = "";

        /// <summary>What the member says of itself, in the form that the protocol defines.</summary>
        public byte[] Metadata { get; set; } = [];

        static JoinGroupRequestProtocol IKafkaStruct<JoinGroupRequestProtocol>.Read(ref KafkaReader reader, short version)
        {
            var read = new JoinGroupRequestProtocol();
            read.Name = reader.ReadString();
            read.Metadata = reader.ReadBytes();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<JoinGroupRequestProtocol>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteBytes(Metadata);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<JoinGroupRequestProtocol>.MinBytes(short version) => version switch { <= 5 => 6, _ => 3 };
    }
}
