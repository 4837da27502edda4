using System.Text;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Kafka.Protocol.Tests;

/// <summary>Headers, pieces of a frame, and what writing refuses.</summary>
public sealed class FrameTests
{
    [Fact]
    public void An_unknown_API_or_version_is_told_by_the_first_eight_bytes()
    {
        var unknownVersion = new KafkaReader(Convert.FromHexString("0012" + "00ff" + "00000007" + "ffffffff"));
        var unknownApi = new KafkaReader(Convert.FromHexString("0999" + "0000" + "00000008"));

        Assert.Equal(new RequestHeader(18, 255, 7, null, null), RequestHeader.Read(ref unknownVersion));
        Assert.Equal(new RequestHeader(0x999, 0, 8, null, null), RequestHeader.Read(ref unknownApi));
    }

    [Fact]
    public void A_header_cut_at_any_byte_is_refused()
    {
        byte[] header = Convert.FromHexString("0003" + "0009" + "00000007" + "0001" + "61" + "01" + "05" + "02" + "abcd");
        for (int length = 0; length < header.Length; length++)
        {
            var refused = Assert.Throws<KafkaProtocolException>(() =>
            {
                var reader = new KafkaReader(header.AsMemory(0, length));
                RequestHeader.Read(ref reader);
            });

            Assert.StartsWith("header, byte ", refused.Message, StringComparison.Ordinal);
            Assert.Null(refused.ApiKey);
        }

        var whole = new KafkaReader(header);
        Assert.Equal("a", RequestHeader.Read(ref whole).ClientId);
        Assert.Equal(0, whole.RemainingBytes);
    }

    /// <summary>As librdkafka 2.16.0 sends it when it asks for all topics.</summary>
    [Fact]
    public void METADATA_v13_of_librdkafka_for_all_topics_is_read_although_three_bytes_follow_it()
    {
        var reader = new KafkaReader(Convert.FromHexString("0003000d00000004000772646b61666b610000000000010000"));

        RequestHeader header = RequestHeader.Read(ref reader);
        var request = MetadataRequest.Read(ref reader, header.ApiVersion);

        Assert.Null(request.Topics);
        Assert.Equal(3, reader.RemainingBytes);
    }

    [Fact]
    public void An_answer_to_ApiVersions_has_no_tags_in_its_header_in_any_version()
    {
        byte[] frame = Frames.WriteFrame(ApiTable.ApiVersions, isRequest: false, 3, new ApiVersionsResponse());

        Assert.Equal("0000000c" + "00000007" + "0000" + "01" + "00000000" + "00", Convert.ToHexStringLower(frame));
    }

    [Fact]
    public void Records_are_views_of_the_frame()
    {
        byte[] body = Frames.Write(ApiTable.Produce, isRequest: true, 9, OneBatch(new KafkaRecords("batch"u8.ToArray())));
        var reader = new KafkaReader(body);

        KafkaRecords records = ProduceRequest.Read(ref reader, 9).TopicData[0].PartitionData[0].Records!.Value;
        body[Encoding.ASCII.GetString(body).IndexOf("batch", StringComparison.Ordinal)] = (byte)'m';

        Assert.Equal("match", Encoding.ASCII.GetString(records.Memory.Span));
    }

    [Theory]
    [InlineData(11)]
    [InlineData(16)]
    public void A_frame_is_a_row_of_pieces_with_the_callers_memory_and_holes_in_their_places(short version)
    {
        ReadOnlyMemory<byte> batch = new byte[] { 1, 2, 3 };
        var response = new FetchResponse
        {
            Responses =
            [
                new() { Topic = "a", Partitions = [Partition(0, KafkaRecords.Hole(70_000)), Partition(1, null), Partition(2, new KafkaRecords(batch)), Partition(3, KafkaRecords.Hole(0))] },
            ],
        };
        using var writer = new KafkaWriter();

        writer.WriteResponse(ApiTable.Fetch, version, 1, response);

        FramePiece[] pieces = [.. writer.Pieces()];
        Assert.Equal([0, 70_000, 0, 0, 0], pieces.Select(piece => piece.HoleBytes));
        Assert.Equal(batch, pieces[3].Memory);
        Assert.Equal(writer.FrameBytes, pieces.Sum(piece => (long)piece.HoleBytes + piece.Memory.Length));
        byte[] frame = Frames.ToArray(writer);
        Assert.Equal(frame.Length - 4, System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(frame));
        var reader = new KafkaReader(frame.AsMemory(4));
        ResponseHeader.Read(ref reader, ApiTable.Fetch, version);
        var read = FetchResponse.Read(ref reader, version);
        Assert.Equal([70_000, null, 3, 0], read.Responses[0].Partitions.Select(partition => partition.Records?.Length));
        Assert.Equal(batch.ToArray(), read.Responses[0].Partitions[2].Records!.Value.Memory.ToArray());

        static FetchResponse.PartitionData Partition(int index, KafkaRecords? records) => new() { PartitionIndex = index, Records = records };
    }

