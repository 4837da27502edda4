using System.Buffers.Binary;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;

namespace Weir.Server.Tests.Kafka;

public sealed class KafkaFrameTests
{
    private const string Topic = "split";

    private static readonly (Api Api, short Version, IKafkaMessage Message)[] Asked =
    [
        (ApiTable.ApiVersions, 3, new ApiVersionsRequest { ClientSoftwareName = "test", ClientSoftwareVersion = "1" }),
        (ApiTable.Metadata, 9, new MetadataRequest { Topics = [new() { Name = Topic }] }),
        (ApiTable.Produce, 9, KafkaClient.ProduceRequest(Topic, 0, KafkaClient.Batch("{\"n\":1}", "{\"n\":2}"))),

        // It waits for the batch, however late the flush is: the clock stands still.
        (ApiTable.Fetch, 11, KafkaClient.FetchRequest(Topic, 0, 1, maxWaitMs: 20_000)),
        (ApiTable.ListOffsets, 7, new ListOffsetsRequest { Topics = [new() { Name = Topic, Partitions = [new() { PartitionIndex = 0, Timestamp = -2 }] }] }),
    ];

    // The last one is of a version that nobody knows.
    private static readonly byte[] Requests = [.. Asked.SelectMany((one, i) => KafkaClient.Frame(one.Api, one.Version, i, one.Message)), 0, 0, 0, 10, 0, 18, 0, 99, 0, 0, 0, 5, 0xFF, 0xFF];

    [Fact]
    public async Task Pipelined_requests_are_answered_alike_wherever_they_are_cut()
    {
        await using InMemoryKafka kafka = await InMemoryKafka.StartAsync();
        byte[] whole = await AnswersAsync(kafka, Requests);
        AssertAnswered(whole);

        for (int cut = 1; cut < Requests.Length; cut++)
        {
            AssertSame(whole, await AnswersAsync(kafka, Requests.AsMemory(0, cut), Requests.AsMemory(cut)), $"cut before byte {cut}");
        }

        AssertSame(whole, await AnswersAsync(kafka, [.. Requests.Select(one => (ReadOnlyMemory<byte>)new[] { one })]), "one byte at a time");
        Assert.Empty(kafka.Log.Lines);
    }

    // The stream is a new one each time, so that its offsets are the same.
    private static async Task<byte[]> AnswersAsync(InMemoryKafka kafka, params ReadOnlyMemory<byte>[] pieces)
    {
        await kafka.DefineAsync(Topic);
        byte[] answers = await kafka.AnswersAsync(pieces);
        await kafka.DeleteAsync(Topic);
        return answers;
    }

    private static void AssertSame(byte[] expected, byte[] actual, string how) =>
        Assert.True(expected.AsSpan().SequenceEqual(actual), $"{how}: {Convert.ToHexStringLower(actual)} instead of {Convert.ToHexStringLower(expected)}");

    private static void AssertAnswered(byte[] answers)
    {
        var read = new List<IKafkaMessage>();
        foreach ((Api api, short version, IKafkaMessage _) in Asked.Append((ApiTable.ApiVersions, (short)0, null!)))
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(answers);
            var reader = new KafkaReader(answers.AsMemory(sizeof(int), length));
            Assert.Equal(read.Count, ResponseHeader.Read(ref reader, api, version));
            read.Add(api.ReadResponse(ref reader, version));
            answers = answers[(sizeof(int) + length)..];
        }

        Assert.Empty(answers);
        Assert.Equal(KafkaError.None, ((ApiVersionsResponse)read[0]).ErrorCode);
        Assert.Equal(Topic, Assert.Single(((MetadataResponse)read[1]).Topics).Name);
        Assert.Equal(1, ((ProduceResponse)read[2]).Responses[0].PartitionResponses[0].BaseOffset);
        Assert.Equal([(1L, "{\"n\":1}"), (2L, "{\"n\":2}")], KafkaClient.Events(((FetchResponse)read[3]).Responses[0].Partitions[0].Records));
        Assert.Equal(0, ((ListOffsetsResponse)read[4]).Topics[0].Partitions[0].Offset);
        Assert.Equal(KafkaError.UnsupportedVersion, ((ApiVersionsResponse)read[5]).ErrorCode);
    }
}
