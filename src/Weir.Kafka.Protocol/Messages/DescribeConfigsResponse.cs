// Written by eng/Weir.CodeGen from Schema/DescribeConfigs.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of DescribeConfigs (API 32), versions 1 to 4.</summary>
public sealed class DescribeConfigsResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>The answers.</summary>
    public IReadOnlyList<DescribeConfigsResult> Results { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DescribeConfigsResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DescribeConfigs, isRequest: false, version);
        var read = new DescribeConfigsResponse();
        read.ThrottleTimeMs = reader.ReadInt32();
        read.Results = reader.ReadArray<DescribeConfigsResult>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DescribeConfigs, version);
        writer.WriteInt32(ThrottleTimeMs);
        writer.WriteArray(Results, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="DescribeConfigsResponse.Results"/>.</summary>
    public sealed class DescribeConfigsResult : IKafkaStruct<DescribeConfigsResult>
    {
        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>What went wrong, in words.</summary>
        public string? ErrorMessage { get; set; } = "";

        /// <summary>2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.</summary>
        public sbyte ResourceType { get; set; }

        /// <summary>Name of the resource; a broker's is its number.</summary>
        public string ResourceName { get; set; } = "";

        /// <summary>Configuration entries.</summary>
        public IReadOnlyList<DescribeConfigsResourceResult> Configs { get; set; } = [];

        static DescribeConfigsResult IKafkaStruct<DescribeConfigsResult>.Read(ref KafkaReader reader, short version)
        {
            var read = new DescribeConfigsResult();
            read.ErrorCode = reader.ReadError();
            read.ErrorMessage = reader.ReadNullableString();
            read.ResourceType = reader.ReadInt8();
            read.ResourceName = reader.ReadString();
            read.Configs = reader.ReadArray<DescribeConfigsResourceResult>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DescribeConfigsResult>.Write(KafkaWriter writer, short version)
        {
            writer.WriteError(ErrorCode);
            writer.WriteNullableString(ErrorMessage);
            writer.WriteInt8(ResourceType);
            writer.WriteString(ResourceName);
            writer.WriteArray(Configs, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DescribeConfigsResult>.MinBytes(short version) => version switch { <= 3 => 11, _ => 7 };
    }

    /// <summary>One of <see cref="DescribeConfigsResult.Configs"/>.</summary>
    public sealed class DescribeConfigsResourceResult : IKafkaStruct<DescribeConfigsResourceResult>
    {
        /// <summary>Name of the entry.</summary>
        public string Name { get; set; } = "";

        /// <summary>The value.</summary>
        public string? Value { get; set; } = "";

        /// <summary>Whether the entry can be changed.</summary>
        public bool ReadOnly { get; set; }

        /// <summary>1 topic, 2 dynamic broker, 3 dynamic default, 4 static broker, 5 default, 6 dynamic logger; -1 unknown.</summary>
        public sbyte ConfigSource { get; set; } = -1;

        /// <summary>Whether the value is a secret, and left out.</summary>
        public bool IsSensitive { get; set; }

        /// <summary>Other settings that the value may come from, the strongest first.</summary>
        public IReadOnlyList<DescribeConfigsSynonym> Synonyms { get; set; } = [];

        /// <summary>0 unknown, 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password. From version 3 on.</summary>
        public sbyte ConfigType { get; set; }

        /// <summary>What the entry means. From version 3 on.</summary>
        public string? Documentation { get; set; } = "";

        static DescribeConfigsResourceResult IKafkaStruct<DescribeConfigsResourceResult>.Read(ref KafkaReader reader, short version)
        {
            var read = new DescribeConfigsResourceResult();
            read.Name = reader.ReadString();
            read.Value = reader.ReadNullableString();
            read.ReadOnly = reader.ReadBoolean();
            read.ConfigSource = reader.ReadInt8();
            read.IsSensitive = reader.ReadBoolean();
            read.Synonyms = reader.ReadArray<DescribeConfigsSynonym>(version);
            if (version >= 3)
            {
                read.ConfigType = reader.ReadInt8();
                read.Documentation = reader.ReadNullableString();
            }

            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DescribeConfigsResourceResult>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteNullableString(Value);
            writer.WriteBoolean(ReadOnly);
            writer.WriteInt8(ConfigSource);
            writer.WriteBoolean(IsSensitive);
            writer.WriteArray(Synonyms, version);
            if (version >= 3)
            {
                writer.WriteInt8(ConfigType);
                writer.WriteNullableString(Documentation);
            }

            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DescribeConfigsResourceResult>.MinBytes(short version) => version switch { <= 2 => 11, <= 3 => 14, _ => 9 };
    }

    /// <summary>One of <see cref="DescribeConfigsResourceResult.Synonyms"/>.</summary>
    public sealed class DescribeConfigsSynonym : IKafkaStruct<DescribeConfigsSynonym>
    {
        /// <summary>Name of the entry.</summary>
        public string Name { get; set; } = "";

        /// <summary>The value.</summary>
        public string? Value { get; set; } = "";

        /// <summary>Where the value comes from; numbers as in ConfigSource.</summary>
        public sbyte Source { get; set; }

        static DescribeConfigsSynonym IKafkaStruct<DescribeConfigsSynonym>.Read(ref KafkaReader reader, short version)
        {
            var read = new DescribeConfigsSynonym();
            read.Name = reader.ReadString();
            read.Value = reader.ReadNullableString();
            read.Source = reader.ReadInt8();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DescribeConfigsSynonym>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteNullableString(Value);
            writer.WriteInt8(Source);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DescribeConfigsSynonym>.MinBytes(short version) => version switch { <= 3 => 5, _ => 4 };
    }
}
