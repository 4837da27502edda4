using System.Text;
using Weir.Core;
using Weir.TestKit;

namespace Weir.Storage.Tests;

public sealed class DataDirectoryTests
{
    [Fact]
    public void Streams_and_views_are_found_again()
    {
        using var test = new TestLog();
        var id = Guid.Parse("12345678-0000-0000-0000-000000000000");
        using (DataDirectory data = DataDirectory.Open(test.Disk, test.Directory))
        {
            StreamDirectory stream = data.CreateStream("my-votes", id);
            Assert.Empty(data.Streams());
            stream.WriteDefinition("{\"a\":1}"u8);
            stream.WriteDefinition("{\"a\":2}"u8);
            Assert.EndsWith("my-votes-12345678/3", stream.PartitionPath(3), StringComparison.Ordinal);
            data.WriteView("results", "{\"a\":1}"u8);
            data.WriteView("gone", "{\"a\":1}"u8);
            data.DeleteView("gone", version: 7);
            data.DeleteView("never", version: 9);
            data.WriteView("gone", "{\"a\":1}"u8);
            data.DeleteView("gone", version: 3);
            data.CreateStream("old", id).WriteDefinition("{\"a\":1}"u8);
            data.DeleteStream(data.Streams().Single(old => old.Name == "old"));
            data.DeleteStream(data.CreateStream("unfinished", id));
        }

        using DataDirectory again = DataDirectory.Open(test.Disk, test.Directory);
        StreamDirectory found = Assert.Single(again.Streams());
        Assert.Equal("my-votes", found.Name);
        Assert.StartsWith("{\"a\":2,", Encoding.UTF8.GetString(found.ReadDefinition()), StringComparison.Ordinal);
        Assert.Equal("results", Assert.Single(again.ViewNames()));
        Assert.Equal(7, again.HighestDeletedViewVersion());
    }

    [Fact]
    public void Wherever_power_is_lost_a_view_is_there_or_its_version_is_remembered()
    {
        bool isFinished = false;
        for (int change = 1; !isFinished; change++)
        {
            var disk = new SimulatedDisk();
            using (DataDirectory data = DataDirectory.Open(disk, "/data"))
            {
                data.WriteView("v", "{\"a\":1}"u8);
                disk.CrashAtChange(disk.Changes + change);
                try
                {
                    data.DeleteView("v", version: 5);
                    isFinished = true;
                }
                catch (SimulatedCrashException)
                {
                }
            }

            for (int seed = 0; seed < 20; seed++)
            {
                using DataDirectory again = DataDirectory.Open(disk.LosePower(new Random(seed)), "/data");
                Assert.True(again.ReadView("v") is not null || again.HighestDeletedViewVersion() == 5, $"Lost at change {change}, seed {seed}.");
            }
        }
    }

    [Fact]
    public void What_a_start_that_failed_has_left_is_on_disk_before_a_stream_rests_on_it()
    {
        bool isFinished = false;
        for (int failing = 1; !isFinished; failing++)
        {
            var disk = new SimulatedDisk();
            int flushes = 0;
            disk.FailWhen(operation => operation.Name == "fsync" && ++flushes == failing, DiskException.NoSpace);
            try
            {
                DataDirectory.Open(disk, "/data").Dispose();
                isFinished = flushes < failing;
            }
            catch (DiskException)
            {
            }

            disk.ClearFaults();
            using (DataDirectory data = DataDirectory.Open(disk, "/data"))
            {
                data.CreateStream("s", Guid.Empty).WriteDefinition("{\"a\":1}"u8);
            }

            for (int seed = 0; seed < 20; seed++)
            {
                using DataDirectory again = DataDirectory.Open(disk.LosePower(new Random(seed)), "/data");
                Assert.Single(again.Streams());
            }
        }
    }

    [Fact]
    public void A_view_deleted_at_the_second_try_leaves_its_version()
    {
        bool isFinished = false;
        for (int failing = 1; !isFinished; failing++)
        {
            var disk = new SimulatedDisk();
            using (DataDirectory data = DataDirectory.Open(disk, "/data"))
            {
                data.WriteView("v", "{\"a\":1}"u8);
                int flushes = 0;
                disk.FailWhen(operation => operation.Name == "fsync" && ++flushes == failing, DiskException.InputOutput);
                try
                {
                    data.DeleteView("v", version: 5);
                    isFinished = true;
                }
                catch (DiskException)
                {
                    disk.ClearFaults();
                    data.DeleteView("v", version: 5);
                }
            }

            for (int seed = 0; seed < 20; seed++)
            {
                using DataDirectory again = DataDirectory.Open(disk.LosePower(new Random(seed)), "/data");
                Assert.True(again.ReadView("v") is not null || again.HighestDeletedViewVersion() == 5, $"Lost with flush {failing} failing, seed {seed}.");
            }
        }
    }

