using System.Collections.Concurrent;
using Weir.Core;
using Weir.Sql;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// One process's streams and views over one data directory: opens and recovers them, runs their threads, defines new ones, and stops in order.
/// Thread-safe. Opening and recovery are in WeirNode.Recovery.cs.
/// </summary>
/// <remarks>Clock, disk and randomness come in from outside; a failure of any loop makes the node <see cref="NodeState.Failed"/>, never silent.</remarks>
public sealed partial class WeirNode : IAsyncDisposable
{
    // What looks up after every batch ends at once; a base of gigabytes that is being flushed and read back takes a while.
    private static readonly TimeSpan JobsEndWithin = TimeSpan.FromSeconds(30);

    // How many partitions write a snapshot at once: their disk traffic is beside everybody's flushes.
    private const int SnapshotTurns = 2;

    // The version of a view that nobody has seen: it can be had again.
    private const int NeverThere = 0;

    private readonly Action<EngineEvent, string> _report;
    private readonly Func<int, byte[]> _randomBytes;
    private readonly ConcurrentDictionary<string, EventStream> _streams = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, View> _views = new(StringComparer.Ordinal);

    // The same, ordered: made when one comes or goes, as it is asked for at every publish interval.
    private volatile IReadOnlyList<View> _viewsByName = [];
    private readonly SemaphoreSlim _defining = new(1);

    // Streams whose deletion began and failed, that of an unfinished one too. Held under _defining.
    private readonly Dictionary<string, StreamDirectory> _undeleted = new(StringComparer.Ordinal);

    // Views whose definition could not be written or deleted: the next start may find something else than there is. Held under _defining.
    private readonly HashSet<string> _doubtedViews = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WriterThread[] _writers = [];
    private IFlusher? _flusher;
    private Publisher? _publisher;
    private DataDirectory? _directory;
    private int _nextWriter;
    private int _snapshotTurns;
    private volatile NodeState _state = NodeState.Created;
    private volatile bool _isDiskFull;
    private readonly TaskCompletionSource _stopping = new();
    private readonly List<Task> _jobs = [];

    private WeirNode(NodeOptions options, IDisk disk, TimeProvider time, Func<int, byte[]> randomBytes, Action<EngineEvent, string> report, IThreads threads)
    {
        Options = options;
        Disk = disk;
        Time = time;
        _randomBytes = randomBytes;
        _report = report;
        Threads = threads;
    }

    public NodeOptions Options { get; }

    public NodeState State => _state;

    /// <summary>Faults when a loop of the node has died; the process should end then.</summary>
    public Task Failure => _failed.Task;

    public IReadOnlyList<EventStream> Streams => [.. _streams.Values.OrderBy(stream => stream.Name, StringComparer.Ordinal)];

    public IReadOnlyList<View> Views => _viewsByName;

    /// <summary>Whether writes are refused because the disk is nearly full.</summary>
    public bool IsDiskFull => _isDiskFull;

    /// <summary>Streams and views (as <c>view name</c>) that are there but cannot be opened, with the reason; until the next start.</summary>
    public IReadOnlyDictionary<string, string> Unreadable { get; private set; } = new Dictionary<string, string>();

    internal IDisk Disk { get; }

    internal TimeProvider Time { get; }

    internal IThreads Threads { get; }

    /// <summary>Why no event is taken now; null when events are taken.</summary>
    internal ErrorCode? RefusalOfWrites => _state switch
    {
        NodeState.Serving => _isDiskFull ? ErrorCode.DiskFull : null,
        NodeState.Created or NodeState.Recovering => ErrorCode.Recovering,
        _ => ErrorCode.ShuttingDown,
    };

    /// <summary>Makes a node; no I/O before <see cref="StartAsync"/>.</summary>
    /// <param name="randomBytes">Gives that many unpredictable bytes: for stream ids and secrets.</param>
    /// <param name="report">Receives what an operator should know; called from any thread, must not block.</param>
    public static WeirNode Create(NodeOptions options, IDisk disk, TimeProvider time, Func<int, byte[]> randomBytes, Action<EngineEvent, string> report) =>
        new(options, disk, time, randomBytes, report, OsThreads.Instance);

    /// <summary>As above, run by something else than threads of the operating system.</summary>
    internal static WeirNode Create(NodeOptions options, IDisk disk, TimeProvider time, Func<int, byte[]> randomBytes, Action<EngineEvent, string> report, IThreads threads) =>
        new(options, disk, time, randomBytes, report, threads);

