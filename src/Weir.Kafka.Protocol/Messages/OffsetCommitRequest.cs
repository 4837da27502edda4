// Written by eng/Weir.CodeGen from Schema/OffsetCommit.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of OffsetCommit (API 8), versions 2 to 9.</summary>
public sealed class OffsetCommitRequest : IKafkaMessage
{
    /// <summary>Id of the group.</summary>
    public string GroupId { get; set; } = "";

    /// <summary>Generation of the group (classic) or epoch of the member (consumer protocol); -1: not from a member.</summary>
    public int GenerationIdOrMemberEpoch { get; set; } = -1;

    /// <summary>Id that the coordinator gave the member; empty: not yet.</summary>
    public string MemberId { get; set; } = "";

    /// <summary>Id of a static member; null: not static. From version 7 on.</summary>
    public string? GroupInstanceId { get; set; }

    /// <summary>How long to keep the offsets, in milliseconds; -1: as the broker is set. Up to version 4.</summary>
    public long RetentionTimeMs { get; set; } = -1;

    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<OffsetCommitRequestTopic> Topics { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static OffsetCommitRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.OffsetCommit, isRequest: true, version);
        var read = new OffsetCommitRequest();
        read.GroupId = reader.ReadString();
        read.GenerationIdOrMemberEpoch = reader.ReadInt32();
        read.MemberId = reader.ReadString();
        if (version >= 7)
        {
            read.GroupInstanceId = reader.ReadNullableString();
        }

        if (version <= 4)
        {
            read.RetentionTimeMs = reader.ReadInt64();
        }

        read.Topics = reader.ReadArray<OffsetCommitRequestTopic>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.OffsetCommit, version);
        writer.WriteString(GroupId);
        writer.WriteInt32(GenerationIdOrMemberEpoch);
        writer.WriteString(MemberId);
        if (version >= 7)
        {
            writer.WriteNullableString(GroupInstanceId);
        }

        if (version <= 4)
        {
            writer.WriteInt64(RetentionTimeMs);
        }

        writer.WriteArray(Topics, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="OffsetCommitRequest.Topics"/>.</summary>
    public sealed class OffsetCommitRequestTopic : IKafkaStruct<OffsetCommitRequestTopic>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<OffsetCommitRequestPartition> Partitions { get; set; } = [];

        static OffsetCommitRequestTopic IKafkaStruct<OffsetCommitRequestTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetCommitRequestTopic();
            read.Name = reader.ReadString();
            read.Partitions = reader.ReadArray<OffsetCommitRequestPartition>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetCommitRequestTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteArray(Partitions, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetCommitRequestTopic>.MinBytes(short version) => version switch { <= 7 => 6, _ => 3 };
    }

    /// <summary>One of <see cref="OffsetCommitRequestTopic.Partitions"/>.</summary>
    public sealed class OffsetCommitRequestPartition : IKafkaStruct<OffsetCommitRequestPartition>
    {
        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        /// <summary>The committed offset; -1 in an answer: none.</summary>
        public long CommittedOffset { get; set; }

        /// <summary>Leader epoch of the record before the committed offset; -1: unknown. From version 6 on.</summary>
        public int CommittedLeaderEpoch { get; set; } = -1;

        /// <summary>Text that the client keeps beside the offset.</summary>
        public string? CommittedMetadata { get; set; } = "";

        static OffsetCommitRequestPartition IKafkaStruct<OffsetCommitRequestPartition>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetCommitRequestPartition();
            read.PartitionIndex = reader.ReadInt32();
            read.CommittedOffset = reader.ReadInt64();
            if (version >= 6)
            {
                read.CommittedLeaderEpoch = reader.ReadInt32();
            }

            read.CommittedMetadata = reader.ReadNullableString();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetCommitRequestPartition>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(PartitionIndex);
            writer.WriteInt64(CommittedOffset);
            if (version >= 6)
            {
                writer.WriteInt32(CommittedLeaderEpoch);
            }

            writer.WriteNullableString(CommittedMetadata);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetCommitRequestPartition>.MinBytes(short version) => version switch { <= 5 => 14, _ => 18 };
    }
}
