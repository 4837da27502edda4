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
/// serves again from what is on disk (Partition.Recovery.cs). Actions wait meanwhile: they touch what the recovery thread owns.
/// </remarks>
internal sealed partial class Partition : IDisposable
{
    private readonly EventStream _stream;
    private readonly NodeOptions _options;
    private readonly IFlusher _flusher;
    private readonly ConcurrentQueue<AppendBatch> _queue = new();
    private readonly ConcurrentQueue<Action> _actions = new();
    private readonly HotKeySketch _hotKeys = new();
    private WriterThread? _thread;
    private volatile PartitionLog? _log;
    private Admission _admission;
    private StreamPlan _plan;
    private long _queuedBytes;
    private long _decidedEnd;
    private volatile PartitionState _state = PartitionState.Recovering;
    private volatile string? _reason;
    private volatile bool _isForWantOfRoom;
    private volatile bool _isWithRecovery;
    private volatile bool _isRetiring;
    private volatile bool _isRetired;
    private ErrorCode _retiredWith = ErrorCode.ShuttingDown;

    public Partition(EventStream stream, int id, string directory, StreamPlan plan, NodeOptions options, IFlusher flusher)
    {
        _stream = stream;
        Id = id;
        Directory = directory;
        _plan = plan;
        _options = options;
        _flusher = flusher;
        _admission = new Admission(plan.Definition, firstOffset: 0);
        Keys = new PartitionKeys(stream, this);
        _earlier = new EarlierRecords(this, _round);
        _views = new AttachedViews(_earlier);
    }

    public int Id { get; }

    public string Directory { get; }

    /// <summary>The key files of sealed segments. Any thread.</summary>
    public PartitionKeys Keys { get; }

    /// <summary>Any thread.</summary>
    public PartitionState State => _state;

    /// <summary>Why it is not serving; null when it is. Any thread.</summary>
    public string? Reason => _reason;

    /// <summary>Whether it does not serve because the disk is full. Any thread.</summary>
    public bool IsForWantOfRoom => _isForWantOfRoom;

    /// <summary>Bytes of batches waiting to be appended. Any thread.</summary>
    public long QueuedBytes => Interlocked.Read(ref _queuedBytes);

    /// <summary>End (exclusive) of what readers may see. Any thread.</summary>
    public long FlushedEnd => _log?.FlushedEnd.Value ?? 0;

    /// <summary>Those who wait for the end above to move. Any thread.</summary>
    public FlushWatchers FlushWatchers { get; } = new();

    /// <summary>End (exclusive) of the records whose verdicts can be read; at most <see cref="FlushedEnd"/>, and always where a batch ends. Any thread.</summary>
    public long DecidedEnd => Volatile.Read(ref _decidedEnd);

    /// <summary>
    /// End (exclusive) of the records that are shown. What is not decided yet is not; but behind damage nothing ever will be, and what is intact
    /// there is shown without a verdict. Any thread.
    /// </summary>
    public long ReadableEnd => _log is { IsReadOnly: true } damaged ? damaged.FlushedEnd.Value : DecidedEnd;

    /// <summary>The stream is being deleted: recovering the partition is of no use any more. Any thread.</summary>
    public bool IsRetiring => _isRetiring;

    /// <summary>The log, for readers on any thread; null until it has been opened.</summary>
    public PartitionLog? Log => _log;

    /// <summary>The log of a partition that must be read. Any thread.</summary>
    /// <exception cref="WeirException">It could not be opened yet; retry.</exception>
    public PartitionLog ReadableLog => _log ?? throw new WeirException(CodeOf(_state), $"Partition {Id} of {_stream.Name} cannot be read: {_reason ?? "it is being opened."}");

    /// <summary>Phase after the last published round. Any thread.</summary>
    public StreamPhase PublishedPhase { get; private set; }

    /// <summary>Whether the stream was reopened, after the last published round. Any thread.</summary>
    public bool PublishedReopened { get; private set; }

    /// <summary>Native memory of the fold's tables after the last published round. Any thread.</summary>
    public long PublishedStateBytes { get; private set; }

    /// <summary>Bytes of the log after the last published round. Any thread.</summary>
    public long PublishedLogBytes { get; private set; }

    private long PublishedOwners { get; set; }

    /// <summary>Records by verdict number after the last published round. Any thread; a copy that is never changed.</summary>
    public long[] PublishedTotals { get; private set; } = new long[8];

    /// <summary>Any thread.</summary>
    public PartitionStatus Status()
    {
        PartitionLog? log = _log;
        (string? hotKey, double share) = _hotKeys.Hottest();
        return new PartitionStatus(Id, _state, _reason, PublishedPhase, log?.LogStart.Value ?? 0, FlushedEnd, PublishedLogBytes, QueuedBytes, PublishedOwners, PublishedStateBytes, hotKey, share);
    }

