// Written by eng/Weir.CodeGen from Schema/FindCoordinator.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of FindCoordinator (API 10), versions 0 to 6.</summary>
public sealed class FindCoordinatorResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds. From version 1 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>What went wrong, or None. Up to version 3.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>What went wrong, in words. Versions 1 to 3.</summary>
    public string? ErrorMessage { get; set; } = "";

    /// <summary>Number of the broker. Up to version 3.</summary>
    public int NodeId { get; set; }

    /// <summary>Host name of the broker. Up to version 3.</summary>
    public string Host { get; set; } = "";

    /// <summary>Port of the broker. Up to version 3.</summary>
    public int Port { get; set; }

    /// <summary>One answer per key. From version 4 on.</summary>
    public IReadOnlyList<Coordinator> Coordinators { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static FindCoordinatorResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.FindCoordinator, isRequest: false, version);
        var read = new FindCoordinatorResponse();
        if (version >= 1)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        if (version <= 3)
        {
            read.ErrorCode = reader.ReadError();
        }

        if (version is >= 1 and <= 3)
        {
            read.ErrorMessage = reader.ReadNullableString();
        }

        if (version <= 3)
        {
            read.NodeId = reader.ReadInt32();
            read.Host = reader.ReadString();
            read.Port = reader.ReadInt32();
        }

        if (version >= 4)
        {
            read.Coordinators = reader.ReadArray<Coordinator>(version);
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.FindCoordinator, version);
        if (version >= 1)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        if (version <= 3)
        {
            writer.WriteError(ErrorCode);
        }

        if (version is >= 1 and <= 3)
        {
            writer.WriteNullableString(ErrorMessage);
        }

        if (version <= 3)
        {
            writer.WriteInt32(NodeId);
            writer.WriteString(Host);
            writer.WriteInt32(Port);
        }

        if (version >= 4)
        {
            writer.WriteArray(Coordinators, version);
        }

        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="FindCoordinatorResponse.Coordinators"/>.</summary>
    public sealed class Coordinator : IKafkaStruct<Coordinator>
    {
        /// <summary>Group id or transactional id.</summary>
        public string Key { get; set; } = "";

        /// <summary>Number of the broker.</summary>
        public int NodeId { get; set; }

        /// <summary>Host name of the broker.</summary>
        public string Host { get; set; } = "";

        /// <summary>Port of the broker.</summary>
        public int Port { get; set; }

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        /// <summary>What went wrong, in words.</summary>
        public string? ErrorMessage { get; set; } = "";

        static Coordinator IKafkaStruct<Coordinator>.Read(ref KafkaReader reader, short version)
        {
            var read = new Coordinator();
            read.Key = reader.ReadString();
            read.NodeId = reader.ReadInt32();
            read.Host = reader.ReadString();
            read.Port = reader.ReadInt32();
            read.ErrorCode = reader.ReadError();
            read.ErrorMessage = reader.ReadNullableString();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<Coordinator>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(Key);
            writer.WriteInt32(NodeId);
            writer.WriteString(Host);
            writer.WriteInt32(Port);
            writer.WriteError(ErrorCode);
            writer.WriteNullableString(ErrorMessage);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<Coordinator>.MinBytes(short version) => 14;
    }
}
