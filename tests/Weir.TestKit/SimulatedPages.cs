namespace Weir.TestKit;

/// <summary>
/// Bytes of a simulated file in pages, with zeros where nothing was written. What is seen and what is durable, and files before and after a power loss, mostly have
/// the same pages: one that somebody else has too is copied before it changes.
/// </summary>
internal sealed class SimulatedPages
{
    private const int PageBytes = 1024;
    private const int SectorsOfPage = PageBytes / SimulatedDisk.SectorBytes;

    private Page[] _pages = [];
    private int _count;

    private struct Page
    {
        /// <summary>Null: zeros.</summary>
        public byte[]? Bytes;

        /// <summary>Somebody else has it too.</summary>
        public bool IsShared;
    }

    /// <summary>Bytes up to the end of the last page.</summary>
    public long Length => (long)_count * PageBytes;

    public void Read(long position, Span<byte> into)
    {
        while (!into.IsEmpty)
        {
            int page = (int)(position / PageBytes);
            int start = (int)(position % PageBytes);
            int count = Math.Min(PageBytes - start, into.Length);
            if (page < _count && _pages[page].Bytes is { } bytes)
            {
                bytes.AsSpan(start, count).CopyTo(into);
            }
            else
            {
                into[..count].Clear();
            }

            into = into[count..];
            position += count;
        }
    }

    public void Write(long position, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int start = (int)(position % PageBytes);
            int count = Math.Min(PageBytes - start, bytes.Length);
            int page = (int)(position / PageBytes);
            Reach(page);
            if (_pages[page].Bytes is not null || bytes[..count].ContainsAnyExcept((byte)0))
            {
                bytes[..count].CopyTo(Own(page).AsSpan(start));
            }

            bytes = bytes[count..];
            position += count;
        }
    }

    /// <summary>Zeros from here on.</summary>
    public void Clear(long from)
    {
        int kept = (int)Math.Min((from + PageBytes - 1) / PageBytes, _count);
        Array.Clear(_pages, kept, _count - kept);
        _count = kept;
        if (from < Length && _pages[kept - 1].Bytes is not null)
        {
            Own(kept - 1).AsSpan((int)(from % PageBytes)).Clear();
        }
    }

    /// <summary>Becomes like the other one in the sectors [from, to).</summary>
    public void TakeSectors(SimulatedPages other, int from, int to)
    {
        while (from < to)
        {
            int page = from / SectorsOfPage;
            int count = Math.Min(((page + 1) * SectorsOfPage) - from, to - from);
            if (count == SectorsOfPage)
            {
                Take(other, page);
            }
            else
            {
                int start = from % SectorsOfPage * SimulatedDisk.SectorBytes;
                other.Read((long)from * SimulatedDisk.SectorBytes, Own(page).AsSpan(start, count * SimulatedDisk.SectorBytes));
            }

            from += count;
        }
    }

    /// <summary>Becomes like the other one; this one is empty yet.</summary>
    public void TakeAll(SimulatedPages other)
    {
        foreach (ref Page page in other._pages.AsSpan(0, other._count))
        {
            page.IsShared = true;
        }

        _pages = [.. other._pages.AsSpan(0, other._count)];
        _count = other._count;
    }

    private void Take(SimulatedPages other, int page)
    {
        Reach(page);
        other.Reach(page);
        other._pages[page].IsShared = true;
        _pages[page] = other._pages[page];
    }

    // The page, to be written.
    private byte[] Own(int number)
    {
        Reach(number);
        ref Page page = ref _pages[number];
        if (page.Bytes is null || page.IsShared)
        {
            page.Bytes = page.Bytes is null ? new byte[PageBytes] : [.. page.Bytes];
            page.IsShared = false;
        }

        return page.Bytes;
    }

    private void Reach(int page)
    {
        if (page >= _pages.Length)
        {
            Array.Resize(ref _pages, Math.Max(page + 1, _pages.Length * 2));
        }

        _count = Math.Max(_count, page + 1);
    }
}
