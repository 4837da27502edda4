using System.Collections.Concurrent;
using Weir.Core;
using Weir.Sql;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>Opening a data directory, and bringing a stopped partition back.</summary>
public sealed partial class WeirNode
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    private long _toReplay;
    private long _replayed;

    /// <summary>0 to 1 while recovering: records folded of those in the logs.</summary>
    public double RecoveryProgress => _state == NodeState.Recovering ? Math.Min(1.0, (double)Interlocked.Read(ref _replayed) / Math.Max(1, Interlocked.Read(ref _toReplay))) : 1;

    /// <summary>Locks and opens the data directory, recovers every partition, and serves.</summary>
    /// <exception cref="WeirException">The directory is locked, of a newer format, or cannot be read. A damaged partition is no exception: it is read-only and the others serve.</exception>
    public async Task StartAsync()
    {
        _state = NodeState.Recovering;
        _directory = DataDirectory.Open(Disk, Options.DataDirectory);
        _flusher = Threads.StartFlusher(Options.FlusherThreads, Fail);
        _writers = [.. Enumerable.Range(0, Options.WriterThreads).Select(i => new WriterThread($"weir-writer-{i}", Time, Options, Threads, Fail))];

        foreach (StreamDirectory directory in _directory.Streams())
        {
            StoredStream stored = StoredStream.Parse(directory.ReadDefinition(), directory.Path);
            if (!_streams.TryAdd(stored.Name, new EventStream(this, directory, stored, _flusher)))
            {
                throw new WeirException(ErrorCode.NotADataDirectory, $"Two directories hold a stream {stored.Name}: {_streams[stored.Name].StorageDirectory.Path} and {directory.Path}. One is left over from a creation or copy that did not finish; move it away.");
            }
        }

        foreach ((string name, byte[] json) in _directory.Views())
        {
            _views[name] = MakeView(StoredView.Parse(name, json));
        }

        await OnThreads(Streams.SelectMany(stream => stream.PartitionList.Select(partition => (stream, partition))), open => open.partition.OpenLog(Disk));
        _toReplay = Streams.SelectMany(stream => stream.PartitionList).Sum(partition => partition.Log!.LogEnd - partition.Log.LogStart);
        await OnThreads(Streams.SelectMany(stream => stream.PartitionList.Select(partition => (stream, partition))), open => Refold(open.stream, open.partition));
        foreach (EventStream stream in Streams)
        {
            foreach (Partition partition in stream.PartitionList)
            {
                Complete(stream, partition);
            }

            StartServing(stream);
        }

        foreach (View view in Views)
        {
            StartBuild(view);
        }

        _publisher = new Publisher(this);
        _state = NodeState.Serving;
    }

    /// <summary>A partition stopped: a thread of its own brings it back from disk, again and again if need be.</summary>
    internal void OnPartitionStopped(EventStream stream, Partition partition, Exception cause)
    {
        EngineMetrics.PartitionStops.Add(1);
        _report(
            EngineEvent.PartitionStopped,
            $"Partition {partition.Id} of {stream.Name} stopped: {cause.Message} Nothing in flight was acknowledged; the fold state is discarded{(partition.State == PartitionState.ReadOnly ? " and the partition is read-only." : " and made again from disk.")}");
        lock (_recoveries)
        {
            if (partition.State != PartitionState.ReadOnly && MayRecover)
            {
                partition.HandToRecovery();
                _recoveries.RemoveAll(ended => ended.IsCompleted);
                _recoveries.Add(StartJob($"weir-recover-{partition.Id}", () => Recover(stream, partition)));
            }
        }
    }

    private bool MayRecover => _state is NodeState.Serving or NodeState.Recovering;

    private void Recover(EventStream stream, Partition partition)
    {
        try
        {
            BringBack(stream, partition);
        }
        finally
        {
            partition.ReturnFromRecovery();
        }
    }

    private void BringBack(EventStream stream, Partition partition)
    {
        TimeSpan delay = FirstRetry;
        while (!Threads.Wait(_stopping.Task, delay) && MayRecover && !partition.IsRetiring)
        {
            try
            {
                partition.OpenLog(Disk);
                Refold(stream, partition);
                Complete(stream, partition);
                partition.BeginServing();
                foreach (View view in ViewsOf(stream).Where(view => view.PartialOf(partition.Id) is null))
                {
                    StartBuild(view);
                }

                _report(EngineEvent.PartitionRecovered, $"Partition {partition.Id} of {stream.Name} serves again. {partition.Recovery} {partition.Replayed} records folded again.");
                return;
            }
            catch (Exception exception) when (exception is WeirException or InvariantException or OverflowException or ArgumentException or InvalidOperationException or IOException)
            {
                delay = delay * 2 < LongestRetry ? delay * 2 : LongestRetry;
                partition.RemainStopped(exception.Message);
                _report(EngineEvent.PartitionRecoveryFailed, $"Partition {partition.Id} of {stream.Name} cannot be recovered: {exception.Message} Next try in {delay.TotalSeconds:0} s.");
            }
        }
    }

    private void Refold(EventStream stream, Partition partition)
    {
        long counted = 0;
        long start = partition.Log!.LogStart.Value;
        IReadOnlyList<View> views = ViewsOf(stream);
        foreach (View view in views)
        {
            view.ClearPartial(partition.Id);
        }

        partition.Refold(Disk, stream.Plan, views, end =>
        {
            Interlocked.Add(ref _replayed, end - start - counted);
            counted = end - start;
        });
        Interlocked.Add(ref _replayed, partition.Log.LogEnd - partition.Log.LogStart - counted);
        if (partition.Recovery is { } report && report.Outcome != RecoveryOutcome.Clean)
        {
            _report(report.Outcome == RecoveryOutcome.Damaged ? EngineEvent.LogDamaged : EngineEvent.TailCut, $"{stream.Name}/{partition.Id}: {report}");
        }
    }

    // What a crash may have left out is made up for before anybody is served.
    private void Complete(EventStream stream, Partition partition)
    {
        if (partition.LacksDefinition(stream.Definition))
        {
            partition.AppendDefinition(stream.Definition, stream.Secret, Time.GetUtcNow().ToUnixTimeMilliseconds());
        }
    }

    private void StartServing(EventStream stream)
    {
        foreach (Partition partition in stream.PartitionList)
        {
            partition.BeginServing();
            partition.StartOn(_writers[(int)((uint)Interlocked.Increment(ref _nextWriter) % (uint)_writers.Length)]);
        }
    }

    private View MakeView(StoredView stored)
    {
        ViewQuery query = ViewQuery.Parse(stored.Definition.Sql);
        ViewShape shape = query.Check();
        if (!_streams.TryGetValue(query.From, out EventStream? stream))
        {
            throw new WeirException(ErrorCode.UnknownStream, $"The view {stored.Name} reads the stream {query.From}, which is not defined.");
        }

        return new View(stored.Name, stored.Version, stored.Definition, shape, stream, stream.Definition.Claim == ClaimKeep.Last);
    }

    /// <summary>Builds what the partitions do not have yet, on a thread of its own; a view that has everything goes live at once.</summary>
    private void StartBuild(View view)
    {
        if (view.IsComplete)
        {
            view.GoLive();
            return;
        }

        _ = StartJob($"weir-build-{view.Name}", () => Build(view));
    }

    private void Build(View view)
    {
        // Whoever comes while it is being built leaves the work to the one who builds, who looks once more when he has ended.
        while (!IsStopping() && !view.IsComplete && view.TryBeginBuild())
        {
            try
            {
                new ViewBuilder(view, Disk, Threads, IsStopping).Build();
                _report(EngineEvent.ViewBuilt, $"The view {view.Name} is up to date.");
            }
            catch (Exception exception) when (exception is WeirException or InvariantException)
            {
                if (!IsStopping())
                {
                    view.Fail(exception.Message);
                    _report(EngineEvent.ViewBuildFailed, $"The view {view.Name} could not be built: {exception.Message}");
                }

                return;
            }
            finally
            {
                view.EndBuild();
            }
        }

        // The view was deleted, or is another one by now, or the node stops.
        bool IsStopping() => !MayRecover || _views.GetValueOrDefault(view.Name) != view;
    }

    /// <summary>Runs an action for each item on as many threads as there are writers; the first failure is thrown, and what has not begun is left out.</summary>
    private async Task OnThreads<T>(IEnumerable<T> items, Action<T> action)
    {
        var queue = new ConcurrentQueue<T>(items);
        await Pending.AllAsync(Enumerable.Range(0, Math.Min(queue.Count, Options.WriterThreads)).Select(i => Threads.Start($"weir-open-{i}", () =>
        {
            try
            {
                while (queue.TryDequeue(out T? item))
                {
                    action(item);
                }
            }
            catch
            {
                queue.Clear();
                throw;
            }
        })));
    }
}