    [Fact]
    public void A_deletion_that_failed_and_is_tried_again_is_for_good()
    {
        foreach (Action<DataDirectory, StreamDirectory> delete in (Action<DataDirectory, StreamDirectory>[])[(data, _) => data.DeleteView("v", version: 5), (data, stream) => data.DeleteStream(stream)])
        {
            bool isFinished = false;
            for (int failing = 1; !isFinished; failing++)
            {
                var disk = new SimulatedDisk();
                using (DataDirectory data = DataDirectory.Open(disk, "/data"))
                {
                    data.WriteView("v", "{\"a\":1}"u8);
                    StreamDirectory stream = data.CreateStream("s", Guid.Empty);
                    stream.WriteDefinition("{\"a\":1}"u8);
                    int calls = 0;
                    disk.FailWhen(operation => operation.Name is "fsync" or "unlink" or "rmdir" && ++calls == failing, DiskException.InputOutput);
                    try
                    {
                        delete(data, stream);
                        isFinished = true;
                    }
                    catch (DiskException)
                    {
                        disk.ClearFaults();
                        delete(data, stream);
                    }

                    disk.ClearFaults();
                }

                int left = disk.Kill().List("/data/views").Count + disk.Kill().List("/data/streams").Count;
                for (int seed = 0; seed < 20; seed++)
                {
                    using DataDirectory again = DataDirectory.Open(disk.LosePower(new Random(seed)), "/data");
                    int there = again.Streams().Count + (again.ReadView("v") is null ? 0 : 1);
                    Assert.True(there == 1, $"{there} are there with call {failing} failing, seed {seed}.");
                }

                Assert.Equal(1, left);
            }
        }
    }

    [Fact]
    public void What_an_opening_after_a_kill_does_not_find_stays_deleted()
    {
        foreach (Action<DataDirectory> delete in (Action<DataDirectory>[])[data => data.DeleteView("v", version: 5), data => data.DeleteStream(data.Streams()[0])])
        {
            bool isFinished = false;
            for (int change = 1; !isFinished; change++)
            {
                var disk = new SimulatedDisk();
                using (DataDirectory data = DataDirectory.Open(disk, "/data"))
                {
                    data.WriteView("v", "{\"a\":1}"u8);
                    data.CreateStream("s", Guid.Empty).WriteDefinition("{\"a\":1}"u8);
                    disk.CrashAtChange(disk.Changes + change);
                    try
                    {
                        delete(data);
                        isFinished = true;
                    }
                    catch (SimulatedCrashException)
                    {
                    }
                }

                // The next process sees what the one before did not flush, and tells it to others.
                disk = disk.Kill();
                string found;
                using (DataDirectory data = DataDirectory.Open(disk, "/data"))
                {
                    found = Found(data);
                }

                for (int seed = 0; seed < 20; seed++)
                {
                    using DataDirectory again = DataDirectory.Open(disk.LosePower(new Random(seed)), "/data");
                    Assert.True(Found(again) == found, $"Killed at change {change}, seed {seed}: \"{found}\" became \"{Found(again)}\".");
                }
            }
        }

        static string Found(DataDirectory data) => string.Join(' ', data.Streams().Select(stream => stream.Name).Concat(data.ViewNames().Where(name => data.ReadView(name) is not null)));
    }

    [Fact]
    public void A_second_opening_is_refused_and_names_the_process()
    {
        using var test = new TestLog();
        using DataDirectory data = DataDirectory.Open(test.Disk, test.Directory);
        var refused = Assert.Throws<DirectoryLockedException>(() => DataDirectory.Open(test.Disk, test.Directory));
        Assert.Equal(Environment.ProcessId, refused.ProcessId);
        Assert.Equal(ErrorCode.DirectoryLocked, refused.Code);
    }

    [Theory]
    [InlineData("weir 2\n", ErrorCode.FormatTooNew)]
    [InlineData("something", ErrorCode.NotADataDirectory)]
    public void A_newer_or_foreign_format_is_refused_and_nothing_changes(string format, ErrorCode expected)
    {
        using var test = new TestLog();
        Directory.CreateDirectory(test.Directory);
        File.WriteAllText(Path.Combine(test.Directory, "format"), format);
        Assert.Equal(expected, Assert.Throws<WeirException>(() => DataDirectory.Open(test.Disk, test.Directory)).Code);
        Assert.Equal(["format"], test.Disk.List(test.Directory));
    }

    [Fact]
    public void A_directory_with_other_things_in_it_is_refused()
    {
        using var test = new TestLog();
        Directory.CreateDirectory(test.Directory);
        File.WriteAllText(Path.Combine(test.Directory, "thesis.tex"), "");
        Assert.Equal(ErrorCode.NotADataDirectory, Assert.Throws<WeirException>(() => DataDirectory.Open(test.Disk, test.Directory)).Code);
        Assert.Equal(["thesis.tex"], test.Disk.List(test.Directory));
    }

    [Fact]
    public void A_stream_directory_without_a_definition_is_no_stream()
    {
        using var test = new TestLog();
        using DataDirectory data = DataDirectory.Open(test.Disk, test.Directory);
        Directory.CreateDirectory(Path.Combine(test.Directory, "streams", "half-12345678"));
        Assert.Empty(data.Streams());
    }
}
