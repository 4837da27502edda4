using System.Collections.Concurrent;

namespace Weir.Engine;

/// <summary>
/// Once per publish interval: asks every partition for what changed in its views, merges it into the read models, and publishes them.
/// One thread per node; it also runs the node's slow checks.
/// </summary>
internal sealed class Publisher
{
    // Partitions answer between two rounds. One that is late is merged at the next interval: its changes are absolute.
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromMilliseconds(30);

    private readonly WeirNode _node;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _stop = new();
    private readonly ConcurrentQueue<Collected> _collected = new();
    private readonly HashSet<Partition> _asked = [];

    public Publisher(WeirNode node)
    {
        _node = node;
        _thread = new Thread(Run) { Name = "weir-publish", IsBackground = true };
    }

    public void Start() => _thread.Start();

    public void Stop()
    {
        _stop.Set();
        _thread.Join();
    }

    private void Run()
    {
        try
        {
            long next = _node.Time.GetTimestamp();
            long interval = (long)(_node.Options.PublishInterval.TotalSeconds * _node.Time.TimestampFrequency);
            while (!_stop.IsSet)
            {
                PublishOnce();
                _node.CheckDisk();
                _node.ConsiderRetention();
                _node.ConsiderKeyFiles();
                next = Math.Max(next + interval, _node.Time.GetTimestamp() - interval);
                TimeSpan rest = _node.Time.GetElapsedTime(_node.Time.GetTimestamp(), next);
                if (rest > TimeSpan.Zero)
                {
                    _stop.Wait(rest);
                }
            }
        }
        catch (Exception exception)
        {
            _node.Fail(exception);
        }
    }

    private void PublishOnce()
    {
        using var answered = new CountdownEvent(1);
        foreach (EventStream stream in _node.Views.Select(view => view.Stream).Distinct())
        {
            foreach (Partition partition in stream.PartitionList)
            {
                Ask(partition, answered);
            }
        }

        answered.Signal();
        answered.Wait(AnswerWithin);
        lock (_asked)
        {
            Merge();
        }
    }

    // One question at a time per partition, so that a stuck one is not sent a queue of them.
    private void Ask(Partition partition, CountdownEvent answered)
    {
        lock (_asked)
        {
            if (partition.State is PartitionState.Recovering or PartitionState.Stopped || !partition.HasUncollected || !_asked.Add(partition))
            {
                return;
            }
        }

        answered.AddCount();
        partition.Post(() =>
        {
            foreach ((PartialView partial, PartialChanges changes) in partition.CollectViews())
            {
                _collected.Enqueue(new Collected(partial, changes, partition.PublishedPhase));
            }

            lock (_asked)
            {
                _asked.Remove(partition);
            }

            try
            {
                answered.Signal();
            }
            catch (ObjectDisposedException)
            {
                // It came too late for this interval; the next one merges it.
            }
        });
    }

    // Into all views, live or not: a partition answers for every view attached to it, and what it has told once it tells only again when it
    // changes. A view that is still being built is attached to some partitions already, and one may have come since they were asked.
    private void Merge()
    {
        long nowMs = _node.Time.GetUtcNow().ToUnixTimeMilliseconds();
        List<Collected> all = [];
        while (_collected.TryDequeue(out Collected? one))
        {
            all.Add(one);
        }

        foreach (View view in _node.Views)
        {
            List<(PartialChanges, StreamPhase)> mine = [];
            foreach (Collected one in all)
            {
                if (view.PartialOf(one.Partial.Partition) == one.Partial)
                {
                    mine.Add((one.Changes, one.Phase));
                }
            }

            if (mine.Count > 0 || view.State == ViewState.Live)
            {
                view.Merge(mine, nowMs);
            }
        }
    }

    private sealed record Collected(PartialView Partial, PartialChanges Changes, StreamPhase Phase);
}
