using Weir.Engine;
using Weir.Storage;

namespace Weir.Server.Kafka;

/// <summary>
/// Readers of the partitions that one connection fetches, standing where the last answer ended: the next request goes on there without looking anything up.
/// Any thread.
/// </summary>
internal sealed class FetchReaders(FetchReaderTurns turns) : IDisposable
{
    private const int MostKept = 16;

    private readonly List<(EventStream Stream, int Partition, long Next, LogReader Reader)> _kept = [];
    private bool _isDisposed;

    /// <summary>A reader that stands before the batch with the offset. Give it back with <see cref="Keep"/>, or dispose it.</summary>
    /// <exception cref="OffsetNotStoredException">The offset is before the log's start or behind what is flushed.</exception>
    /// <exception cref="Core.WeirException">The partition could not be opened yet; retry.</exception>
    public LogReader Take(EventStream stream, int partition, long offset)
    {
        lock (_kept)
        {
            int at = _kept.FindIndex(kept => kept.Stream == stream && kept.Partition == partition && kept.Next == offset);
            if (at >= 0)
            {
                LogReader kept = _kept[at].Reader;
                _kept.RemoveAt(at);
                turns.Return();
                if (stream.IsCurrent(partition, kept))
                {
                    return kept;
                }

                kept.Dispose();
            }
        }

        return stream.OpenReader(partition, offset);
    }

    /// <param name="next">Offset behind the last batch that was read.</param>
    public void Keep(EventStream stream, int partition, long next, LogReader reader)
    {
        lock (_kept)
        {
            if (_isDisposed || !turns.TryTake())
            {
                reader.Dispose();
                return;
            }

            if (_kept.Count == MostKept)
            {
                _kept[0].Reader.Dispose();
                _kept.RemoveAt(0);
                turns.Return();
            }

            _kept.Add((stream, partition, next, reader));
        }
    }

    public void Dispose()
    {
        lock (_kept)
        {
            _isDisposed = true;
            foreach ((_, _, _, LogReader reader) in _kept)
            {
                reader.Dispose();
                turns.Return();
            }

            _kept.Clear();
        }
    }
}

/// <summary>Bounds the readers that all connections keep: each has a file open and a buffer of 1 MiB. Any thread.</summary>
internal sealed class FetchReaderTurns
{
    private const int MostReaders = 128;

    private int _taken;

    public bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= MostReaders)
        {
            return true;
        }

        Return();
        return false;
    }

    public void Return() => Interlocked.Decrement(ref _taken);
}
