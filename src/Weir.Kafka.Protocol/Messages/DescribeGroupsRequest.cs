// Written by eng/Weir.CodeGen from Schema/DescribeGroups.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of DescribeGroups (API 15), versions 0 to 6.</summary>
public sealed class DescribeGroupsRequest : IKafkaMessage
{
    /// <summary>The groups.</summary>
    public IReadOnlyList<string> Groups { get; set; } = [];

    /// <summary>Whether to fill in the authorized operations of groups. From version 3 on.</summary>
    public bool IncludeAuthorizedOperations { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DescribeGroupsRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DescribeGroups, isRequest: true, version);
        var read = new DescribeGroupsRequest();
        read.Groups = reader.ReadStringArray();
        if (version >= 3)
        {
            read.IncludeAuthorizedOperations = reader.ReadBoolean();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DescribeGroups, version);
        writer.WriteStringArray(Groups);
        if (version >= 3)
        {
            writer.WriteBoolean(IncludeAuthorizedOperations);
        }

        writer.WriteTagCount(0);
    }
}
