using Weir.Core;
using Weir.Storage;

namespace Weir.Engine;

/// <summary>Producer ids for Kafka clients: given out in blocks that are on disk before the first id of them is, so that none is ever given out twice.</summary>
public sealed partial class WeirNode
{
    private const int ProducerIdBlock = 1000;

    private readonly Lock _producerIds = new();
    private long _nextProducerId;
    private long _producerIdsEnd;

    /// <summary>End (exclusive) of the ids that a producer can have got here. Any thread.</summary>
    internal long ProducerIdsEnd => Interlocked.Read(ref _producerIdsEnd);

    /// <summary>An id that no producer has had. Any thread; writes and flushes a small file once in a thousand calls.</summary>
    /// <exception cref="WeirException">The node is not serving, or the disk takes no writes; retry.</exception>
    public long NextProducerId()
    {
        if (RefusalOfWrites is { } refusal)
        {
            throw new WeirException(refusal, "No producer ids are given out now.");
        }

        lock (_producerIds)
        {
            if (_nextProducerId == _producerIdsEnd)
            {
                long end = _producerIdsEnd + ProducerIdBlock;
                _directory!.WriteProducerIdsEnd(end);
                Interlocked.Exchange(ref _producerIdsEnd, end);
            }

            return _nextProducerId++;
        }
    }

    // What the file says was reserved before; the rest of that block is left out.
    private void OpenProducerIds(DataDirectory data) => NoteProducerIds(data.ProducerIdsEnd());

    // A file put back from an older copy would give ids a second time: what logs have seen counts too.
    private void NoteProducerIds(long end)
    {
        lock (_producerIds)
        {
            if (end > _producerIdsEnd)
            {
                Interlocked.Exchange(ref _producerIdsEnd, end);
                _nextProducerId = end;
            }
        }
    }
}
