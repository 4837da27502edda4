using System.Buffers;

namespace Weir.Server.Kafka;

/// <summary>The batches of one partition on their way to a client: a buffer from the pool, and its share of the memory, until the answer is sent.</summary>
internal sealed class FetchBuffer : IDisposable
{
    private readonly KafkaMemory _memory;
    private byte[] _bytes;
    private long _taken;

    private FetchBuffer(KafkaMemory memory, int size)
    {
        _memory = memory;
        _taken = size;
        _bytes = ArrayPool<byte>.Shared.Rent(size);
    }

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    /// <returns>Null: there is no memory for it now.</returns>
    public static FetchBuffer? TryMake(KafkaMemory memory, int size) => memory.TryTake(size) ? new FetchBuffer(memory, size) : null;

    /// <returns>False: the batch does not fit; only the first of an answer may be longer than asked for.</returns>
    public bool TryAppend(ReadOnlySpan<byte> batch)
    {
        if (batch.Length > _bytes.Length - Length)
        {
            if (Length > 0 || !_memory.TryTake(batch.Length))
            {
                return false;
            }

            ArrayPool<byte>.Shared.Return(_bytes);
            _taken += batch.Length;
            _bytes = ArrayPool<byte>.Shared.Rent(batch.Length);
        }

        batch.CopyTo(_bytes.AsSpan(Length));
        Length += batch.Length;
        return true;
    }

    /// <summary>Once or more often.</summary>
    public void Dispose()
    {
        if (_taken == 0)
        {
            return;
        }

        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _memory.Return(_taken);
        _taken = 0;
    }
}
