// Written by eng/Weir.CodeGen from Schema/FindCoordinator.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of FindCoordinator (API 10), versions 0 to 6.</summary>
public sealed class FindCoordinatorRequest : IKafkaMessage
{
    /// <summary>Group id or transactional id. Up to version 3.</summary>
    public string Key { get; set; } = "";

    /// <summary>0 group, 1 transaction, 2 share. From version 1 on.</summary>
    public sbyte KeyType { get; set; }

    /// <summary>The group ids or transactional ids to look up. From version 4 on.</summary>
    public IReadOnlyList<string> CoordinatorKeys { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static FindCoordinatorRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.FindCoordinator, isRequest: true, version);
        var read = new FindCoordinatorRequest();
        if (version <= 3)
        {
            read.Key = reader.ReadString();
        }

        if (version >= 1)
        {
            read.KeyType = reader.ReadInt8();
        }

        if (version >= 4)
        {
            read.CoordinatorKeys = reader.ReadStringArray();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.FindCoordinator, version);
        if (version <= 3)
        {
            writer.WriteString(Key);
        }

        if (version >= 1)
        {
            writer.WriteInt8(KeyType);
        }

        if (version >= 4)
        {
            writer.WriteStringArray(CoordinatorKeys);
        }

        writer.WriteTagCount(0);
    }
}
