// Written by eng/Weir.CodeGen from Schema/DeleteGroups.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of DeleteGroups (API 42), versions 0 to 2.</summary>
public sealed class DeleteGroupsResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>The answers.</summary>
    public IReadOnlyList<DeletableGroupResult> Results { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DeleteGroupsResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DeleteGroups, isRequest: false, version);
        var read = new DeleteGroupsResponse();
        read.ThrottleTimeMs = reader.ReadInt32();
        read.Results = reader.ReadArray<DeletableGroupResult>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DeleteGroups, version);
        writer.WriteInt32(ThrottleTimeMs);
        writer.WriteArray(Results, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="DeleteGroupsResponse.Results"/>.</summary>
    public sealed class DeletableGroupResult : IKafkaStruct<DeletableGroupResult>
    {
        /// <summary>Id of the group.</summary>
        public string GroupId { get; set; } = "";

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        static DeletableGroupResult IKafkaStruct<DeletableGroupResult>.Read(ref KafkaReader reader, short version)
        {
            var read = new DeletableGroupResult();
            read.GroupId = reader.ReadString();
            read.ErrorCode = reader.ReadError();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DeletableGroupResult>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(GroupId);
            writer.WriteError(ErrorCode);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DeletableGroupResult>.MinBytes(short version) => 4;
    }
}
