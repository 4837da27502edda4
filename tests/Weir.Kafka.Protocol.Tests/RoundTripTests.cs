namespace Weir.Kafka.Protocol.Tests;

/// <summary>Every message in every version, with random values.</summary>
public sealed class RoundTripTests
{
    private const int Messages = 50;

    public static IEnumerable<TheoryDataRow<ApiKey, bool, short>> All => Schemas.Messages;

    [Theory]
    [MemberData(nameof(All))]
    public void What_is_written_is_read_again_and_fields_outside_of_the_version_are_left_out(ApiKey key, bool isRequest, short version)
    {
        Assert.True(ApiTable.TryGet((short)key, out Api? api));
        for (int seed = 0; seed < Messages; seed++)
        {
            IKafkaMessage written = new RandomMessages(new Random(seed), isShort: false).Make(api, isRequest, version);
            byte[] body = Frames.Write(api, isRequest, version, written);

            IKafkaMessage read = Frames.Read(api, isRequest, version, [.. body, 1, 2, 3], out int remaining);

            string? difference = RandomMessages.Difference(api, isRequest, version, written, read);
            Assert.True(difference is null, $"seed {seed}: {difference}");
            Assert.Equal(3, remaining);
            Assert.Equal(body, Frames.Write(api, isRequest, version, read));
        }
    }
}
