namespace Weir.Engine;

/// <summary>
/// Runs the loops of many partitions on one thread: append, fold and publish; all but small flushes run elsewhere meanwhile. An idle partition costs it nothing.
/// </summary>
/// <remarks>Everything that a partition's header says its writer thread owns is touched only here, or before the thread knows the partition.</remarks>
internal sealed class WriterThread
{
    // Rounds this small are folded in less time than it takes to hand a flush over and to be woken by its end.
    private const long MostBytesFlushedHere = 96 << 10;

    // A partition whose flushes are slow would hold up the others of this thread.
    private static readonly TimeSpan LongestFlushHere = TimeSpan.FromMilliseconds(10);

    private readonly Lock _adding = new();
    private readonly TimeProvider _time;
    private readonly NodeOptions _options;
    private readonly ILoop _loop;
    private readonly List<Partition> _folding = [];
    private volatile Partition[] _partitions = [];

    public WriterThread(string name, TimeProvider time, NodeOptions options, IThreads threads, Action<Exception> onFailure)
    {
        _time = time;
        _options = options;
        _loop = threads.StartLoop(name, RunOnce, NextDelayMs, onFailure);
    }

    /// <summary>Gives the thread a partition; it is the partition's owner from now on.</summary>
    public void Add(Partition partition)
    {
        lock (_adding)
        {
            _partitions = [.. _partitions, partition];
        }

        Wake();
    }

    /// <summary>Takes a partition away that is retired. The thread may look at it once more, and finds nothing to do.</summary>
    public void Remove(Partition partition)
    {
        lock (_adding)
        {
            _partitions = [.. _partitions.Where(kept => kept != partition)];
        }
    }

    /// <summary>Something is to be done: a batch was queued, a flush ended. Cheap when the thread is awake already.</summary>
    public void Wake() => _loop.Wake();

    /// <summary>Ends the thread after its current pass and waits for it.</summary>
    public void Stop() => _loop.Stop();

    private void RunOnce()
    {
        long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        _folding.Clear();

        foreach (Partition partition in _partitions)
        {
            partition.EndRoundIfFlushed();
            if (partition.TryBeginRound(now))
            {
                _folding.Add(partition);
            }
        }

        // Whoever waits for the flush alone does not wait for the fold before it.
        bool flushesHere = _folding.Count <= _options.MostFlushedByWriter && BytesOf(_folding) <= MostBytesFlushedHere
            && !_folding.Exists(partition => partition.IsFlushAwaited || partition.LastFlush > LongestFlushHere);
        if (!flushesHere)
        {
            _folding.ForEach(partition => partition.SendToFlusher());
        }

        foreach (Partition partition in _folding)
        {
            partition.FoldRound();
        }

        if (flushesHere)
        {
            foreach (Partition partition in _folding)
            {
                partition.FlushRound();
                partition.EndRoundIfFlushed();
            }
        }
    }

    private static long BytesOf(List<Partition> rounds)
    {
        long bytes = 0;
        foreach (Partition partition in rounds)
        {
            bytes += partition.RoundBytes;
        }

        return bytes;
    }

    private int NextDelayMs()
    {
        long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        int delay = Timeout.Infinite;
        foreach (Partition partition in _partitions)
        {
            if (partition.NextDelayMs(now) is { } wanted && (delay < 0 || wanted < delay))
            {
                delay = Math.Max(wanted, 1);
            }
        }

        return delay;
    }
}
