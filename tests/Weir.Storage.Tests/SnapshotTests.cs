using System.Buffers.Binary;
using System.Text;
using Weir.Core;

namespace Weir.Storage.Tests;

public sealed class SnapshotTests
{
    private static readonly Offset End = new(long.MaxValue);

    [Fact]
    public void Sections_are_read_back_as_written_whatever_the_sizes_of_the_pieces()
    {
        using var test = new TestLog();
        byte[] large = Bytes(700_001);
        Write(test, 10, ("owners", large), ("empty", []), ("views/a", Encoding.UTF8.GetBytes("x")));

        using SnapshotReader reader = OpenNewest(test);
        Assert.Equal(new Offset(10), reader.Offset);
        Assert.False(reader.IsBase);
        Assert.True(reader.TryNextSection(out string? name));
        Assert.Equal("owners", name);
        Assert.Equal(large, ReadSection(reader, piece: 1_000));
        Assert.True(reader.TryNextSection(out name));
        Assert.Equal("empty", name);
        Assert.Empty(ReadSection(reader, piece: 10));
        Assert.True(reader.TryNextSection(out name));
        Assert.Equal("views/a", name);
        Assert.Equal("x"u8.ToArray(), ReadSection(reader, piece: 10));
        Assert.False(reader.TryNextSection(out _));
        Assert.Equal(0, reader.Read(new byte[4]));
    }

    [Fact]
    public void A_section_that_is_not_read_is_passed_over()
    {
        using var test = new TestLog();
        Write(test, 10, ("a", Bytes(600_000)), ("b", [7]));
        using SnapshotReader reader = OpenNewest(test);
        Assert.True(reader.TryNextSection(out _));
        Assert.Equal(3, reader.Read(new byte[3]));
        Assert.True(reader.TryNextSection(out string? name));
        Assert.Equal("b", name);
        Assert.Equal([7], ReadSection(reader, piece: 3));
    }

    [Fact]
    public void The_newest_two_are_kept()
    {
        using var test = new TestLog();
        foreach (long offset in (long[])[5, 6, 7, 8])
        {
            Write(test, offset, ("a", [(byte)offset]));
        }

        Assert.Equal(["00000000000000000007.snapshot", "00000000000000000008.snapshot"], test.Disk.List(test.Directory));
    }

    [Fact]
    public void Any_flipped_bit_makes_the_one_before_it_the_newest()
    {
        using var test = new TestLog();
        Write(test, 5, ("a", [5]));
        Write(test, 6, ("a", Bytes(100)), ("b", Bytes(20)));
        string path = test.Files(".snapshot")[1];
        byte[] good = File.ReadAllBytes(path);
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(path, bad);
            using SnapshotReader reader = OpenNewest(test);
            Assert.Equal(new Offset(5), reader.Offset);
        }
    }

    [Fact]
    public void A_truncated_file_is_never_taken()
    {
        using var test = new TestLog();
        Write(test, 6, ("a", Bytes(100)), ("b", Bytes(20)));
        string path = test.Files(".snapshot")[0];
        byte[] good = File.ReadAllBytes(path);
        for (int length = 0; length < good.Length; length++)
        {
            File.WriteAllBytes(path, good[..length]);
            Assert.False(SnapshotReader.TryOpen(test.Disk, test.Directory, TestLog.Identity, Offset.Zero, End, out _, out IReadOnlyList<string> rejected));
            Assert.Contains(path, Assert.Single(rejected), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_abandoned_snapshot_leaves_nothing()
    {
        using var test = new TestLog();
        test.Disk.CreateDirectory(test.Directory);
        using (var writer = SnapshotWriter.Begin(test.Disk, test.Directory, TestLog.Identity, new Offset(3)))
        {
            writer.WriteSection("a");
            writer.Write(Bytes(1_000_000));
        }

        Assert.Empty(test.Disk.List(test.Directory));
    }

    [Fact]
    public void A_snapshot_outside_the_log_or_of_another_partition_is_passed_over()
    {
        using var test = new TestLog();
        Write(test, 5, ("a", [5]));
        Write(test, 9, ("a", [9]));
        Assert.True(SnapshotReader.TryOpen(test.Disk, test.Directory, TestLog.Identity, Offset.Zero, new Offset(8), out SnapshotReader? reader, out _));
        Assert.Equal(new Offset(5), reader.Offset);
        reader.Dispose();
        Assert.False(SnapshotReader.TryOpen(test.Disk, test.Directory, TestLog.Identity with { Partition = 4 }, Offset.Zero, End, out _, out _));
    }

    [Fact]
    public void A_base_has_two_copies_and_either_opens()
    {
        using var test = new TestLog();
        test.Disk.CreateDirectory(test.Directory);
        foreach (long offset in (long[])[4, 8])
        {
            using var writer = SnapshotWriter.BeginBase(test.Disk, test.Directory, TestLog.Identity, new Offset(offset));
            writer.WriteSection("a");
            writer.Write([42]);
            writer.Commit();
        }

        Assert.Equal(["00000000000000000008.base", "00000000000000000008.base2"], test.Disk.List(test.Directory));
        File.WriteAllBytes(test.Files(".base")[0], [1]);
        using SnapshotReader reader = OpenNewest(test);
        Assert.True(reader.IsBase);
        Assert.Equal(new Offset(8), reader.Offset);
        Assert.True(reader.TryNextSection(out _));
        Span<byte> one = stackalloc byte[1];
        Assert.True(reader.TryReadExactly(one));
        Assert.Equal(42, one[0]);
        Assert.False(reader.TryReadExactly(one));
    }

    [Fact]
    public void An_element_cut_by_the_end_of_its_section_is_an_error_not_a_short_read()
    {
        using var test = new TestLog();
        Write(test, 5, ("a", [1, 2, 3]));
        using SnapshotReader reader = OpenNewest(test);
        Assert.True(reader.TryNextSection(out _));
        Assert.Throws<DiskException>(() => reader.TryReadExactly(new byte[2]) && reader.TryReadExactly(new byte[2]));
    }

    internal static void Write(TestLog test, long offset, params (string Name, byte[] Bytes)[] sections)
    {
        test.Disk.CreateDirectory(test.Directory);
        using var writer = SnapshotWriter.Begin(test.Disk, test.Directory, TestLog.Identity, new Offset(offset));
        foreach ((string name, byte[] bytes) in sections)
        {
            writer.WriteSection(name);
            for (int at = 0; at < bytes.Length; at += 77_777)
            {
                writer.Write(bytes.AsSpan(at, Math.Min(77_777, bytes.Length - at)));
            }
        }

        writer.Commit();
    }

    private static SnapshotReader OpenNewest(TestLog test)
    {
        Assert.True(SnapshotReader.TryOpen(test.Disk, test.Directory, TestLog.Identity, Offset.Zero, End, out SnapshotReader? reader, out _));
        return reader;
    }

    private static byte[] ReadSection(SnapshotReader reader, int piece)
    {
        var bytes = new MemoryStream();
        byte[] buffer = new byte[piece];
        for (int count = piece; count == piece;)
        {
            count = reader.Read(buffer);
            bytes.Write(buffer, 0, count);
        }

        return bytes.ToArray();
    }

    private static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        for (int i = 0; i + 4 <= count; i += 4)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i), i * 2_654_435);
        }

        return bytes;
    }
}