    public bool TryGetStream(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out EventStream? stream) => _streams.TryGetValue(name, out stream);

    public bool TryGetView(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out View? view) => _views.TryGetValue(name, out view);

    /// <summary>Defines a stream, or changes the mutable parts of one. The same definition again does nothing.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.ImmutableDefinition"/>, with both versions; <see cref="ErrorCode.ConfigurationValue"/> for a bad name; a disk error (retry).</exception>
    public async Task<EventStream> DefineStreamAsync(string name, StreamDefinition definition)
    {
        Names.Check(name, "stream");
        await _defining.WaitAsync();
        try
        {
            ThrowIfStopping();
            if (_streams.TryGetValue(name, out EventStream? known))
            {
                await known.RedefineAsync(definition);
                return known;
            }

            ThrowIfUnreadable(name);
            if (_undeleted.TryGetValue(name, out StreamDirectory? old))
            {
                // Two directories of one name would be refused at the next start.
                DeleteForGood(name, old);
            }

            var stored = new StoredStream(name, new Guid(_randomBytes(16)), _randomBytes(16), 1, definition);
            StreamDirectory directory = _directory!.CreateStream(name, stored.Id);
            var stream = new EventStream(this, directory, stored, _flusher!);
            try
            {
                foreach (Partition partition in stream.PartitionList)
                {
                    partition.Adopt(partition.OpenLog(Disk, out RecoveryReport report, isNew: true), report);
                    partition.Refold(Disk, stream.Plan, [], progress: null);
                    Complete(stream, partition);
                    if (partition.WriteFailure is { } failure)
                    {
                        throw failure;
                    }
                }

                // From here on the stream exists, and every partition has a log: one that is missing later is damage, and no new beginning.
                directory.WriteDefinition(stored.ToJson());
            }
            catch
            {
                // A second try makes another directory, and two of one name would be refused at the next start.
                _undeleted[name] = directory;
                Discard(stream);
                throw;
            }

            StartServing(stream);
            _streams[name] = stream;
            return stream;
        }
        finally
        {
            _defining.Release();
        }
    }

    /// <summary>Deletes a stream with its log. Its views must be gone.</summary>
    /// <exception cref="WeirException">
    /// <see cref="ErrorCode.UnknownStream"/>, <see cref="ErrorCode.InUse"/>; a disk error: the stream is gone, but may be back at the next start. A retry, or defining a
    /// stream of that name, deletes what is left.
    /// </exception>
    public async Task DeleteStreamAsync(string name)
    {
        await _defining.WaitAsync();
        try
        {
            if (!_streams.TryGetValue(name, out EventStream? stream))
            {
                DeleteForGood(name, _undeleted.GetValueOrDefault(name) ?? throw new WeirException(ErrorCode.UnknownStream, $"There is no stream {name}."));
                return;
            }

            if (ViewsOf(stream) is [View first, ..])
            {
                throw new WeirException(ErrorCode.InUse, $"The view {first.Name} reads the stream {name}.");
            }

            _streams.TryRemove(name, out _);
            _undeleted[name] = stream.StorageDirectory;
            foreach (Partition partition in stream.PartitionList)
            {
                await partition.RetireAsync();
            }

            DeleteForGood(name, stream.StorageDirectory);
        }
        finally
        {
            _defining.Release();
        }
    }

    private void DeleteForGood(string name, StreamDirectory directory)
    {
        _directory!.DeleteStream(directory);
        _undeleted.Remove(name);
    }

