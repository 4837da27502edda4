using System.Buffers.Binary;
using System.Net;
using System.Text;
using System.Text.Json;
using Weir.Core;
using Weir.Kafka.Protocol;
using Weir.Kafka.Protocol.Messages;
using Weir.Storage;

namespace Weir.CrashTests;

/// <summary>A machine without libzstd: the real program sees an empty file in its place, in a mount namespace of its own.</summary>
public sealed class MissingLibraryTests
{
    private const string Definitions = """
        streams: { there: { partitions: 1 }, other: { partitions: 1 } }
        views: { n: SELECT count(*) AS n FROM there }
        """;

    [Fact]
    public async Task Without_libzstd_a_batch_is_refused_in_words_and_a_partition_that_has_one_waits_for_the_library()
    {
        Assert.SkipWhen(!BatchContent.CanReadZstd, "libzstd.so.1 is not installed");
        using var directory = new WorkDirectory();
        var kafka = new IPEndPoint(IPAddress.Loopback, ServerProcess.FreePort());
        directory.Configure($"kafka: {{ listen: \"{kafka}\" }}\n{Definitions}");
        using (ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration))
        {
            Assert.Equal(KafkaError.None, Produce(kafka, "there").ErrorCode);
            Assert.Equal(0, await server.StopAsync());
        }

        using (ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration, await WithoutAsync("libzstd.so.1")))
        {
            using var api = new ServerApi(await server.Ready);
            ProduceResponse.PartitionProduceResponse refused = Produce(kafka, "other");
            Assert.Equal(KafkaError.UnsupportedCompressionType, refused.ErrorCode);
            Assert.Contains("libzstd.so.1, which is not installed", refused.ErrorMessage, StringComparison.Ordinal);

            JsonElement partition = (await api.GetAsync("v1/streams/there")).GetProperty("partitions")[0];
            Assert.Equal("stopped", partition.GetProperty("state").GetString());
            Assert.Contains("Zstandard", partition.GetProperty("reason").GetString(), StringComparison.Ordinal);
            Assert.Equal(0, await server.StopAsync());
        }

        using (ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration))
        {
            using var api = new ServerApi(await server.Ready);
            Assert.Equal(2, (await api.CurrentViewAsync("n", "there")).GetProperty("rows")[0].GetProperty("n").GetInt32());
            Assert.Equal(0, await server.StopAsync());
        }
    }

    private static ProduceResponse.PartitionProduceResponse Produce(IPEndPoint kafka, string stream)
    {
        var writer = new RecordBatchWriter();
        writer.Begin(timestampMs: 0);
        writer.Append(hasKey: false, default, "{\"a\":1}"u8);
        writer.Append(hasKey: false, default, "{\"a\":2}"u8);
        byte[] batch = writer.Finish().ToArray();
        byte[] compressed = [.. batch.AsSpan(0, RecordBatch.HeaderBytes), .. Zstd(batch.AsSpan(RecordBatch.HeaderBytes))];
        BinaryPrimitives.WriteInt32BigEndian(compressed.AsSpan(RecordBatch.LengthAt), compressed.Length - RecordBatch.LengthAt - sizeof(int));
        BinaryPrimitives.WriteInt16BigEndian(compressed.AsSpan(RecordBatch.AttributesAt), (short)BatchCodec.Zstd);
        BinaryPrimitives.WriteUInt32BigEndian(compressed.AsSpan(RecordBatch.CrcAt), Crc32C.Compute(compressed.AsSpan(RecordBatch.AttributesAt)));
        using var connection = new RawKafkaConnection(kafka, ServerUnderTest.Patience);
        return connection.Ask<ProduceResponse>(ApiTable.Produce, RawKafkaConnection.ProduceVersion, "test", new ProduceRequest
        {
            Acks = -1,
            TimeoutMs = 10_000,
            TopicData = [new() { Name = stream, PartitionData = [new() { Index = 0, Records = new KafkaRecords(compressed) }] }],
        }).Responses[0].PartitionResponses[0];
    }

    /// <summary>A frame with one block that is not compressed, which RFC 8878 allows: magic, single segment with its size in a byte, last block, raw.</summary>
    private static byte[] Zstd(ReadOnlySpan<byte> content)
    {
        Assert.InRange(content.Length, 1, byte.MaxValue);
        int block = (content.Length << 3) | 1;
        return [0x28, 0xB5, 0x2F, 0xFD, 0x20, (byte)content.Length, (byte)block, (byte)(block >> 8), (byte)(block >> 16), .. content];
    }

    /// <summary>In front of a command that shall not find this library; skips the running test where a mount is not allowed.</summary>
    private static async Task<string[]> WithoutAsync(string library)
    {
        (int code, string output) = await RunAsync("ldconfig", "-p");
        string[] paths = [.. output.Split('\n').Where(line => line.Trim().StartsWith(library + " ", StringComparison.Ordinal)).Select(line => line[(line.IndexOf("=> ", StringComparison.Ordinal) + 3)..])];
        Assert.SkipWhen(code != 0 || paths.Length == 0, "ldconfig does not say where the library is");
        var script = new StringBuilder();
        foreach (string path in paths)
        {
            script.Append(System.Globalization.CultureInfo.InvariantCulture, $"mount --bind /dev/null {path} && ");
        }

        string[] wrapper = ["unshare", "-m", "sh", "-c", script + "exec \"$@\"", "sh"];
        (code, output) = await RunAsync([.. wrapper, "true"]);
        Assert.SkipWhen(code != 0, $"A private mount is not allowed here: {output.Trim()}");
        return wrapper;
    }

    private static async Task<(int Code, string Output)> RunAsync(params string[] line)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await error);
    }
}
