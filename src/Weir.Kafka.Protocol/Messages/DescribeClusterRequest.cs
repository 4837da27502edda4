// Written by eng/Weir.CodeGen from Schema/DescribeCluster.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of DescribeCluster (API 60), versions 0 to 1.</summary>
public sealed class DescribeClusterRequest : IKafkaMessage
{
    /// <summary>Whether to fill in the authorized operations of the cluster.</summary>
    public bool IncludeClusterAuthorizedOperations { get; set; }

    /// <summary>1 brokers, 2 controllers. From version 1 on.</summary>
    public sbyte EndpointType { get; set; } = 1;

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DescribeClusterRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DescribeCluster, isRequest: true, version);
        var read = new DescribeClusterRequest();
        read.IncludeClusterAuthorizedOperations = reader.ReadBoolean();
        if (version >= 1)
        {
            read.EndpointType = reader.ReadInt8();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DescribeCluster, version);
        writer.WriteBoolean(IncludeClusterAuthorizedOperations);
        if (version >= 1)
        {
            writer.WriteInt8(EndpointType);
        }

        writer.WriteTagCount(0);
    }
}
