// Written by eng/Weir.CodeGen from Schema/ListGroups.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of ListGroups (API 16), versions 0 to 5.</summary>
public sealed class ListGroupsResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds. From version 1 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>What went wrong, or None.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>The groups.</summary>
    public IReadOnlyList<ListedGroup> Groups { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static ListGroupsResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.ListGroups, isRequest: false, version);
        var read = new ListGroupsResponse();
        if (version >= 1)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        read.ErrorCode = reader.ReadError();
        read.Groups = reader.ReadArray<ListedGroup>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.ListGroups, version);
        if (version >= 1)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        writer.WriteError(ErrorCode);
        writer.WriteArray(Groups, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="ListGroupsResponse.Groups"/>.</summary>
    public sealed class ListedGroup : IKafkaStruct<ListedGroup>
    {
        /// <summary>Id of the group.</summary>
        public string GroupId { get; set; } = "";

        /// <summary>Class of protocols, as in "consumer".</summary>
        public string ProtocolType { get; set; } = "";

        /// <summary>State of the group, as in "Stable". From version 4 on.</summary>
        public string GroupState { get; set; } = "";

        /// <summary>"classic" or "consumer". From version 5 on.</summary>
        public string GroupType { get; set; } = "";

        static ListedGroup IKafkaStruct<ListedGroup>.Read(ref KafkaReader reader, short version)
        {
            var read = new ListedGroup();
            read.GroupId = reader.ReadString();
            read.ProtocolType = reader.ReadString();
            if (version >= 4)
            {
                read.GroupState = reader.ReadString();
            }

            if (version >= 5)
            {
                read.GroupType = reader.ReadString();
            }

            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<ListedGroup>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(GroupId);
            writer.WriteString(ProtocolType);
            if (version >= 4)
            {
                writer.WriteString(GroupState);
            }

            if (version >= 5)
            {
                writer.WriteString(GroupType);
            }

            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<ListedGroup>.MinBytes(short version) => version switch { <= 2 => 4, <= 3 => 3, <= 4 => 4, _ => 5 };
    }
}
