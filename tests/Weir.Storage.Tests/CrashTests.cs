using Weir.Core;
using Weir.TestKit;

namespace Weir.Storage.Tests;

/// <summary>The log on a disk that loses, tears and reorders what was not flushed, and that fails.</summary>
public sealed class CrashTests
{
    private const string Directory = "/data/0";

    /// <summary>Which kind of death, at which change of the disk: the seed says. Each seed runs five lives of one log.</summary>
    [Fact]
    public void No_acknowledged_record_is_lost_and_nothing_that_was_read_goes_away()
    {
        for (int seed = 0; seed < 400; seed++)
        {
            try
            {
                Live(new Random(seed));
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {seed}.", e);
            }
        }
    }

    [Fact]
    public void Segments_that_a_base_found_after_a_kill_covers_go_only_when_that_base_is_there_for_good()
    {
        bool isFinished = false;
        for (int killedAt = 1; !isFinished; killedAt++)
        {
            for (int change = 1; change < 12; change++)
            {
                SimulatedDisk disk = KilledInBase(killedAt, out isFinished);
                using (PartitionLog log = new TestLog(disk, Directory).Open())
                {
                    disk.CrashAtChange(disk.Changes + change);
                    try
                    {
                        // What retention does: a base that is found need not be made again.
                        if (SnapshotReader.TryOpenBase(disk, Directory, TestLog.Identity, out SnapshotReader? found))
                        {
                            found.Dispose();
                            log.ApplyRetention(log.SealedEnd);
                        }
                    }
                    catch (SimulatedCrashException)
                    {
                    }
                }

                for (int seed = 0; seed < 8; seed++)
                {
                    using PartitionLog after = new TestLog(disk.LosePower(new Random(seed)), Directory).Open(out RecoveryReport report);
                    Assert.True(report.Outcome == RecoveryOutcome.Clean, $"Killed at change {killedAt}, power lost at {change}, seed {seed}: {report}");
                }
            }
        }
    }

    // A log of several segments, all of it proven; the process dies at a change while it makes the base that its last segment begins at.
    private static SimulatedDisk KilledInBase(int change, out bool isFinished)
    {
        var disk = new SimulatedDisk();
        var test = new TestLog(disk, Directory);
        using PartitionLog log = test.Open();
        test.AppendRounds(log, 60);
        log.AppendIdleFrame(appendTimeMs: 9_000);
        log.Write();
        log.Flush();
        disk.CrashAtChange(disk.Changes + change);
        isFinished = false;
        try
        {
            using SnapshotWriter writer = SnapshotWriter.BeginBase(disk, Directory, TestLog.Identity, log.SealedEnd);
            writer.Commit();
            isFinished = true;
        }
        catch (SimulatedCrashException)
        {
        }

        return disk.Kill();
    }

    [Theory]
    [InlineData(DiskException.InputOutput)]
    [InlineData(DiskException.NoSpace)]
    [InlineData(DiskException.QuotaExceeded)]
    [InlineData(DiskException.ReadOnlyFileSystem)]
    [InlineData(DiskException.Interrupted)]
    public void A_failed_flush_poisons_the_log_and_that_file_is_never_flushed_again(int errno)
    {
        var disk = new SimulatedDisk();
        using var test = new TestLog(disk, Directory);
        PartitionLog log = test.Open();
        test.AppendRounds(log, 3);
        Offset acknowledged = log.FlushedEnd;
        string path = log.Segments[^1].Path;
        test.Append(log);
        log.Write();
        // Once only: a second try would succeed, and lie.
        int attempts = 0;
        disk.FailWhen(operation => operation.Name == "fdatasync" && attempts++ == 0, errno);

        Assert.Throws<LogPoisonedException>(log.Flush);

        disk.ClearFaults();
        Assert.Equal(1, attempts);
        Assert.True(log.IsPoisoned);
        Assert.Equal(acknowledged, log.FlushedEnd);
        Assert.Throws<LogPoisonedException>(log.Flush);
        Assert.Throws<LogPoisonedException>(log.Write);
        Assert.Throws<LogPoisonedException>(() => test.Append(log));
        Assert.Equal(acknowledged, TestLog.ReadAll(log, Offset.Zero));
        log.Dispose();

        int failed = disk.Operations.ToList().FindIndex(operation => operation.Errno != 0);
        using PartitionLog again = test.Open(out RecoveryReport report);
        test.AppendRounds(again, 3);
        Assert.DoesNotContain(disk.Operations.Skip(failed + 1), operation => operation.Name is "fdatasync" or "pwrite" && operation.Path == path);
        Assert.NotEqual(path, again.Segments[^1].Path);
        Assert.Equal(again.LogEnd, TestLog.ReadAll(again, Offset.Zero));

        Offset end = again.FlushedEnd;
        using PartitionLog afterPowerLoss = PartitionLog.Open(disk.LosePower(new Random(3)), Directory, TestLog.Identity, test.Options, out report);
        Assert.Equal(end, report.End);
        Assert.Equal(end, TestLog.ReadAll(afterPowerLoss, Offset.Zero));
    }

