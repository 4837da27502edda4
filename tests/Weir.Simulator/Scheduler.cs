using Weir.Engine;
using Weir.TestKit;

namespace Weir.Simulator;

/// <summary>
/// Runs one life of a node, one thing at a time: steps of loops, flushes, jobs, and what continues after an await. Whatever could go on is a
/// candidate, and the seed picks. Time stands still but where nothing can go on, or where the seed lets it pass.
/// </summary>
/// <remarks>
/// Loops run on the simulation's thread; one that waits lets the others go on beneath it. Jobs have a thread each (<see cref="JobThread"/>), because
/// they wait for long in the middle of what they do; only one of all threads runs at any moment.
/// </remarks>
internal sealed class Scheduler : SynchronizationContext, IThreads
{
    [ThreadStatic]
    private static Job? _current;

    private readonly Random _random;
    private readonly FakeTime _time;
    private readonly Trace _trace;
    private readonly Stack<JobThread> _free;
    private readonly Func<TimeSpan> _flushTakes;
    private readonly Lock _arriving = new();
    private readonly List<(SendOrPostCallback Run, object? State)> _ready = [];
    private readonly List<Loop> _loops = [];
    private readonly List<Job> _jobs = [];
    private readonly List<(Partition Partition, long DueAt)> _flushes = [];

    /// <param name="free">Threads without a job; handed on from life to life.</param>
    /// <param name="flushTakes">How long a flush that is handed over takes.</param>
    public Scheduler(Random random, FakeTime time, Trace trace, Stack<JobThread> free, Func<TimeSpan> flushTakes)
    {
        _random = random;
        _time = time;
        _trace = trace;
        _free = free;
        _flushTakes = flushTakes;
    }

    /// <summary>Steps taken.</summary>
    public long Steps { get; private set; }

    /// <summary>What else happens while a loop waits beneath: one step of the whole simulation. Throws when the process is dead.</summary>
    public required Action StepAll { get; init; }

    public bool IsDead { get; private set; }

    private volatile int _runningThread = Environment.CurrentManagedThreadId;

    private long Now => _time.GetTimestamp();

    /// <summary>Takes one step, if anything can go on now.</summary>
    public bool TryStep()
    {
        long now = Now;
        int loops = 0, jobs = 0, flushes = 0;
        foreach (Loop loop in _loops)
        {
            loops += loop.CanStep(now) ? 1 : 0;
        }

        foreach (Job job in _jobs)
        {
            jobs += job.CanStep(now) ? 1 : 0;
        }

        foreach ((_, long dueAt) in _flushes)
        {
            flushes += dueAt <= now ? 1 : 0;
        }

        int candidates = _ready.Count + loops + jobs + flushes;
        if (candidates == 0)
        {
            return false;
        }

        Steps++;
        int picked = _random.Next(candidates);
        if (picked < _ready.Count)
        {
            Continue(picked);
        }
        else if ((picked -= _ready.Count) < loops)
        {
            Run(_loops[FindAble(_loops, picked, now, static (loop, at) => loop.CanStep(at))]);
        }
        else if ((picked -= loops) < jobs)
        {
            Resume(_jobs[FindAble(_jobs, picked, now, static (job, at) => job.CanStep(at))]);
        }
        else
        {
            Flush(FindAble(_flushes, picked - jobs, now, static (flush, at) => flush.DueAt <= at));
        }

        return true;
    }

    private static int FindAble<T>(List<T> all, int picked, long now, Func<T, long, bool> isAble)
    {
        int at = -1;
        do
        {
            picked -= isAble(all[++at], now) ? 1 : 0;
        }
        while (picked >= 0);

        return at;
    }

    /// <summary>When something can go on by itself at the latest; null: never.</summary>
    public long? NextDue()
    {
        long due = long.MaxValue;
        foreach (Loop loop in _loops)
        {
            due = loop.IsRunning ? due : Math.Min(due, loop.DueAt);
        }

        foreach (Job job in _jobs)
        {
            due = Math.Min(due, job.Deadline);
        }

        foreach ((_, long dueAt) in _flushes)
        {
            due = Math.Min(due, dueAt);
        }

        return due == long.MaxValue ? null : due;
    }

    /// <summary>The process dies: loops take no further step, and jobs are unwound from where they wait.</summary>
    public void Die()
    {
        IsDead = true;
        _loops.Clear();
        _flushes.Clear();
        foreach (Job job in _jobs.ToArray())
        {
            if (job.Thread is not null)
            {
                Resume(job);
            }
        }

        _jobs.Clear();
        lock (_arriving)
        {
            _ready.Clear();
        }
    }

