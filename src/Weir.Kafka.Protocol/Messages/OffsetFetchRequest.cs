// Written by eng/Weir.CodeGen from Schema/OffsetFetch.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of OffsetFetch (API 9), versions 1 to 9.</summary>
public sealed class OffsetFetchRequest : IKafkaMessage
{
    /// <summary>Id of the group. Up to version 7.</summary>
    public string GroupId { get; set; } = "";

    /// <summary>Topics wanted; null: all of the group's. Up to version 7.</summary>
    public IReadOnlyList<OffsetFetchRequestTopic>? Topics { get; set; } = [];

    /// <summary>The groups. From version 8 on.</summary>
    public IReadOnlyList<OffsetFetchRequestGroup> Groups { get; set; } = [];

    /// <summary>Whether to answer UnstableOffsetCommit where transactions are undecided. From version 7 on.</summary>
    public bool RequireStable { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static OffsetFetchRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.OffsetFetch, isRequest: true, version);
        var read = new OffsetFetchRequest();
        if (version <= 7)
        {
            read.GroupId = reader.ReadString();
            read.Topics = version >= 2 ? reader.ReadNullableArray<OffsetFetchRequestTopic>(version) : reader.ReadArray<OffsetFetchRequestTopic>(version);
        }

        if (version >= 8)
        {
            read.Groups = reader.ReadArray<OffsetFetchRequestGroup>(version);
        }

        if (version >= 7)
        {
            read.RequireStable = reader.ReadBoolean();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.OffsetFetch, version);
        if (version <= 7)
        {
            writer.WriteString(GroupId);
            if (version >= 2)
            {
                writer.WriteNullableArray(Topics, version);
            }
            else
            {
                writer.WriteArray(Topics, version);
            }
        }

        if (version >= 8)
        {
            writer.WriteArray(Groups, version);
        }

        if (version >= 7)
        {
            writer.WriteBoolean(RequireStable);
        }

        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="OffsetFetchRequest.Topics"/>.</summary>
    public sealed class OffsetFetchRequestTopic : IKafkaStruct<OffsetFetchRequestTopic>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>Partitions asked for.</summary>
        public IReadOnlyList<int> PartitionIndexes { get; set; } = [];

        static OffsetFetchRequestTopic IKafkaStruct<OffsetFetchRequestTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetFetchRequestTopic();
            read.Name = reader.ReadString();
            read.PartitionIndexes = reader.ReadInt32Array();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetFetchRequestTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteInt32Array(PartitionIndexes);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetFetchRequestTopic>.MinBytes(short version) => version switch { <= 5 => 6, _ => 3 };
    }

    /// <summary>One of <see cref="OffsetFetchRequest.Groups"/>.</summary>
    public sealed class OffsetFetchRequestGroup : IKafkaStruct<OffsetFetchRequestGroup>
    {
        /// <summary>Id of the group.</summary>
        public string GroupId { get; set; } = "";

        /// <summary>Id that the coordinator gave the member; empty: not yet. From version 9 on.</summary>
        public string? MemberId { get; set; }

        /// <summary>Epoch of the member in the consumer protocol; -1: classic. From version 9 on.</summary>
        public int MemberEpoch { get; set; } = -1;

        /// <summary>Topics wanted; null: all of the group's.</summary>
        public IReadOnlyList<OffsetFetchRequestTopics>? Topics { get; set; } = [];

        static OffsetFetchRequestGroup IKafkaStruct<OffsetFetchRequestGroup>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetFetchRequestGroup();
            read.GroupId = reader.ReadString();
            if (version >= 9)
            {
                read.MemberId = reader.ReadNullableString();
                read.MemberEpoch = reader.ReadInt32();
            }

            read.Topics = reader.ReadNullableArray<OffsetFetchRequestTopics>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetFetchRequestGroup>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(GroupId);
            if (version >= 9)
            {
                writer.WriteNullableString(MemberId);
                writer.WriteInt32(MemberEpoch);
            }

            writer.WriteNullableArray(Topics, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetFetchRequestGroup>.MinBytes(short version) => version switch { <= 8 => 3, _ => 8 };
    }

    /// <summary>One of <see cref="OffsetFetchRequestGroup.Topics"/>.</summary>
    public sealed class OffsetFetchRequestTopics : IKafkaStruct<OffsetFetchRequestTopics>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>Partitions asked for.</summary>
        public IReadOnlyList<int> PartitionIndexes { get; set; } = [];

        static OffsetFetchRequestTopics IKafkaStruct<OffsetFetchRequestTopics>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetFetchRequestTopics();
            read.Name = reader.ReadString();
            read.PartitionIndexes = reader.ReadInt32Array();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetFetchRequestTopics>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteInt32Array(PartitionIndexes);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetFetchRequestTopics>.MinBytes(short version) => 3;
    }
}
