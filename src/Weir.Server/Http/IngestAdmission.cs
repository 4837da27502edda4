namespace Weir.Server.Http;

/// <summary>
/// Lets bodies in, as many bytes at one time as the processors take in some tenths of a second. The others wait in front, in the order in which they came, unread;
/// who has waited a second is turned away and told when to come again. So a flood costs little more than its first lines, and what is let in is soon done.
/// When nobody has left for a second it is not the processors that those inside wait for, but slow clients or a slow disk: then more are let in.
/// Bodies that fit one small buffer do not pass here: their connections bound them. Any thread.
/// </summary>
/// <param name="limitBytes">A body that is longer is let in alone.</param>
/// <param name="mostBytes">However long nobody leaves; at least <paramref name="limitBytes"/>.</param>
internal sealed class IngestAdmission(long limitBytes, long mostBytes, TimeProvider time) : IDisposable
{
    /// <summary>Bytes per processor that are let in. At 100 MB/s and processor, a sixth of a second, and many times what keeps it busy.</summary>
    public const long BytesPerProcessor = 16L << 20;

    // Not a goal: who waits longer is not helped by an answer. It also bounds how often a client that comes again at once can be refused.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    // Connections bound it too.
    private const int MostWaiting = 50_000;

    private readonly Lock _lock = new();
    private readonly Queue<Waiter> _waiting = new();
    private readonly Comebacks _comebacks = new(time);
    private ITimer? _timer;
    private long _insideBytes;
    private long _extraBytes;
    private long _lastLeftAt = time.GetTimestamp();

    /// <summary>Waits for its turn. True: it is inside, and leaves by <see cref="Leave"/>.</summary>
    /// <param name="bytes">What the body is expected to hold in memory, at least 1.</param>
    public ValueTask<bool> EnterAsync(long bytes)
    {
        lock (_lock)
        {
            if (_waiting.Count == 0 && Fits(bytes))
            {
                _insideBytes += bytes;
                return new ValueTask<bool>(true);
            }

            if (_waiting.Count >= MostWaiting)
            {
                return new ValueTask<bool>(false);
            }

            var waiter = new Waiter(bytes, time.GetTimestamp());
            _waiting.Enqueue(waiter);
            if (_waiting.Count == 1)
            {
                WakeIn(LongestWait);
            }

            return new ValueTask<bool>(waiter.Task);
        }
    }

    /// <param name="isTaken">Its events are decided, so it counts for how fast bodies are taken.</param>
    public void Leave(long bytes, bool isTaken)
    {
        if (isTaken)
        {
            _comebacks.NoteTaken(bytes);
        }

        lock (_lock)
        {
            _insideBytes -= bytes;
            _lastLeftAt = time.GetTimestamp();
            if (_insideBytes <= limitBytes / 2)
            {
                _extraBytes = 0;
            }

            LetIn();
        }
    }

    /// <summary>When somebody who is turned away now finds room, at the rate at which bodies were taken lately and behind all who were told before; whole seconds.</summary>
    /// <param name="atLeast">What is known to be in his way.</param>
    public TimeSpan ComeAgainAfter(long bytes, TimeSpan atLeast) => _comebacks.Next(bytes, atLeast);

    public void Dispose() => _timer?.Dispose();

    private bool Fits(long bytes) => _insideBytes == 0 || _insideBytes + bytes <= limitBytes + _extraBytes;

    private void LetIn()
    {
        while (_waiting.TryPeek(out Waiter? first) && Fits(first.Bytes))
        {
            _waiting.Dequeue();
            _insideBytes += first.Bytes;
            first.SetResult(true);
        }
    }

    private void TurnAway()
    {
        lock (_lock)
        {
            if (time.GetElapsedTime(_lastLeftAt) >= LongestWait)
            {
                _extraBytes = Math.Min(_extraBytes + limitBytes, mostBytes - limitBytes);
                LetIn();
            }

            while (_waiting.TryPeek(out Waiter? late) && Left(late) <= TimeSpan.Zero)
            {
                _waiting.Dequeue();
                late.SetResult(false);
            }

            // Whoever is behind them may be smaller.
            LetIn();
            if (_waiting.TryPeek(out Waiter? next))
            {
                WakeIn(Left(next));
            }
        }
    }

    private TimeSpan Left(Waiter waiter) => LongestWait - time.GetElapsedTime(waiter.Since);

    private void WakeIn(TimeSpan wait)
    {
        _timer ??= time.CreateTimer(_ => TurnAway(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        // Whole milliseconds, and never before the time.
        _timer.Change(wait + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    private sealed class Waiter(long bytes, long since) : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public long Bytes => bytes;

        public long Since => since;
    }
}
