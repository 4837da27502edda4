// Written by eng/Weir.CodeGen from Schema/OffsetDelete.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of OffsetDelete (API 47), versions 0 to 0.</summary>
public sealed class OffsetDeleteResponse : IKafkaMessage
{
    /// <summary>What went wrong, or None.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<OffsetDeleteResponseTopic> Topics { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static OffsetDeleteResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.OffsetDelete, isRequest: false, version);
        var read = new OffsetDeleteResponse();
        read.ErrorCode = reader.ReadError();
        read.ThrottleTimeMs = reader.ReadInt32();
        read.Topics = reader.ReadArray<OffsetDeleteResponseTopic>(version);
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.OffsetDelete, version);
        writer.WriteError(ErrorCode);
        writer.WriteInt32(ThrottleTimeMs);
        writer.WriteArray(Topics, version);
    }

    /// <summary>One of <see cref="OffsetDeleteResponse.Topics"/>.</summary>
    public sealed class OffsetDeleteResponseTopic : IKafkaStruct<OffsetDeleteResponseTopic>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<OffsetDeleteResponsePartition> Partitions { get; set; } = [];

        static OffsetDeleteResponseTopic IKafkaStruct<OffsetDeleteResponseTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetDeleteResponseTopic();
            read.Name = reader.ReadString();
            read.Partitions = reader.ReadArray<OffsetDeleteResponsePartition>(version);
            return read;
        }

        void IKafkaStruct<OffsetDeleteResponseTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteArray(Partitions, version);
        }

        static int IKafkaStruct<OffsetDeleteResponseTopic>.MinBytes(short version) => 6;
    }

    /// <summary>One of <see cref="OffsetDeleteResponseTopic.Partitions"/>.</summary>
    public sealed class OffsetDeleteResponsePartition : IKafkaStruct<OffsetDeleteResponsePartition>
    {
        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        static OffsetDeleteResponsePartition IKafkaStruct<OffsetDeleteResponsePartition>.Read(ref KafkaReader reader, short version)
        {
            var read = new OffsetDeleteResponsePartition();
            read.PartitionIndex = reader.ReadInt32();
            read.ErrorCode = reader.ReadError();
            return read;
        }

        void IKafkaStruct<OffsetDeleteResponsePartition>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(PartitionIndex);
            writer.WriteError(ErrorCode);
        }

        static int IKafkaStruct<OffsetDeleteResponsePartition>.MinBytes(short version) => 6;
    }
}
