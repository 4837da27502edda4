// Written by eng/Weir.CodeGen from Schema/IncrementalAlterConfigs.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of IncrementalAlterConfigs (API 44), versions 0 to 1.</summary>
public sealed class IncrementalAlterConfigsResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>The answers.</summary>
    public IReadOnlyList<AlterConfigsResourceResponse> Responses { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static IncrementalAlterConfigsResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.IncrementalAlterConfigs, isRequest: false, version);
        var read = new IncrementalAlterConfigsResponse();
        read.ThrottleTimeMs = reader.ReadInt32();
        read.Responses = reader.ReadArray<AlterConfigsResourceResponse>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.IncrementalAlterConfigs, version);
        writer.WriteInt32(ThrottleTimeMs);
        writer.WriteArray(Responses, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="IncrementalAlterConfigsResponse.Responses"/>.</summary>
    public sealed class AlterConfigsResourceResponse : IKafkaStruct<AlterConfigsResourceResponse>
    {
        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>What went wrong, in words.</summary>
        public string? ErrorMessage { get; set; } = "";

        /// <summary>2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.</summary>
        public sbyte ResourceType { get; set; }

        /// <summary>Name of the resource; a broker's is its number.</summary>
        public string ResourceName { get; set; } = "";

        static AlterConfigsResourceResponse IKafkaStruct<AlterConfigsResourceResponse>.Read(ref KafkaReader reader, short version)
        {
            var read = new AlterConfigsResourceResponse();
            read.ErrorCode = reader.ReadError();
            read.ErrorMessage = reader.ReadNullableString();
            read.ResourceType = reader.ReadInt8();
            read.ResourceName = reader.ReadString();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<AlterConfigsResourceResponse>.Write(KafkaWriter writer, short version)
        {
            writer.WriteError(ErrorCode);
            writer.WriteNullableString(ErrorMessage);
            writer.WriteInt8(ResourceType);
            writer.WriteString(ResourceName);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<AlterConfigsResourceResponse>.MinBytes(short version) => version switch { <= 0 => 7, _ => 6 };
    }
}
