// Written by eng/Weir.CodeGen from Schema/IncrementalAlterConfigs.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of IncrementalAlterConfigs (API 44), versions 0 to 1.</summary>
public sealed class IncrementalAlterConfigsRequest : IKafkaMessage
{
    /// <summary>The resources.</summary>
    public IReadOnlyList<AlterConfigsResource> Resources { get; set; } = [];

    /// <summary>Whether to check and change nothing.</summary>
    public bool ValidateOnly { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static IncrementalAlterConfigsRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.IncrementalAlterConfigs, isRequest: true, version);
        var read = new IncrementalAlterConfigsRequest();
        read.Resources = reader.ReadArray<AlterConfigsResource>(version);
        read.ValidateOnly = reader.ReadBoolean();
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.IncrementalAlterConfigs, version);
        writer.WriteArray(Resources, version);
        writer.WriteBoolean(ValidateOnly);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="IncrementalAlterConfigsRequest.Resources"/>.</summary>
    public sealed class AlterConfigsResource : IKafkaStruct<AlterConfigsResource>
    {
        /// <summary>2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.</summary>
        public sbyte ResourceType { get; set; }

        /// <summary>Name of the resource; a broker's is its number.</summary>
        public string ResourceName { get; set; } = "";

        /// <summary>Configuration entries.</summary>
        public IReadOnlyList<AlterableConfig> Configs { get; set; } = [];

        static AlterConfigsResource IKafkaStruct<AlterConfigsResource>.Read(ref KafkaReader reader, short version)
        {
            var read = new AlterConfigsResource();
            read.ResourceType = reader.ReadInt8();
            read.ResourceName = reader.ReadString();
            read.Configs = reader.ReadArray<AlterableConfig>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<AlterConfigsResource>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt8(ResourceType);
            writer.WriteString(ResourceName);
            writer.WriteArray(Configs, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<AlterConfigsResource>.MinBytes(short version) => version switch { <= 0 => 7, _ => 4 };
    }

    /// <summary>One of <see cref="AlterConfigsResource.Configs"/>.</summary>
    public sealed class AlterableConfig : IKafkaStruct<AlterableConfig>
    {
        /// <summary>Name of the entry.</summary>
        public string Name { get; set; } = "";

        /// <summary>0 set, 1 delete, 2 append, 3 subtract.</summary>
        public sbyte ConfigOperation { get; set; }

        /// <summary>The value.</summary>
        public string? Value { get; set; } = "";

        static AlterableConfig IKafkaStruct<AlterableConfig>.Read(ref KafkaReader reader, short version)
        {
            var read = new AlterableConfig();
            read.Name = reader.ReadString();
            read.ConfigOperation = reader.ReadInt8();
            read.Value = reader.ReadNullableString();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<AlterableConfig>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteInt8(ConfigOperation);
            writer.WriteNullableString(Value);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<AlterableConfig>.MinBytes(short version) => version switch { <= 0 => 5, _ => 4 };
    }
}
