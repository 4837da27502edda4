// Written by eng/Weir.CodeGen from Schema/ApiVersions.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of ApiVersions (API 18), versions 0 to 4.</summary>
public sealed class ApiVersionsResponse : IKafkaMessage
{
    /// <summary>What went wrong, or None.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>What the broker offers.</summary>
    public IReadOnlyList<ApiVersion> ApiKeys { get; set; } = [];

    /// <summary>How long the client was held back, in milliseconds. From version 1 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>Features that the broker can take part in. From version 3 on.</summary>
    public IReadOnlyList<SupportedFeatureKey> SupportedFeatures { get; set; } = [];

    /// <summary>Epoch of the finalized features; -1: unknown. From version 3 on.</summary>
    public long FinalizedFeaturesEpoch { get; set; } = -1;

    /// <summary>Features in force across the cluster; valid only with an epoch of 0 or more. From version 3 on.</summary>
    public IReadOnlyList<FinalizedFeatureKey> FinalizedFeatures { get; set; } = [];

    /// <summary>Always false here: there is no ZooKeeper to migrate from. From version 3 on.</summary>
    public bool ZkMigrationReady { get; set; }

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static ApiVersionsResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.ApiVersions, isRequest: false, version);
        var read = new ApiVersionsResponse();
        read.ErrorCode = reader.ReadError();
        read.ApiKeys = reader.ReadArray<ApiVersion>(version);
        if (version >= 1)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        for (int left = reader.ReadTagCount(); left > 0; left--)
        {
            switch (reader.BeginTag(out int end))
            {
                case 0 when version >= 3:
                    read.SupportedFeatures = reader.ReadArray<SupportedFeatureKey>(version);
                    break;
                case 1 when version >= 3:
                    read.FinalizedFeaturesEpoch = reader.ReadInt64();
                    break;
                case 2 when version >= 3:
                    read.FinalizedFeatures = reader.ReadArray<FinalizedFeatureKey>(version);
                    break;
                case 3 when version >= 3:
                    read.ZkMigrationReady = reader.ReadBoolean();
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
        writer.BeginMessage(ApiTable.ApiVersions, version);
        writer.WriteError(ErrorCode);
        writer.WriteArray(ApiKeys, version);
        if (version >= 1)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        bool hasSupportedFeatures = version >= 3 && SupportedFeatures.Count > 0;
        bool hasFinalizedFeaturesEpoch = version >= 3 && FinalizedFeaturesEpoch != -1;
        bool hasFinalizedFeatures = version >= 3 && FinalizedFeatures.Count > 0;
        bool hasZkMigrationReady = version >= 3 && ZkMigrationReady;
        writer.WriteTagCount((hasSupportedFeatures ? 1 : 0) + (hasFinalizedFeaturesEpoch ? 1 : 0) + (hasFinalizedFeatures ? 1 : 0) + (hasZkMigrationReady ? 1 : 0));
        if (hasSupportedFeatures)
        {
            int start = writer.BeginTag(0);
            writer.WriteArray(SupportedFeatures, version);
            writer.EndTag(start);
        }

        if (hasFinalizedFeaturesEpoch)
        {
            int start = writer.BeginTag(1);
            writer.WriteInt64(FinalizedFeaturesEpoch);
            writer.EndTag(start);
        }

        if (hasFinalizedFeatures)
        {
            int start = writer.BeginTag(2);
            writer.WriteArray(FinalizedFeatures, version);
            writer.EndTag(start);
        }

        if (hasZkMigrationReady)
        {
            int start = writer.BeginTag(3);
            writer.WriteBoolean(ZkMigrationReady);
            writer.EndTag(start);
        }
    }

    /// <summary>One of <see cref="ApiVersionsResponse.ApiKeys"/>.</summary>
    public sealed class ApiVersion : IKafkaStruct<ApiVersion>
    {
        /// <summary>Number of the API.</summary>
        public short ApiKey { get; set; }

        /// <summary>Lowest version, inclusive.</summary>
        public short MinVersion { get; set; }

        /// <summary>Highest version, inclusive.</summary>
        public short MaxVersion { get; set; }

        static ApiVersion IKafkaStruct<ApiVersion>.Read(ref KafkaReader reader, short version)
        {
            var read = new ApiVersion();
            read.ApiKey = reader.ReadInt16();
            read.MinVersion = reader.ReadInt16();
            read.MaxVersion = reader.ReadInt16();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<ApiVersion>.Write(KafkaWriter writer, short version)
        {
            writer.WriteInt16(ApiKey);
            writer.WriteInt16(MinVersion);
            writer.WriteInt16(MaxVersion);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<ApiVersion>.MinBytes(short version) => version switch { <= 2 => 6, _ => 7 };
    }

    /// <summary>One of <see cref="ApiVersionsResponse.SupportedFeatures"/>.</summary>
    public sealed class SupportedFeatureKey : IKafkaStruct<SupportedFeatureKey>
    {
        /// <summary>Name of the feature.</summary>
        public string Name { get; set; } = "";

        /// <summary>Lowest version, inclusive.</summary>
        public short MinVersion { get; set; }

        /// <summary>Highest version, inclusive.</summary>
        public short MaxVersion { get; set; }

        static SupportedFeatureKey IKafkaStruct<SupportedFeatureKey>.Read(ref KafkaReader reader, short version)
        {
            var read = new SupportedFeatureKey();
            read.Name = reader.ReadString();
            read.MinVersion = reader.ReadInt16();
            read.MaxVersion = reader.ReadInt16();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<SupportedFeatureKey>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteInt16(MinVersion);
            writer.WriteInt16(MaxVersion);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<SupportedFeatureKey>.MinBytes(short version) => 6;
    }

    /// <summary>One of <see cref="ApiVersionsResponse.FinalizedFeatures"/>.</summary>
    public sealed class FinalizedFeatureKey : IKafkaStruct<FinalizedFeatureKey>
    {
        /// <summary>Name of the feature.</summary>
        public string Name { get; set; } = "";

        /// <summary>Highest level in force.</summary>
        public short MaxVersionLevel { get; set; }

        /// <summary>Lowest level in force.</summary>
        public short MinVersionLevel { get; set; }

        static FinalizedFeatureKey IKafkaStruct<FinalizedFeatureKey>.Read(ref KafkaReader reader, short version)
        {
            var read = new FinalizedFeatureKey();
            read.Name = reader.ReadString();
            read.MaxVersionLevel = reader.ReadInt16();
            read.MinVersionLevel = reader.ReadInt16();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<FinalizedFeatureKey>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Name);
            writer.WriteInt16(MaxVersionLevel);
            writer.WriteInt16(MinVersionLevel);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<FinalizedFeatureKey>.MinBytes(short version) => 6;
    }
}
