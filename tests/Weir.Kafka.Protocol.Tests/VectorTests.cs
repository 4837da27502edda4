using System.Text.Json.Nodes;

namespace Weir.Kafka.Protocol.Tests;

/// <summary>Literal bytes of others, both ways. See Vectors/.</summary>
public sealed class VectorTests
{
    private const string WholeFrames = "librdkafka.txt";

    public static TheoryData<string> Bodies => [.. Vector.Files.Where(file => file != WholeFrames)];

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Bodies_that_others_made_are_read_and_written_alike(string file)
    {
        foreach (Vector vector in Vector.Read(file))
        {
            IKafkaMessage expected = MessageJson.Make(vector.Api, vector.IsRequest, vector.Values);

            IKafkaMessage read = Frames.Read(vector.Api, vector.IsRequest, vector.Version, vector.Bytes, out int remaining);

            Assert.True(remaining == 0, $"{vector.Name}: {remaining} bytes are left");
            AssertSame(vector, expected, read);
            byte[] written = Frames.Write(vector.Api, vector.IsRequest, vector.Version, expected);
            Assert.True(vector.Bytes.AsSpan().SequenceEqual(written), $"{vector.Name}:\n{Convert.ToHexStringLower(vector.Bytes)}\n{Convert.ToHexStringLower(written)}");
        }
    }

    [Fact]
    public void Every_message_in_every_version_has_bytes_of_others()
    {
        var found = Vector.Files.SelectMany(Vector.Read).Select(vector => (vector.Api.Key, vector.IsRequest, vector.Version)).ToHashSet();

        Assert.Equal([], Schemas.Messages.Select(row => row.Data).Except(found));
    }

    [Fact]
    public void Frames_between_librdkafka_and_its_broker_are_read_and_written_alike()
    {
        foreach (Vector vector in Vector.Read(WholeFrames))
        {
            var values = (JsonObject)vector.Values.DeepClone();
            int correlationId = values["CorrelationId"]!.GetValue<int>();
            string? clientId = values["ClientId"]?.GetValue<string>();
            values.Remove("CorrelationId");
            values.Remove("ClientId");
            IKafkaMessage expected = MessageJson.Make(vector.Api, vector.IsRequest, values);
            using var writer = new KafkaWriter();
            var reader = new KafkaReader(vector.Bytes);
            IKafkaMessage read;
            if (vector.IsRequest)
            {
                Assert.Equal(new RequestHeader((short)vector.Api.Key, vector.Version, correlationId, clientId, vector.Api), RequestHeader.Read(ref reader));
                read = vector.Api.ReadRequest(ref reader, vector.Version);
                writer.WriteRequest(vector.Api, vector.Version, correlationId, clientId, expected);
            }
            else
            {
                Assert.Equal(correlationId, ResponseHeader.Read(ref reader, vector.Api, vector.Version));
                read = vector.Api.ReadResponse(ref reader, vector.Version);
                writer.WriteResponse(vector.Api, vector.Version, correlationId, expected);
            }

            Assert.True(reader.RemainingBytes == 0, $"{vector.Name}: {reader.RemainingBytes} bytes are left");
            AssertSame(vector, expected, read);
            byte[] written = Frames.ToArray(writer);
            Assert.True(vector.Bytes.AsSpan().SequenceEqual(written.AsSpan(4)), $"{vector.Name}:\n{Convert.ToHexStringLower(vector.Bytes)}\n{Convert.ToHexStringLower(written)}");
            Assert.Equal(vector.Bytes.Length, System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(written));
        }
    }

    private static void AssertSame(Vector vector, IKafkaMessage expected, IKafkaMessage read)
    {
        JsonObject wanted = MessageJson.Print(expected);
        JsonObject found = MessageJson.Print(read);
        Assert.True(JsonNode.DeepEquals(wanted, found), $"{vector.Name}:\n{wanted.ToJsonString()}\n{found.ToJsonString()}");
    }
}
