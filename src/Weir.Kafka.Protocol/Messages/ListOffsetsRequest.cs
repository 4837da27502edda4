// Written by eng/Weir.CodeGen from Schema/ListOffsets.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of ListOffsets (API 2), versions 1 to 9.</summary>
public sealed class ListOffsetsRequest : IKafkaMessage
{
    /// <summary>Broker that follows; -1: a consumer.</summary>
    public int ReplicaId { get; set; }

    /// <summary>0 read_uncommitted, 1 read_committed. From version 2 on.</summary>
    public sbyte IsolationLevel { get; set; }

    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<ListOffsetsTopic> Topics { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static ListOffsetsRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.ListOffsets, isRequest: true, version);
        var read = new ListOffsetsRequest();
        read.ReplicaId = reader.ReadInt32();
        if (version >= 2)
        {
            read.IsolationLevel = reader.ReadInt8();
        }

        read.Topics = reader.ReadArray<ListOffsetsTopic>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.ListOffsets, version);
        writer.WriteInt32(ReplicaId);
        if (version >= 2)
        {
            writer.WriteInt8(IsolationLevel);
        }

        writer.WriteArray(Topics, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="ListOffsetsRequest.Topics"/>.</summary>
    public sealed class ListOffsetsTopic : IKafkaStruct<ListOffsetsTopic>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<ListOffsetsPartition> Partitions { get; set; } = [];

        static ListOffsetsTopic IKafkaStruct<ListOffsetsTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new ListOffsetsTopic();
            read.Name = reader.ReadString();
            read.Partitions = reader.ReadArray<ListOffsetsPartition>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<ListOffsetsTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteArray(Partitions, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<ListOffsetsTopic>.MinBytes(short version) => version switch { <= 5 => 6, _ => 3 };
    }

    /// <summary>One of <see cref="ListOffsetsTopic.Partitions"/>.</summary>
    public sealed class ListOffsetsPartition : IKafkaStruct<ListOffsetsPartition>
    {
        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        /// <summary>Leader epoch that the client believes in; -1: not given. From version 4 on.</summary>
        public int CurrentLeaderEpoch { get; set; } = -1;

        /// <summary>Epoch milliseconds, or -1 latest, -2 earliest, -3 largest timestamp, -4 earliest local, -5 latest tiered.</summary>
        public long Timestamp { get; set; }

        static ListOffsetsPartition IKafkaStruct<ListOffsetsPartition>.Read(ref KafkaReader reader, short version)
        {
            var read = new ListOffsetsPartition();
            read.PartitionIndex = reader.ReadInt32();
            if (version >= 4)
            {
                read.CurrentLeaderEpoch = reader.ReadInt32();
            }

            read.Timestamp = reader.ReadInt64();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<ListOffsetsPartition>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(PartitionIndex);
            if (version >= 4)
            {
                writer.WriteInt32(CurrentLeaderEpoch);
            }

            writer.WriteInt64(Timestamp);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<ListOffsetsPartition>.MinBytes(short version) => version switch { <= 3 => 12, <= 5 => 16, _ => 17 };
    }
}
