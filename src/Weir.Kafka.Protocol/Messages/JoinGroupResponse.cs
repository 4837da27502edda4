// Written by eng/Weir.CodeGen from Schema/JoinGroup.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of JoinGroup (API 11), versions 0 to 9.</summary>
public sealed class JoinGroupResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds. From version 2 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>What went wrong, or None.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>Generation of the group that the member believes in.</summary>
    public int GenerationId { get; set; } = -1;

    /// <summary>Class of protocols, as in "consumer". From version 7 on.</summary>
    public string? ProtocolType { get; set; }

    /// <summary>Name of the protocol that the group chose.</summary>
    public string? ProtocolName { get; set; } = "";

    /// <summary>Member id of the group's leader.</summary>
    public string Leader { get; set; } = "";

    /// <summary>Whether the leader must not compute an assignment. From version 9 on.</summary>
    public bool SkipAssignment { get; set; }

    /// <summary>Id that the coordinator gave the member; empty: not yet.</summary>
    public string MemberId { get; set; } = "";

    /// <summary>Every member, for the leader; empty for the others.</summary>
    public IReadOnlyList<JoinGroupResponseMember> Members { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static JoinGroupResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.JoinGroup, isRequest: false, version);
        var read = new JoinGroupResponse();
        if (version >= 2)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        read.ErrorCode = reader.ReadError();
        read.GenerationId = reader.ReadInt32();
        if (version >= 7)
        {
            read.ProtocolType = reader.ReadNullableString();
        }

        read.ProtocolName = version >= 7 ? reader.ReadNullableString() : reader.ReadString();
        read.Leader = reader.ReadString();
        if (version >= 9)
        {
            read.SkipAssignment = reader.ReadBoolean();
        }

        read.MemberId = reader.ReadString();
        read.Members = reader.ReadArray<JoinGroupResponseMember>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.JoinGroup, version);
        if (version >= 2)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        writer.WriteError(ErrorCode);
        writer.WriteInt32(GenerationId);
        if (version >= 7)
        {
            writer.WriteNullableString(ProtocolType);
        }

        if (version >= 7)
        {
            writer.WriteNullableString(ProtocolName);
        }
        else
        {
            writer.WriteString(ProtocolName);
        }

        writer.WriteString(Leader);
        if (version >= 9)
        {
            writer.WriteBoolean(SkipAssignment);
        }

        writer.WriteString(MemberId);
        writer.WriteArray(Members, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="JoinGroupResponse.Members"/>.</summary>
    public sealed class JoinGroupResponseMember : IKafkaStruct<JoinGroupResponseMember>
    {
        /// <summary>Id that the coordinator gave the member; empty: not yet.</summary>
        public string MemberId { get; set; } = "";

        /// <summary>Id of a static member; null: not static. From version 5 on.</summary>
        public string? GroupInstanceId { get; set; }

        /// <summary>What the member says of itself, in the form that the protocol defines.</summary>
        public byte[] Metadata { get; set; } = [];

        static JoinGroupResponseMember IKafkaStruct<JoinGroupResponseMember>.Read(ref KafkaReader reader, short version)
        {
            var read = new JoinGroupResponseMember();
            read.MemberId = reader.ReadString();
            if (version >= 5)
            {
                read.GroupInstanceId = reader.ReadNullableString();
            }

            read.Metadata = reader.ReadBytes();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<JoinGroupResponseMember>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(MemberId);
            if (version >= 5)
            {
                writer.WriteNullableString(GroupInstanceId);
            }

            writer.WriteBytes(Metadata);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<JoinGroupResponseMember>.MinBytes(short version) => version switch { <= 4 => 6, <= 5 => 8, _ => 4 };
    }
}
