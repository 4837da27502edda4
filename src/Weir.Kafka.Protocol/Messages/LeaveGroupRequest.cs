// Written by eng/Weir.CodeGen from Schema/LeaveGroup.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of LeaveGroup (API 13), versions 0 to 5.</summary>
public sealed class LeaveGroupRequest : IKafkaMessage
{
    /// <summary>Id of the group.</summary>
    public string GroupId { get; set; } = "";

    /// <summary>Id that the coordinator gave the member; empty: not yet. Up to version 2.</summary>
    public string MemberId { get; set; } = "";

    /// <summary>Members of the group. From version 3 on.</summary>
    public IReadOnlyList<MemberIdentity> Members { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static LeaveGroupRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.LeaveGroup, isRequest: true, version);
        var read = new LeaveGroupRequest();
        read.GroupId = reader.ReadString();
        if (version <= 2)
        {
            read.MemberId = reader.ReadString();
        }

        if (version >= 3)
        {
            read.Members = reader.ReadArray<MemberIdentity>(version);
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.LeaveGroup, version);
        writer.WriteString(GroupId);
        if (version <= 2)
        {
            writer.WriteString(MemberId);
        }

        if (version >= 3)
        {
            writer.WriteArray(Members, version);
        }

        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="LeaveGroupRequest.Members"/>.</summary>
    public sealed class MemberIdentity : IKafkaStruct<MemberIdentity>
    {
        /// <summary>Id that the coordinator gave the member; empty: not yet.</summary>
        public string MemberId { get; set; } = "";

        /// <summary>Id of a static member; null: not static.</summary>
        public string? GroupInstanceId { get; set; }

        /// <summary>Why, in words. From version 5 on.</summary>
        public string? Reason { get; set; }

        static MemberIdentity IKafkaStruct<MemberIdentity>.Read(ref KafkaReader reader, short version)
        {
            var read = new MemberIdentity();
            read.MemberId = reader.ReadString();
            read.GroupInstanceId = reader.ReadNullableString();
            if (version >= 5)
            {
                read.Reason = reader.ReadNullableString();
            }

            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<MemberIdentity>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(MemberId);
            writer.WriteNullableString(GroupInstanceId);
            if (version >= 5)
            {
                writer.WriteNullableString(Reason);
            }

            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<MemberIdentity>.MinBytes(short version) => version switch { <= 3 => 4, <= 4 => 3, _ => 4 };
    }
}
