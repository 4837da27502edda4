// Written by eng/Weir.CodeGen from Schema/DescribeLogDirs.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of DescribeLogDirs (API 35), versions 1 to 4.</summary>
public sealed class DescribeLogDirsResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>What went wrong, or None. From version 3 on.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>The answers.</summary>
    public IReadOnlyList<DescribeLogDirsResult> Results { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static DescribeLogDirsResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.DescribeLogDirs, isRequest: false, version);
        var read = new DescribeLogDirsResponse();
        read.ThrottleTimeMs = reader.ReadInt32();
        if (version >= 3)
        {
            read.ErrorCode = reader.ReadError();
        }

        read.Results = reader.ReadArray<DescribeLogDirsResult>(version);
        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.DescribeLogDirs, version);
        writer.WriteInt32(ThrottleTimeMs);
        if (version >= 3)
        {
            writer.WriteError(ErrorCode);
        }

        writer.WriteArray(Results, version);
        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="DescribeLogDirsResponse.Results"/>.</summary>
    public sealed class DescribeLogDirsResult : IKafkaStruct<DescribeLogDirsResult>
    {
        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>Absolute path of the log directory.</summary>
        public string LogDir { get; set; } = "";

        /// <summary>One entry per topic.</summary>
        public IReadOnlyList<DescribeLogDirsTopic> Topics { get; set; } = [];

        /// <summary>Size of the volume in bytes; -1: unknown. From version 4 on.</summary>
        public long TotalBytes { get; set; } = -1;

        /// <summary>Free bytes of the volume; -1: unknown. From version 4 on.</summary>
        public long UsableBytes { get; set; } = -1;

        static DescribeLogDirsResult IKafkaStruct<DescribeLogDirsResult>.Read(ref KafkaReader reader, short version)
        {
            var read = new DescribeLogDirsResult();
            read.ErrorCode = reader.ReadError();
            read.LogDir = reader.ReadString();
            read.Topics = reader.ReadArray<DescribeLogDirsTopic>(version);
            if (version >= 4)
            {
                read.TotalBytes = reader.ReadInt64();
                read.UsableBytes = reader.ReadInt64();
            }

            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DescribeLogDirsResult>.Write(KafkaWriter writer, short version)
        {
            writer.WriteError(ErrorCode);
            writer.WriteString(LogDir);
            writer.WriteArray(Topics, version);
            if (version >= 4)
            {
                writer.WriteInt64(TotalBytes);
                writer.WriteInt64(UsableBytes);
            }

            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DescribeLogDirsResult>.MinBytes(short version) => version switch { <= 1 => 8, <= 3 => 5, _ => 21 };
    }

    /// <summary>One of <see cref="DescribeLogDirsResult.Topics"/>.</summary>
    public sealed class DescribeLogDirsTopic : IKafkaStruct<DescribeLogDirsTopic>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<DescribeLogDirsPartition> Partitions { get; set; } = [];

        static DescribeLogDirsTopic IKafkaStruct<DescribeLogDirsTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new DescribeLogDirsTopic();
            read.Name = reader.ReadString();
            read.Partitions = reader.ReadArray<DescribeLogDirsPartition>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DescribeLogDirsTopic>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteArray(Partitions, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DescribeLogDirsTopic>.MinBytes(short version) => version switch { <= 1 => 6, _ => 3 };
    }

    /// <summary>One of <see cref="DescribeLogDirsTopic.Partitions"/>.</summary>
    public sealed class DescribeLogDirsPartition : IKafkaStruct<DescribeLogDirsPartition>
    {
        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        /// <summary>Bytes that the partition's segments take.</summary>
        public long PartitionSize { get; set; }

        /// <summary>How far the log is behind, in records.</summary>
        public long OffsetLag { get; set; }

        /// <summary>Whether this is a copy that will take the place of the current log.</summary>
        public bool IsFutureKey { get; set; }

        static DescribeLogDirsPartition IKafkaStruct<DescribeLogDirsPartition>.Read(ref KafkaReader reader, short version)
        {
            var read = new DescribeLogDirsPartition();
            read.PartitionIndex = reader.ReadInt32();
            read.PartitionSize = reader.ReadInt64();
            read.OffsetLag = reader.ReadInt64();
            read.IsFutureKey = reader.ReadBoolean();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<DescribeLogDirsPartition>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(PartitionIndex);
            writer.WriteInt64(PartitionSize);
            writer.WriteInt64(OffsetLag);
            writer.WriteBoolean(IsFutureKey);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<DescribeLogDirsPartition>.MinBytes(short version) => version switch { <= 1 => 21, _ => 22 };
    }
}
