// Written by eng/Weir.CodeGen from Schema/CreatePartitions.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of CreatePartitions (API 37), versions 0 to 3.</summary>
public sealed class CreatePartitionsRequest : IKafkaMessage
{
    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<CreatePartitionsTopic> Topics { get; set; } = [];

    /// <summary>How long the broker may take, in milliseconds.</summary>
    public int TimeoutMs { get; set; }

    /// <summary>Whether to check and change nothing.</summary>
    public bool ValidateOnly { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static CreatePartitionsRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.CreatePartitions, isRequest: true, version);
        var read = new CreatePartitionsRequest();
        read.Topics = reader.ReadArray<CreatePartitionsTopic>(version);
        read.TimeoutMs = reader.ReadInt32();
        read.ValidateOnly = reader.ReadBoolean();
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.CreatePartitions, version);
        writer.WriteArray(Topics, version);
        writer.WriteInt32(TimeoutMs);
        writer.WriteBoolean(ValidateOnly);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="CreatePartitionsRequest.Topics"/>.</summary>
    public sealed class CreatePartitionsTopic : IKafkaStruct<CreatePartitionsTopic>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>Number of partitions that the topic shall have.</summary>
        public int Count { get; set; }

        /// <summary>Where the new partitions go; null: the broker decides.</summary>
        public IReadOnlyList<CreatePartitionsAssignment>? Assignments { get; set; } = [];

        static CreatePartitionsTopic IKafkaStruct<CreatePartitionsTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new CreatePartitionsTopic();
            read.Name = reader.ReadString();
            read.Count = reader.ReadInt32();
            read.Assignments = reader.ReadNullableArray<CreatePartitionsAssignment>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<CreatePartitionsTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteInt32(Count);
            writer.WriteNullableArray(Assignments, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<CreatePartitionsTopic>.MinBytes(short version) => version switch { <= 1 => 10, _ => 7 };
    }

    /// <summary>One of <see cref="CreatePartitionsTopic.Assignments"/>.</summary>
    public sealed class CreatePartitionsAssignment : IKafkaStruct<CreatePartitionsAssignment>
    {
        /// <summary>Brokers that hold the partition.</summary>
        public IReadOnlyList<int> BrokerIds { get; set; } = [];

        static CreatePartitionsAssignment IKafkaStruct<CreatePartitionsAssignment>.Read(ref KafkaReader reader, short version)
        {
            var read = new CreatePartitionsAssignment();
            read.BrokerIds = reader.ReadInt32Array();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<CreatePartitionsAssignment>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32Array(BrokerIds);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<CreatePartitionsAssignment>.MinBytes(short version) => version switch { <= 1 => 4, _ => 2 };
    }
}
