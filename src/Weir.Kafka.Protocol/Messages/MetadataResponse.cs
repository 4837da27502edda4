// Written by eng/Weir.CodeGen from Schema/Metadata.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of Metadata (API 3), versions 0 to 13.</summary>
public sealed class MetadataResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds. From version 3 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>Every broker of the cluster.</summary>
    public IReadOnlyList<MetadataResponseBroker> Brokers { get; set; } = [];

    /// <summary>Id of the cluster, where known. From version 2 on.</summary>
    public string? ClusterId { get; set; }

    /// <summary>Broker that is the controller; -1: unknown. From version 1 on.</summary>
    public int ControllerId { get; set; } = -1;

    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<MetadataResponseTopic> Topics { get; set; } = [];

    /// <summary>Bit field of allowed operations on the cluster; the default means "not asked for". Versions 8 to 10.</summary>
    public int ClusterAuthorizedOperations { get; set; } = -2147483648;

    /// <summary>What went wrong with the request as a whole, or None. From version 13 on.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static MetadataResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.Metadata, isRequest: false, version);
        var read = new MetadataResponse();
        if (version >= 3)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        read.Brokers = reader.ReadArray<MetadataResponseBroker>(version);
        if (version >= 2)
        {
            read.ClusterId = reader.ReadNullableString();
        }

        if (version >= 1)
        {
            read.ControllerId = reader.ReadInt32();
        }

        read.Topics = reader.ReadArray<MetadataResponseTopic>(version);
        if (version is >= 8 and <= 10)
        {
            read.ClusterAuthorizedOperations = reader.ReadInt32();
        }

        if (version >= 13)
        {
            read.ErrorCode = reader.ReadError();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.Metadata, version);
        if (version >= 3)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        writer.WriteArray(Brokers, version);
        if (version >= 2)
        {
            writer.WriteNullableString(ClusterId);
        }

        if (version >= 1)
        {
            writer.WriteInt32(ControllerId);
        }

        writer.WriteArray(Topics, version);
        if (version is >= 8 and <= 10)
        {
            writer.WriteInt32(ClusterAuthorizedOperations);
        }

        if (version >= 13)
        {
            writer.WriteError(ErrorCode);
        }

        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="MetadataResponse.Brokers"/>.</summary>
    public sealed class MetadataResponseBroker : IKafkaStruct<MetadataResponseBroker>
    {
        /// <summary>Number of the broker.</summary>
        public int NodeId { get; set; }

        /// <summary>Host name of the broker.</summary>
        public string Host { get; set; } = "";

        /// <summary>Port of the broker.</summary>
        public int Port { get; set; }

        /// <summary>Rack of the broker. From version 1 on.</summary>
        public string? Rack { get; set; }

        static MetadataResponseBroker IKafkaStruct<MetadataResponseBroker>.Read(ref KafkaReader reader, short version)
        {
            var read = new MetadataResponseBroker();
            read.NodeId = reader.ReadInt32();
            read.Host = reader.ReadString();
            read.Port = reader.ReadInt32();
            if (version >= 1)
            {
                read.Rack = reader.ReadNullableString();
            }

            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<MetadataResponseBroker>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(NodeId);
            writer.WriteString(Host);
            writer.WriteInt32(Port);
            if (version >= 1)
            {
                writer.WriteNullableString(Rack);
            }

            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<MetadataResponseBroker>.MinBytes(short version) => version switch { <= 0 => 10, <= 8 => 12, _ => 11 };
    }

    /// <summary>One of <see cref="MetadataResponse.Topics"/>.</summary>
    public sealed class MetadataResponseTopic : IKafkaStruct<MetadataResponseTopic>
    {
        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>Name of the topic; null where an id was asked for and is unknown.</summary>
        public string? Name { get; set; } = "";

        /// <summary>Id of the topic; zero: not given. From version 10 on.</summary>
        public Guid TopicId { get; set; }

        /// <summary>Whether the topic is internal to the cluster. From version 1 on.</summary>
        public bool IsInternal { get; set; }

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<MetadataResponsePartition> Partitions { get; set; } = [];

        /// <summary>Bit field of allowed operations; the default means "not asked for". From version 8 on.</summary>
        public int TopicAuthorizedOperations { get; set; } = -2147483648;

        static MetadataResponseTopic IKafkaStruct<MetadataResponseTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new MetadataResponseTopic();
            read.ErrorCode = reader.ReadError();
            read.Name = version >= 12 ? reader.ReadNullableString() : reader.ReadString();
            if (version >= 10)
            {
                read.TopicId = reader.ReadUuid();
            }

            if (version >= 1)
            {
                read.IsInternal = reader.ReadBoolean();
            }

            read.Partitions = reader.ReadArray<MetadataResponsePartition>(version);
            if (version >= 8)
            {
                read.TopicAuthorizedOperations = reader.ReadInt32();
            }

            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<MetadataResponseTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteError(ErrorCode);
            if (version >= 12)
            {
                writer.WriteNullableString(Name);
            }
            else
            {
                writer.WriteString(Name);
            }

            if (version >= 10)
            {
                writer.WriteUuid(TopicId);
            }

            if (version >= 1)
            {
                writer.WriteBoolean(IsInternal);
            }

            writer.WriteArray(Partitions, version);
            if (version >= 8)
            {
                writer.WriteInt32(TopicAuthorizedOperations);
            }

            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<MetadataResponseTopic>.MinBytes(short version) => version switch { <= 0 => 8, <= 7 => 9, <= 8 => 13, <= 9 => 10, _ => 26 };
    }

    /// <summary>One of <see cref="MetadataResponseTopic.Partitions"/>.</summary>
    public sealed class MetadataResponsePartition : IKafkaStruct<MetadataResponsePartition>
    {
        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        /// <summary>Broker that leads; -1: unknown.</summary>
        public int LeaderId { get; set; }

        /// <summary>Leader epoch; -1: unknown. From version 7 on.</summary>
        public int LeaderEpoch { get; set; } = -1;

        /// <summary>Brokers that hold the partition, the preferred leader first.</summary>
        public IReadOnlyList<int> ReplicaNodes { get; set; } = [];

        /// <summary>Brokers in sync with the leader.</summary>
        public IReadOnlyList<int> IsrNodes { get; set; } = [];

        /// <summary>Replicas that are offline. From version 5 on.</summary>
        public IReadOnlyList<int> OfflineReplicas { get; set; } = [];

        static MetadataResponsePartition IKafkaStruct<MetadataResponsePartition>.Read(ref KafkaReader reader, short version)
        {
            var read = new MetadataResponsePartition();
            read.ErrorCode = reader.ReadError();
            read.PartitionIndex = reader.ReadInt32();
            read.LeaderId = reader.ReadInt32();
            if (version >= 7)
            {
                read.LeaderEpoch = reader.ReadInt32();
            }

            read.ReplicaNodes = reader.ReadInt32Array();
            read.IsrNodes = reader.ReadInt32Array();
            if (version >= 5)
            {
                read.OfflineReplicas = reader.ReadInt32Array();
            }

            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<MetadataResponsePartition>.Write(KafkaWriter writer, short version)
        {
            writer.WriteError(ErrorCode);
            writer.WriteInt32(PartitionIndex);
            writer.WriteInt32(LeaderId);
            if (version >= 7)
            {
                writer.WriteInt32(LeaderEpoch);
            }

            writer.WriteInt32Array(ReplicaNodes);
            writer.WriteInt32Array(IsrNodes);
            if (version >= 5)
            {
                writer.WriteInt32Array(OfflineReplicas);
            }

            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<MetadataResponsePartition>.MinBytes(short version) => version switch { <= 4 => 18, <= 6 => 22, <= 8 => 26, _ => 18 };
    }
}
