// Written by eng/Weir.CodeGen from Schema/DeleteTopics.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of DeleteTopics (API 20), versions 1 to 6.</summary>
public sealed class DeleteTopicsRequest : IKafkaMessage
{
    /// <summary>One entry per topic. From version 6 on.</summary>
    public IReadOnlyList<DeleteTopicState> Topics { get; set; } = [];

    /// <summary>Topics to delete. Up to version 5.</summary>
    public IReadOnlyList<string> TopicNames { get; set; } = [];

    /// <summary>How long the broker may take, in milliseconds.</summary>
    public int TimeoutMs { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DeleteTopicsRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DeleteTopics, isRequest: true, version);
        var read = new DeleteTopicsRequest();
        if (version >= 6)
        {
            read.Topics = reader.ReadArray<DeleteTopicState>(version);
        }

        if (version <= 5)
        {
            read.TopicNames = reader.ReadStringArray();
        }

        read.TimeoutMs = reader.ReadInt32();
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DeleteTopics, version);
        if (version >= 6)
        {
            writer.WriteArray(Topics, version);
        }

        if (version <= 5)
        {
            writer.WriteStringArray(TopicNames);
        }

        writer.WriteInt32(TimeoutMs);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="DeleteTopicsRequest.Topics"/>.</summary>
    public sealed class DeleteTopicState : IKafkaStruct<DeleteTopicState>
    {
        /// <summary>Name of the topic; null where TopicId is given.</summary>
        public string? Name { get; set; }

        /// <summary>Id of the topic; zero: not given.</summary>
        public Guid TopicId { get; set; }

        static DeleteTopicState IKafkaStruct<DeleteTopicState>.Read(ref KafkaReader reader, short version)
        {
            var read = new DeleteTopicState();
            read.Name = reader.ReadNullableString();
            read.TopicId = reader.ReadUuid();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DeleteTopicState>.Write(KafkaWriter writer, short version)
        {
            writer.WriteNullableString(Name);
            writer.WriteUuid(TopicId);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DeleteTopicState>.MinBytes(short version) => 18;
    }
}