    [Fact]
    public void A_frame_beyond_32_bits_is_refused_before_it_is_sent()
    {
        using var writer = new KafkaWriter();
        var response = new FetchResponse { Responses = [new() { Partitions = [new() { Records = KafkaRecords.Hole(int.MaxValue) }] }] };

        Assert.Throws<ArgumentException>(() => writer.WriteResponse(ApiTable.Fetch, 11, 1, response));
    }

    [Fact]
    public void A_writer_is_used_again_and_keeps_nothing_of_the_frame_before()
    {
        using var writer = new KafkaWriter();
        writer.WriteRequest(ApiTable.Produce, 9, 1, "client", OneBatch(new KafkaRecords(new byte[100_000])));
        writer.WriteRequest(ApiTable.Heartbeat, 0, 2, null, new HeartbeatRequest { GroupId = "g", MemberId = "m" });

        Assert.Equal("00000014" + "000c" + "0000" + "00000002" + "ffff" + "000167" + "00000000" + "00016d", Convert.ToHexStringLower(Frames.ToArray(writer)));
    }

    [Fact]
    public void A_large_buffer_is_not_kept_for_the_next_frame()
    {
        using var writer = new KafkaWriter();
        writer.WriteRequest(ApiTable.SyncGroup, 5, 1, null, new SyncGroupRequest { Assignments = [new() { Assignment = new byte[3 << 20] }] });
        Assert.InRange(writer.BufferBytes, 3 << 20, 16 << 20);

        writer.WriteRequest(ApiTable.Heartbeat, 0, 2, null, new HeartbeatRequest());

        Assert.InRange(writer.BufferBytes, 1, KafkaWriter.KeptBufferBytes);
    }

