namespace Weir.Storage.Compression;

/// <summary>Where compressed bytes expand to: grows as they come, up to a limit, and never to what a header promises. One owner; reused.</summary>
internal sealed class ExpandBuffer
{
    private const int FirstBytes = 4096;

    private byte[] _bytes = [];
    private int _limit;

    /// <summary>Bytes written since <see cref="Begin"/>.</summary>
    public int Length { get; private set; }

    public int CapacityBytes => _bytes.Length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public Memory<byte> Memory => _bytes.AsMemory(0, Length);

    /// <summary>Starts anew; at most <paramref name="limit"/> bytes from here on.</summary>
    public void Begin(int limit)
    {
        _limit = limit;
        Length = 0;
    }

    /// <summary>Room for so many bytes behind what is written, to be taken with <see cref="Advance"/>.</summary>
    /// <returns>False: that would pass the limit.</returns>
    public bool TryReserve(int count, out Span<byte> room)
    {
        room = default;
        if (count > _limit - Length)
        {
            return false;
        }

        if (_bytes.Length - Length < count)
        {
            long size = Math.Max(Math.Max(Length + (long)count, _bytes.Length * 2L), FirstBytes);
            Array.Resize(ref _bytes, (int)Math.Min(size, _limit));
        }

        room = _bytes.AsSpan(Length, count);
        return true;
    }

    /// <summary>As much room as there is without growing, and at least one byte.</summary>
    /// <returns>False: the limit is reached.</returns>
    public bool TryReserveSome(out Span<byte> room)
    {
        if (!TryReserve(1, out room))
        {
            return false;
        }

        room = _bytes.AsSpan(Length, Math.Min(_bytes.Length, _limit) - Length);
        return true;
    }

    public void Advance(int count) => Length += count;

    public bool TryAppend(ReadOnlySpan<byte> bytes)
    {
        if (!TryReserve(bytes.Length, out Span<byte> room))
        {
            return false;
        }

        bytes.CopyTo(room);
        Length += bytes.Length;
        return true;
    }

    /// <summary>Repeats what was written so far back; the copy may reach into itself, which repeats a pattern.</summary>
    /// <param name="distance">1 to <see cref="Length"/>.</param>
    /// <returns>False: that would pass the limit.</returns>
    public bool TryRepeat(int distance, int count)
    {
        if (!TryReserve(count, out Span<byte> room))
        {
            return false;
        }

        ReadOnlySpan<byte> source = _bytes.AsSpan(Length - distance, Math.Min(distance, count));
        if (distance >= count)
        {
            source.CopyTo(room);
        }
        else
        {
            // Each copy doubles what there is of the pattern.
            source.CopyTo(room);
            for (int done = distance; done < count; done *= 2)
            {
                room[..Math.Min(done, count - done)].CopyTo(room[done..]);
            }
        }

        Length += count;
        return true;
    }

    /// <summary>Gives the memory back.</summary>
    public void Release()
    {
        _bytes = [];
        Length = 0;
    }
}