    /// <summary>Runs what a client does in the context in which its awaits are continued.</summary>
    public void RunHere(Action action)
    {
        SynchronizationContext? before = Current;
        SetSynchronizationContext(this);
        try
        {
            action();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_arriving)
        {
            // Some of the library's completions take the pool, when the process dies and nobody looks any more; they are not part of the run.
            if (!IsDead && Environment.CurrentManagedThreadId == _runningThread)
            {
                _ready.Add((d, state));
            }
        }
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("The engine does not block its callers.");

    public ILoop StartLoop(string name, Action step, Func<int> delayMs, Action<Exception> onFailure)
    {
        var loop = new Loop(this, name, step, delayMs, onFailure);
        _loops.Add(loop);
        loop.Sleep();
        return loop;
    }

    public IFlusher StartFlusher(int threads, Action<Exception> onFailure) => new FlushQueue(this);

    public Task Start(string name, Action job)
    {
        var started = new Job(name, job);
        _jobs.Add(started);
        return started.Ended.Task;
    }

    public bool Wait(Task task, TimeSpan timeout, Task? other = null)
    {
        if (IsDead)
        {
            throw new SimulatedCrashException();
        }

        bool HasEnded() => task.IsCompleted || other is { IsCompleted: true };
        if (HasEnded())
        {
            return true;
        }

        long deadline = timeout == Timeout.InfiniteTimeSpan ? long.MaxValue : Now + timeout.Ticks;
        if (_current is { } job)
        {
            job.WaitsFor = HasEnded;
            job.Deadline = deadline;
            job.Thread!.GiveBack();
            job.WaitsFor = null;
            job.Deadline = long.MaxValue;
            return IsDead ? throw new SimulatedCrashException() : HasEnded();
        }

        SynchronizationContext? context = Current;
        SetSynchronizationContext(null);
        _waitsUntil.Push(deadline);
        try
        {
            while (!HasEnded() && Now < deadline)
            {
                StepAll();
            }
        }
        finally
        {
            _waitsUntil.Pop();
            SetSynchronizationContext(context);
        }

        return HasEnded();
    }

    public void Queue(IThreadPoolWorkItem item) => Post(static state => ((IThreadPoolWorkItem)state!).Execute(), item);

    /// <summary>The earliest time at which a loop that waits beneath gives up waiting; the largest value when none does.</summary>
    public long WaitsUntil => _waitsUntil.Count == 0 ? long.MaxValue : _waitsUntil.Min();

    private readonly Stack<long> _waitsUntil = new();

    private void Continue(int picked)
    {
        (SendOrPostCallback run, object? state) = _ready[picked];
        _ready.RemoveAt(picked);
        SynchronizationContext? before = Current;
        SetSynchronizationContext(this);
        try
        {
            run(state);
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    private void Run(Loop loop)
    {
        _trace.Write(loop.Name);
        loop.Step();
    }

    private void Flush(int at)
    {
        Partition partition = _flushes[at].Partition;
        _flushes.RemoveAt(at);
        if (_trace.IsOn)
        {
            _trace.Write($"flush of partition {partition.Id}");
        }

        partition.FlushRound();
    }

    private void Resume(Job job)
    {
        _trace.Write(job.Name);
        if (job.Thread is null)
        {
            job.Thread = _free.Count > 0 ? _free.Pop() : new JobThread();
            job.Thread.Take(() => Carry(job));
        }

        int before = _runningThread;
        _runningThread = job.Thread.Id;
        job.Thread.Resume();
        _runningThread = before;
        if (job.Thread.IsFree)
        {
            _jobs.Remove(job);
            _free.Push(job.Thread);
        }
    }

    private static void Carry(Job job)
    {
        _current = job;
        try
        {
            job.Body();
            job.Ended.SetResult();
        }
        catch (Exception exception)
        {
            job.Ended.SetException(exception);
        }
        finally
        {
            _current = null;
        }
    }

    private sealed class Job(string name, Action body)
    {
        public string Name => name;

        public Action Body => body;

        public TaskCompletionSource Ended { get; } = new();

        public JobThread? Thread { get; set; }

        public Func<bool>? WaitsFor { get; set; }

        public long Deadline { get; set; } = long.MaxValue;

        public bool CanStep(long now) => WaitsFor is not { } hasEnded || hasEnded() || now >= Deadline;
    }

    private sealed class Loop(Scheduler scheduler, string name, Action step, Func<int> delayMs, Action<Exception> onFailure) : ILoop
    {
        private bool _isSignaled;

        public string Name => name;

        public bool IsRunning { get; private set; }

        public long DueAt { get; private set; }

        public bool CanStep(long now) => !IsRunning && (_isSignaled || now >= DueAt);

        public void Wake() => _isSignaled = true;

        public void Stop() => scheduler._loops.Remove(this);

        public void Sleep()
        {
            int delay = delayMs();
            DueAt = delay < 0 ? long.MaxValue : scheduler.Now + TimeSpan.FromMilliseconds(delay).Ticks;
        }

        public void Step()
        {
            IsRunning = true;
            _isSignaled = false;
            try
            {
                step();
                Sleep();
            }
            catch (Exception exception) when (exception is not (SimulatedCrashException or Violation))
            {
                scheduler._loops.Remove(this);
                onFailure(exception);
            }
            finally
            {
                IsRunning = false;
            }
        }
    }

    private sealed class FlushQueue(Scheduler scheduler) : IFlusher
    {
        public void Enqueue(Partition partition) => scheduler._flushes.Add((partition, scheduler.Now + scheduler._flushTakes().Ticks));

        public void Dispose()
        {
            while (scheduler._flushes.Count > 0)
            {
                scheduler.Flush(0);
            }
        }
    }
}
