// Written by eng/Weir.CodeGen from Schema/CreatePartitions.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of CreatePartitions (API 37), versions 0 to 3.</summary>
public sealed class CreatePartitionsResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>The answers.</summary>
    public IReadOnlyList<CreatePartitionsTopicResult> Results { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static CreatePartitionsResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.CreatePartitions, isRequest: false, version);
        var read = new CreatePartitionsResponse();
        read.ThrottleTimeMs = reader.ReadInt32();
        read.Results = reader.ReadArray<CreatePartitionsTopicResult>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.CreatePartitions, version);
        writer.WriteInt32(ThrottleTimeMs);
        writer.WriteArray(Results, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="CreatePartitionsResponse.Results"/>.</summary>
    public sealed class CreatePartitionsTopicResult : IKafkaStruct<CreatePartitionsTopicResult>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>What went wrong, in words.</summary>
        public string? ErrorMessage { get; set; }

        static CreatePartitionsTopicResult IKafkaStruct<CreatePartitionsTopicResult>.Read(ref KafkaReader reader, short version)
        {
            var read = new CreatePartitionsTopicResult();
            read.Name = reader.ReadString();
            read.ErrorCode = reader.ReadError();
            read.ErrorMessage = reader.ReadNullableString();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<CreatePartitionsTopicResult>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteError(ErrorCode);
            writer.WriteNullableString(ErrorMessage);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<CreatePartitionsTopicResult>.MinBytes(short version) => version switch { <= 1 => 6, _ => 5 };
    }
}
