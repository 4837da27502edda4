// Written by eng/Weir.CodeGen from Schema/DescribeCluster.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of DescribeCluster (API 60), versions 0 to 1.</summary>
public sealed class DescribeClusterResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>What went wrong, or None.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>What went wrong, in words.</summary>
    public string? ErrorMessage { get; set; }

    /// <summary>1 brokers, 2 controllers. From version 1 on.</summary>
    public sbyte EndpointType { get; set; } = 1;

    /// <summary>Id of the cluster, where known.</summary>
    public string ClusterId { get; set; } = "";

    /// <summary>Broker that is the controller; -1: unknown.</summary>
    public int ControllerId { get; set; } = -1;

    /// <summary>Every broker of the cluster.</summary>
    public IReadOnlyList<DescribeClusterBroker> Brokers { get; set; } = [];

    /// <summary>Bit field of allowed operations on the cluster; the default means "not asked for".</summary>
    public int ClusterAuthorizedOperations { get; set; } = -2147483648;

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DescribeClusterResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DescribeCluster, isRequest: false, version);
        var read = new DescribeClusterResponse();
        read.ThrottleTimeMs = reader.ReadInt32();
        read.ErrorCode = reader.ReadError();
        read.ErrorMessage = reader.ReadNullableString();
        if (version >= 1)
        {
            read.EndpointType = reader.ReadInt8();
        }

        read.ClusterId = reader.ReadString();
        read.ControllerId = reader.ReadInt32();
        read.Brokers = reader.ReadArray<DescribeClusterBroker>(version);
        read.ClusterAuthorizedOperations = reader.ReadInt32();
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DescribeCluster, version);
        writer.WriteInt32(ThrottleTimeMs);
        writer.WriteError(ErrorCode);
        writer.WriteNullableString(ErrorMessage);
        if (version >= 1)
        {
            writer.WriteInt8(EndpointType);
        }

        writer.WriteString(ClusterId);
        writer.WriteInt32(ControllerId);
        writer.WriteArray(Brokers, version);
        writer.WriteInt32(ClusterAuthorizedOperations);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="DescribeClusterResponse.Brokers"/>.</summary>
    public sealed class DescribeClusterBroker : IKafkaStruct<DescribeClusterBroker>
    {
        /// <summary>Number of the broker.</summary>
        public int BrokerId { get; set; }

        /// <summary>Host name of the broker.</summary>
        public string Host { get; set; } = "";

        /// <summary>Port of the broker.</summary>
        public int Port { get; set; }

        /// <summary>Rack of the broker.</summary>
        public string? Rack { get; set; }

        static DescribeClusterBroker IKafkaStruct<DescribeClusterBroker>.Read(ref KafkaReader reader, short version)
        {
            var read = new DescribeClusterBroker();
            read.BrokerId = reader.ReadInt32();
            read.Host = reader.ReadString();
            read.Port = reader.ReadInt32();
            read.Rack = reader.ReadNullableString();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DescribeClusterBroker>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(BrokerId);
            writer.WriteString(Host);
            writer.WriteInt32(Port);
            writer.WriteNullableString(Rack);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DescribeClusterBroker>.MinBytes(short version) => 11;
    }
}
