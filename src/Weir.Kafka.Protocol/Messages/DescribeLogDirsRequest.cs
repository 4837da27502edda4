// Written by eng/Weir.CodeGen from Schema/DescribeLogDirs.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of DescribeLogDirs (API 35), versions 1 to 4.</summary>
public sealed class DescribeLogDirsRequest : IKafkaMessage
{
    /// <summary>Topics wanted; null: all.</summary>
    public IReadOnlyList<DescribableLogDirTopic>? Topics { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DescribeLogDirsRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DescribeLogDirs, isRequest: true, version);
        var read = new DescribeLogDirsRequest();
        read.Topics = reader.ReadNullableArray<DescribableLogDirTopic>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DescribeLogDirs, version);
        writer.WriteNullableArray(Topics, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="DescribeLogDirsRequest.Topics"/>.</summary>
    public sealed class DescribableLogDirTopic : IKafkaStruct<DescribableLogDirTopic>
    {
        /// <summary>Name of the topic.</summary>
        public string Topic { get; set; } = "";

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<int> Partitions { get; set; } = [];

        static DescribableLogDirTopic IKafkaStruct<DescribableLogDirTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new DescribableLogDirTopic();
            read.Topic = reader.ReadString();
            read.Partitions = reader.ReadInt32Array();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DescribableLogDirTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Topic);
            writer.WriteInt32Array(Partitions);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DescribableLogDirTopic>.MinBytes(short version) => version switch { <= 1 => 6, _ => 3 };
    }
}
