using System.Collections.Concurrent;
using System.Globalization;
using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>
/// A named, partitioned log with admission rules. Takes batches in (<see cref="NewBatch"/>), appends markers, and reads records back with
/// their verdicts (EventStream.Read.cs). Thread-safe; the work itself is done by its partitions.
/// </summary>
public sealed partial class EventStream
{
    // Batches that wait for the next request: as many as fit, so that thousands of connections with one event each allocate nothing.
    private const long PooledBytesLimit = 256L << 20;

    private readonly WeirNode _node;
    private readonly ConcurrentQueue<IngestBatch> _pool = new();
    private readonly ConcurrentQueue<ProduceBatch> _producePool = new();
    private readonly Partition[] _partitions;
    private readonly SemaphoreSlim _changing = new(1);
    private readonly Lock _gateTurns = new();
    private volatile StreamPlan _plan;
    // A write of the definition failed: the next start may find that one and not what is in force. Held under _changing.
    private bool _isStoredInDoubt;
    private long _gateTurnedForMs = long.MinValue;
    private int _gateSide;
    private long _pooledBytes;
    private int _leastQueuedFrom;

    internal EventStream(WeirNode node, StreamDirectory directory, StoredStream stored, IFlusher flusher)
    {
        _node = node;
        StorageDirectory = directory;
        Name = stored.Name;
        Id = stored.Id;
        Secret = stored.Secret;
        Definition = stored.Definition;
        DefinitionVersion = stored.Version;
        _plan = StreamPlan.For(stored.Definition, KeyedHash.FromBytes(stored.Secret), ColumnSet.Empty);
        _partitions = new Partition[stored.Definition.Partitions];
        for (int i = 0; i < _partitions.Length; i++)
        {
            _partitions[i] = new Partition(this, i, directory.PartitionPath(i), _plan, node.Options, flusher);
        }
    }

    public string Name { get; }

    public Guid Id { get; }

    /// <summary>The rules in force for new events.</summary>
    public StreamDefinition Definition { get; private set; }

    /// <summary>1 for the first definition, one more for each change.</summary>
    public long DefinitionVersion { get; private set; }

    public int PartitionCount => _partitions.Length;

    /// <summary>What readers may see: an exclusive end per partition.</summary>
    public Position FlushedPosition
    {
        get
        {
            var ends = new long[_partitions.Length];
            ReadFlushedEnds(ends);
            return new Position(Name, ends);
        }
    }

    /// <summary>Final when every partition has folded its close marker, closing when some have.</summary>
    public StreamPhase Phase
    {
        get
        {
            int final = 0, notOpen = 0;
            foreach (Partition partition in _partitions)
            {
                final += partition.PublishedPhase == StreamPhase.Final ? 1 : 0;
                notOpen += partition.PublishedPhase == StreamPhase.NotOpen ? 1 : 0;
            }

            return final == _partitions.Length ? StreamPhase.Final
                : final > 0 ? StreamPhase.Closing
                : notOpen == _partitions.Length ? StreamPhase.NotOpen : StreamPhase.Open;
        }
    }

    /// <summary>The stream was opened again after it was final.</summary>
    public bool Reopened => _partitions.Any(partition => partition.PublishedReopened);

    public IReadOnlyList<PartitionStatus> Partitions => [.. _partitions.Select(partition => partition.Status())];

    /// <summary>Records by verdict, all partitions; the index is the verdict's number.</summary>
    public long[] VerdictTotals
    {
        get
        {
            var totals = new long[8];
            foreach (Partition partition in _partitions)
            {
                long[] published = partition.PublishedTotals;
                for (int i = 0; i < totals.Length; i++)
                {
                    totals[i] += published[i];
                }
            }

            return totals;
        }
    }

    internal StreamDirectory StorageDirectory { get; }

    internal byte[] Secret { get; }

    internal TimeProvider Time => _node.Time;

    internal IDisk Disk => _node.Disk;

    internal IThreads Threads => _node.Threads;

    internal IngestGate Gate { get; } = new();

    internal StreamPlan Plan => _plan;

    internal IReadOnlyList<Partition> PartitionList => _partitions;

    /// <summary>Whether owners not known yet are refused (<c>limits.state_bytes</c>).</summary>
    internal bool IsStateFull
    {
        get
        {
            long bytes = 0;
            foreach (Partition partition in _partitions)
            {
                bytes += partition.PublishedStateBytes;
            }

            long limit = Definition.Limits.StateBytes;
            return bytes >= (limit > 0 ? limit : _node.Options.MemoryBytes);
        }
    }

