using Weir.Storage;
using Weir.TestKit;

namespace Weir.Simulator;

/// <content>What goes wrong, and when.</content>
internal sealed partial class Simulation
{
    private static readonly int[] WriteErrnos = [DiskException.InputOutput, DiskException.NoSpace, DiskException.ReadOnlyFileSystem, DiskException.QuotaExceeded];

    private readonly SortedDictionary<long, List<Action>> _planned = [];
    private long _nextPlanned = long.MaxValue;
    private long _fullUntil = long.MaxValue;
    private readonly HashSet<string> _damagedLogs = new(StringComparer.Ordinal);

    /// <summary>Draws at which operation each of the rare things happens.</summary>
    private void PlanFaults()
    {
        AtSome(_mix.Crashes, PlanCrash);
        AtSome(_mix.CleanStops, BeginStop);
        AtSome(_mix.NoSpaceWindows, () =>
        {
            _totals.Count(FaultKind.DiskFull);
            _disk.CapacityBytes = _disk.UsedBytes + _random.Next(8000);
            _fullUntil = _time.GetTimestamp() + TimeSpan.FromMilliseconds(_random.Next(100, 60_000)).Ticks;
        });
        AtSome(_mix.ClockJumps, () =>
        {
            TimeSpan jump = TimeSpan.FromSeconds(_random.Next(6) switch { 0 => 3600, 1 => -3600, 2 => 31_536_000, 3 => -31_536_000, 4 => 3_155_760_000, _ => -2 });
            _totals.Count(jump > TimeSpan.Zero ? FaultKind.ClockForward : FaultKind.ClockBack);
            _trace.Write($"the wall clock jumps by {jump}");
            _time.JumpWallClock(jump);
        });
        AtSome(_mix.BitFlips, () => Damage(FaultKind.RotDerived, path => !path.EndsWith(".log", StringComparison.Ordinal), isSector: false));
        AtSome(_mix.Misdirected, () => Damage(FaultKind.MisdirectedDerived, path => !path.EndsWith(".log", StringComparison.Ordinal), isSector: true));
        AtSome(_mix.LogDamage, DamageLog);
    }

    private long NextPlanned() => _planned.Count == 0 ? long.MaxValue : _planned.First().Key;

    private void AtSome(int times, Action fault)
    {
        for (int i = 0; i < times; i++)
        {
            Plan(_random.Next(5, _mix.Operations), fault);
        }
    }

    private void Plan(long operation, Action fault)
    {
        (_planned.TryGetValue(operation, out List<Action>? faults) ? faults : _planned[operation] = []).Add(fault);
        _nextPlanned = Math.Min(_nextPlanned, operation);
    }

    private void InjectFaults()
    {
        if (_time.GetTimestamp() >= _fullUntil)
        {
            _fullUntil = long.MaxValue;
            _disk.CapacityBytes = long.MaxValue;
        }

        while (_nextPlanned <= _totals.Operations)
        {
            List<Action> faults = _planned[_nextPlanned];
            _planned.Remove(_nextPlanned);
            _nextPlanned = NextPlanned();
            faults.ForEach(fault => fault());
        }
    }

    // At a disk call soon, or between two steps now.
    private void PlanCrash()
    {
        if (_random.Next(4) == 0)
        {
            _disk.Die();
            throw new SimulatedCrashException();
        }

        _disk.CrashAtChange(_disk.Changes + _random.Next(1, 40));
    }

    private void Crash()
    {
        _totals.Crashes++;
        bool losesPower = _random.Next(100) < _mix.PowerLossPercent;
        _totals.Count(losesPower ? FaultKind.PowerLoss : FaultKind.Kill);
        if (!_isStarted && _totals.Crashes > 1)
        {
            _totals.Count(FaultKind.CrashDuringRecovery);
        }

        _trace.Write(losesPower ? "POWER LOST" : "KILLED");
        SimulatedDisk survived = losesPower ? _disk.LosePower(_random) : _disk.Kill();
        Count(survived.Lost);
        if (_hasFaults && _random.Next(4) == 0)
        {
            survived.CrashAtChange(_random.Next(1, 25));
        }

        NextLife(survived);
    }

    private void BeginStop()
    {
        if (!_isStarted || _stopping is not null)
        {
            return;
        }

        _totals.Count(FaultKind.CleanStop);
        _scheduler.RunHere(() => Begin(new Doing(null, "stop"), () => _stopping = StopAsync()));
    }

    private async Task StopAsync()
    {
        await _node.StopAsync();
        _startAgainAt = _time.GetTimestamp() + 1;
    }

