using System.Globalization;
using System.Runtime.ExceptionServices;
using Weir.Core;
using Weir.Sql;

namespace Weir.Recount;

/// <summary>
/// Counts the partitions of a stream on several threads, each with its share of the memory for owners, and merges what they found in the order of the
/// partitions, so that nothing depends on the number of threads. A thread that is ahead waits for its turn to merge: no more
/// partitions' rows are held than there are threads.
/// </summary>
internal sealed class ParallelRecount
{
    private readonly RecountRequest _request;
    private readonly ViewShape _shape;
    private readonly Position _position;
    private readonly IReadOnlyList<PartitionStart> _logs;
    private readonly RecountMeter _meter;
    private readonly int _threads;
    private readonly object _lock = new();
    private int _next;
    private int _merged;
    private Exception? _failure;

    public ParallelRecount(RecountRequest request, ViewShape shape, Position position, IReadOnlyList<PartitionStart> logs, RecountMeter meter)
    {
        _request = request;
        _shape = shape;
        _position = position;
        _logs = logs;
        _meter = meter;
        _threads = Math.Clamp(request.Threads, 1, Math.Max(logs.Count, 1));
        Total = new ViewTally(shape, request.KeepWindows);
    }

    /// <summary>The view over all partitions, after <see cref="Run"/>.</summary>
    public ViewTally Total { get; }

    public RecountVerdicts Verdicts { get; private set; }

    /// <exception cref="WeirException">As in <see cref="RecountRun.Run"/>. The other threads have ended too.</exception>
    public void Run(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        long records = 0;
        for (int i = 0; i < _logs.Count; i++)
        {
            records += _position.Ends[i] - _logs[i].Offset;
        }

        _meter.Begin(records);
        var threads = new Thread[_threads];
        for (int i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(() => Work(stop)) { Name = string.Create(CultureInfo.InvariantCulture, $"weir-recount-{i}"), IsBackground = true };
            threads[i].Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        if (_failure is not null)
        {
            ExceptionDispatchInfo.Throw(_failure);
        }
    }

    private void Work(CancellationTokenSource stop)
    {
        var owners = new Owners();
        var identities = new Owners();
        long recordsThatFit = long.MaxValue;
        try
        {
            while (TryTake(out int partition))
            {
                PartitionStart log = _logs[partition];
                var recount = new PartitionRecount(_request, _shape, log.Log, log.Base, partition, _position.Ends[partition], _meter, stop.Token);
                recount.Run(owners, identities, _request.OwnerMemoryBytes / _threads, ref recordsThatFit);
                Merge(partition, recount);
            }
        }
        catch (Exception exception)
        {
            // Thrown again where the threads are joined. What this stops in the others comes later and is not kept.
            lock (_lock)
            {
                _failure ??= exception;
                Monitor.PulseAll(_lock);
            }

            stop.Cancel();
        }
    }

    private bool TryTake(out int partition)
    {
        lock (_lock)
        {
            partition = _next++;
            return partition < _logs.Count && _failure is null;
        }
    }

    private void Merge(int partition, PartitionRecount recount)
    {
        lock (_lock)
        {
            while (_merged < partition && _failure is null)
            {
                Monitor.Wait(_lock);
            }

            if (_failure is null)
            {
                Verdicts = Verdicts.Plus(recount.Verdicts);
                Total.Merge(recount.Tally);
                _merged++;
                Monitor.PulseAll(_lock);
            }
        }
    }
}
