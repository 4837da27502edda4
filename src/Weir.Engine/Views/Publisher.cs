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
    private readonly long _interval;
    private readonly ILoop _loop;
    private readonly ConcurrentQueue<Collected> _collected = new();
    private readonly HashSet<Partition> _asked = [];

    private long _next;

    public Publisher(WeirNode node)
    {
        _node = node;
        _next = node.Time.GetTimestamp();
        _interval = (long)(node.Options.PublishInterval.TotalSeconds * node.Time.TimestampFrequency);
        _loop = node.Threads.StartLoop("weir-publish", RunOnce, NextDelayMs, node.Fail);
    }

    public void Stop() => _loop.Stop();

    private void RunOnce()
    {
        PublishOnce();
        _node.CheckDisk();
        _node.ConsiderRetention();
        _node.ConsiderKeyFiles();
        _next = Math.Max(_next + _interval, _node.Time.GetTimestamp() - _interval);
    }

    private int NextDelayMs() => Math.Max(0, (int)Math.Ceiling((_next - _node.Time.GetTimestamp()) * 1000.0 / _node.Time.TimestampFrequency));

    private void PublishOnce()
    {
        var answers = new Answers();
        foreach (EventStream stream in _node.Views.Select(view => view.Stream).Distinct())
        {
            foreach (Partition partition in stream.PartitionList)
            {
                Ask(partition, answers);
            }
        }

        answers.Signal();
        _node.Threads.Wait(answers.Complete, AnswerWithin);
        lock (_asked)
        {
            Merge();
        }
    }

    // One question at a time per partition, so that a stuck one is not sent a queue of them.
    private void Ask(Partition partition, Answers answers)
    {
        lock (_asked)
        {
            if (partition.State is PartitionState.Recovering or PartitionState.Stopped || !partition.HasUncollected || !_asked.Add(partition))
            {
                return;
            }
        }

        answers.Expect();
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

            answers.Signal();
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
                if (view.Owns(one.Partial))
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

    /// <summary>Completes when everybody expected has answered; one who comes later is merged at the next interval.</summary>
    private sealed class Answers
    {
        private readonly TaskCompletionSource _complete = new();
        private int _expected = 1;

        public Task Complete => _complete.Task;

        public void Expect() => Interlocked.Increment(ref _expected);

        public void Signal()
        {
            if (Interlocked.Decrement(ref _expected) == 0)
            {
                _complete.SetResult();
            }
        }
    }

    private sealed record Collected(PartialView Partial, PartialChanges Changes, StreamPhase Phase);
}
