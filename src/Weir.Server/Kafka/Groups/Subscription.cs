using System.Buffers.Binary;
using System.Text;

namespace Weir.Server.Kafka.Groups;

/// <summary>The one look into clients' own bytes: which topics a consumer subscribed to. Source: Apache Kafka, ConsumerProtocolSubscription.json.</summary>
internal static class Subscription
{
    public const string ConsumerProtocol = "consumer";

    /// <summary>Topics of a subscription: int16 version, int32 count, then names behind their int16 lengths. What follows, and what is no subscription, is passed over.</summary>
    public static IEnumerable<string> TopicsOf(byte[] metadata)
    {
        List<string> topics = [];
        ReadOnlySpan<byte> rest = metadata;
        if (rest.Length < sizeof(short) + sizeof(int))
        {
            return topics;
        }

        int count = BinaryPrimitives.ReadInt32BigEndian(rest[sizeof(short)..]);
        rest = rest[(sizeof(short) + sizeof(int))..];
        for (; count > 0 && rest.Length >= sizeof(short); count--)
        {
            int length = BinaryPrimitives.ReadInt16BigEndian(rest);
            rest = rest[sizeof(short)..];
            if (length < 0 || length > rest.Length)
            {
                break;
            }

            topics.Add(Encoding.UTF8.GetString(rest[..length]));
            rest = rest[length..];
        }

        return topics;
    }
}
