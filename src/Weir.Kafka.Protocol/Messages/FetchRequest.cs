// Written by eng/Weir.CodeGen from Schema/Fetch.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Request of Fetch (API 1), versions 4 to 16.</summary>
public sealed class FetchRequest : IKafkaMessage
{
    /// <summary>Id of the cluster, where known. From version 12 on.</summary>
    public string? ClusterId { get; set; }

    /// <summary>Broker that follows; -1: a consumer. Up to version 14.</summary>
    public int ReplicaId { get; set; } = -1;

    /// <summary>Who follows; absent: a consumer. From version 15 on.</summary>
    public FollowerState? ReplicaState { get; set; }

    /// <summary>How long to wait for MinBytes, in milliseconds.</summary>
    public int MaxWaitMs { get; set; }

    /// <summary>Answer as soon as this many bytes are there.</summary>
    public int MinBytes { get; set; }

    /// <summary>Bytes wanted at most; the first batch comes whole even if it is larger.</summary>
    public int MaxBytes { get; set; } = 2147483647;

    /// <summary>0 read_uncommitted, 1 read_committed.</summary>
    public sbyte IsolationLevel { get; set; }

    /// <summary>The fetch session; 0: none. From version 7 on.</summary>
    public int SessionId { get; set; }

    /// <summary>Number of the request in its session; 0 begins one, -1 is outside of any. From version 7 on.</summary>
    public int SessionEpoch { get; set; } = -1;

    /// <summary>One entry per topic.</summary>
    public IReadOnlyList<FetchTopic> Topics { get; set; } = [];

    /// <summary>Partitions to drop from the fetch session. From version 7 on.</summary>
    public IReadOnlyList<ForgottenTopic> ForgottenTopicsData { get; set; } = [];

