namespace Weir.TestKit;

/// <summary>Content of one simulated file: what readers see, what is on disk, and which sectors a flush still has to bring there. Guarded by the disk's lock.</summary>
internal sealed class SimulatedFile
{
    private readonly HashSet<long> _dirtySectors = [];
    private byte[] _seen = [];
    private byte[] _durable = [];
    private long _durableLength;
    private bool _isLengthDirty;

    public long Length { get; private set; }

    public byte[] CopyContent() => _seen.AsSpan(0, (int)Length).ToArray();

    public int Read(long filePosition, Span<byte> buffer)
    {
        int count = (int)Math.Clamp(Length - filePosition, 0, buffer.Length);
        _seen.AsSpan((int)Math.Min(filePosition, Length), count).CopyTo(buffer);
        return count;
    }

    public void Write(long filePosition, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        long end = filePosition + bytes.Length;
        SetLength(Math.Max(Length, end));
        bytes.CopyTo(_seen.AsSpan((int)filePosition));
        MarkDirty(filePosition, end);
    }

    public void Truncate(long length)
    {
        if (length < Length)
        {
            _seen.AsSpan((int)length, (int)(Length - length)).Clear();
            MarkDirty(length, Length);
        }

        SetLength(length);
    }

    public void FlushAll()
    {
        foreach (long sector in _dirtySectors)
        {
            CopySector(sector, _seen, ref _durable);
        }

        _dirtySectors.Clear();
        if (_isLengthDirty)
        {
            _durableLength = Length;
            _isLengthDirty = false;
        }
    }

    /// <summary>Some sectors arrive, the others stay in memory only, and all count as clean.</summary>
    public void FailFlush(Random random)
    {
        foreach (long sector in _dirtySectors)
        {
            if (random.Next(2) == 0)
            {
                CopySector(sector, _seen, ref _durable);
            }
        }

        _dirtySectors.Clear();
        if (_isLengthDirty && random.Next(2) == 0)
        {
            _durableLength = Length;
        }

        _isLengthDirty = false;
    }

    /// <summary>Changes bytes within the file, in memory and on disk alike, and nobody is told.</summary>
    public void Corrupt(long filePosition, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_seen.AsSpan((int)filePosition));
        int onDisk = (int)Math.Clamp(_durable.Length - filePosition, 0, bytes.Length);
        bytes[..onDisk].CopyTo(_durable.AsSpan((int)Math.Min(filePosition, _durable.Length)));
    }

    public SimulatedFile AfterPowerLoss(Random random, int tearBytes)
    {
        var next = new SimulatedFile();
        byte[] content = _durable;
        long length = _durableLength;
        if (_isLengthDirty)
        {
            length = random.Next(3) switch
            {
                0 => _durableLength,
                1 => Length,
                _ => random.NextInt64(Math.Min(_durableLength, Length), Math.Max(_durableLength, Length) + 1),
            };
        }

        int sectorsInOne = tearBytes / SimulatedDisk.SectorBytes;
        long decidedFor = -1;
        bool arrives = false;
        foreach (long sector in _dirtySectors.Order())
        {
            if (sector / sectorsInOne != decidedFor)
            {
                decidedFor = sector / sectorsInOne;
                arrives = random.Next(2) == 0;
            }

            if (arrives)
            {
                CopySector(sector, _seen, ref content);
            }
        }

        next._seen = new byte[length];
        content.AsSpan(0, (int)Math.Min(content.Length, length)).CopyTo(next._seen);
        next._durable = [.. next._seen];
        next.Length = next._durableLength = length;
        return next;
    }

    private static void CopySector(long sector, byte[] from, ref byte[] to)
    {
        int start = (int)(sector * SimulatedDisk.SectorBytes);
        int end = start + SimulatedDisk.SectorBytes;
        if (to.Length < end)
        {
            Array.Resize(ref to, Math.Max(end, to.Length * 2));
        }

        int held = Math.Clamp(from.Length - start, 0, SimulatedDisk.SectorBytes);
        to.AsSpan(start, SimulatedDisk.SectorBytes).Clear();
        from.AsSpan(Math.Min(start, from.Length), held).CopyTo(to.AsSpan(start));
    }

    private void SetLength(long length)
    {
        if (length > _seen.Length)
        {
            Array.Resize(ref _seen, (int)Math.Max(length, _seen.Length * 2L));
        }

        _isLengthDirty |= length != Length;
        Length = length;
    }

    private void MarkDirty(long from, long to)
    {
        for (long sector = from / SimulatedDisk.SectorBytes; sector * SimulatedDisk.SectorBytes < to; sector++)
        {
            _dirtySectors.Add(sector);
        }
    }
}
