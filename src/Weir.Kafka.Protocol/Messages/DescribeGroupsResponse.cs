// Written by eng/Weir.CodeGen from Schema/DescribeGroups.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of DescribeGroups (API 15), versions 0 to 6.</summary>
public sealed class DescribeGroupsResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds. From version 1 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>The groups.</summary>
    public IReadOnlyList<DescribedGroup> Groups { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DescribeGroupsResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DescribeGroups, isRequest: false, version);
        var read = new DescribeGroupsResponse();
        if (version >= 1)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        read.Groups = reader.ReadArray<DescribedGroup>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DescribeGroups, version);
        if (version >= 1)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        writer.WriteArray(Groups, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="DescribeGroupsResponse.Groups"/>.</summary>
    public sealed class DescribedGroup : IKafkaStruct<DescribedGroup>
    {
        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>What went wrong, in words. From version 6 on.</summary>
        public string? ErrorMessage { get; set; }

        /// <summary>Id of the group.</summary>
        public string GroupId { get; set; } = "";

        /// <summary>State of the group, as in "Stable".</summary>
        public string GroupState { get; set; } = "";

        /// <summary>Class of protocols, as in "consumer".</summary>
        public string ProtocolType { get; set; } = "";

        /// <summary>Name of the protocol that the group chose.</summary>
        public string ProtocolData { get; set; } = "";

        /// <summary>Members of the group.</summary>
        public IReadOnlyList<DescribedGroupMember> Members { get; set; } = [];

        /// <summary>Bit field of allowed operations; the default means "not asked for". From version 3 on.</summary>
        public int AuthorizedOperations { get; set; } = -2147483648;

        static DescribedGroup IKafkaStruct<DescribedGroup>.Read(ref KafkaReader reader, short version)
        {
            var read = new DescribedGroup();
            read.ErrorCode = reader.ReadError();
            if (version >= 6)
            {
                read.ErrorMessage = reader.ReadNullableString();
            }

            read.GroupId = reader.ReadString();
            read.GroupState = reader.ReadString();
            read.ProtocolType = reader.ReadString();
            read.ProtocolData = reader.ReadString();
            read.Members = reader.ReadArray<DescribedGroupMember>(version);
            if (version >= 3)
            {
                read.AuthorizedOperations = reader.ReadInt32();
            }

            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DescribedGroup>.Write(KafkaWriter writer, short version)
        {
            writer.WriteError(ErrorCode);
            if (version >= 6)
            {
                writer.WriteNullableString(ErrorMessage);
            }

            writer.WriteString(GroupId);
            writer.WriteString(GroupState);
            writer.WriteString(ProtocolType);
            writer.WriteString(ProtocolData);
            writer.WriteArray(Members, version);
            if (version >= 3)
            {
                writer.WriteInt32(AuthorizedOperations);
            }

            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DescribedGroup>.MinBytes(short version) => version switch { <= 2 => 14, <= 4 => 18, <= 5 => 12, _ => 13 };
    }

    /// <summary>One of <see cref="DescribedGroup.Members"/>.</summary>
    public sealed class DescribedGroupMember : IKafkaStruct<DescribedGroupMember>
    {
        /// <summary>Id that the coordinator gave the member; empty: not yet.</summary>
        public string MemberId { get; set; } = "";

        /// <summary>Id of a static member; null: not static. From version 4 on.</summary>
        public string? GroupInstanceId { get; set; }

        /// <summary>Client id of the member's latest join.</summary>
        public string ClientId { get; set; } = "";

        /// <summary>Address that the member joined from.</summary>
        public string ClientHost { get; set; } = "";

        /// <summary>What the member said of itself when it joined, in the form that the group's protocol defines.</summary>
        public byte[] MemberMetadata { get; set; } = [];

        /// <summary>The member's part, in the form that the group's protocol defines.</summary>
        public byte[] MemberAssignment { get; set; } = [];

        static DescribedGroupMember IKafkaStruct<DescribedGroupMember>.Read(ref KafkaReader reader, short version)
        {
            var read = new DescribedGroupMember();
            read.MemberId = reader.ReadString();
            if (version >= 4)
            {
                read.GroupInstanceId = reader.ReadNullableString();
            }

            read.ClientId = reader.ReadString();
            read.ClientHost = reader.ReadString();
            read.MemberMetadata = reader.ReadBytes();
            read.MemberAssignment = reader.ReadBytes();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DescribedGroupMember>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(MemberId);
            if (version >= 4)
            {
                writer.WriteNullableString(GroupInstanceId);
            }

            writer.WriteString(ClientId);
            writer.WriteString(ClientHost);
            writer.WriteBytes(MemberMetadata);
            writer.WriteBytes(MemberAssignment);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DescribedGroupMember>.MinBytes(short version) => version switch { <= 3 => 14, <= 4 => 16, _ => 7 };
    }
}
