using System.Collections.Concurrent;

namespace Weir.Engine;

/// <summary>A few threads that wait for fdatasync.</summary>
internal sealed class Flusher : IFlusher
{
    private readonly BlockingCollection<Partition> _queue = [];
    private readonly Thread[] _threads;
    private readonly Action<Exception> _onFailure;

    public Flusher(int threads, Action<Exception> onFailure)
    {
        _onFailure = onFailure;
        _threads = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            _threads[i] = new Thread(Run) { Name = $"weir-flush-{i}", IsBackground = true };
            _threads[i].Start();
        }
    }

    public void Enqueue(Partition partition) => _queue.Add(partition);

    public void Dispose()
    {
        _queue.CompleteAdding();
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }

        _queue.Dispose();
    }

    private void Run()
    {
        try
        {
            foreach (Partition partition in _queue.GetConsumingEnumerable())
            {
                partition.FlushRound();
            }
        }
        catch (Exception exception)
        {
            _onFailure(exception);
        }
    }
}
