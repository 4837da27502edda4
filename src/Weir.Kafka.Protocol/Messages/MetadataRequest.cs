// Written by eng/Weir.CodeGen from Schema/Metadata.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of Metadata (API 3), versions 0 to 13.</summary>
public sealed class MetadataRequest : IKafkaMessage
{
    /// <summary>Topics wanted; null: all of them, empty: none, but all of them in version 0.</summary>
    public IReadOnlyList<MetadataRequestTopic>? Topics { get; set; } = [];

    /// <summary>Whether the broker may create topics that are named and missing. From version 4 on.</summary>
    public bool AllowAutoTopicCreation { get; set; } = true;

    /// <summary>Whether to fill in the authorized operations of the cluster. Versions 8 to 10.</summary>
    public bool IncludeClusterAuthorizedOperations { get; set; }

    /// <summary>Whether to fill in the authorized operations of topics. From version 8 on.</summary>
    public bool IncludeTopicAuthorizedOperations { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static MetadataRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.Metadata, isRequest: true, version);
        var read = new MetadataRequest();
        read.Topics = version >= 1 ? reader.ReadNullableArray<MetadataRequestTopic>(version) : reader.ReadArray<MetadataRequestTopic>(version);
        if (version >= 4)
        {
            read.AllowAutoTopicCreation = reader.ReadBoolean();
        }

        if (version is >= 8 and <= 10)
        {
            read.IncludeClusterAuthorizedOperations = reader.ReadBoolean();
        }

        if (version >= 8)
        {
            read.IncludeTopicAuthorizedOperations = reader.ReadBoolean();
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.Metadata, version);
        if (version >= 1)
        {
            writer.WriteNullableArray(Topics, version);
        }
        else
        {
            writer.WriteArray(Topics, version);
        }

        if (version >= 4)
        {
            writer.WriteBoolean(AllowAutoTopicCreation);
        }

        if (version is >= 8 and <= 10)
        {
            writer.WriteBoolean(IncludeClusterAuthorizedOperations);
        }

        if (version >= 8)
        {
            writer.WriteBoolean(IncludeTopicAuthorizedOperations);
        }

        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="MetadataRequest.Topics"/>.</summary>
    public sealed class MetadataRequestTopic : IKafkaStruct<MetadataRequestTopic>
    {
        /// <summary>Id of the topic; zero: not given. From version 10 on.</summary>
        public Guid TopicId { get; set; }

        /// <summary>Name of the topic; null where TopicId is given.</summary>
        public string? Name { get; set; } = "";

        static MetadataRequestTopic IKafkaStruct<MetadataRequestTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new MetadataRequestTopic();
            if (version >= 10)
            {
                read.TopicId = reader.ReadUuid();
            }

            read.Name = version >= 10 ? reader.ReadNullableString() : reader.ReadString();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<MetadataRequestTopic>.Write(KafkaWriter writer, short version)
        {
            if (version >= 10)
            {
                writer.WriteUuid(TopicId);
            }

            if (version >= 10)
            {
                writer.WriteNullableString(Name);
            }
            else
            {
                writer.WriteString(Name);
            }

            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<MetadataRequestTopic>.MinBytes(short version) => version switch { <= 9 => 2, _ => 18 };
    }
}
