// Written by eng/Weir.CodeGen from Schema/OffsetFetch.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of OffsetFetch (API 9), versions 1 to 9.</summary>
public sealed class OffsetFetchResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds. From version 3 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>One entry per topic. Up to version 7.</summary>
    public IReadOnlyList<OffsetFetchResponseTopic> Topics { get; set; } = [];

    /// <summary>What went wrong, or None. Versions 2 to 7.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>The groups. From version 8 on.</summary>
    public IReadOnlyList<OffsetFetchResponseGroup> Groups { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static OffsetFetchResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.OffsetFetch, isRequest: false, version);
        var read = new OffsetFetchResponse();
        if (version >= 3)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        if (version <= 7)
        {
            read.Topics = reader.ReadArray<OffsetFetchResponseTopic>(version);
        }

        if (version is >= 2 and <= 7)
        {
            read.ErrorCode = reader.ReadError();
        }

        if (version >= 8)
        {
            read.Groups = reader.ReadArray<OffsetFetchResponseGroup>(version);
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.OffsetFetch, version);
        if (version >= 3)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        if (version <= 7)
        {
            writer.WriteArray(Topics, version);
        }

        if (version is >= 2 and <= 7)
        {
            writer.WriteError(ErrorCode);
        }

        if (version >= 8)
        {
            writer.WriteArray(Groups, version);
        }

        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="OffsetFetchResponse.Topics"/>.</summary>
    public sealed class OffsetFetchResponseTopic : IKafkaStruct<OffsetFetchResponseTopic>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<OffsetFetchResponsePartition> Partitions { get; set; } = [];

        static OffsetFetchResponseTopic IKafkaStruct<OffsetFetchResponseTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetFetchResponseTopic();
            read.Name = reader.ReadString();
            read.Partitions = reader.ReadArray<OffsetFetchResponsePartition>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetFetchResponseTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteArray(Partitions, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetFetchResponseTopic>.MinBytes(short version) => version switch { <= 5 => 6, _ => 3 };
    }

    /// <summary>One of <see cref="OffsetFetchResponseTopic.Partitions"/>.</summary>
    public sealed class OffsetFetchResponsePartition : IKafkaStruct<OffsetFetchResponsePartition>
    {
        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        /// <summary>The committed offset; -1 in an answer: none.</summary>
        public long CommittedOffset { get; set; }

        /// <summary>Leader epoch of the record before the committed offset; -1: unknown. From version 5 on.</summary>
        public int CommittedLeaderEpoch { get; set; } = -1;

        /// <summary>Text that the client kept beside the offset.</summary>
        public string? Metadata { get; set; } = "";

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        static OffsetFetchResponsePartition IKafkaStruct<OffsetFetchResponsePartition>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetFetchResponsePartition();
            read.PartitionIndex = reader.ReadInt32();
            read.CommittedOffset = reader.ReadInt64();
            if (version >= 5)
            {
                read.CommittedLeaderEpoch = reader.ReadInt32();
            }

            read.Metadata = reader.ReadNullableString();
            read.ErrorCode = reader.ReadError();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetFetchResponsePartition>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(PartitionIndex);
            writer.WriteInt64(CommittedOffset);
            if (version >= 5)
            {
                writer.WriteInt32(CommittedLeaderEpoch);
            }

            writer.WriteNullableString(Metadata);
            writer.WriteError(ErrorCode);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetFetchResponsePartition>.MinBytes(short version) => version switch { <= 4 => 16, _ => 20 };
    }

    /// <summary>One of <see cref="OffsetFetchResponse.Groups"/>.</summary>
    public sealed class OffsetFetchResponseGroup : IKafkaStruct<OffsetFetchResponseGroup>
    {
        /// <summary>Id of the group.</summary>
        public string GroupId { get; set; } = "";

        /// <summary>One entry per topic.</summary>
        public IReadOnlyList<OffsetFetchResponseTopics> Topics { get; set; } = [];

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        static OffsetFetchResponseGroup IKafkaStruct<OffsetFetchResponseGroup>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetFetchResponseGroup();
            read.GroupId = reader.ReadString();
            read.Topics = reader.ReadArray<OffsetFetchResponseTopics>(version);
            read.ErrorCode = reader.ReadError();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetFetchResponseGroup>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(GroupId);
            writer.WriteArray(Topics, version);
            writer.WriteError(ErrorCode);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetFetchResponseGroup>.MinBytes(short version) => 5;
    }

    /// <summary>One of <see cref="OffsetFetchResponseGroup.Topics"/>.</summary>
    public sealed class OffsetFetchResponseTopics : IKafkaStruct<OffsetFetchResponseTopics>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<OffsetFetchResponsePartitions> Partitions { get; set; } = [];

        static OffsetFetchResponseTopics IKafkaStruct<OffsetFetchResponseTopics>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetFetchResponseTopics();
            read.Name = reader.ReadString();
            read.Partitions = reader.ReadArray<OffsetFetchResponsePartitions>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetFetchResponseTopics>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteArray(Partitions, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetFetchResponseTopics>.MinBytes(short version) => 3;
    }

    /// <summary>One of <see cref="OffsetFetchResponseTopics.Partitions"/>.</summary>
    public sealed class OffsetFetchResponsePartitions : IKafkaStruct<OffsetFetchResponsePartitions>
    {
        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        /// <summary>The committed offset; -1 in an answer: none.</summary>
        public long CommittedOffset { get; set; }

        /// <summary>Leader epoch of the record before the committed offset; -1: unknown.</summary>
        public int CommittedLeaderEpoch { get; set; } = -1;

        /// <summary>Text that the client kept beside the offset.</summary>
        public string? Metadata { get; set; } = "";

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        static OffsetFetchResponsePartitions IKafkaStruct<OffsetFetchResponsePartitions>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetFetchResponsePartitions();
            read.PartitionIndex = reader.ReadInt32();
            read.CommittedOffset = reader.ReadInt64();
            read.CommittedLeaderEpoch = reader.ReadInt32();
            read.Metadata = reader.ReadNullableString();
            read.ErrorCode = reader.ReadError();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetFetchResponsePartitions>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(PartitionIndex);
            writer.WriteInt64(CommittedOffset);
            writer.WriteInt32(CommittedLeaderEpoch);
            writer.WriteNullableString(Metadata);
            writer.WriteError(ErrorCode);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetFetchResponsePartitions>.MinBytes(short version) => 20;
    }
}
