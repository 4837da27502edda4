using System.Collections.Concurrent;
using Weir.Engine;

namespace Weir.Server;

/// <summary>How many events a second each stream decided over the last ten seconds. Sampled once a second by a timer; read from any thread.</summary>
internal sealed class StreamRates(TimeProvider time)
{
    private const int Samples = 10;

    private readonly ConcurrentDictionary<Guid, Queue<(long Timestamp, long Events)>> _samples = new();

    /// <summary>0 for a stream that was not sampled twice yet.</summary>
    public double EventsPerSecond(EventStream stream)
    {
        if (!_samples.TryGetValue(stream.Id, out Queue<(long Timestamp, long Events)>? samples))
        {
            return 0;
        }

        lock (samples)
        {
            (long since, long before) = samples.Peek();
            double seconds = time.GetElapsedTime(since).TotalSeconds;
            return seconds < 0.5 ? 0 : (stream.VerdictTotals.Sum() - before) / seconds;
        }
    }

    public void Sample(IReadOnlyList<EventStream> streams)
    {
        foreach (EventStream stream in streams)
        {
            Queue<(long Timestamp, long Events)> samples = _samples.GetOrAdd(stream.Id, _ => new());
            lock (samples)
            {
                samples.Enqueue((time.GetTimestamp(), stream.VerdictTotals.Sum()));
                if (samples.Count > Samples)
                {
                    samples.Dequeue();
                }
            }
        }

        foreach (Guid gone in _samples.Keys.Except(streams.Select(stream => stream.Id)))
        {
            _samples.TryRemove(gone, out _);
        }
    }
}
