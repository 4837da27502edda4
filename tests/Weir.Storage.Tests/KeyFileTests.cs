using System.Buffers.Binary;
using Weir.Core;

namespace Weir.Storage.Tests;

public sealed class KeyFileTests
{
    private const long Records = 30_000;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(341)]
    [InlineData(342)]
    [InlineData(20_000)]
    [InlineData(20_000, 5_000)]
    [InlineData(20_001, 4_096)]
    [InlineData(20_000, 77)]
    public void Every_hash_finds_its_records(int count, int pairsInMemory = 1 << 20)
    {
        using var test = new TestLog();
        (ulong[] hashes, uint[] records) = Pairs(count, distinct: Math.Max(1, count * 3 / 4));
        ILookup<ulong, Offset> expected = hashes.Zip(records).ToLookup(pair => pair.First, pair => new Offset(1_000) + pair.Second);
        using KeyFile keys = Write(test, hashes, records, pairsInMemory);
        Assert.True(keys.IsIntact());
        Assert.Single(Directory.GetFiles(test.Directory));

        Assert.Equal(count, keys.Count);
        foreach (IGrouping<ulong, Offset> group in expected)
        {
            Assert.Equal(group.Order(), Find(keys, group.Key));
        }

        foreach (ulong absent in (ulong[])[0, 1, ulong.MaxValue, 0x8000_0000_0000_0000])
        {
            Assert.Equal(expected[absent].Order(), Find(keys, absent));
        }
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(77UL)]
    [InlineData(ulong.MaxValue)]
    public void A_hash_may_fill_many_blocks(ulong hash)
    {
        using var test = new TestLog();
        ulong[] hashes = [1, .. Enumerable.Repeat(hash, 2_000), ulong.MaxValue - 1];
        uint[] records = [.. Enumerable.Range(0, 2_002).Select(n => (uint)n)];
        using KeyFile keys = Write(test, hashes, records);
        Assert.Equal(Enumerable.Range(1, 2_000).Select(n => new Offset(1_000 + n)), Find(keys, hash));
    }

    [Fact]
    public void A_damaged_block_is_an_answer_of_its_own()
    {
        using var test = new TestLog();
        (ulong[] hashes, uint[] records) = Pairs(1, distinct: 1);
        ulong hash = hashes[0];
        using (Write(test, hashes, records))
        {
        }

        string path = Assert.Single(test.Files(".keys"));
        byte[] good = File.ReadAllBytes(path);
        for (int at = 0; at < good.Length; at += at < KeyFile.HeaderBytes ? 1 : 37)
        {
            byte[] bad = [.. good];
            bad[at] ^= 0x10;
            File.WriteAllBytes(path, bad);
            using KeyFile? keys = KeyFile.TryOpen(test.Disk, test.Directory, TestLog.Identity, new Offset(1_000), Records);
            Assert.Equal(at >= KeyFile.HeaderBytes, keys is not null);
            Assert.False(keys?.TryFind(hash, []) ?? false);
        }
    }

    [Fact]
    public void A_file_of_a_segment_with_another_number_of_records_is_not_used()
    {
        using var test = new TestLog();
        using (Write(test, [1], [0]))
        {
        }

        Assert.Null(KeyFile.TryOpen(test.Disk, test.Directory, TestLog.Identity, new Offset(1_000), Records - 1));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MaxValue / 4096 * 341)]
    public void A_number_of_pairs_that_no_file_can_hold_is_no_key_file(long count)
    {
        using var test = new TestLog();
        using (Write(test, [5], [0]))
        {
        }

        using (FileStream file = File.Open(Directory.GetFiles(test.Directory).Single(), FileMode.Open))
        {
            byte[] header = new byte[KeyFile.HeaderBytes];
            file.ReadExactly(header);
            BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(KeyFile.CountAt), count);
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(KeyFile.ChecksumAt), Crc32C.Compute(header.AsSpan(0, KeyFile.ChecksumAt)));
            file.Position = 0;
            file.Write(header);
        }

        Assert.Null(KeyFile.TryOpen(test.Disk, test.Directory, TestLog.Identity, new Offset(1_000), Records));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void A_file_that_was_given_up_leaves_nothing_and_the_one_before_it_stays(int pairsInMemory)
    {
        using var test = new TestLog();
        using KeyFile before = Write(test, [5], [0]);
        using (var writer = new KeyFileWriter(test.Disk, test.Directory, TestLog.Identity, new Offset(1_000), Records, pairsInMemory))
        {
            writer.Add(6, 1);
            writer.Add(7, 2);
            Assert.Throws<OperationCanceledException>(() => writer.Commit(() => throw new OperationCanceledException()));
        }

        Assert.Single(Directory.GetFiles(test.Directory));
        using KeyFile? keys = KeyFile.TryOpen(test.Disk, test.Directory, TestLog.Identity, new Offset(1_000), Records);
        Assert.Equal([new Offset(1_000)], Find(keys!, 5));
    }

    private static KeyFile Write(TestLog test, ulong[] hashes, uint[] records, int pairsInMemory = 1 << 20)
    {
        test.Disk.CreateDirectory(test.Directory);
        using (var writer = new KeyFileWriter(test.Disk, test.Directory, TestLog.Identity, new Offset(1_000), Records, pairsInMemory))
        {
            for (int i = 0; i < hashes.Length; i++)
            {
                writer.Add(hashes[i], records[i]);
            }

            writer.Commit(() => { });
        }

        KeyFile? keys = KeyFile.TryOpen(test.Disk, test.Directory, TestLog.Identity, new Offset(1_000), Records);
        Assert.NotNull(keys);
        return keys;
    }

    private static List<Offset> Find(KeyFile keys, ulong hash)
    {
        List<Offset> found = [];
        Assert.True(keys.TryFind(hash, found));
        return found;
    }

    private static (ulong[] Hashes, uint[] Records) Pairs(int count, int distinct)
    {
        var random = new Random(5);
        ulong[] pool = new ulong[distinct];
        for (int i = 0; i < distinct; i++)
        {
            pool[i] = (ulong)random.NextInt64() << 1;
        }

        ulong[] hashes = new ulong[count];
        uint[] records = new uint[count];
        for (int i = 0; i < count; i++)
        {
            hashes[i] = pool[random.Next(distinct)];
            records[i] = (uint)i;
        }

        return (hashes, records);
    }
}