    /// <summary>Defines a view, or another one under a known name. Over a running stream it is built beside the traffic; the answer does not wait for that.</summary>
    /// <exception cref="WeirException">The SQL is wrong (<see cref="SqlException"/>), its stream unknown, or a disk error (retry).</exception>
    public async Task<View> DefineViewAsync(string name, ViewDefinition definition)
    {
        Names.Check(name, "view");
        await _defining.WaitAsync();
        try
        {
            ThrowIfStopping();
            if (_views.TryGetValue(name, out View? known))
            {
                if (known.Definition == definition)
                {
                    if (_doubtedViews.Contains(name))
                    {
                        WriteView(new StoredView(name, known.Version, definition));
                    }

                    return known;
                }
            }

            ThrowIfUnreadable($"view {name}");

            // The known one goes on until everything that can fail is done.
            var stored = new StoredView(name, Math.Max(known?.Version ?? 0, _directory!.HighestDeletedViewVersion()) + 1, definition);
            View view = MakeView(stored);
            try
            {
                WriteView(stored);
            }
            catch (WeirException) when (known is null)
            {
                // Otherwise it may be there at the next start, over a stream that has gone by then.
                DiscardView(name);
                throw;
            }

            _views[name] = view;
            OrderViews();
            StartBuild(view);
            if (known is not null)
            {
                await DetachAsync(known);
            }

            return view;
        }
        finally
        {
            _defining.Release();
        }
    }

    /// <summary>Deletes a view. Its stream keeps everything.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.UnknownView"/>; a disk error: the view is there until the next start, and may be after it. A retry deletes it, defining it keeps it.</exception>
    public async Task DeleteViewAsync(string name)
    {
        await _defining.WaitAsync();
        try
        {
            if (!_views.TryGetValue(name, out View? view))
            {
                if (!_doubtedViews.Contains(name))
                {
                    throw new WeirException(ErrorCode.UnknownView, $"There is no view {name}.");
                }

                DeleteView(name, NeverThere);
                return;
            }

            DeleteView(name, view.Version);
            _views.TryRemove(name, out _);
            OrderViews();
            await DetachAsync(view);
        }
        finally
        {
            _defining.Release();
        }
    }

