// Written by eng/Weir.CodeGen from Schema/Produce.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of Produce (API 0), versions 3 to 11.</summary>
public sealed class ProduceResponse : IKafkaMessage
{
    /// <summary>The answers.</summary>
    public IReadOnlyList<TopicProduceResponse> Responses { get; set; } = [];

    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>Addresses of the leaders named in this answer. From version 10 on.</summary>
    public IReadOnlyList<NodeEndpoint> NodeEndpoints { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static ProduceResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.Produce, isRequest: false, version);
        var read = new ProduceResponse();
        read.Responses = reader.ReadArray<TopicProduceResponse>(version);
        read.ThrottleTimeMs = reader.ReadInt32();
        for (int left = reader.ReadTagCount(); left > 0; left--)
        {
            switch (reader.BeginTag(out int end))
            {
                case 0 when version >= 10:
                    read.NodeEndpoints = reader.ReadArray<NodeEndpoint>(version);
                    break;
                default:
                    reader.SkipTag();
                    break;
            }

            reader.EndTag(end);
        }

        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.Produce, version);
        writer.WriteArray(Responses, version);
        writer.WriteInt32(ThrottleTimeMs);
        bool hasNodeEndpoints = version >= 10 && NodeEndpoints.Count > 0;
        writer.WriteTagCount((hasNodeEndpoints ? 1 : 0));
        if (hasNodeEndpoints)
        {
            int start = writer.BeginTag(0);
            writer.WriteArray(NodeEndpoints, version);
            writer.EndTag(start);
        }
    }

    /// <summary>One of <see cref="ProduceResponse.Responses"/>.</summary>
    public sealed class TopicProduceResponse : IKafkaStruct<TopicProduceResponse>
    {
        /// <summary>Name of the topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>One answer per partition.</summary>
        public IReadOnlyList<PartitionProduceResponse> PartitionResponses { get; set; } = [];

        static TopicProduceResponse IKafkaStruct<TopicProduceResponse>.Read(ref KafkaReader reader, short version)
        {
            var read = new TopicProduceResponse();
            read.Name = reader.ReadString();
            read.PartitionResponses = reader.ReadArray<PartitionProduceResponse>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<TopicProduceResponse>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteArray(PartitionResponses, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<TopicProduceResponse>.MinBytes(short version) => version switch { <= 8 => 6, _ => 3 };
    }

    /// <summary>One of <see cref="TopicProduceResponse.PartitionResponses"/>.</summary>
    public sealed class PartitionProduceResponse : IKafkaStruct<PartitionProduceResponse>
    {
        /// <summary>Number of the partition.</summary>
        public int Index { get; set; }

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>Offset of the first record appended.</summary>
        public long BaseOffset { get; set; }

        /// <summary>Append time in epoch milliseconds, where the topic uses it; else -1.</summary>
        public long LogAppendTimeMs { get; set; } = -1;

        /// <summary>First offset that is still there; -1: not given. From version 5 on.</summary>
        public long LogStartOffset { get; set; } = -1;

        /// <summary>Records that made the whole batch fail. From version 8 on.</summary>
        public IReadOnlyList<BatchIndexAndErrorMessage> RecordErrors { get; set; } = [];

        /// <summary>What went wrong, in words. From version 8 on.</summary>
        public string? ErrorMessage { get; set; }

        /// <summary>Where the leader is now, when the request went to a broker that is not it. From version 10 on.</summary>
        public LeaderIdAndEpoch? CurrentLeader { get; set; }

        static PartitionProduceResponse IKafkaStruct<PartitionProduceResponse>.Read(ref KafkaReader reader, short version)
        {
            var read = new PartitionProduceResponse();
            read.Index = reader.ReadInt32();
            read.ErrorCode = reader.ReadError();
            read.BaseOffset = reader.ReadInt64();
            read.LogAppendTimeMs = reader.ReadInt64();
            if (version >= 5)
            {
                read.LogStartOffset = reader.ReadInt64();
            }

            if (version >= 8)
            {
                read.RecordErrors = reader.ReadArray<BatchIndexAndErrorMessage>(version);
                read.ErrorMessage = reader.ReadNullableString();
            }

            for (int left = reader.ReadTagCount(); left > 0; left--)
            {
                switch (reader.BeginTag(out int end))
                {
                    case 0 when version >= 10:
                        read.CurrentLeader = reader.ReadStruct<LeaderIdAndEpoch>(version);
                        break;
                    default:
                        reader.SkipTag();
                        break;
                }

                reader.EndTag(end);
            }

            return read;
        }

        void IKafkaStruct<PartitionProduceResponse>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(Index);
            writer.WriteError(ErrorCode);
            writer.WriteInt64(BaseOffset);
            writer.WriteInt64(LogAppendTimeMs);
            if (version >= 5)
            {
                writer.WriteInt64(LogStartOffset);
            }

            if (version >= 8)
            {
                writer.WriteArray(RecordErrors, version);
                writer.WriteNullableString(ErrorMessage);
            }

            bool hasCurrentLeader = version >= 10 && CurrentLeader is not null;
            writer.WriteTagCount((hasCurrentLeader ? 1 : 0));
            if (hasCurrentLeader)
            {
                int start = writer.BeginTag(0);
                writer.WriteStruct(CurrentLeader!, version);
                writer.EndTag(start);
            }
        }

        static int IKafkaStruct<PartitionProduceResponse>.MinBytes(short version) => version switch { <= 4 => 22, <= 7 => 30, <= 8 => 36, _ => 33 };
    }

    /// <summary>One of <see cref="PartitionProduceResponse.RecordErrors"/>.</summary>
    public sealed class BatchIndexAndErrorMessage : IKafkaStruct<BatchIndexAndErrorMessage>
    {
        /// <summary>Index of the record in the batch.</summary>
        public int BatchIndex { get; set; }

        /// <summary>Why this record was refused.</summary>
        public string? BatchIndexErrorMessage { get; set; }

        static BatchIndexAndErrorMessage IKafkaStruct<BatchIndexAndErrorMessage>.Read(ref KafkaReader reader, short version)
        {
            var read = new BatchIndexAndErrorMessage();
            read.BatchIndex = reader.ReadInt32();
            read.BatchIndexErrorMessage = reader.ReadNullableString();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<BatchIndexAndErrorMessage>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(BatchIndex);
            writer.WriteNullableString(BatchIndexErrorMessage);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<BatchIndexAndErrorMessage>.MinBytes(short version) => 6;
    }

    /// <summary>Value of <see cref="PartitionProduceResponse.CurrentLeader"/>.</summary>
    public sealed class LeaderIdAndEpoch : IKafkaStruct<LeaderIdAndEpoch>
    {
        /// <summary>Broker that leads; -1: unknown.</summary>
        public int LeaderId { get; set; } = -1;

        /// <summary>Leader epoch; -1: unknown.</summary>
        public int LeaderEpoch { get; set; } = -1;

        static LeaderIdAndEpoch IKafkaStruct<LeaderIdAndEpoch>.Read(ref KafkaReader reader, short version)
        {
            var read = new LeaderIdAndEpoch();
            read.LeaderId = reader.ReadInt32();
            read.LeaderEpoch = reader.ReadInt32();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<LeaderIdAndEpoch>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(LeaderId);
            writer.WriteInt32(LeaderEpoch);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<LeaderIdAndEpoch>.MinBytes(short version) => 9;
    }

    /// <summary>One of <see cref="ProduceResponse.NodeEndpoints"/>.</summary>
    public sealed class NodeEndpoint : IKafkaStruct<NodeEndpoint>
    {
        /// <summary>Number of the broker.</summary>
        public int NodeId { get; set; }

        /// <summary>Host name of the broker.</summary>
        public string Host { get; set; } = "";

        /// <summary>Port of the broker.</summary>
        public int Port { get; set; }

        /// <summary>Rack of the broker.</summary>
        public string? Rack { get; set; }

        static NodeEndpoint IKafkaStruct<NodeEndpoint>.Read(ref KafkaReader reader, short version)
        {
            var read = new NodeEndpoint();
            read.NodeId = reader.ReadInt32();
            read.Host = reader.ReadString();
            read.Port = reader.ReadInt32();
            read.Rack = reader.ReadNullableString();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<NodeEndpoint>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(NodeId);
            writer.WriteString(Host);
            writer.WriteInt32(Port);
            writer.WriteNullableString(Rack);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<NodeEndpoint>.MinBytes(short version) => 11;
    }
}
