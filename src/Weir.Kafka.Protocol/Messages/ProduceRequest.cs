// Written by eng/Weir.CodeGen from Schema/Produce.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of Produce (API 0), versions 3 to 11.</summary>
public sealed class ProduceRequest : IKafkaMessage
{
    /// <summary>Id of the transactional producer; null: not transactional.</summary>
    public string? TransactionalId { get; set; }

    /// <summary>0: no answer wanted; 1: the leader has it; -1: every in-sync replica has it.</summary>
    public short Acks { get; set; }

    /// <summary>How long the broker may take, in milliseconds.</summary>
    public int TimeoutMs { get; set; }

    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<TopicProduceData> TopicData { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static ProduceRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.Produce, isRequest: true, version);
        var read = new ProduceRequest();
        read.TransactionalId = reader.ReadNullableString();
        read.Acks = reader.ReadInt16();
        read.TimeoutMs = reader.ReadInt32();
        read.TopicData = reader.ReadArray<TopicProduceData>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.Produce, version);
        writer.WriteNullableString(TransactionalId);
        writer.WriteInt16(Acks);
        writer.WriteInt32(TimeoutMs);
        writer.WriteArray(TopicData, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="ProduceRequest.TopicData"/>.</summary>
    public sealed class TopicProduceData : IKafkaStruct<TopicProduceData>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<PartitionProduceData> PartitionData { get; set; } = [];

        static TopicProduceData IKafkaStruct<TopicProduceData>.Read(ref KafkaReader reader, short version)
        {
            var read = new TopicProduceData();
            read.Name = reader.ReadString();
            read.PartitionData = reader.ReadArray<PartitionProduceData>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<TopicProduceData>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteArray(PartitionData, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<TopicProduceData>.MinBytes(short version) => version switch { <= 8 => 6, _ => 3 };
    }

    /// <summary>One of <see cref="TopicProduceData.PartitionData"/>.</summary>
    public sealed class PartitionProduceData : IKafkaStruct<PartitionProduceData>
    {
        /// <summary>Number of the partition.</summary>
        public int Index { get; set; }

        /// <summary>Record batches, one after another.</summary>
        public KafkaRecords? Records { get; set; }

        static PartitionProduceData IKafkaStruct<PartitionProduceData>.Read(ref KafkaReader reader, short version)
        {
            var read = new PartitionProduceData();
            read.Index = reader.ReadInt32();
            read.Records = reader.ReadNullableRecords();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<PartitionProduceData>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(Index);
            writer.WriteNullableRecords(Records);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<PartitionProduceData>.MinBytes(short version) => version switch { <= 8 => 8, _ => 6 };
    }
}
