// Written by eng/Weir.CodeGen from Schema/ListOffsets.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of ListOffsets (API 2), versions 1 to 9.</summary>
public sealed class ListOffsetsResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds. From version 2 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<ListOffsetsTopicResponse> Topics { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static ListOffsetsResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.ListOffsets, isRequest: false, version);
        var read = new ListOffsetsResponse();
        if (version >= 2)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        read.Topics = reader.ReadArray<ListOffsetsTopicResponse>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.ListOffsets, version);
        if (version >= 2)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        writer.WriteArray(Topics, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="ListOffsetsResponse.Topics"/>.</summary>
    public sealed class ListOffsetsTopicResponse : IKafkaStruct<ListOffsetsTopicResponse>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<ListOffsetsPartitionResponse> Partitions { get; set; } = [];

        static ListOffsetsTopicResponse IKafkaStruct<ListOffsetsTopicResponse>.Read(ref KafkaReader reader, short version)
        {
            var read = new ListOffsetsTopicResponse();
            read.Name = reader.ReadString();
            read.Partitions = reader.ReadArray<ListOffsetsPartitionResponse>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<ListOffsetsTopicResponse>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteArray(Partitions, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<ListOffsetsTopicResponse>.MinBytes(short version) => version switch { <= 5 => 6, _ => 3 };
    }

    /// <summary>One of <see cref="ListOffsetsTopicResponse.Partitions"/>.</summary>
    public sealed class ListOffsetsPartitionResponse : IKafkaStruct<ListOffsetsPartitionResponse>
    {
        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>Timestamp of the record found, in epoch milliseconds; -1: none.</summary>
        public long Timestamp { get; set; } = -1;

        /// <summary>The offset found; -1: none.</summary>
        public long Offset { get; set; } = -1;

        /// <summary>Leader epoch; -1: unknown. From version 4 on.</summary>
        public int LeaderEpoch { get; set; } = -1;

        static ListOffsetsPartitionResponse IKafkaStruct<ListOffsetsPartitionResponse>.Read(ref KafkaReader reader, short version)
        {
            var read = new ListOffsetsPartitionResponse();
            read.PartitionIndex = reader.ReadInt32();
            read.ErrorCode = reader.ReadError();
            read.Timestamp = reader.ReadInt64();
            read.Offset = reader.ReadInt64();
            if (version >= 4)
            {
                read.LeaderEpoch = reader.ReadInt32();
            }

            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<ListOffsetsPartitionResponse>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(PartitionIndex);
            writer.WriteError(ErrorCode);
            writer.WriteInt64(Timestamp);
            writer.WriteInt64(Offset);
            if (version >= 4)
            {
                writer.WriteInt32(LeaderEpoch);
            }

            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<ListOffsetsPartitionResponse>.MinBytes(short version) => version switch { <= 3 => 22, <= 5 => 26, _ => 27 };
    }
}
