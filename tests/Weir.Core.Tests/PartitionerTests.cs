using System.Text;
using Weir.Core;

namespace Weir.Core.Tests;

public sealed class PartitionerTests
{
    // Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2.
    [Theory]
    [InlineData("21", -973932308)]
    [InlineData("foobar", -790332482)]
    [InlineData("a-little-bit-long-string", -985981536)]
    [InlineData("a-little-bit-longer-string", -1486304829)]
    [InlineData("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)]
    [InlineData("abc", 479470107)]
    public void Murmur2_gives_the_values_of_the_Kafka_client(string key, int expected) =>
        Assert.Equal(expected, unchecked((int)Partitioner.Murmur2(Encoding.UTF8.GetBytes(key))));

    [Theory]
    [InlineData("21", 4, 0)] // -973932308 & 0x7fffffff = 1173551340, and 1173551340 mod 4 = 0
    [InlineData("foobar", 5, 1)] // -790332482 & 0x7fffffff = 1357151166, and 1357151166 mod 5 = 1
    [InlineData("abc", 1000, 107)] // positive already: 479470107 mod 1000
    public void The_murmur2_partition_clears_the_sign_bit_before_the_remainder(string key, int partitions, int expected) =>
        Assert.Equal(expected, Partitioner.PartitionOf(PartitionerKind.Murmur2, Encoding.UTF8.GetBytes(key), partitions));

    [Theory]
    [InlineData("", 0u)]
    [InlineData("123456789", 0xCBF43926u)]
    [InlineData("The quick brown fox jumps over the lazy dog", 0x414FA339u)]
    public void Crc32_gives_the_published_check_values(string key, uint expected) =>
        Assert.Equal(expected, Partitioner.Crc32(Encoding.UTF8.GetBytes(key)));

    [Fact]
    public void The_crc32_partition_is_the_unsigned_remainder() =>
        Assert.Equal((int)(0xCBF43926u % 5), Partitioner.PartitionOf(PartitionerKind.Crc32, "123456789"u8, partitions: 5));

    [Fact]
    public void Every_key_length_has_a_partition_in_range_under_both_partitioners()
    {
        var key = new byte[70];
        for (int i = 0; i < key.Length; i++)
        {
            key[i] = (byte)(255 - i);
        }

        for (int length = 0; length <= key.Length; length++)
        {
            foreach (PartitionerKind kind in Enum.GetValues<PartitionerKind>())
            {
                Assert.InRange(Partitioner.PartitionOf(kind, key.AsSpan(0, length), partitions: 3), 0, 2);
            }
        }
    }
}
