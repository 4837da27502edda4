using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.Storage;
using Weir.TestKit;

namespace Weir.Simulator;

/// <summary>
/// One run: a node, its disk and its clients, from the first definition to the last check. Everything happens on one thread at a time and every choice
/// comes from the seed, so the same seed gives the same run (docs/internals/simulator.md).
/// </summary>
/// <remarks>The clients are in Simulation.Clients.cs, the faults in Simulation.Faults.cs, what is checked at the end in Simulation.Checks.cs.</remarks>
internal sealed partial class Simulation
{
    private const string Data = "/data";
    private const long MostSteps = 400_000;

    private static readonly TimeSpan SlowFlush = TimeSpan.FromMilliseconds(100);

    private readonly int _seed;
    private readonly Random _random;
    private readonly FakeTime _time = new();
    private readonly Trace _trace;
    private readonly Mix _mix;
    private readonly Ledger _ledger = new();
    private readonly Totals _totals = new() { Seeds = 1 };
    private readonly Stack<JobThread> _threads;
    private readonly long _began;
    private SimulatedDisk _disk = new();
    private Scheduler _scheduler = null!;
    private WeirNode _node = null!;
    private Task _starting = Task.CompletedTask;
    private Task? _stopping;
    private Violation? _violation;
    private long _startAgainAt;
    private bool _hasFaults = true;
    private bool _isStarted;

    /// <param name="threads">Threads without a job; a caller that runs many seeds gives each the same ones.</param>
    public Simulation(int seed, Stack<JobThread> threads, TextWriter? trace)
    {
        _seed = seed;
        _random = new Random(seed);
        _threads = threads;
        _trace = new Trace(_time, trace);
        _mix = new Mix(_random);
        _began = _time.GetTimestamp();
        _disk.TearBytes = _mix.TearBytes;
        _disk.KeepsOperations = false;
    }

    public Totals Totals => _totals;

    /// <summary>A hash over everything that was sent, told and read, and over the fold state at the end.</summary>
    public ulong Hash => _ledger.Hash;

    /// <summary>Runs to the end.</summary>
    /// <returns>The invariant that was broken; null: none.</returns>
    public Violation? Run()
    {
        _trace.Write($"seed {_seed}: {_mix}");
        try
        {
            PlanFaults();
            FailByChance();
            StartLife();
            while (_totals.Operations < _mix.Operations)
            {
                Step();
            }

            EndFaults();
            Drain();
            CheckEverything();
        }
        catch (Violation violation)
        {
            _violation = violation;
        }
        finally
        {
            _scheduler.Die();
        }

        _totals.Simulated = TimeSpan.FromTicks(_time.GetTimestamp() - _began);
        _totals.Acknowledged = _ledger.Acknowledged;
        if (_violation is not null)
        {
            _trace.Write($"BROKEN {_violation.Message}");
        }

        return _violation;
    }

    /// <summary>One step of the whole; a process that died on the way is followed by the next one.</summary>
    private void Step()
    {
        try
        {
            StepAlive();
        }
        catch (SimulatedCrashException)
        {
            if (!_disk.IsDead)
            {
                throw;
            }
        }

        if (_disk.IsDead)
        {
            Crash();
        }
    }

    private void StepAlive()
    {
        if (++_totals.Steps > MostSteps)
        {
            throw new Violation("I10 NeverSilentlyIdle", $"{MostSteps} steps did not bring the run to its end.");
        }

        if (_disk.IsDead)
        {
            throw new SimulatedCrashException();
        }

        CheckNode();
        if (_hasFaults)
        {
            InjectFaults();
        }

        bool mayAct = _hasFaults && _isStarted && _stopping is null;
        if (mayAct && _random.Next(100) < _mix.ActPercent && TryAct())
        {
            return;
        }

        if (_random.Next(50) == 0)
        {
            _time.Advance(TimeSpan.FromMilliseconds(_random.Next(8)));
        }

        if (_scheduler.TryStep())
        {
            return;
        }

        // Nothing goes on by itself now: somebody acts, or time passes.
        if (mayAct && _random.Next(2) == 0 && TryAct())
        {
            return;
        }

        long now = _time.GetTimestamp();
        long due = Math.Min(_scheduler.NextDue() ?? long.MaxValue, _scheduler.WaitsUntil);
        if (_startAgainAt > now)
        {
            due = Math.Min(due, _startAgainAt);
        }

        _time.Advance(TimeSpan.FromTicks(due == long.MaxValue ? TimeSpan.TicksPerMillisecond * 10 : Math.Max(due - now, 0)));
        if (_startAgainAt != 0 && _time.GetTimestamp() >= _startAgainAt)
        {
            NextLife(_disk.Kill());
        }
    }