    /// <summary>A batch for one piece of a request whose bytes have been received completely. Dispose it when its outcomes have been read.</summary>
    public IngestBatch NewBatch()
    {
        IngestGate.Pass pass = Gate.Enter(Time);
        if (_pool.TryDequeue(out IngestBatch? batch))
        {
            Interlocked.Add(ref _pooledBytes, -batch.PooledBytes);
        }
        else
        {
            batch = new IngestBatch(this);
        }

        batch.Begin(_plan, pass);
        return batch;
    }

    /// <summary>A batch for one record batch that a Kafka client has sent completely. Dispose it when its outcome has been read.</summary>
    public ProduceBatch NewProduceBatch()
    {
        IngestGate.Pass pass = Gate.Enter(Time);
        if (_producePool.TryDequeue(out ProduceBatch? batch))
        {
            Interlocked.Add(ref _pooledBytes, -batch.CapacityBytes);
        }
        else
        {
            batch = new ProduceBatch(this);
        }

        batch.Begin(_plan, pass);
        return batch;
    }

    /// <summary>
    /// Closes the stream: a marker in every partition, behind everything received before this call. Idempotent: a close that is on its way,
    /// requested or declared, is waited for, and no second marker is appended.
    /// </summary>
    /// <returns>The position that covers the close markers, all flushed and folded.</returns>
    /// <exception cref="WeirException">A partition is not serving. Retry: the partitions that are closed already stay closed.</exception>
    public async Task<Position> CloseAsync()
    {
        await _changing.WaitAsync();
        try
        {
            ThrowIfAnyIsStopped();
            long nowMs = Time.GetUtcNow().ToUnixTimeMilliseconds();
            byte[] json = MarkerJson.OpenOrClose(nowMs, isReopening: false, isDeclared: false, isOpening: false);
            return await AppendEverywhereAsync(
                partition => partition.PublishedPhase != StreamPhase.Final,
                partition => partition.CloseAsync(json, nowMs));
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Opens the stream before its declared time, or again after it was final. Idempotent while it is open.</summary>
    /// <param name="reopen">Says that a final stream shall be opened again; from then on every answer carries "reopened".</param>
    /// <exception cref="WeirException"><see cref="ErrorCode.AlreadyFinal"/> without <paramref name="reopen"/>; or a partition is not serving (retry).</exception>
    public async Task<Position> OpenAsync(bool reopen)
    {
        await _changing.WaitAsync();
        try
        {
            ThrowIfAnyIsStopped();
            bool wasClosed = _partitions.Any(partition => partition.PublishedPhase == StreamPhase.Final);
            if (wasClosed && !reopen)
            {
                throw new WeirException(ErrorCode.AlreadyFinal, $"The stream {Name} is closed. Its results have been shown as final.");
            }

            long nowMs = Time.GetUtcNow().ToUnixTimeMilliseconds();
            byte[] json = MarkerJson.OpenOrClose(nowMs, wasClosed, isDeclared: false, isOpening: true);
            return await AppendEverywhereAsync(
                partition => wasClosed || partition.PublishedPhase != StreamPhase.Open,
                partition => wasClosed ? partition.ReopenAsync(json, nowMs) : partition.AppendMarkerAsync(new MarkerAppend(MarkerType.Open, json, null)));
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>How long the fullest queue takes to drain at the rate measured, and behind the flush that is the slowest now, for <c>Retry-After</c>; one second to one minute.</summary>
    public TimeSpan EstimateDrain()
    {
        long queued = _partitions.Max(partition => partition.QueuedBytes);
        double bytesPerSecond = Math.Max(_node.DrainBytesPerSecond, 1 << 20);
        TimeSpan behindFlushes = _partitions.Max(partition => partition.EstimateDrain());
        return TimeSpan.FromSeconds(Math.Clamp(Math.Ceiling(Math.Max(queued / bytesPerSecond, behindFlushes.TotalSeconds)), 1, 60));
    }

    /// <summary>
    /// Changes the mutable parts of the definition: durable in definition.json, then a define marker in every partition. A partition that
    /// cannot take its marker now gets it when it is recovered, before it serves again.
    /// </summary>
    internal async Task RedefineAsync(StreamDefinition definition)
    {
        await _changing.WaitAsync();
        try
        {
            IReadOnlyList<string> differences = Definition.ImmutableDifferences(definition);
            if (differences.Count > 0)
            {
                throw new WeirException(
                    ErrorCode.ImmutableDefinition,
                    string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", differences)} of stream {Name} cannot change. Stored (version {DefinitionVersion}): {System.Text.Encoding.UTF8.GetString(Definition.ToJson())} Given: {System.Text.Encoding.UTF8.GetString(definition.ToJson())}"));
            }

            bool isSame = definition.ToJson().AsSpan().SequenceEqual(Definition.ToJson());
            if (isSame && !_isStoredInDoubt)
            {
                return;
            }

            var stored = new StoredStream(Name, Id, Secret, isSame ? DefinitionVersion : DefinitionVersion + 1, definition);
            _isStoredInDoubt = true;
            StorageDirectory.WriteDefinition(stored.ToJson());
            _isStoredInDoubt = false;
            if (isSame)
            {
                return;
            }

            Definition = definition;
            DefinitionVersion = stored.Version;
            lock (_gateTurns)
            {
                _plan = _plan.With(definition);
            }

            byte[] json = MarkerJson.Define(definition, Secret);
            await AppendEverywhereAsync(_ => true, partition => partition.AppendMarkerAsync(new MarkerAppend(MarkerType.Define, json, definition)));
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>From now on ingest extracts these columns too; returns the plan that does.</summary>
    internal StreamPlan AddColumns(IEnumerable<Sql.ColumnPath> columns)
    {
        lock (_gateTurns)
        {
            return _plan = _plan.With(columns);
        }
    }

    internal ErrorCode? TryEnqueue(int partition, AppendBatch batch) =>
        _node.RefusalOfWrites ?? _partitions[partition].TryEnqueue(batch);

    internal void Return(IngestBatch batch)
    {
        if (Interlocked.Add(ref _pooledBytes, batch.PooledBytes) <= PooledBytesLimit)
        {
            _pool.Enqueue(batch);
        }
        else
        {
            Interlocked.Add(ref _pooledBytes, -batch.PooledBytes);
        }
    }

    internal void Return(ProduceBatch batch)
    {
        if (Interlocked.Add(ref _pooledBytes, batch.CapacityBytes) <= PooledBytesLimit)
        {
            _producePool.Enqueue(batch);
        }
        else
        {
            Interlocked.Add(ref _pooledBytes, -batch.CapacityBytes);
        }
    }

    internal bool IsKnownProducerId(long id) => id < _node.ProducerIdsEnd;

    internal int LeastQueuedPartition()
    {
        // Begin at a place that moves, so that idle partitions share what comes.
        int start = (int)((uint)Interlocked.Increment(ref _leastQueuedFrom) % (uint)_partitions.Length);
        int least = start;
        for (int i = 1; i < _partitions.Length; i++)
        {
            int candidate = (start + i) % _partitions.Length;
            least = _partitions[candidate].QueuedBytes < _partitions[least].QueuedBytes ? candidate : least;
        }

        return least;
    }

    internal void ReadFlushedEnds(Span<long> ends)
    {
        for (int i = 0; i < _partitions.Length; i++)
        {
            ends[i] = _partitions[i].FlushedEnd;
        }
    }

    /// <summary>The gate's side to wait for at a close at this time; the gate turns once per time, whichever partition asks first.</summary>
    internal int TurnGateFor(long atMs)
    {
        lock (_gateTurns)
        {
            if (_gateTurnedForMs != atMs)
            {
                _gateTurnedForMs = atMs;
                _gateSide = Gate.Turn();
            }

            return _gateSide;
        }
    }

    /// <summary>A timestamp of the monotonic clock, that long from now.</summary>
    internal long DeadlineAfter(TimeSpan delay) => Time.GetTimestamp() + (long)(delay.TotalSeconds * Time.TimestampFrequency);

    internal void OnPartitionStopped(Partition partition, Exception cause) => _node.OnPartitionStopped(this, partition, cause);

    internal bool TryTakeSnapshotTurn() => _node.TryTakeSnapshotTurn();

    internal void ReturnSnapshotTurn() => _node.ReturnSnapshotTurn();

    internal void Report(EngineEvent kind, string text) => _node.Report(kind, text);

    // A stopped partition answers when it is recovered, which on a disk that stays as it is means never.
    private void ThrowIfAnyIsStopped()
    {
        foreach (Partition partition in _partitions)
        {
            partition.ThrowIfStopped();
        }
    }

    private async Task<Position> AppendEverywhereAsync(Func<Partition, bool> isWanted, Func<Partition, Task<long>> append)
    {
        await Pending.AllAsync(_partitions.Where(isWanted).Select(append));
        return FlushedPosition;
    }
}
