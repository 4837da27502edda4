using Weir.TestKit;

namespace Weir.Storage.Tests;

/// <summary>What the simulated disk may and may not do: a fake that is too kind proves nothing.</summary>
public sealed class SimulatedDiskTests
{
    [Fact]
    public void What_was_flushed_survives_power_loss_in_every_state()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            SimulatedDisk disk = WithFile("/d/f", "flushed", out IDiskFile file);
            file.Write(7, "unflushed"u8);
            SimulatedDisk next = disk.LosePower(new Random(seed));
            Assert.Equal("flushed"u8.ToArray(), next.Content("/d/f")[..7]);
        }
    }

    [Fact]
    public void What_was_not_flushed_may_be_there_be_gone_or_be_zero_sector_by_sector()
    {
        byte[] large = new byte[4 * 512];
        Array.Fill(large, (byte)'x');
        var states = new HashSet<string>();
        for (int seed = 0; seed < 500; seed++)
        {
            SimulatedDisk disk = WithFile("/d/f", "", out IDiskFile file);
            file.Write(0, large);
            byte[] content = disk.LosePower(new Random(seed)).Content("/d/f");
            Assert.True(content.Length <= large.Length);
            states.Add(string.Concat(content.Chunk(512).Select(sector => sector[0] == 'x' ? 'x' : '0')) + (content.Length % 512 == 0 ? "" : "part"));
        }

        Assert.Contains("", states);
        Assert.Contains("xxxx", states);
        Assert.Contains("0000", states);
        Assert.Contains("0x0x", states);
        Assert.Contains(states, state => state.EndsWith("part", StringComparison.Ordinal));
    }

    [Fact]
    public void Killing_the_process_loses_nothing_and_power_loss_afterwards_may()
    {
        bool lost = false;
        for (int seed = 0; seed < 50; seed++)
        {
            SimulatedDisk disk = WithFile("/d/f", "", out IDiskFile file);
            file.Write(0, "unflushed"u8);
            SimulatedDisk killed = disk.Kill();
            Assert.Equal("unflushed"u8.ToArray(), killed.Content("/d/f"));
            lost |= !killed.LosePower(new Random(seed)).Content("/d/f").AsSpan().SequenceEqual("unflushed"u8);
            Assert.Throws<SimulatedCrashException>(file.Flush);
        }

        Assert.True(lost);
    }

    /// <summary>Also on the disk that comes out of a power loss, whose files begin as what was durable.</summary>
    [Fact]
    public void What_was_written_over_flushed_bytes_and_not_flushed_may_be_lost_and_then_the_old_ones_are_there()
    {
        var states = new HashSet<string>();
        for (int seed = 0; seed < 300; seed++)
        {
            SimulatedDisk disk = WithFile("/d/f", new string('a', 4096), out IDiskFile file);
            for (int life = 0; life < 2; life++)
            {
                byte[] before = disk.Content("/d/f");
                file.Write(1024, Enumerable.Repeat((byte)('b' + life), 2048).ToArray());
                disk = disk.LosePower(new Random(seed));
                byte[] content = disk.Content("/d/f");
                Assert.Equal(before[..1024], content[..1024]);
                Assert.Equal(before[3072..], content[3072..]);
                states.Add(string.Concat(content[1024..3072].Chunk(512).Select(sector => (char)sector[0])));
                file = disk.OpenFile("/d/f", FileOpen.ReadWrite);
            }
        }

        Assert.Superset(new HashSet<string> { "aaaa", "bbbb", "cccc" }, states);
        Assert.Contains(states, state => state.Contains('a') && state.Contains('c'));
    }

    [Fact]
    public void Zeros_are_written_like_any_other_byte_and_stand_where_nothing_was_written()
    {
        SimulatedDisk disk = WithFile("/d/f", new string('a', 4096), out IDiskFile file);
        file.Write(1000, new byte[2048]);
        file.Truncate(3500);
        file.Write(6000, "z"u8);
        byte[] expected = new byte[6001];
        expected.AsSpan(0, 1000).Fill((byte)'a');
        expected.AsSpan(3048, 452).Fill((byte)'a');
        expected[6000] = (byte)'z';
        Assert.Equal(expected, disk.Content("/d/f"));
        file.Flush();
        Assert.Equal(expected, disk.LosePower(new Random(1)).Content("/d/f"));
    }

    [Fact]
    public void A_name_is_certain_only_after_its_directory_is_flushed()
    {
        var seen = new HashSet<string>();
        for (int seed = 0; seed < 100; seed++)
        {
            SimulatedDisk disk = WithFile("/d/old", "content", out _);
            disk.Rename("/d/old", "/d/new");
            seen.Add(string.Join(',', disk.LosePower(new Random(seed)).List("/d")));

            disk = WithFile("/d/old", "content", out _);
            disk.Rename("/d/old", "/d/new");
            disk.SyncDirectory("/d");
            Assert.Equal(["new"], disk.LosePower(new Random(seed)).List("/d"));
        }

        Assert.Equal(["new", "old"], seen.Order());
    }

    [Fact]
    public void After_a_failed_flush_the_next_one_succeeds_and_brings_nothing()
    {
        bool lost = false;
        for (int seed = 0; seed < 50; seed++)
        {
            SimulatedDisk disk = WithFile("/d/f", "", out IDiskFile file);
            file.Write(0, new byte[20_000].AsSpan());
            file.Write(0, "unflushed"u8);
            disk.FailWhen(operation => operation.Name == "fdatasync", DiskException.InputOutput);
            Assert.Equal(DiskException.InputOutput, Assert.Throws<DiskException>(file.Flush).Errno);
            disk.ClearFaults();
            file.Flush();
            lost |= !disk.LosePower(new Random(seed)).Content("/d/f").AsSpan().StartsWith("unflushed"u8);
        }

        Assert.True(lost);
    }

    [Fact]
    public void A_full_disk_takes_what_fits()
    {
        SimulatedDisk disk = WithFile("/d/f", "", out IDiskFile file);
        disk.CapacityBytes = 5;
        Assert.Equal(DiskException.NoSpace, Assert.Throws<DiskException>(() => file.Write(0, "0123456789"u8)).Errno);
        Assert.Equal("01234"u8.ToArray(), disk.Content("/d/f"));
        Assert.Equal(0, disk.FreeBytes("/d"));
    }

    private static SimulatedDisk WithFile(string path, string content, out IDiskFile file)
    {
        var disk = new SimulatedDisk();
        disk.CreateDirectory(Path.GetDirectoryName(path)!);
        file = disk.OpenFile(path, FileOpen.CreateNew);
        file.Write(0, System.Text.Encoding.ASCII.GetBytes(content));
        file.Flush();
        disk.SyncDirectory(Path.GetDirectoryName(path)!);
        return disk;
    }
}