    private void FailByChance()
    {
        if (_mix.ReadErrors > 0)
        {
            Fail(_ => FaultKind.ReadIoError, operation => operation.Name == "pread" && _random.NextDouble() < _mix.ReadErrors, DiskException.InputOutput);
        }

        if (_mix.WriteErrors > 0)
        {
            Fail(WriteError, operation => operation.Name is "pwrite" or "open" or "rename" or "unlink" && _random.NextDouble() < _mix.WriteErrors, WriteErrnos[_random.Next(WriteErrnos.Length)]);
        }

        if (_mix.FlushErrors > 0)
        {
            Fail(FlushError, operation => operation.Name is "fdatasync" or "fsync" && _random.NextDouble() < _mix.FlushErrors, WriteErrnos[_random.Next(WriteErrnos.Length)]);
        }
    }

    private void Fail(Func<int, FaultKind> kindOf, Func<DiskOperation, bool> matches, int errno) => _disk.FailWhen(
        operation =>
        {
            if (!matches(operation))
            {
                return false;
            }

            _totals.Count(kindOf(errno));
            _trace.Write($"{kindOf(errno)}: {operation.Name} {operation.Path} at {operation.FilePosition}");
            return true;
        },
        errno);

    private static FaultKind WriteError(int errno) => errno switch
    {
        DiskException.InputOutput => FaultKind.WriteIoError,
        DiskException.NoSpace => FaultKind.WriteNoSpace,
        DiskException.ReadOnlyFileSystem => FaultKind.WriteReadOnly,
        _ => FaultKind.WriteQuota,
    };

    private static FaultKind FlushError(int errno) => errno switch
    {
        DiskException.InputOutput => FaultKind.FlushIoError,
        DiskException.NoSpace => FaultKind.FlushNoSpace,
        DiskException.ReadOnlyFileSystem => FaultKind.FlushReadOnly,
        _ => FaultKind.FlushQuota,
    };

    private void Count(in PowerLoss lost)
    {
        _totals.Count(FaultKind.WriteLost, lost.Pieces);
        _totals.Count(_mix.TearBytes == SimulatedDisk.SectorBytes ? FaultKind.WriteTornAt512 : FaultKind.WriteTornAt4096, lost.Torn);
        _totals.Count(FaultKind.WriteReordered, lost.Reordered);
        _totals.Count(FaultKind.LengthLost, lost.Lengths);
        _totals.Count(FaultKind.NameLost, lost.Names);
    }

    private void Damage(FaultKind kind, Func<string, bool> mayBeDamaged, bool isSector)
    {
        string[] paths = [.. _disk.Paths.Where(path => path.StartsWith("/data/streams/", StringComparison.Ordinal) && !path.EndsWith("definition.json", StringComparison.Ordinal) && !path.EndsWith(".base", StringComparison.Ordinal) && mayBeDamaged(path) && _disk.LengthOf(path) > 0)];
        if (paths.Length == 0)
        {
            return;
        }

        string path = paths[_random.Next(paths.Length)];
        long position = _random.NextInt64(_disk.LengthOf(path));
        _totals.Count(kind);
        _trace.Write($"{kind}: {path} at {position}");
        if (isSector)
        {
            _disk.Misdirect(paths[_random.Next(paths.Length)], _random.Next(4), path, position / SimulatedDisk.SectorBytes);
        }
        else
        {
            _disk.FlipBit(path, position, _random.Next(8));
        }
    }

    // Well below the end: damage in the very last flush before a crash cannot be told from an unfinished write (docs/reliability.md).
    private void DamageLog()
    {
        string[] paths = [.. _disk.Paths.Where(path => path.EndsWith(".log", StringComparison.Ordinal))];
        string[] sealedOnes = [.. paths.GroupBy(path => Path.GetDirectoryName(path), StringComparer.Ordinal).SelectMany(group => group.Order(StringComparer.Ordinal).SkipLast(1)).Where(path => _disk.LengthOf(path) > 64)];
        if (sealedOnes.Length == 0)
        {
            return;
        }

        string path = sealedOnes[_random.Next(sealedOnes.Length)];
        long position = _random.NextInt64(_disk.LengthOf(path));
        FaultKind kind = _random.Next(2) == 0 ? FaultKind.RotSegment : FaultKind.MisdirectedSegment;
        _totals.Count(kind);
        _trace.Write($"{kind}: {path} at {position}");
        if (kind == FaultKind.RotSegment)
        {
            _disk.FlipBit(path, position, _random.Next(8));
        }
        else
        {
            _disk.Misdirect(paths[_random.Next(paths.Length)], _random.Next(4), path, position / SimulatedDisk.SectorBytes);
        }

        _damagedLogs.Add(Path.GetDirectoryName(path)!);
    }

    private void EndFaults()
    {
        _hasFaults = false;
        _planned.Clear();
        _nextPlanned = long.MaxValue;
        _disk.ClearFaults();
        _disk.CapacityBytes = long.MaxValue;
        _disk.CrashAtChange(long.MaxValue);
        _trace.Write("faults end");
    }
}
