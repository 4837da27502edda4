// Written by eng/Weir.CodeGen from Schema/ListGroups.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of ListGroups (API 16), versions 0 to 5.</summary>
public sealed class ListGroupsRequest : IKafkaMessage
{
    /// <summary>States wanted; empty: all. From version 4 on.</summary>
    public IReadOnlyList<string> StatesFilter { get; set; } = [];

    /// <summary>Types wanted; empty: all. From version 5 on.</summary>
    public IReadOnlyList<string> TypesFilter { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static ListGroupsRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.ListGroups, isRequest: true, version);
        var read = new ListGroupsRequest();
        if (version >= 4)
        {
            read.StatesFilter = reader.ReadStringArray();
        }

        if (version >= 5)
        {
            read.TypesFilter = reader.ReadStringArray();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.ListGroups, version);
        if (version >= 4)
        {
            writer.WriteStringArray(StatesFilter);
        }

        if (version >= 5)
        {
            writer.WriteStringArray(TypesFilter);
        }

        writer.WriteTagCount(0);
    }
}
