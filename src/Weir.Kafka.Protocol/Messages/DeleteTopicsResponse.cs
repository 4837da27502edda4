// Written by eng/Weir.CodeGen from Schema/DeleteTopics.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of DeleteTopics (API 20), versions 1 to 6.</summary>
public sealed class DeleteTopicsResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>The answers.</summary>
    public IReadOnlyList<DeletableTopicResult> Responses { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DeleteTopicsResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DeleteTopics, isRequest: false, version);
        var read = new DeleteTopicsResponse();
        read.ThrottleTimeMs = reader.ReadInt32();
        read.Responses = reader.ReadArray<DeletableTopicResult>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DeleteTopics, version);
        writer.WriteInt32(ThrottleTimeMs);
        writer.WriteArray(Responses, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="DeleteTopicsResponse.Responses"/>.</summary>
    public sealed class DeletableTopicResult : IKafkaStruct<DeletableTopicResult>
    {
        /// <summary>Name of the topic; null where an id was given and is unknown.</summary>
        public string? Name { get; set; } = "";

        /// <summary>Id of the topic; zero: not given. From version 6 on.</summary>
        public Guid TopicId { get; set; }

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>What went wrong, in words. From version 5 on.</summary>
        public string? ErrorMessage { get; set; }

        static DeletableTopicResult IKafkaStruct<DeletableTopicResult>.Read(ref KafkaReader reader, short version)
        {
            var read = new DeletableTopicResult();
            read.Name = version >= 6 ? reader.ReadNullableString() : reader.ReadString();
            if (version >= 6)
            {
                read.TopicId = reader.ReadUuid();
            }

            read.ErrorCode = reader.ReadError();
            if (version >= 5)
            {
                read.ErrorMessage = reader.ReadNullableString();
            }

            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DeletableTopicResult>.Write(KafkaWriter writer, short version)
        {
            if (version >= 6)
            {
                writer.WriteNullableString(Name);
            }
            else
            {
                writer.WriteString(Name);
            }

            if (version >= 6)
            {
                writer.WriteUuid(TopicId);
            }

            writer.WriteError(ErrorCode);
            if (version >= 5)
            {
                writer.WriteNullableString(ErrorMessage);
            }

            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DeletableTopicResult>.MinBytes(short version) => version switch { <= 4 => 4, <= 5 => 5, _ => 21 };
    }
}