    /// <summary>
    /// Takes no more events, finishes and flushes what is queued, proves it with a last frame, and closes everything. Nobody is left waiting. A start or a
    /// recovery that is under way ends at the next batch: the next start begins it again.
    /// </summary>
    public async Task StopAsync()
    {
        bool wasServing;
        Task[] jobs;
        lock (_jobs)
        {
            wasServing = _state == NodeState.Serving;
            if (_state is not (NodeState.Stopped or NodeState.Failed))
            {
                _state = NodeState.Draining;
            }

            _stopping.TrySetResult();
            jobs = [.. _jobs];
        }

        // Recoveries own their partitions, retention deletes from them: both look up between two batches, and end. Retention may wait for a definition
        // meanwhile, so they are waited for first.
        bool haveEnded = Array.TrueForAll(jobs, job => Threads.Wait(job, JobsEndWithin));
        if (!haveEnded)
        {
            _report(EngineEvent.RetentionStopped, $"A recovery or retention has not ended within {JobsEndWithin.TotalSeconds:0} s of the stop, as a rule because the disk does not answer. The directory stays locked until the process ends.");
        }

        await _defining.WaitAsync();
        try
        {
            if (_state == NodeState.Stopped)
            {
                return;
            }

            if (wasServing)
            {
                await Task.WhenAny(Pending.AllAsync(AllPartitions.Select(partition => partition.QuiesceAsync())), _failed.Task);
            }

            _publisher?.Stop();
            foreach (WriterThread writer in _writers)
            {
                writer.Stop();
            }

            _flusher?.Dispose();
            foreach (Partition partition in AllPartitions)
            {
                RetireQuietly(partition);
            }

            if (haveEnded)
            {
                _directory?.Dispose();
            }

            _state = NodeState.Stopped;
        }
        finally
        {
            _defining.Release();
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>Bytes per second that partitions appended lately; for <c>Retry-After</c>.</summary>
    internal double DrainBytesPerSecond { get; private set; }

    private IEnumerable<Partition> AllPartitions => _streams.Values.SelectMany(stream => stream.PartitionList);

    internal IReadOnlyList<View> ViewsOf(EventStream stream) => [.. _views.Values.Where(view => view.Stream == stream)];

    private void OrderViews() => _viewsByName = [.. _views.Values.OrderBy(view => view.Name, StringComparer.Ordinal)];

    internal void Report(EngineEvent kind, string text) => _report(kind, text);

    /// <summary>Runs a job beside the loops; one that dies of a defect fails the node, as a loop does.</summary>
    private Task StartJob(string name, Action job) => Threads.Start(name, () =>
    {
        try
        {
            job();
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    });

    /// <summary>A loop or a job died.</summary>
    internal void Fail(Exception exception)
    {
        _state = NodeState.Failed;
        _report(EngineEvent.NodeFailed, exception.ToString());
        _failed.TrySetException(exception);
    }

    internal bool TryTakeSnapshotTurn()
    {
        if (Interlocked.Increment(ref _snapshotTurns) <= SnapshotTurns)
        {
            return true;
        }

        Interlocked.Decrement(ref _snapshotTurns);
        return false;
    }

    internal void ReturnSnapshotTurn() => Interlocked.Decrement(ref _snapshotTurns);

    private long _measuredAt;
    private long _measuredBytes;

    /// <summary>About once a second: is there room on the disk, and how fast do queues drain. Publisher thread.</summary>
    internal void CheckDisk()
    {
        long now = Time.GetTimestamp();
        if (_measuredAt != 0 && Time.GetElapsedTime(_measuredAt, now) < TimeSpan.FromSeconds(1))
        {
            return;
        }

        long bytes = AllPartitions.Sum(partition => partition.PublishedLogBytes);
        if (_measuredAt != 0)
        {
            DrainBytesPerSecond = Math.Max(0, bytes - _measuredBytes) / Time.GetElapsedTime(_measuredAt, now).TotalSeconds;
        }

        _measuredAt = now;
        _measuredBytes = bytes;
        bool isFull = _isDiskFull;
        try
        {
            isFull = Disk.FreeBytes(Options.DataDirectory) < Options.MinFreeDiskBytes;
        }
        catch (DiskException)
        {
            // The disk that cannot answer shows itself at the next write.
        }

        if (isFull != _isDiskFull)
        {
            _isDiskFull = isFull;
            _report(
                isFull ? EngineEvent.DiskFull : EngineEvent.DiskHasRoom,
                isFull ? $"Less than {Options.MinFreeDiskBytes >> 20} MiB are free on the disk of {Options.DataDirectory}: writes are refused until there is room." : "There is room on the disk again: writes are taken.");
        }
    }

    private void ThrowIfStopping()
    {
        if (_stopping.Task.IsCompleted)
        {
            throw new WeirException(ErrorCode.ShuttingDown, "The node is stopping and takes no definitions.");
        }
    }

    // Defined anew it would begin at nothing beside what is there, and use its version for something else.
    private void ThrowIfUnreadable(string name)
    {
        if (Unreadable.TryGetValue(name, out string? reason))
        {
            throw new WeirException(ErrorCode.DiskError, $"There is a {(name.Contains(' ') ? "" : "stream ")}{name}, but it cannot be opened before the next start: {reason}");
        }
    }

    private void RetireQuietly(Partition partition)
    {
        try
        {
            partition.Dispose();
        }
        catch (Exception exception)
        {
            // Verdicts are derived, the log needs nothing more, and the other partitions must be closed too.
            _report(EngineEvent.PartitionStopped, $"Partition {partition.Id} could not flush its verdicts at the stop, they are made again at the next start: {exception.Message}");
        }
    }

    private void Discard(EventStream stream)
    {
        foreach (Partition partition in stream.PartitionList)
        {
            RetireQuietly(partition);
        }

        try
        {
            DeleteForGood(stream.Name, stream.StorageDirectory);
        }
        catch (DiskException exception)
        {
            _report(EngineEvent.PartitionStopped, $"The unfinished stream in {stream.StorageDirectory.Path} could not be deleted: {exception.Message} Defining or deleting a stream of that name does it; otherwise delete the directory before the next start.");
        }
    }

    private void WriteView(StoredView stored)
    {
        _doubtedViews.Add(stored.Name);
        _directory!.WriteView(stored.Name, stored.ToJson());
        _doubtedViews.Remove(stored.Name);
    }

    private void DeleteView(string name, int version)
    {
        _doubtedViews.Add(name);
        _directory!.DeleteView(name, version);
        _doubtedViews.Remove(name);
    }

    private void DiscardView(string name)
    {
        try
        {
            DeleteView(name, NeverThere);
        }
        catch (DiskException exception)
        {
            _report(EngineEvent.ViewBuildFailed, $"The view {name}, which could not be written, could not be deleted either, and may be there at the next start unless it is deleted again: {exception.Message}");
        }
    }

    private async Task DetachAsync(View view)
    {
        await Pending.AllAsync(view.Stream.PartitionList.Select(partition => partition.AskAsync(() =>
        {
            partition.DetachView(view);
            return true;
        })));
    }
}