    /// <summary>Rack of the client; empty: not given. From version 11 on.</summary>
    public string RackId { get; set; } = "";

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static FetchRequest Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.Fetch, isRequest: true, version);
        var read = new FetchRequest();
        if (version <= 14)
        {
            read.ReplicaId = reader.ReadInt32();
        }

        read.MaxWaitMs = reader.ReadInt32();
        read.MinBytes = reader.ReadInt32();
        read.MaxBytes = reader.ReadInt32();
        read.IsolationLevel = reader.ReadInt8();
        if (version >= 7)
        {
            read.SessionId = reader.ReadInt32();
            read.SessionEpoch = reader.ReadInt32();
        }

        read.Topics = reader.ReadArray<FetchTopic>(version);
        if (version >= 7)
        {
            read.ForgottenTopicsData = reader.ReadArray<ForgottenTopic>(version);
        }

        if (version >= 11)
        {
            read.RackId = reader.ReadString();
        }

        for (int left = reader.ReadTagCount(); left > 0; left--)
        {
            switch (reader.BeginTag(out int end))
            {
                case 0 when version >= 12:
                    read.ClusterId = reader.ReadNullableString();
                    break;
                case 1 when version >= 15:
                    read.ReplicaState = reader.ReadStruct<FollowerState>(version);
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
        if (version <= 14)
        {
            writer.WriteInt32(ReplicaId);
        }

        writer.WriteInt32(MaxWaitMs);
        writer.WriteInt32(MinBytes);
        writer.WriteInt32(MaxBytes);
        writer.WriteInt8(IsolationLevel);
        if (version >= 7)
        {
            writer.WriteInt32(SessionId);
            writer.WriteInt32(SessionEpoch);
        }

        writer.WriteArray(Topics, version);
        if (version >= 7)
        {
            writer.WriteArray(ForgottenTopicsData, version);
        }

        if (version >= 11)
        {
            writer.WriteString(RackId);
        }

        bool hasClusterId = version >= 12 && ClusterId is not null;
        bool hasReplicaState = version >= 15 && ReplicaState is not null;
        writer.WriteTagCount((hasClusterId ? 1 : 0) + (hasReplicaState ? 1 : 0));
        if (hasClusterId)
        {
            int start = writer.BeginTag(0);
            writer.WriteNullableString(ClusterId);
            writer.EndTag(start);
        }

        if (hasReplicaState)
        {
            int start = writer.BeginTag(1);
            writer.WriteStruct(ReplicaState!, version);
            writer.EndTag(start);
        }
    }

    /// <summary>Value of <see cref="FetchRequest.ReplicaState"/>.</summary>
    public sealed class FollowerState : IKafkaStruct<FollowerState>
    {
        /// <summary>Broker that follows; -1: a consumer.</summary>
        public int ReplicaId { get; set; } = -1;

        /// <summary>Epoch of the follower; -1: not given.</summary>
        public long ReplicaEpoch { get; set; } = -1;

        static FollowerState IKafkaStruct<FollowerState>.Read(ref KafkaReader reader, short version)
        {
            var read = new FollowerState();
            read.ReplicaId = reader.ReadInt32();
            read.ReplicaEpoch = reader.ReadInt64();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<FollowerState>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(ReplicaId);
            writer.WriteInt64(ReplicaEpoch);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<FollowerState>.MinBytes(short version) => 13;
    }

    /// <summary>One of <see cref="FetchRequest.Topics"/>.</summary>
    public sealed class FetchTopic : IKafkaStruct<FetchTopic>
    {
        /// <summary>Name of the topic. Up to version 12.</summary>
        public string Topic { get; set; } = "";

        /// <summary>Id of the topic; zero: not given. From version 13 on.</summary>
        public Guid TopicId { get; set; }

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<FetchPartition> Partitions { get; set; } = [];

        static FetchTopic IKafkaStruct<FetchTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new FetchTopic();
            if (version <= 12)
            {
                read.Topic = reader.ReadString();
            }

            if (version >= 13)
            {
                read.TopicId = reader.ReadUuid();
            }

            read.Partitions = reader.ReadArray<FetchPartition>(version);
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<FetchTopic>.Write(KafkaWriter writer, short version)
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

        static int IKafkaStruct<FetchTopic>.MinBytes(short version) => version switch { <= 11 => 6, <= 12 => 3, _ => 18 };
    }

    /// <summary>One of <see cref="FetchTopic.Partitions"/>.</summary>
    public sealed class FetchPartition : IKafkaStruct<FetchPartition>
    {
        /// <summary>Number of the partition.</summary>
        public int Partition { get; set; }

        /// <summary>Leader epoch that the client believes in; -1: not given. From version 9 on.</summary>
        public int CurrentLeaderEpoch { get; set; } = -1;

        /// <summary>First offset wanted.</summary>
        public long FetchOffset { get; set; }

        /// <summary>Leader epoch of the last record that the client has; -1: none. From version 12 on.</summary>
        public int LastFetchedEpoch { get; set; } = -1;

        /// <summary>First offset that is still there; -1: not given. From version 5 on.</summary>
        public long LogStartOffset { get; set; } = -1;

        /// <summary>Bytes wanted of this partition at most; the first batch comes whole even if it is larger.</summary>
        public int PartitionMaxBytes { get; set; }

        static FetchPartition IKafkaStruct<FetchPartition>.Read(ref KafkaReader reader, short version)
        {
            var read = new FetchPartition();
            read.Partition = reader.ReadInt32();
            if (version >= 9)
            {
                read.CurrentLeaderEpoch = reader.ReadInt32();
            }

            read.FetchOffset = reader.ReadInt64();
            if (version >= 12)
            {
                read.LastFetchedEpoch = reader.ReadInt32();
            }

            if (version >= 5)
            {
                read.LogStartOffset = reader.ReadInt64();
            }

            read.PartitionMaxBytes = reader.ReadInt32();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<FetchPartition>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt32(Partition);
            if (version >= 9)
            {
                writer.WriteInt32(CurrentLeaderEpoch);
            }

            writer.WriteInt64(FetchOffset);
            if (version >= 12)
            {
                writer.WriteInt32(LastFetchedEpoch);
            }

            if (version >= 5)
            {
                writer.WriteInt64(LogStartOffset);
            }

            writer.WriteInt32(PartitionMaxBytes);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<FetchPartition>.MinBytes(short version) => version switch { <= 4 => 16, <= 8 => 24, <= 11 => 28, _ => 33 };
    }

    /// <summary>One of <see cref="FetchRequest.ForgottenTopicsData"/>.</summary>
    public sealed class ForgottenTopic : IKafkaStruct<ForgottenTopic>
    {
        /// <summary>Name of the topic. Up to version 12.</summary>
        public string Topic { get; set; } = "";

        /// <summary>Id of the topic; zero: not given. From version 13 on.</summary>
        public Guid TopicId { get; set; }

        /// <summary>One entry per partition.</summary>
        public IReadOnlyList<int> Partitions { get; set; } = [];

        static ForgottenTopic IKafkaStruct<ForgottenTopic>.Read(ref KafkaReader reader, short version)
        {
            var read = new ForgottenTopic();
            if (version <= 12)
            {
                read.Topic = reader.ReadString();
            }

            if (version >= 13)
            {
                read.TopicId = reader.ReadUuid();
            }

            read.Partitions = reader.ReadInt32Array();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<ForgottenTopic>.Write(KafkaWriter writer, short version)
        {
            if (version <= 12)
            {
                writer.WriteString(Topic);
            }

            if (version >= 13)
            {
                writer.WriteUuid(TopicId);
            }

            writer.WriteInt32Array(Partitions);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<ForgottenTopic>.MinBytes(short version) => version switch { <= 11 => 6, <= 12 => 3, _ => 18 };
    }
}