    [Fact]
    public void A_full_disk_stops_the_log_and_it_goes_on_when_there_is_room()
    {
        var disk = new SimulatedDisk();
        using var test = new TestLog(disk, Directory);
        PartitionLog log = test.Open();
        test.AppendRounds(log, 5);
        Offset acknowledged = log.FlushedEnd;
        disk.CapacityBytes = disk.CapacityBytes - disk.FreeBytes(Directory) + 60;
        var full = Assert.Throws<LogPoisonedException>(() => test.AppendRounds(log, 1));
        Assert.Equal(ErrorCode.DiskFull, full.Code);
        log.Dispose();

        disk.CapacityBytes = long.MaxValue;
        using PartitionLog again = test.Open(out RecoveryReport report);
        Assert.Equal(RecoveryOutcome.TailCut, report.Outcome);
        Assert.Equal(acknowledged, report.End);
        test.AppendRounds(again, 20);
        Assert.Equal(again.LogEnd, TestLog.ReadAll(again, Offset.Zero));
    }

    [Fact]
    public void What_was_written_but_not_flushed_is_written_again_before_anybody_reads_it()
    {
        // Kill after the write, before the flush: the page cache has the record, the disk does not. Then power loss.
        var disk = new SimulatedDisk();
        using var test = new TestLog(disk, Directory);
        PartitionLog log = test.Open();
        test.AppendRounds(log, 3);
        test.Append(log);
        log.Write();
        SimulatedDisk killed = disk.Kill();

        using PartitionLog second = PartitionLog.Open(killed, Directory, TestLog.Identity, test.Options, out RecoveryReport report);
        Offset seen = TestLog.ReadAll(second, Offset.Zero);
        Assert.Equal(log.LogEnd, seen);
        Assert.True(report.RewrittenRecords > 0);
        for (int seed = 0; seed < 20; seed++)
        {
            // The state after power loss is chosen anew, so each seed needs the same history.
            CheckTwoSteps(seed);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_disk_without_room_shows_of_a_tail_survives_power_loss(bool isRenameUnflushed)
    {
        // The flush fails, and what it left out (bytes, or the file's new length) counts as clean. Then the only room is where the tail lies.
        int shown = 0;
        for (int batches = 1; batches <= 40; batches++)
        {
            var disk = new SimulatedDisk();
            using var test = new TestLog(disk, Directory);
            PartitionLog log = test.Open();
            test.AppendRounds(log, 3);
            for (int i = 0; i < batches; i++)
            {
                test.Append(log);
            }

            log.Write();
            disk.FailWhen(operation => operation.Name == "fdatasync", DiskException.NoSpace);
            Assert.Throws<LogPoisonedException>(log.Flush);
            disk.ClearFaults();
            if (isRenameUnflushed)
            {
                // The next opening wrote the tail into a new segment, and its name is in memory only.
                disk.FailWhen(operation => operation.Name == "fsync" && disk.Operations[^1].Name == "rename", DiskException.NoSpace);
                Assert.Throws<DiskException>(() => test.Open());
                disk.ClearFaults();
            }

            disk.CapacityBytes -= disk.FreeBytes(Directory);
            using PartitionLog full = PartitionLog.OpenProven(disk, Directory, TestLog.Identity, test.Options, new DiskException("pwrite", Directory, DiskException.NoSpace), out _);
            Offset seen = TestLog.ReadAll(full, Offset.Zero);
            shown += seen == log.LogEnd ? 1 : 0;
            disk = disk.LosePower(new Random(batches));
            disk.CapacityBytes = long.MaxValue;
            using PartitionLog after = PartitionLog.Open(disk, Directory, TestLog.Identity, test.Options, out RecoveryReport report);
            Assert.True(report.End >= seen, $"{batches} batches, {seen} were shown: {report}");
            Assert.Equal(report.End, TestLog.ReadAll(after, Offset.Zero));
        }

        Assert.Equal(40, shown);
    }

    [Fact]
    public void Names_are_flushed_before_they_are_relied_on()
    {
        var disk = new SimulatedDisk();
        using var test = new TestLog(disk, Directory) { Options = new LogOptions { SegmentBytes = 700 } };
        using PartitionLog log = test.Open();
        test.AppendRounds(log, 30);
        DiskOperation[] operations = [.. disk.Operations];
        for (int i = 0; i < operations.Length; i++)
        {
            if (operations[i].Name == "rename" && operations[i].Path.EndsWith(".log.tmp", StringComparison.Ordinal))
            {
                Assert.Equal("fdatasync", operations[i - 1].Name);
                Assert.Equal(operations[i].Path, operations[i - 1].Path);
                Assert.Equal("fsync", operations[i + 1].Name);
                Assert.Equal(Directory, operations[i + 1].Path);
            }
        }
    }

    private static void CheckTwoSteps(int seed)
    {
        var disk = new SimulatedDisk();
        using var test = new TestLog(disk, Directory);
        PartitionLog log = test.Open();
        test.AppendRounds(log, 3);
        test.Append(log);
        log.Write();
        SimulatedDisk killed = disk.Kill();
        PartitionLog second = PartitionLog.Open(killed, Directory, TestLog.Identity, test.Options, out _);
        Offset seen = second.FlushedEnd;
        using PartitionLog third = PartitionLog.Open(killed.LosePower(new Random(seed)), Directory, TestLog.Identity, test.Options, out RecoveryReport report);
        Assert.Equal(seen, report.End);
        Assert.Equal(seen, TestLog.ReadAll(third, Offset.Zero));
    }

    private static void Live(Random random)
    {
        var disk = new SimulatedDisk();
        Offset promised = Offset.Zero;
        for (int life = 0; life < 5; life++)
        {
            disk.CrashAtChange(disk.Changes + random.Next(1, 60));
            using var test = new TestLog(disk, Directory) { Options = new LogOptions { SegmentBytes = random.Next(300, 2_000), IndexIntervalBytes = 100 } };
            Offset appended = promised;
            try
            {
                PartitionLog log = test.Open(out RecoveryReport report);
                Assert.NotEqual(RecoveryOutcome.Damaged, report.Outcome);
                Assert.True(report.End >= promised, $"{promised} were promised, {report}");
                // Whoever reads now may act on it: it must never go away again.
                promised = TestLog.ReadAll(log, Offset.Zero);
                Assert.Equal(report.End, promised);
                while (true)
                {
                    Step(random, test, disk, ref log, ref promised);
                    appended = log.LogEnd;
                }
            }
            catch (SimulatedCrashException)
            {
                disk = random.Next(2) == 0 ? disk.Kill() : disk.LosePower(random);
            }
        }
    }

    private static void Step(Random random, TestLog test, SimulatedDisk disk, ref PartitionLog log, ref Offset promised)
    {
        bool fails = random.Next(12) == 0;
        if (fails)
        {
            string name = random.Next(2) == 0 ? "fdatasync" : "pwrite";
            int left = random.Next(1, 4);
            disk.FailWhen(operation => operation.Name == name && left-- > 0, DiskException.InputOutput);
        }

        try
        {
            for (int batches = random.Next(1, 4); batches > 0; batches--)
            {
                test.Append(log);
            }

            log.Write();
            log.Flush();
            promised = log.FlushedEnd;
            if (random.Next(4) == 0)
            {
                log.AppendIdleFrame(log.LastAppendTimeMs);
                log.Write();
                log.Flush();
            }

            if (random.Next(10) == 0)
            {
                using var snapshot = SnapshotWriter.Begin(disk, Directory, TestLog.Identity, promised);
                snapshot.Commit();
            }
        }
        catch (WeirException)
        {
            disk.ClearFaults();
            Assert.True(fails);
            promised = log.FlushedEnd > promised ? log.FlushedEnd : promised;
            log.Dispose();
            log = test.Open(out RecoveryReport report);
            Assert.NotEqual(RecoveryOutcome.Damaged, report.Outcome);
            Assert.True(report.End >= promised, $"{promised} were promised, {report}");
            promised = TestLog.ReadAll(log, Offset.Zero);
        }
        finally
        {
            disk.ClearFaults();
        }
    }
}
