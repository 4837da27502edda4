namespace Weir.TestKit;

/// <summary>
/// A clock that stands still until a test moves it. The wall clock and the monotonic clock move together with <see cref="Advance"/>;
/// <see cref="JumpWallClock"/> moves the wall clock alone, as an administrator or NTP does. Thread-safe.
/// </summary>
public sealed class FakeTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<Timer> _timers = [];
    private DateTimeOffset _now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private long _elapsedTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now;
        }
    }

    public override long GetTimestamp() => Interlocked.Read(ref _elapsedTicks);

    /// <summary>Time passes; timers that are due fire on this thread, in order.</summary>
    public void Advance(TimeSpan time)
    {
        List<Timer> due;
        lock (_lock)
        {
            _now += time;
            long now = Interlocked.Add(ref _elapsedTicks, time.Ticks);
            due = _timers.FindAll(timer => timer.DueAt <= now);
        }

        if (due.Count > 0)
        {
            foreach (Timer timer in due.OrderBy(timer => timer.DueAt))
            {
                timer.Fire();
            }
        }
    }

    /// <summary>The wall clock is set; no time passes.</summary>
    public void JumpWallClock(TimeSpan by)
    {
        lock (_lock)
        {
            _now += by;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(FakeTime time, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        public long DueAt { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                _period = period;
                time._timers.Remove(this);
                if (dueTime >= TimeSpan.Zero)
                {
                    DueAt = time._elapsedTicks + dueTime.Ticks;
                    time._timers.Add(this);
                }
            }

            return true;
        }

        public void Fire()
        {
            Change(_period > TimeSpan.Zero ? _period : Timeout.InfiniteTimeSpan, _period);
            callback(state);
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
