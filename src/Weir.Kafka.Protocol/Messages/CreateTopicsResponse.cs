// Written by eng/Weir.CodeGen from Schema/CreateTopics.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of CreateTopics (API 19), versions 2 to 7.</summary>
public sealed class CreateTopicsResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<CreatableTopicResult> Topics { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static CreateTopicsResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.CreateTopics, isRequest: false, version);
        var read = new CreateTopicsResponse();
        read.ThrottleTimeMs = reader.ReadInt32();
        read.Topics = reader.ReadArray<CreatableTopicResult>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.CreateTopics, version);
        writer.WriteInt32(ThrottleTimeMs);
        writer.WriteArray(Topics, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="CreateTopicsResponse.Topics"/>.</summary>
    public sealed class CreatableTopicResult : IKafkaStruct<CreatableTopicResult>
    {
        /// <summary>Name.</summary>
        public string Name { get; set; } = "";

        /// <summary>Id of the topic; zero: not given. From version 7 on.</summary>
        public Guid TopicId { get; set; }

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>What went wrong, in words.</summary>
        public string? ErrorMessage { get; set; } = "";

        /// <summary>Why configuration entries are left out. From version 5 on.</summary>
        public KafkaError TopicConfigErrorCode { get; set; }

        /// <summary>Number of partitions; -1: the default, or as the assignments say. From version 5 on.</summary>
        public int NumPartitions { get; set; } = -1;

        /// <summary>Number of replicas; -1: the default, or as the assignments say. From version 5 on.</summary>
        public short ReplicationFactor { get; set; } = -1;

        /// <summary>Configuration entries. From version 5 on.</summary>
        public IReadOnlyList<CreatableTopicConfigs>? Configs { get; set; } = [];

        static CreatableTopicResult IKafkaStruct<CreatableTopicResult>.Read(ref KafkaReader reader, short version)
        {
            var read = new CreatableTopicResult();
            read.Name = reader.ReadString();
            if (version >= 7)
            {
                read.TopicId = reader.ReadUuid();
            }

            read.ErrorCode = reader.ReadError();
            read.ErrorMessage = reader.ReadNullableString();
            if (version >= 5)
            {
                read.NumPartitions = reader.ReadInt32();
                read.ReplicationFactor = reader.ReadInt16();
                read.Configs = reader.ReadNullableArray<CreatableTopicConfigs>(version);
            }

            for (int left = reader.ReadTagCount(); left > 0; left--)
            {
                switch (reader.BeginTag(out int end))
                {
                    case 0 when version >= 5:
                        read.TopicConfigErrorCode = reader.ReadError();
                        break;
                    default:
                        reader.SkipTag();
                        break;
                }

                reader.EndTag(end);
            }

            return read;
        }

        void IKafkaStruct<CreatableTopicResult>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            if (version >= 7)
            {
                writer.WriteUuid(TopicId);
            }

            writer.WriteError(ErrorCode);
            writer.WriteNullableString(ErrorMessage);
            if (version >= 5)
            {
                writer.WriteInt32(NumPartitions);
                writer.WriteInt16(ReplicationFactor);
                writer.WriteNullableArray(Configs, version);
            }

            bool hasTopicConfigErrorCode = version >= 5 && TopicConfigErrorCode != KafkaError.None;
            writer.WriteTagCount((hasTopicConfigErrorCode ? 1 : 0));
            if (hasTopicConfigErrorCode)
            {
                int start = writer.BeginTag(0);
                writer.WriteError(TopicConfigErrorCode);
                writer.EndTag(start);
            }
        }

        static int IKafkaStruct<CreatableTopicResult>.MinBytes(short version) => version switch { <= 4 => 6, <= 6 => 12, _ => 28 };
    }

    /// <summary>One of <see cref="CreatableTopicResult.Configs"/>.</summary>
    public sealed class CreatableTopicConfigs : IKafkaStruct<CreatableTopicConfigs>
    {
        /// <summary>Name.</summary>
        public string Name { get; set; } = "";

        /// <summary>The value.</summary>
        public string? Value { get; set; } = "";

        /// <summary>Whether the entry can be changed.</summary>
        public bool ReadOnly { get; set; }

        /// <summary>1 topic, 2 dynamic broker, 3 dynamic default, 4 static broker, 5 default, 6 dynamic logger; -1 unknown.</summary>
        public sbyte ConfigSource { get; set; } = -1;

        /// <summary>Whether the value is a secret, and left out.</summary>
        public bool IsSensitive { get; set; }

        static CreatableTopicConfigs IKafkaStruct<CreatableTopicConfigs>.Read(ref KafkaReader reader, short version)
        {
            var read = new CreatableTopicConfigs();
            read.Name = reader.ReadString();
            read.Value = reader.ReadNullableString();
            read.ReadOnly = reader.ReadBoolean();
            read.ConfigSource = reader.ReadInt8();
            read.IsSensitive = reader.ReadBoolean();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<CreatableTopicConfigs>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteNullableString(Value);
            writer.WriteBoolean(ReadOnly);
            writer.WriteInt8(ConfigSource);
            writer.WriteBoolean(IsSensitive);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<CreatableTopicConfigs>.MinBytes(short version) => 6;
    }
}