    [Fact]
    public void What_a_version_cannot_carry_is_refused_when_writing()
    {
        var nullName = new MetadataResponse { Topics = [new() { Name = null }] };
        var longName = new HeartbeatRequest { GroupId = new string('x', 32_768) };

        Assert.Contains("Name is null, which version 11 cannot carry", Assert.Throws<ArgumentException>(() => Frames.Write(ApiTable.Metadata, isRequest: false, 11, nullName)).Message, StringComparison.Ordinal);
        Assert.Contains("32768 bytes", Assert.Throws<ArgumentException>(() => Frames.Write(ApiTable.Heartbeat, isRequest: true, 4, longName)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Frames.Write(ApiTable.Heartbeat, isRequest: true, 5, new HeartbeatRequest()));
        Assert.NotEmpty(Frames.Write(ApiTable.Metadata, isRequest: false, 12, nullName));
    }

    [Theory]
    [InlineData("03", "a structure of tags that ends")] // three tagged fields, no byte
    [InlineData("01" + "00" + "05" + "abcd", "longer than the frame")]
    [InlineData("01" + "8080808080" + "00", "a number of six bytes")]
    [InlineData("ffffffff0f", "2^32-1 tagged fields")]
    public void Tags_that_cannot_be_are_refused(string tags, string what)
    {
        byte[] body = [.. Convert.FromHexString("0167" + "00000001" + "016d" + "00"), .. Convert.FromHexString(tags)];
        body[0] = 2;
        body[6] = 2;

        var refused = Assert.Throws<KafkaProtocolException>(() => Frames.Read(ApiTable.Heartbeat, isRequest: true, 4, body));

        Assert.True(refused.Position >= 9, what);
        Assert.StartsWith("Heartbeat request v4, byte ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_tagged_fields_are_skipped()
    {
        byte[] body = Convert.FromHexString("0267" + "00000001" + "026d" + "00" + "02" + "07" + "03" + "aabbcc" + "ffffffff0f" + "00");

        var read = Assert.IsType<HeartbeatRequest>(Frames.Read(ApiTable.Heartbeat, isRequest: true, 4, body, out int remaining));

        Assert.Equal(("g", 1, "m", (string?)null, 0), (read.GroupId, read.GenerationId, read.MemberId, read.GroupInstanceId, remaining));
    }

    [Fact]
    public void A_tagged_field_whose_size_is_not_its_values_is_refused()
    {
        var response = new FetchResponse { Responses = [new() { Partitions = [new() { CurrentLeader = new() { LeaderId = 0x0A0B0C0D, LeaderEpoch = 1 } }] }] };
        byte[] body = Frames.Write(ApiTable.Fetch, isRequest: false, 12, response);
        int at = body.AsSpan().IndexOf(Convert.FromHexString("01" + "09" + "0a0b0c0d")) + 1;
        foreach (byte size in (byte[])[8, 10])
        {
            body[at] = size;
            Assert.Throws<KafkaProtocolException>(() => Frames.Read(ApiTable.Fetch, isRequest: false, 12, body));
        }
    }

    [Fact]
    public void A_string_that_is_not_UTF_8_is_refused()
    {
        byte[] body = Convert.FromHexString("0002" + "c328" + "00000001" + "00016d");

        Assert.Contains("not UTF-8", Assert.Throws<KafkaProtocolException>(() => Frames.Read(ApiTable.Heartbeat, isRequest: true, 0, body)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void API_numbers_ranges_and_error_codes_are_frozen()
    {
        Assert.Equal(
            "Produce 0 3-11/9, Fetch 1 4-16/12, ListOffsets 2 1-9/6, Metadata 3 0-13/9, OffsetCommit 8 2-9/8, OffsetFetch 9 1-9/6, FindCoordinator 10 0-6/3, JoinGroup 11 0-9/6, Heartbeat 12 0-4/4, "
            + "LeaveGroup 13 0-5/4, SyncGroup 14 0-5/4, DescribeGroups 15 0-6/5, ListGroups 16 0-5/3, ApiVersions 18 0-4/3, CreateTopics 19 2-7/5, DeleteTopics 20 1-6/4, InitProducerId 22 0-4/2, "
            + "DescribeConfigs 32 1-4/4, DescribeLogDirs 35 1-4/2, CreatePartitions 37 0-3/2, DeleteGroups 42 0-2/2, IncrementalAlterConfigs 44 0-1/1, OffsetDelete 47 0-0/32767, DescribeCluster 60 0-1/0",
            string.Join(", ", ApiTable.All.Select(api => $"{api.Name} {(short)api.Key} {api.MinVersion}-{api.MaxVersion}/{api.FirstFlexibleVersion}")));
        Assert.Equal(
            (-1, 0, 1, 3, 6, 16, 22, 25, 27, 35, 36, 45, 47, 69, 70, 71, 79, 100),
            ((short)KafkaError.UnknownServerError, (short)KafkaError.None, (short)KafkaError.OffsetOutOfRange, (short)KafkaError.UnknownTopicOrPartition, (short)KafkaError.NotLeaderOrFollower, (short)KafkaError.NotCoordinator,
                (short)KafkaError.IllegalGeneration, (short)KafkaError.UnknownMemberId, (short)KafkaError.RebalanceInProgress, (short)KafkaError.UnsupportedVersion, (short)KafkaError.TopicAlreadyExists, (short)KafkaError.OutOfOrderSequenceNumber,
                (short)KafkaError.InvalidProducerEpoch, (short)KafkaError.GroupIdNotFound, (short)KafkaError.FetchSessionIdNotFound, (short)KafkaError.InvalidFetchSessionEpoch, (short)KafkaError.MemberIdRequired, (short)KafkaError.UnknownTopicId));
    }

    private static ProduceRequest OneBatch(KafkaRecords records) => new() { TopicData = [new() { Name = "t", PartitionData = [new() { Records = records }] }] };
}
