using System.Buffers.Binary;

namespace Weir.Kafka.Protocol.Tests;

/// <summary>Bytes that are not the message: one exception and no other, and memory in proportion to the bytes.</summary>
public sealed class HostileInputTests
{
    private const int Mutations = 120;

    /// <summary>What any input may allocate: the exception with its text and trace.</summary>
    private const long FixedBytes = 16 << 10;

    /// <summary>What each byte of the input may allocate beyond that: a structure of two bytes is an object with its fields.</summary>
    private const long BytesPerByte = 80;

    public static IEnumerable<TheoryDataRow<ApiKey, bool, short>> All => Schemas.Messages;

    [Theory]
    [MemberData(nameof(All))]
    public void A_message_cut_at_any_byte_is_refused(ApiKey key, bool isRequest, short version)
    {
        Assert.True(ApiTable.TryGet((short)key, out Api? api));
        for (int seed = 0; seed < 2; seed++)
        {
            byte[] body = Frames.Write(api, isRequest, version, new RandomMessages(new Random(seed), isShort: true).Make(api, isRequest, version));
            for (int length = 0; length < body.Length; length++)
            {
                var refused = Assert.Throws<KafkaProtocolException>(() => Frames.Read(api, isRequest, version, body[..length]));

                Assert.Equal((key, isRequest, version), (refused.ApiKey, refused.IsRequest, refused.Version));
                Assert.InRange(refused.Position, 0, length);
            }
        }
    }

    [Theory]
    [InlineData(ApiKey.Heartbeat, 0, "fffe" + "00000001" + "00016d", "a string of -2 bytes")]
    [InlineData(ApiKey.Heartbeat, 0, "ffff" + "00000001" + "00016d", "null, which this version does not allow")]
    [InlineData(ApiKey.Heartbeat, 4, "00" + "00000001" + "026d" + "00" + "00", "null, which this version does not allow")]
    [InlineData(ApiKey.Heartbeat, 4, "ffffffff07" + "00000001", "a string of 2147483646 bytes")]
    [InlineData(ApiKey.Heartbeat, 4, "ffffffff0f" + "00000001", "a length of 4294967294")]
    [InlineData(ApiKey.Produce, 3, "ffff" + "ffff" + "00000001" + "fffffffe", "-2 values of at least 6 bytes")]
    [InlineData(ApiKey.Produce, 3, "ffff" + "ffff" + "00000001" + "7fffffff" + "0000000000000000", "2147483647 values of at least 6 bytes, and 8 bytes are left")]
    [InlineData(ApiKey.Produce, 3, "ffff" + "ffff" + "00000001" + "00000001" + "0000" + "00000001" + "00000000" + "fffffffe", "-2 bytes of records")]
    [InlineData(ApiKey.Produce, 3, "ffff" + "ffff" + "00000001" + "00000001" + "0000" + "00000001" + "00000000" + "7fffffff", "2147483647 bytes expected, and 0 are left")]
    public void Lengths_and_counts_that_cannot_be_are_refused_by_name(ApiKey key, short version, string body, string what)
    {
        Assert.True(ApiTable.TryGet((short)key, out Api? api));

        var refused = Assert.Throws<KafkaProtocolException>(() => Frames.Read(api, isRequest: true, version, Convert.FromHexString(body)));

        Assert.Contains(what, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_changed_message_is_read_or_refused_in_memory_that_its_size_bounds(ApiKey key, bool isRequest, short version)
    {
        Assert.True(ApiTable.TryGet((short)key, out Api? api));
        var random = new Random(version);
        Read(api, isRequest, version, Frames.Write(api, isRequest, version, new RandomMessages(random, isShort: true).Make(api, isRequest, version)));
        for (int i = 0; i < Mutations; i++)
        {
            byte[] body = Frames.Write(api, isRequest, version, new RandomMessages(random, isShort: true).Make(api, isRequest, version));
            Change(random, body);

            long before = GC.GetAllocatedBytesForCurrentThread();
            Read(api, isRequest, version, body);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

            Assert.True(allocated <= FixedBytes + (BytesPerByte * body.Length), $"{allocated} bytes for {Convert.ToHexStringLower(body)}");
        }
    }

    private static void Read(Api api, bool isRequest, short version, byte[] body)
    {
        try
        {
            Frames.Read(api, isRequest, version, body);
        }
        catch (KafkaProtocolException)
        {
        }
    }

    /// <summary>Bits, or a length: 2^31-1, negative, a little off, the largest that a compact length can say.</summary>
    private static void Change(Random random, byte[] body)
    {
        for (int changes = 1 + random.Next(3); changes > 0 && body.Length > 0; changes--)
        {
            int at = random.Next(body.Length);
            Span<byte> rest = body.AsSpan(at);
            byte[] compact = random.Next(3) switch { 0 => [0xFF, 0xFF, 0xFF, 0xFF, 0x07], 1 => [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], _ => [0xFF, 0xFF, 0x7F] };
            switch (random.Next(6))
            {
                case 0 when rest.Length >= sizeof(int):
                    BinaryPrimitives.WriteInt32BigEndian(rest, random.Next(4) switch { 0 => int.MaxValue, 1 => int.MinValue, 2 => -2, _ => body.Length });
                    break;
                case 1 when rest.Length >= sizeof(short):
                    BinaryPrimitives.WriteInt16BigEndian(rest, random.Next(3) switch { 0 => short.MaxValue, 1 => short.MinValue, _ => -2 });
                    break;
                case 2 when rest.Length >= compact.Length:
                    compact.CopyTo(rest);
                    break;
                case 3:
                    rest[0] = (byte)random.Next(256);
                    break;
                case 4:
                    rest[0] += (byte)(random.Next(2) == 0 ? 1 : 255);
                    break;
                default:
                    rest[0] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }
    }
}
