// Written by eng/Weir.CodeGen from Schema/DeleteGroups.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of DeleteGroups (API 42), versions 0 to 2.</summary>
public sealed class DeleteGroupsRequest : IKafkaMessage
{
    /// <summary>Groups to delete.</summary>
    public IReadOnlyList<string> GroupsNames { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DeleteGroupsRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DeleteGroups, isRequest: true, version);
        var read = new DeleteGroupsRequest();
        read.GroupsNames = reader.ReadStringArray();
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DeleteGroups, version);
        writer.WriteStringArray(GroupsNames);
        writer.WriteTagCount(0);
    }
}
