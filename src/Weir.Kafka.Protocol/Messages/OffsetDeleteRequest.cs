// Written by eng/Weir.CodeGen from Schema/OffsetDelete.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of OffsetDelete (API 47), versions 0 to 0.</summary>
public sealed class OffsetDeleteRequest : IKafkaMessage
{
    /// <summary>Id of the group.</summary>
    public string GroupId { get; set; } = "";

    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<OffsetDeleteRequestTopic> Topics { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static OffsetDeleteRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.OffsetDelete, isRequest: true, version);
        var read = new OffsetDeleteRequest();
        read.GroupId = reader.ReadString();
        read.Topics = reader.ReadArray<OffsetDeleteRequestTopic>(version);
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.OffsetDelete, version);
        writer.WriteString(GroupId);
        writer.WriteArray(Topics, version);
    }

    /// <summary>One of <see cref="OffsetDeleteRequest.Topics"/>.</summary>
    public sealed class OffsetDeleteRequestTopic : IKafkaStruct<OffsetDeleteRequestTopic>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<OffsetDeleteRequestPartition> Partitions { get; set; } = [];

        static OffsetDeleteRequestTopic IKafkaStruct<OffsetDeleteRequestTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetDeleteRequestTopic();
            read.Name = reader.ReadString();
            read.Partitions = reader.ReadArray<OffsetDeleteRequestPartition>(version);
            return read;
        }

        void IKafkaStruct<OffsetDeleteRequestTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteArray(Partitions, version);
        }

        static int IKafkaStruct<OffsetDeleteRequestTopic>.MinBytes(short version) => 6;
    }

    /// <summary>One of <see cref="OffsetDeleteRequestTopic.Partitions"/>.</summary>
    public sealed class OffsetDeleteRequestPartition : IKafkaStruct<OffsetDeleteRequestPartition>
    {
        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        static OffsetDeleteRequestPartition IKafkaStruct<OffsetDeleteRequestPartition>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetDeleteRequestPartition();
            read.PartitionIndex = reader.ReadInt32();
            return read;
        }

        void IKafkaStruct<OffsetDeleteRequestPartition>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(PartitionIndex);
        }

        static int IKafkaStruct<OffsetDeleteRequestPartition>.MinBytes(short version) => 4;
    }
}
