// Written by eng/Weir.CodeGen from Schema/DescribeConfigs.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of DescribeConfigs (API 32), versions 1 to 4.</summary>
public sealed class DescribeConfigsRequest : IKafkaMessage
{
    /// <summary>The resources.</summary>
    public IReadOnlyList<DescribeConfigsResource> Resources { get; set; } = [];

    /// <summary>Whether to fill in synonyms.</summary>
    public bool IncludeSynonyms { get; set; }

    /// <summary>Whether to fill in documentation. From version 3 on.</summary>
    public bool IncludeDocumentation { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DescribeConfigsRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DescribeConfigs, isRequest: true, version);
        var read = new DescribeConfigsRequest();
        read.Resources = reader.ReadArray<DescribeConfigsResource>(version);
        read.IncludeSynonyms = reader.ReadBoolean();
        if (version >= 3)
        {
            read.IncludeDocumentation = reader.ReadBoolean();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DescribeConfigs, version);
        writer.WriteArray(Resources, version);
        writer.WriteBoolean(IncludeSynonyms);
        if (version >= 3)
        {
            writer.WriteBoolean(IncludeDocumentation);
        }

        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="DescribeConfigsRequest.Resources"/>.</summary>
    public sealed class DescribeConfigsResource : IKafkaStruct<DescribeConfigsResource>
    {
        /// <summary>2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.</summary>
        public sbyte ResourceType { get; set; }

        /// <summary>Name of the resource; a broker's is its number.</summary>
        public string ResourceName { get; set; } = "";

        /// <summary>Keys to describe; null: all of them.</summary>
        public IReadOnlyList<string>? ConfigurationKeys { get; set; } = [];

        static DescribeConfigsResource IKafkaStruct<DescribeConfigsResource>.Read(ref KafkaReader reader, short version)
        {
            var read = new DescribeConfigsResource();
            read.ResourceType = reader.ReadInt8();
            read.ResourceName = reader.ReadString();
            read.ConfigurationKeys = reader.ReadNullableStringArray();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DescribeConfigsResource>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt8(ResourceType);
            writer.WriteString(ResourceName);
            writer.WriteNullableStringArray(ConfigurationKeys);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DescribeConfigsResource>.MinBytes(short version) => version switch { <= 3 => 7, _ => 4 };
    }
}