    private void StartLife()
    {
        _startAgainAt = 0;
        _isStarted = false;
        _stopping = null;
        _scheduler = new Scheduler(_random, _time, _trace, _threads, FlushTime) { StepAll = StepAlive };
        var options = new NodeOptions
        {
            DataDirectory = Data,
            WriterThreads = _mix.WriterThreads,
            FlusherThreads = 2,
            MostFlushedByWriter = _mix.MostFlushedByWriter,
            MemoryBytes = 1L << 30,
            PublishInterval = TimeSpan.FromMilliseconds(_mix.PublishMs),
            QueueBytesPerPartition = _mix.QueueBytes,
            SegmentBytes = _mix.SegmentBytes,
            SnapshotBytes = _mix.SnapshotBytes,
            MinFreeDiskBytes = 4096,
        };
        Scheduler scheduler = _scheduler;
        _node = WeirNode.Create(options, _disk, _time, RandomBytes, (kind, text) => Report(scheduler, kind, text), _scheduler);
        WeirNode node = _node;
        _scheduler.RunHere(() => _starting = StartAsync(node));
    }

    private TimeSpan FlushTime()
    {
        var time = TimeSpan.FromMilliseconds(_hasFaults ? _random.Next(_mix.MostFlushMs) : 1);
        if (time >= SlowFlush)
        {
            _totals.Count(FaultKind.FlushSlow);
        }

        return time;
    }

    private async Task StartAsync(WeirNode node)
    {
        try
        {
            await node.StartAsync();
        }
        catch (WeirException exception) when (!_disk.IsDead)
        {
            _trace.Write($"the node did not start: {exception.Message}");
            if (!_hasFaults)
            {
                Break(new Violation("I10 ServingOrStoppedWithAReason", $"Without faults the node does not start: {exception.Message}"));
            }

            _totals.Count("start refused");
            _startAgainAt = _time.GetTimestamp() + TimeSpan.FromSeconds(1).Ticks;
            return;
        }
        catch (Exception exception) when (!_disk.IsDead)
        {
            Break(new Violation("I10 ServingOrStoppedWithAReason", $"The node did not start: {exception}"));
            return;
        }

        _isStarted = true;
        _trace.Write("the node serves");
        Begin(new Doing(null, "define"), DefineAsync);
    }

    private void NextLife(SimulatedDisk disk)
    {
        _scheduler.Die();
        foreach (Client client in _clients)
        {
            client.IsBusy = false;
        }

        _disk = disk;
        if (_hasFaults)
        {
            FailByChance();
        }

        StartLife();
    }

    private void Report(Scheduler scheduler, EngineEvent kind, string text)
    {
        if (scheduler.IsDead || _disk.IsDead)
        {
            return;
        }

        _trace.Write($"{kind}: {text}");
        _totals.Count(kind.ToString());
        if (kind == EngineEvent.NodeFailed)
        {
            Break(new Violation("I10 ServingOrStoppedWithAReason", $"The node failed: {text}"));
        }
    }

    /// <summary>Notes what a step found broken; the run ends with the step.</summary>
    private void Break(Violation violation) => _violation ??= violation;

    private void CheckNode()
    {
        if (_violation is { } violation)
        {
            throw violation;
        }
    }

    private byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private static StreamDefinition Parse(string json) => StreamDefinition.Parse(Encoding.UTF8.GetBytes(json));
}
