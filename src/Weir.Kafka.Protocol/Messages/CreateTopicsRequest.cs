// Written by eng/Weir.CodeGen from Schema/CreateTopics.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of CreateTopics (API 19), versions 2 to 7.</summary>
public sealed class CreateTopicsRequest : IKafkaMessage
{
    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<CreatableTopic> Topics { get; set; } = [];

    /// <summary>How long the broker may take, in milliseconds.</summary>
    public int TimeoutMs { get; set; } = 60000;

    /// <summary>Whether to check and change nothing.</summary>
    public bool ValidateOnly { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static CreateTopicsRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.CreateTopics, isRequest: true, version);
        var read = new CreateTopicsRequest();
        read.Topics = reader.ReadArray<CreatableTopic>(version);
        read.TimeoutMs = reader.ReadInt32();
        read.ValidateOnly = reader.ReadBoolean();
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.CreateTopics, version);
        writer.WriteArray(Topics, version);
        writer.WriteInt32(TimeoutMs);
        writer.WriteBoolean(ValidateOnly);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="CreateTopicsRequest.Topics"/>.</summary>
    public sealed class CreatableTopic : IKafkaStruct<CreatableTopic>
    {
        /// <summary>Name.</summary>
        public string Name { get; set; } = "";

        /// <summary>Number of partitions; -1: the default, or as the assignments say.</summary>
        public int NumPartitions { get; set; }

        /// <summary>Number of replicas; -1: the default, or as the assignments say.</summary>
        public short ReplicationFactor { get; set; }

        /// <summary>Where each partition goes; empty: the broker decides.</summary>
        public IReadOnlyList<CreatableReplicaAssignment> Assignments { get; set; } = [];

        /// <summary>Configuration entries.</summary>
        public IReadOnlyList<CreatableTopicConfig> Configs { get; set; } = [];

        static CreatableTopic IKafkaStruct<CreatableTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new CreatableTopic();
            read.Name = reader.ReadString();
            read.NumPartitions = reader.ReadInt32();
            read.ReplicationFactor = reader.ReadInt16();
            read.Assignments = reader.ReadArray<CreatableReplicaAssignment>(version);
            read.Configs = reader.ReadArray<CreatableTopicConfig>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<CreatableTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteInt32(NumPartitions);
            writer.WriteInt16(ReplicationFactor);
            writer.WriteArray(Assignments, version);
            writer.WriteArray(Configs, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<CreatableTopic>.MinBytes(short version) => version switch { <= 4 => 16, _ => 10 };
    }

    /// <summary>One of <see cref="CreatableTopic.Assignments"/>.</summary>
    public sealed class CreatableReplicaAssignment : IKafkaStruct<CreatableReplicaAssignment>
    {
        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        /// <summary>Brokers that hold the partition.</summary>
        public IReadOnlyList<int> BrokerIds { get; set; } = [];

        static CreatableReplicaAssignment IKafkaStruct<CreatableReplicaAssignment>.Read(ref KafkaReader reader, short version)
        {
            var read = new CreatableReplicaAssignment();
            read.PartitionIndex = reader.ReadInt32();
            read.BrokerIds = reader.ReadInt32Array();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<CreatableReplicaAssignment>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(PartitionIndex);
            writer.WriteInt32Array(BrokerIds);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<CreatableReplicaAssignment>.MinBytes(short version) => version switch { <= 4 => 8, _ => 6 };
    }

    /// <summary>One of <see cref="CreatableTopic.Configs"/>.</summary>
    public sealed class CreatableTopicConfig : IKafkaStruct<CreatableTopicConfig>
    {
        /// <summary>Name.</summary>
        public string Name { get; set; } = "";

        /// <summary>The value.</summary>
        public string? Value { get; set; } = "";

        static CreatableTopicConfig IKafkaStruct<CreatableTopicConfig>.Read(ref KafkaReader reader, short version)
        {
            var read = new CreatableTopicConfig();
            read.Name = reader.ReadString();
            read.Value = reader.ReadNullableString();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<CreatableTopicConfig>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteNullableString(Value);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<CreatableTopicConfig>.MinBytes(short version) => version switch { <= 4 => 4, _ => 3 };
    }
}
