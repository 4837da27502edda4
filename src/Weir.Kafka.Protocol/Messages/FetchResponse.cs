// Written by eng/Weir.CodeGen from Schema/Fetch.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of Fetch (API 1), versions 4 to 16.</summary>
public sealed class FetchResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>What went wrong, or None. From version 7 on.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>The fetch session; 0: none. From version 7 on.</summary>
    public int SessionId { get; set; }

    /// <summary>The answers.</summary>
    public IReadOnlyList<FetchableTopicResponse> Responses { get; set; } = [];

    /// <summary>Addresses of the leaders named in this answer. From version 16 on.</summary>
    public IReadOnlyList<NodeEndpoint> NodeEndpoints { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static FetchResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.Fetch, isRequest: false, version);
        var read = new FetchResponse();
        read.ThrottleTimeMs = reader.ReadInt32();
        if (version >= 7)
        {
            read.ErrorCode = reader.ReadError();
            read.SessionId = reader.ReadInt32();
        }

        read.Responses = reader.ReadArray<FetchableTopicResponse>(version);
        for (int left = reader.ReadTagCount(); left > 0; left--)
        {
            switch (reader.BeginTag(out int end))
            {
                case 0 when version >= 16:
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
        writer.BeginMessage(ApiTable.Fetch, version);
        writer.WriteInt32(ThrottleTimeMs);
        if (version >= 7)
        {
            writer.WriteError(ErrorCode);
            writer.WriteInt32(SessionId);
        }

        writer.WriteArray(Responses, version);
        bool hasNodeEndpoints = version >= 16 && NodeEndpoints.Count > 0;
        writer.WriteTagCount((hasNodeEndpoints ? 1 : 0));
        if (hasNodeEndpoints)
        {
            int start = writer.BeginTag(0);
            writer.WriteArray(NodeEndpoints, version);
            writer.EndTag(start);
        }
    }

    /// <summary>One of <see cref="FetchResponse.Responses"/>.</summary>
    public sealed class FetchableTopicResponse : IKafkaStruct<FetchableTopicResponse>
    {
        /// <summary>Name of the topic. Up to version 12.</summary>
        public string Topic { get; set; } = "";

        /// <summary>Id of the topic; zero: not given. From version 13 on.</summary>
        public Guid TopicId { get; set; }

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<PartitionData> Partitions { get; set; } = [];

        static FetchableTopicResponse IKafkaStruct<FetchableTopicResponse>.Read(ref KafkaReader reader, short version)
        {
            var read = new FetchableTopicResponse();
            if (version <= 12)
            {
                read.Topic = reader.ReadString();
            }

            if (version >= 13)
            {
                read.TopicId = reader.ReadUuid();
            }

            read.Partitions = reader.ReadArray<PartitionData>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<FetchableTopicResponse>.Write(KafkaWriter writer, short version)
        {
            if (version <= 12)
            {
                writer.WriteString(Topic);
            }

            if (version >= 13)
            {
                writer.WriteUuid(TopicId);
            }

            writer.WriteArray(Partitions, version);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<FetchableTopicResponse>.MinBytes(short version) => version switch { <= 11 => 6, <= 12 => 3, _ => 18 };
    }

    /// <summary>One of <see cref="FetchableTopicResponse.Partitions"/>.</summary>
    public sealed class PartitionData : IKafkaStruct<PartitionData>
    {
        /// <summary>Number of the partition.</summary>
        public int PartitionIndex { get; set; }

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>End of what is committed, exclusive.</summary>
        public long HighWatermark { get; set; }

        /// <summary>First offset of an undecided transaction; the high watermark when there is none.</summary>
        public long LastStableOffset { get; set; } = -1;

        /// <summary>First offset that is still there; -1: not given. From version 5 on.</summary>
        public long LogStartOffset { get; set; } = -1;

        /// <summary>Largest epoch, with its end, from which the follower's log differs. From version 12 on.</summary>
        public EpochEndOffset? DivergingEpoch { get; set; }

        /// <summary>Where the leader is now, when the request went to a broker that is not it. From version 12 on.</summary>
        public LeaderIdAndEpoch? CurrentLeader { get; set; }

        /// <summary>Snapshot to fetch instead, when the offset lies before the log. From version 12 on.</summary>
        public SnapshotId? SnapshotId { get; set; }

        /// <summary>Transactions that were aborted in the range fetched; null where isolation is read_uncommitted.</summary>
        public IReadOnlyList<AbortedTransaction>? AbortedTransactions { get; set; } = [];

        /// <summary>Replica that the client should read from; -1: the leader. From version 11 on.</summary>
        public int PreferredReadReplica { get; set; } = -1;

        /// <summary>Record batches, one after another.</summary>
        public KafkaRecords? Records { get; set; }

        static PartitionData IKafkaStruct<PartitionData>.Read(ref KafkaReader reader, short version)
        {
            var read = new PartitionData();
            read.PartitionIndex = reader.ReadInt32();
            read.ErrorCode = reader.ReadError();
            read.HighWatermark = reader.ReadInt64();
            read.LastStableOffset = reader.ReadInt64();
            if (version >= 5)
            {
                read.LogStartOffset = reader.ReadInt64();
            }

            read.AbortedTransactions = reader.ReadNullableArray<AbortedTransaction>(version);
            if (version >= 11)
            {
                read.PreferredReadReplica = reader.ReadInt32();
            }

            read.Records = reader.ReadNullableRecords();
            for (int left = reader.ReadTagCount(); left > 0; left--)
            {
                switch (reader.BeginTag(out int end))
                {
                    case 0 when version >= 12:
                        read.DivergingEpoch = reader.ReadStruct<EpochEndOffset>(version);
                        break;
                    case 1 when version >= 12:
                        read.CurrentLeader = reader.ReadStruct<LeaderIdAndEpoch>(version);
                        break;
                    case 2 when version >= 12:
                        read.SnapshotId = reader.ReadStruct<SnapshotId>(version);
                        break;
                    default:
                        reader.SkipTag();
                        break;
                }

                reader.EndTag(end);
            }

            return read;
        }

        void IKafkaStruct<PartitionData>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(PartitionIndex);
            writer.WriteError(ErrorCode);
            writer.WriteInt64(HighWatermark);
            writer.WriteInt64(LastStableOffset);
            if (version >= 5)
            {
                writer.WriteInt64(LogStartOffset);
            }

            writer.WriteNullableArray(AbortedTransactions, version);
            if (version >= 11)
            {
                writer.WriteInt32(PreferredReadReplica);
            }

            writer.WriteNullableRecords(Records);
            bool hasDivergingEpoch = version >= 12 && DivergingEpoch is not null;
            bool hasCurrentLeader = version >= 12 && CurrentLeader is not null;
            bool hasSnapshotId = version >= 12 && SnapshotId is not null;
            writer.WriteTagCount((hasDivergingEpoch ? 1 : 0) + (hasCurrentLeader ? 1 : 0) + (hasSnapshotId ? 1 : 0));
            if (hasDivergingEpoch)
            {
                int start = writer.BeginTag(0);
                writer.WriteStruct(DivergingEpoch!, version);
                writer.EndTag(start);
            }

            if (hasCurrentLeader)
            {
                int start = writer.BeginTag(1);
                writer.WriteStruct(CurrentLeader!, version);
                writer.EndTag(start);
            }

            if (hasSnapshotId)
            {
                int start = writer.BeginTag(2);
                writer.WriteStruct(SnapshotId!, version);
                writer.EndTag(start);
            }
        }

        static int IKafkaStruct<PartitionData>.MinBytes(short version) => version switch { <= 4 => 30, <= 10 => 38, <= 11 => 42, _ => 37 };
    }

    /// <summary>Value of <see cref="PartitionData.DivergingEpoch"/>.</summary>
    public sealed class EpochEndOffset : IKafkaStruct<EpochEndOffset>
    {
        /// <summary>A leader epoch.</summary>
        public int Epoch { get; set; } = -1;

        /// <summary>End offset, exclusive.</summary>
        public long EndOffset { get; set; } = -1;

        static EpochEndOffset IKafkaStruct<EpochEndOffset>.Read(ref KafkaReader reader, short version)
        {
            var read = new EpochEndOffset();
            read.Epoch = reader.ReadInt32();
            read.EndOffset = reader.ReadInt64();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<EpochEndOffset>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(Epoch);
            writer.WriteInt64(EndOffset);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<EpochEndOffset>.MinBytes(short version) => 13;
    }

    /// <summary>Value of <see cref="PartitionData.CurrentLeader"/>.</summary>
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

    /// <summary>Value of <see cref="PartitionData.SnapshotId"/>.</summary>
    public sealed class SnapshotId : IKafkaStruct<SnapshotId>
    {
        /// <summary>End offset, exclusive.</summary>
        public long EndOffset { get; set; } = -1;

        /// <summary>A leader epoch.</summary>
        public int Epoch { get; set; } = -1;

        static SnapshotId IKafkaStruct<SnapshotId>.Read(ref KafkaReader reader, short version)
        {
            var read = new SnapshotId();
            read.EndOffset = reader.ReadInt64();
            read.Epoch = reader.ReadInt32();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<SnapshotId>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt64(EndOffset);
            writer.WriteInt32(Epoch);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<SnapshotId>.MinBytes(short version) => 13;
    }

    /// <summary>One of <see cref="PartitionData.AbortedTransactions"/>.</summary>
    public sealed class AbortedTransaction : IKafkaStruct<AbortedTransaction>
    {
        /// <summary>Id of the producer; -1: none.</summary>
        public long ProducerId { get; set; }

        /// <summary>First offset of the transaction.</summary>
        public long FirstOffset { get; set; }

        static AbortedTransaction IKafkaStruct<AbortedTransaction>.Read(ref KafkaReader reader, short version)
        {
            var read = new AbortedTransaction();
            read.ProducerId = reader.ReadInt64();
            read.FirstOffset = reader.ReadInt64();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<AbortedTransaction>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt64(ProducerId);
            writer.WriteInt64(FirstOffset);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<AbortedTransaction>.MinBytes(short version) => version switch { <= 11 => 16, _ => 17 };
    }

    /// <summary>One of <see cref="FetchResponse.NodeEndpoints"/>.</summary>
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
