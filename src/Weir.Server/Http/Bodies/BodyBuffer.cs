using System.Buffers;
using Weir.Core;

namespace Weir.Server.Http.Bodies;

/// <summary>
/// The part of a body that is in memory: contiguous, from a pool and within the server's budget, given back by <see cref="Return"/> when its
/// request is done. One owner.
/// </summary>
internal sealed class BodyBuffer
{
    private readonly IngestBudget _budget;
    private byte[] _bytes = [];
    private int _capacity;

    /// <param name="capacity">Bytes at first; at least 1.</param>
    /// <exception cref="BodyException">The budget is used up; the same request can succeed later.</exception>
    public BodyBuffer(int capacity, IngestBudget budget)
    {
        _budget = budget;
        Grow(Math.Max(capacity, 1));
    }

    public int Length { get; private set; }

    /// <summary>True when nothing follows what is in the buffer.</summary>
    public bool HasEnded { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    /// <summary>Reads until the buffer is full or the body ends.</summary>
    public async ValueTask FillAsync(BodySource source)
    {
        if (!HasEnded)
        {
            Length += await source.FillAsync(_bytes.AsMemory(Length, _capacity - Length));
            HasEnded = source.HasEnded;
        }
    }

    /// <summary>Drops bytes from the front.</summary>
    public void Discard(int length)
    {
        _bytes.AsSpan(length, Length - length).CopyTo(_bytes);
        Length -= length;
    }

    /// <summary>Makes room for at least so many bytes.</summary>
    /// <exception cref="BodyException">The budget is used up; the same request can succeed later.</exception>
    public void Grow(int capacity)
    {
        if (capacity <= _capacity)
        {
            return;
        }

        if (!_budget.TryTake(capacity - _capacity))
        {
            throw new BodyException(ErrorCode.TooManyRequests, "The bodies in flight take all the memory they may (limits.request_bytes).");
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent(capacity);
        Span.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        (_bytes, _capacity) = (larger, capacity);
    }

    public void Return()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _budget.Return(_capacity);
        (_bytes, _capacity, Length) = ([], 0, 0);
    }
}
