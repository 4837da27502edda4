// Written by eng/Weir.CodeGen from Schema/SyncGroup.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of SyncGroup (API 14), versions 0 to 5.</summary>
public sealed class SyncGroupRequest : IKafkaMessage
{
    /// <summary>Id of the group.</summary>
    public string GroupId { get; set; } = "";

    /// <summary>Generation of the group that the member believes in.</summary>
    public int GenerationId { get; set; }

    /// <summary>Id that the coordinator gave the member; empty: not yet.</summary>
    public string MemberId { get; set; } = "";

    /// <summary>Id of a static member; null: not static. From version 3 on.</summary>
    public string? GroupInstanceId { get; set; }

    /// <summary>Class of protocols, as in "consumer". From version 5 on.</summary>
    public string? ProtocolType { get; set; }

    /// <summary>Name of the protocol that the group chose. From version 5 on.</summary>
    public string? ProtocolName { get; set; }

    /// <summary>Every member's part, from the leader; empty from the others.</summary>
    public IReadOnlyList<SyncGroupRequestAssignment> Assignments { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static SyncGroupRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.SyncGroup, isRequest: true, version);
        var read = new SyncGroupRequest();
        read.GroupId = reader.ReadString();
        read.GenerationId = reader.ReadInt32();
        read.MemberId = reader.ReadString();
        if (version >= 3)
        {
            read.GroupInstanceId = reader.ReadNullableString();
        }

        if (version >= 5)
        {
            read.ProtocolType = reader.ReadNullableString();
            read.ProtocolName = reader.ReadNullableString();
        }

        read.Assignments = reader.ReadArray<SyncGroupRequestAssignment>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.SyncGroup, version);
        writer.WriteString(GroupId);
        writer.WriteInt32(GenerationId);
        writer.WriteString(MemberId);
        if (version >= 3)
        {
            writer.WriteNullableString(GroupInstanceId);
        }

        if (version >= 5)
        {
            writer.WriteNullableString(ProtocolType);
            writer.WriteNullableString(ProtocolName);
        }

        writer.WriteArray(Assignments, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="SyncGroupRequest.Assignments"/>.</summary>
    public sealed class SyncGroupRequestAssignment : IKafkaStruct<SyncGroupRequestAssignment>
    {
        /// <summary>Id that the coordinator gave the member; empty: not yet.</summary>
        public string MemberId { get; set; } = "";

        /// <summary>The member's part, in the form that the group's protocol defines.</summary>
        public byte[] Assignment { get; set; } = [];

        static SyncGroupRequestAssignment IKafkaStruct<SyncGroupRequestAssignment>.Read(ref KafkaReader reader, short version)
        {
            var read = new SyncGroupRequestAssignment();
            read.MemberId = reader.ReadString();
            read.Assignment = reader.ReadBytes();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<SyncGroupRequestAssignment>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(MemberId);
            writer.WriteBytes(Assignment);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<SyncGroupRequestAssignment>.MinBytes(short version) => version switch { <= 3 => 6, _ => 3 };
    }
}
