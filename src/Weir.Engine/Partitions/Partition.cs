using System.Collections.Concurrent;
using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// One partition: its log, its fold state, and the loop that joins them. The loop works in rounds: append and write what waits
/// (Partition.Append.cs), flush on a flusher thread while the same records are folded (Partition.Fold.cs), then publish what is both flushed
/// and folded: acknowledgements, verdict file, view changes (Partition.Publish.cs).
/// </summary>
/// <remarks>
/// Owned by one writer thread; the members that other threads may call say so. After a failed write or flush, or a broken invariant,
/// the partition stops: everything in flight becomes unknown, the fold state is discarded, and a recovery thread owns it until it
/// serves again from what is on disk (Partition.Recovery.cs).
/// </remarks>
internal sealed partial class Partition : IDisposable
{
    private readonly EventStream _stream;
    private readonly NodeOptions _options;
    private readonly Flusher _flusher;
    private readonly ConcurrentQueue<PartitionBatch> _queue = new();
    private readonly ConcurrentQueue<Action> _actions = new();
    private readonly HotKeySketch _hotKeys = new();
    private WriterThread? _thread;
    private volatile PartitionLog? _log;
    private Admission _admission;
    private StreamPlan _plan;
    private long _queuedBytes;
    private volatile PartitionState _state = PartitionState.Recovering;
    private volatile string? _reason;

    public Partition(EventStream stream, int id, string directory, StreamPlan plan, NodeOptions options, Flusher flusher)
    {
        _stream = stream;
        Id = id;
        Directory = directory;
        _plan = plan;
        _options = options;
        _flusher = flusher;
        _admission = new Admission(plan.Definition, firstOffset: 0);
    }

    public int Id { get; }

    public string Directory { get; }

    /// <summary>Any thread.</summary>
    public PartitionState State => _state;

    /// <summary>Bytes of batches waiting to be appended. Any thread.</summary>
    public long QueuedBytes => Interlocked.Read(ref _queuedBytes);

    /// <summary>End (exclusive) of what readers may see. Any thread.</summary>
    public long FlushedEnd => _log?.FlushedEnd.Value ?? 0;

    /// <summary>The log, for readers on any thread; null until it has been opened.</summary>
    public PartitionLog? Log => _log;

    /// <summary>Phase after the last published round. Any thread.</summary>
    public StreamPhase PublishedPhase { get; private set; }

    /// <summary>Whether the stream was reopened, after the last published round. Any thread.</summary>
    public bool PublishedReopened { get; private set; }

    /// <summary>Native memory of the fold's tables after the last published round. Any thread.</summary>
    public long PublishedStateBytes { get; private set; }

    private long PublishedOwners { get; set; }

    /// <summary>Records by verdict number after the last published round. Any thread; a copy that is never changed.</summary>
    public long[] PublishedTotals { get; private set; } = new long[8];

    /// <summary>Any thread.</summary>
    public PartitionStatus Status()
    {
        PartitionLog? log = _log;
        (string? hotKey, double share) = _hotKeys.Hottest();
        return new PartitionStatus(Id, _state, _reason, PublishedPhase, log?.LogStart.Value ?? 0, FlushedEnd, log?.TotalBytes ?? 0, QueuedBytes, PublishedOwners, PublishedStateBytes, hotKey, share);
    }

    /// <summary>Puts the partition on a thread; called once, after recovery.</summary>
    public void StartOn(WriterThread thread)
    {
        _thread = thread;
        thread.Add(this);
    }

    /// <summary>Queues a batch. Any thread.</summary>
    /// <returns>Null when it was taken; then <see cref="IngestBatch.Complete"/> is called exactly once for it. Otherwise why not.</returns>
    public ErrorCode? TryEnqueue(PartitionBatch batch)
    {
        if (_state != PartitionState.Serving)
        {
            return CodeOf(_state);
        }

        long bytes = batch.Writer.Length;
        long queued = Interlocked.Add(ref _queuedBytes, bytes);
        if (queued > _options.QueueBytesPerPartition && queued != bytes)
        {
            Interlocked.Add(ref _queuedBytes, -bytes);
            return ErrorCode.QueueFull;
        }

        _queue.Enqueue(batch);
        _thread!.Wake();
        if (_state != PartitionState.Serving)
        {
            // It stopped meanwhile and may have emptied the queue before this batch was in it.
            FailQueue(CodeOf(_state));
        }

        return null;
    }

    /// <summary>Runs an action on the writer thread between two rounds. Any thread. The action must not block.</summary>
    public void Post(Action action)
    {
        _actions.Enqueue(action);
        _thread?.Wake();
    }

    /// <summary>As <see cref="Post"/>, with a result. Fails when the partition does not get to it before it is disposed.</summary>
    public Task<T> AskAsync<T>(Func<T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                answer.SetResult(question());
            }
            catch (Exception exception)
            {
                // The asker gets it; the partition's own failures do not come through here.
                answer.SetException(exception);
            }
        });
        return answer.Task;
    }

    /// <summary>A hash over the whole fold state: equal logs give equal hashes. Writer thread, between rounds.</summary>
    public UInt128 ContentHash()
    {
        UInt128 hash = _admission.ContentHash();
        foreach ((_, PartialView partial) in _views)
        {
            hash = unchecked((hash * 1_000_003) + partial.LogicalHash());
        }

        return hash;
    }

    /// <summary>Completes when everything queued is on disk and the last frame proves it, or when the partition is not serving.</summary>
    public async Task QuiesceAsync()
    {
        while (_state == PartitionState.Serving && await AskAsync(() => !_queue.IsEmpty || _round.Count > 0 || _idleFrameDue))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), _stream.Time);
        }
    }

    /// <summary>Takes the partition off its thread for good and closes its files.</summary>
    public async Task RetireAsync()
    {
        await QuiesceAsync();
        await AskAsync(() =>
        {
            _state = PartitionState.Stopped;
            return true;
        });
        FailQueue(ErrorCode.PartitionStopped);
        _thread!.Remove(this);
        Dispose();
    }

    public void Dispose()
    {
        AbandonSnapshot();
        _earlier?.Dispose();
        _verdicts?.Flush();
        _verdicts?.Dispose();
        _log?.Dispose();
        _admission.Dispose();
    }

    private static ErrorCode CodeOf(PartitionState state) => state switch
    {
        PartitionState.ReadOnly => ErrorCode.PartitionReadOnly,
        PartitionState.Recovering => ErrorCode.Recovering,
        _ => ErrorCode.PartitionStopped,
    };
}
