// Written by eng/Weir.CodeGen from Schema/OffsetCommit.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of OffsetCommit (API 8), versions 2 to 9.</summary>
public sealed class OffsetCommitResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds. From version 3 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<OffsetCommitResponseTopic> Topics { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static OffsetCommitResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.OffsetCommit, isRequest: false, version);
        var read = new OffsetCommitResponse();
        if (version >= 3)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        read.Topics = reader.ReadArray<OffsetCommitResponseTopic>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.OffsetCommit, version);
        if (version >= 3)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        writer.WriteArray(Topics, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="OffsetCommitResponse.Topics"/>.</summary>
    public sealed class OffsetCommitResponseTopic : IKafkaStruct<OffsetCommitResponseTopic>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<OffsetCommitResponsePartition> Partitions { get; set; } = [];

        static OffsetCommitResponseTopic IKafkaStruct<OffsetCommitResponseTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetCommitResponseTopic();
            read.Name = reader.ReadString();
            read.Partitions = reader.ReadArray<OffsetCommitResponsePartition>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetCommitResponseTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteArray(Partitions, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetCommitResponseTopic>.MinBytes(short version) => version switch { <= 7 => 6, _ => 3 };
    }

    /// <summary>One of <see cref="OffsetCommitResponseTopic.Partitions"/>.</summary>
    public sealed class OffsetCommitResponsePartition : IKafkaStruct<OffsetCommitResponsePartition>
    {
        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        static OffsetCommitResponsePartition IKafkaStruct<OffsetCommitResponsePartition>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetCommitResponsePartition();
            read.PartitionIndex = reader.ReadInt32();
            read.ErrorCode = reader.ReadError();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<OffsetCommitResponsePartition>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(PartitionIndex);
            writer.WriteError(ErrorCode);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<OffsetCommitResponsePartition>.MinBytes(short version) => version switch { <= 7 => 6, _ => 7 };
    }
}
