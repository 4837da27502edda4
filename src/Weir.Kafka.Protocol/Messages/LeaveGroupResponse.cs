// Written by eng/Weir.CodeGen from Schema/LeaveGroup.kafka. Change that, and run it.
namespace Weir.Kafka.Protocol.Messages;

/// <summary>Response of LeaveGroup (API 13), versions 0 to 5.</summary>
public sealed class LeaveGroupResponse : IKafkaMessage
{
    /// <summary>How long the client was held back, in milliseconds. From version 1 on.</summary>
    public int ThrottleTimeMs { get; set; }

    /// <summary>What went wrong, or None.</summary>
    public KafkaError ErrorCode { get; set; }

    /// <summary>Members of the group. From version 3 on.</summary>
    public IReadOnlyList<MemberResponse> Members { get; set; } = [];

    /// <summary>Reads the body at the reader's place.</summary>
    /// <exception cref="KafkaProtocolException">The bytes are not this message, or the version is out of range.</exception>
    public static LeaveGroupResponse Read(ref KafkaReader reader, short version)
    {
        reader.BeginMessage(ApiTable.LeaveGroup, isRequest: false, version);
        var read = new LeaveGroupResponse();
        if (version >= 1)
        {
            read.ThrottleTimeMs = reader.ReadInt32();
        }

        read.ErrorCode = reader.ReadError();
        if (version >= 3)
        {
            read.Members = reader.ReadArray<MemberResponse>(version);
        }

        reader.SkipTags();
        return read;
    }

    /// <inheritdoc/>
    public void Write(KafkaWriter writer, short version)
    {
        writer.BeginMessage(ApiTable.LeaveGroup, version);
        if (version >= 1)
        {
            writer.WriteInt32(ThrottleTimeMs);
        }

        writer.WriteError(ErrorCode);
        if (version >= 3)
        {
            writer.WriteArray(Members, version);
        }

        writer.WriteTagCount(0);
    }

    /// <summary>One of <see cref="LeaveGroupResponse.Members"/>.</summary>
    public sealed class MemberResponse : IKafkaStruct<MemberResponse>
    {
        /// <summary>Id that the coordinator gave the member; empty: not yet.</summary>
        public string MemberId { get; set; } = "";

        /// <summary>Id of a static member; null: not static.</summary>
        public string? GroupInstanceId { get; set; } = "";

        /// <summary>What went wrong, or None.</summary>
        public KafkaError ErrorCode { get; set; }

        static MemberResponse IKafkaStruct<MemberResponse>.Read(ref KafkaReader reader, short version)
        {
            var read = new MemberResponse();
            read.MemberId = reader.ReadString();
            read.GroupInstanceId = reader.ReadNullableString();
            read.ErrorCode = reader.ReadError();
            reader.SkipTags();
            return read;
        }

        void IKafkaStruct<MemberResponse>.Write(KafkaWriter writer, short version)
        {
            writer.WriteString(MemberId);
            writer.WriteNullableString(GroupInstanceId);
            writer.WriteError(ErrorCode);
            writer.WriteTagCount(0);
        }

        static int IKafkaStruct<MemberResponse>.MinBytes(short version) => version switch { <= 3 => 6, _ => 5 };
    }
}