    /// <summary>Puts the partition on a thread; called once, after recovery.</summary>
    public void StartOn(WriterThread thread)
    {
        _thread = thread;
        thread.Add(this);
    }

    /// <summary>Queues a batch. Any thread.</summary>
    /// <returns>Null when it was taken; then <see cref="AppendBatch.Complete"/> is called exactly once for it. Otherwise why not.</returns>
    public ErrorCode? TryEnqueue(AppendBatch batch)
    {
        if (_state != PartitionState.Serving)
        {
            return RefusalCode;
        }

        long bytes = batch.Bytes.Length;
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
            FailQueue(RefusalCode);
        }

        return null;
    }

    /// <summary>
    /// Runs an action on the writer thread between two rounds, after a recovery if one is under way. Any thread. The action must not block.
    /// Once the partition is retired nothing is left that it could disturb, and it runs at once.
    /// </summary>
    public void Post(Action action)
    {
        _actions.Enqueue(action);
        _thread?.Wake();
        if (_isRetired)
        {
            RunActions();
        }
    }

    /// <summary>As <see cref="Post"/>, with a result. Fails when the partition is retired before it gets to it.</summary>
    public Task<T> AskAsync<T>(Func<T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            if (_isRetired)
            {
                answer.SetException(new WeirException(_retiredWith, $"Partition {Id} of {_stream.Name} is closed."));
                return;
            }

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
        foreach ((_, PartialView partial) in _views.All.OrderBy(attached => attached.View.Name, StringComparer.Ordinal))
        {
            hash = unchecked((hash * 1_000_003) + partial.LogicalHash());
        }

        return hash;
    }

    /// <summary>Completes when everything queued is on disk and the last frame proves it, or when the partition is not serving. Any thread.</summary>
    public Task QuiesceAsync()
    {
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            if (_state == PartitionState.Serving)
            {
                _drains.Add(drained);
            }
            else
            {
                drained.SetResult();
            }
        });
        return drained.Task;
    }

    /// <summary>Takes the partition off its thread for good and closes its files: its stream is deleted.</summary>
    public async Task RetireAsync()
    {
        _isRetiring = true;
        await QuiesceAsync();
        await AskAsync(() =>
        {
            try
            {
                Retire(ErrorCode.UnknownStream);
            }
            catch (WeirException)
            {
                // Its verdicts could not be flushed, and nobody will read them.
            }

            return true;
        });
        _thread!.Remove(this);
    }

    /// <summary>
    /// Ends the partition: a round whose flush has returned is still published, everybody else who waits is told, files and memory are given back.
    /// By the owner, or once no thread runs the partition any more.
    /// </summary>
    /// <param name="code">What those who waited, or come later, are told.</param>
    /// <exception cref="WeirException">The last verdicts could not be flushed; they are made anew at the next opening.</exception>
    public void Retire(ErrorCode code)
    {
        if (_isRetired)
        {
            return;
        }

        try
        {
            if (_inRound && _isFolded && _isFlushed)
            {
                EndRoundIfFlushed();
            }
        }
        finally
        {
            _retiredWith = code;
            _isRetired = true;
            _state = PartitionState.Stopped;
            FailWaiters(new WeirException(code, $"Partition {Id} of {_stream.Name} is closed."));
            RunActions();
            Close();
        }
    }

    private void Close()
    {
        AbandonSnapshot();
        _abandonedSnapshot?.Join();
        Keys.Abandon(Offset.Zero);
        _earlier.Close();
        _log?.Dispose();
        _admission.Dispose();
        try
        {
            _verdicts?.Flush();
        }
        finally
        {
            _verdicts?.Dispose();
        }
    }

    public void Dispose() => Retire(ErrorCode.ShuttingDown);

    /// <summary>Any thread.</summary>
    /// <exception cref="WeirException">It is being recovered from disk; retry.</exception>
    public void ThrowIfStopped()
    {
        if (_state == PartitionState.Stopped)
        {
            throw new WeirException(CodeOf(_state), $"Partition {Id} of {_stream.Name} is {_state}: {_reason}");
        }
    }

    private ErrorCode RefusalCode => _isRetired ? _retiredWith : CodeOf(_state);

    private ErrorCode CodeOf(PartitionState state) => state switch
    {
        PartitionState.ReadOnly => ErrorCode.PartitionReadOnly,
        PartitionState.Recovering => ErrorCode.Recovering,
        _ => _isForWantOfRoom ? ErrorCode.DiskFull : ErrorCode.PartitionStopped,
    };
}
