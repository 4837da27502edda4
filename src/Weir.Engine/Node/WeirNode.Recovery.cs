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
    private static readonly TimeSpan LongestBuildRetry = TimeSpan.FromMinutes(10);

    // So much more of free disk is worth a try before its time.
    private const long MuchRoom = 1 << 20;

    private long _toReplay;
    private long _replayed;

    /// <summary>0 to 1 while recovering: records folded of those in the logs.</summary>
    public double RecoveryProgress => _state == NodeState.Recovering ? Math.Min(1.0, (double)Interlocked.Read(ref _replayed) / Math.Max(1, Interlocked.Read(ref _toReplay))) : 1;

    /// <summary>Locks and opens the data directory, recovers every partition, and serves.</summary>
    /// <remarks>
    /// What concerns one stream or partition is no exception: a damaged partition is read-only, one on a disk that takes no writes is read, one that cannot be
    /// opened is tried again, a stream without a readable definition is in <see cref="Unreadable"/>; everything else serves.
    /// </remarks>
    /// <exception cref="WeirException">The directory is locked, of a newer format, holds two streams of one name, or cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The node was stopped meanwhile.</exception>
    public async Task StartAsync()
    {
        // A stop waits for the start to end, which it does at the next batch.
        await _defining.WaitAsync();
        try
        {
            await OpenAsync();
        }
        finally
        {
            _defining.Release();
        }
    }

    private async Task OpenAsync()
    {
        _state = NodeState.Recovering;
        _directory = DataDirectory.Open(Disk, Options.DataDirectory);
        _flusher = Threads.StartFlusher(Options.FlusherThreads, Fail);
        _writers = [.. Enumerable.Range(0, Options.WriterThreads).Select(i => new WriterThread($"weir-writer-{i}", Time, Options, Threads, Fail))];

        OpenProducerIds(_directory);
        ReadDefinitions(_directory);
        (EventStream Stream, Partition Partition)[] all = [.. Streams.SelectMany(stream => stream.PartitionList.Select(partition => (stream, partition)))];
        await OnThreads(all, open => Try(open.Stream, open.Partition, () => open.Partition.OpenAtStart(Disk)));
        (EventStream Stream, Partition Partition)[] opened = [.. all.Where(open => open.Partition.Log is not null)];
        _toReplay = opened.Sum(open => open.Partition.Log!.LogEnd - open.Partition.Log.LogStart);
        await OnThreads(opened, open => Try(open.Stream, open.Partition, () =>
        {
            Refold(open.Stream, open.Partition);
            CompleteIfWritable(open.Stream, open.Partition);
        }));
        foreach (EventStream stream in Streams)
        {
            StartServing(stream);
        }

        foreach (View view in Views)
        {
            StartBuild(view);
        }

        CheckDisk();
        _publisher = new Publisher(this);
        lock (_jobs)
        {
            EndIfStopping();
            _state = NodeState.Serving;
        }
    }

    private void EndIfStopping()
    {
        if (_stopping.Task.IsCompleted)
        {
            throw new OperationCanceledException("The node stops.");
        }
    }

    private void ReadDefinitions(DataDirectory data)
    {
        Dictionary<string, string> unreadable = [];
        foreach (StreamDirectory directory in data.Streams())
        {
            StoredStream stored;
            try
            {
                stored = StoredStream.Parse(directory.ReadDefinition(), directory.Path);
            }
            catch (WeirException failure)
            {
                NoteUnreadable(directory.Name, failure);
                continue;
            }

            if (!_streams.TryAdd(stored.Name, new EventStream(this, directory, stored, _flusher!)))
            {
                throw new WeirException(ErrorCode.NotADataDirectory, $"Two directories hold a stream {stored.Name}: {_streams[stored.Name].StorageDirectory.Path} and {directory.Path}. One is left over from a creation or copy that did not finish; move it away.");
            }
        }

        foreach (string name in data.ViewNames())
        {
            try
            {
                if (data.ReadView(name) is { } json)
                {
                    _views[name] = MakeView(StoredView.Parse(name, json));
                    FlushQuietly(name);
                }
            }
            catch (WeirException failure)
            {
                NoteUnreadable($"view {name}", failure);
            }
        }

        OrderViews();
        Unreadable = unreadable;

        void FlushQuietly(string view)
        {
            try
            {
                data.FlushView(view);
            }
            catch (DiskException)
            {
                // On a disk that takes no writes it is read all the same.
            }
        }

        void NoteUnreadable(string name, WeirException failure)
        {
            unreadable[name] = failure.Message;
            _report(EngineEvent.DefinitionUnreadable, $"{name} is left out until the next start: {failure.Message}");
        }
    }

    // What fails here concerns one partition: it stays stopped, the others go on, and a thread of its own tries again.
    private void Try(EventStream stream, Partition partition, Action open)
    {
        try
        {
            EndIfStopping();
            open();
        }
        catch (Exception failure) when (IsOfOnePartition(failure))
        {
            partition.RemainStopped(failure);
            _report(EngineEvent.PartitionRecoveryFailed, $"Partition {partition.Id} of {stream.Name} cannot be opened: {failure.Message} The others serve; this one is tried again.");
        }
    }

    private static bool IsOfOnePartition(Exception exception) =>
        exception is WeirException { Code: not ErrorCode.FormatTooNew } or InvariantException or OverflowException or ArgumentException or InvalidOperationException or IOException;

    /// <summary>A partition stopped: a thread of its own brings it back from disk, again and again if need be.</summary>
    internal void OnPartitionStopped(EventStream stream, Partition partition, Exception cause)
    {
        EngineMetrics.PartitionStops.Add(1);
        _report(
            EngineEvent.PartitionStopped,
            $"Partition {partition.Id} of {stream.Name} stopped: {cause.Message} Nothing in flight was acknowledged; the fold state is discarded{(partition.State == PartitionState.ReadOnly ? " and the partition is read-only." : " and made again from disk.")}");
        if (partition.State != PartitionState.ReadOnly)
        {
            StartRecovery(stream, partition);
        }
    }

    // A stopped partition belongs to the recovery thread from now on; one that is read takes part in that only while it is tried.
    private void StartRecovery(EventStream stream, Partition partition)
    {
        lock (_jobs)
        {
            if (MayRecover)
            {
                if (partition.State == PartitionState.Stopped)
                {
                    partition.HandToRecovery();
                }

                _jobs.RemoveAll(ended => ended.IsCompleted);
                _jobs.Add(StartJob($"weir-recover-{partition.Id}", () => Recover(stream, partition)));
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
        catch (OperationCanceledException) when (_stopping.Task.IsCompleted)
        {
            // The next start does it.
        }
        finally
        {
            partition.ReturnFromRecovery();
        }
    }

    private void BringBack(EventStream stream, Partition partition)
    {
        TimeSpan delay = FirstRetry;
        while (!WaitToRetry(delay, partition.IsForWantOfRoom) && MayRecover && !partition.IsRetiring)
        {
            try
            {
                if (partition.State == PartitionState.Unwritable)
                {
                    if (!TakeOver(partition))
                    {
                        return;
                    }

                    // It has been read meanwhile, and what that rests on is given up only for something better.
                    partition.ProbeWriting(Disk);
                }

                partition.Adopt(partition.OpenLog(Disk, out RecoveryReport report), report);
                Refold(stream, partition);
                CompleteIfWritable(stream, partition);
                partition.BeginServing();
                foreach (View view in ViewsOf(stream))
                {
                    StartBuild(view);
                }

                if (partition.WriteFailure is null)
                {
                    _report(EngineEvent.PartitionRecovered, $"Partition {partition.Id} of {stream.Name} serves again. {partition.Recovery} {partition.Replayed} records folded again.");
                    return;
                }

                ReportUnwritable(stream, partition);
            }
            catch (Exception exception) when (IsOfOnePartition(exception))
            {
                partition.RemainStopped(exception);
                _report(EngineEvent.PartitionRecoveryFailed, $"Partition {partition.Id} of {stream.Name} cannot be recovered: {exception.Message}");
                if (partition.State == PartitionState.Unwritable)
                {
                    partition.ReturnFromRecovery();
                }
            }

            delay = delay * 2 < LongestRetry ? delay * 2 : LongestRetry;
        }
    }

    // The loop has gone on reading it, and gives it up between two rounds. False: the loop is dead, and the node with it.
    private bool TakeOver(Partition partition)
    {
        Task<bool> handedOver = partition.AskAsync(() =>
        {
            partition.HandToRecovery();
            return true;
        });
        Threads.Wait(handedOver, Timeout.InfiniteTimeSpan, _failed.Task);
        return handedOver.IsCompleted && handedOver.GetAwaiter().GetResult();
    }

    /// <summary>Waits that long; where only room is missing, until there is more of it.</summary>
    /// <returns>True: the node stops.</returns>
    private bool WaitToRetry(TimeSpan delay, bool isForWantOfRoom)
    {
        if (!isForWantOfRoom)
        {
            return Threads.Wait(_stopping.Task, delay);
        }

        long began = Time.GetTimestamp();
        long free = FreeBytesOrZero();
        while (Time.GetElapsedTime(began) < delay && FreeBytesOrZero() - free <= MuchRoom)
        {
            if (Threads.Wait(_stopping.Task, FirstRetry))
            {
                return true;
            }
        }

        return false;
    }

    private long FreeBytesOrZero()
    {
        try
        {
            return Disk.FreeBytes(Options.DataDirectory);
        }
        catch (DiskException)
        {
            return 0;
        }
    }

    private void ReportUnwritable(EventStream stream, Partition partition) =>
        _report(EngineEvent.PartitionUnwritable, $"Partition {partition.Id} of {stream.Name} takes no events: {partition.Reason}");

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
            EndIfStopping();
            Interlocked.Add(ref _replayed, end - start - counted);
            counted = end - start;
        });
        Interlocked.Add(ref _replayed, partition.Log.LogEnd - partition.Log.LogStart - counted);
        NoteProducerIds(partition.HighestProducerId + 1);

        // A tail that could not be cut is cut, and reported, by the opening that can.
        if (partition.Recovery is { Outcome: not RecoveryOutcome.Clean } report && (report.Outcome == RecoveryOutcome.Damaged || !partition.Log.IsPoisoned))
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

    // Where the disk does not take the marker, the log is poisoned by that and the partition is read only.
    private void CompleteIfWritable(EventStream stream, Partition partition)
    {
        try
        {
            Complete(stream, partition);
        }
        catch (LogPoisonedException)
        {
            Invariant.Check(partition.WriteFailure is not null, "A log that is poisoned names its cause.");
        }
    }

    private void StartServing(EventStream stream)
    {
        foreach (Partition partition in stream.PartitionList)
        {
            if (partition.State == PartitionState.Recovering)
            {
                partition.BeginServing();
            }

            if (partition.State == PartitionState.Unwritable)
            {
                ReportUnwritable(stream, partition);
            }

            // Before the loop knows it: a stopped partition is the recovery thread's.
            if (partition.State is PartitionState.Unwritable or PartitionState.Stopped)
            {
                StartRecovery(stream, partition);
            }

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

        view.WantBuild();
        _ = StartJob($"weir-build-{view.Name}", () => Build(view));
    }

    private void Build(View view)
    {
        TimeSpan delay = FirstRetry;

        // Whoever comes while it is being built, or waits for the next try, leaves the work to the one who builds: who looks at once, and once more
        // when he has ended.
        while (!IsStopping() && view.CanBuildOn && view.TryBeginBuild())
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
                    _report(EngineEvent.ViewBuildFailed, $"The view {view.Name} could not be built: {exception.Message} Next try in {delay.TotalSeconds:0.#} s.");
                }

                // A disk that fails to read may do better later; what is damaged for good costs a reading of the log now and then.
                Threads.Wait(_stopping.Task, delay, view.BuildWanted);
                delay = delay * 2 < LongestBuildRetry ? delay * 2 : LongestBuildRetry;
            }
            finally
            {
                view.EndBuild();
            }
        }

        // A recovery may have given it what it lacked.
        if (!IsStopping() && view.IsComplete)
        {
            view.GoLive();
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
