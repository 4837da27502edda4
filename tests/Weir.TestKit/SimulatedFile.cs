namespace Weir.TestKit;

/// <summary>Content of one simulated file: what readers see, what is on disk, and which sectors a flush still has to bring there. Guarded by the disk's lock.</summary>
internal sealed class SimulatedFile
{
    private readonly SimulatedPages _seen = new();
    private readonly SimulatedPages _durable = new();

    // A bit per sector.
    private ulong[] _dirty = [];
    private long _durableLength;
    private bool _isLengthDirty;

    public long Length { get; private set; }

    /// <summary>The disk's mark of files that it has counted.</summary>
    public long CountedIn { get; set; }

    public byte[] CopyContent()
    {
        var content = new byte[Length];
        _seen.Read(0, content);
        return content;
    }

    public int Read(long filePosition, Span<byte> buffer)
    {
        int count = (int)Math.Clamp(Length - filePosition, 0, buffer.Length);
        _seen.Read(filePosition, buffer[..count]);
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
        _seen.Write(filePosition, bytes);
        MarkDirty(filePosition, end);
    }

    public void Truncate(long length)
    {
        if (length < Length)
        {
            _seen.Clear(length);
            MarkDirty(length, Length);
        }

        SetLength(length);
    }

    public void FlushAll()
    {
        int to = 0;
        while (TryNextDirty(to, out int from))
        {
            to = from + 1;
            while (IsDirty(to))
            {
                to++;
            }

            _durable.TakeSectors(_seen, from, to);
        }

        Array.Clear(_dirty);
        if (_isLengthDirty)
        {
            _durableLength = Length;
            _isLengthDirty = false;
        }
    }

    /// <summary>Some sectors arrive, the others stay in memory only, and all count as clean.</summary>
    public void FailFlush(Random random)
    {
        for (int at = 0; TryNextDirty(at, out int sector); at = sector + 1)
        {
            if (random.Next(2) == 0)
            {
                _durable.TakeSectors(_seen, sector, sector + 1);
            }
        }

        Array.Clear(_dirty);
        if (_isLengthDirty && random.Next(2) == 0)
        {
            _durableLength = Length;
        }

        _isLengthDirty = false;
    }

    /// <summary>Changes bytes within the file, in memory and on disk alike, and nobody is told.</summary>
    public void Corrupt(long filePosition, ReadOnlySpan<byte> bytes)
    {
        _seen.Write(filePosition, bytes);
        _durable.Write(filePosition, bytes[..(int)Math.Clamp(_durable.Length - filePosition, 0, bytes.Length)]);
    }

    public SimulatedFile AfterPowerLoss(Random random, int tearBytes, ref PowerLoss lost)
    {
        var next = new SimulatedFile();
        next._seen.TakeAll(_durable);
        long length = _durableLength;
        if (_isLengthDirty)
        {
            length = random.Next(3) switch
            {
                0 => _durableLength,
                1 => Length,
                _ => random.NextInt64(Math.Min(_durableLength, Length), Math.Max(_durableLength, Length) + 1),
            };
            lost.Lengths += length == Length ? 0 : 1;
        }

        int sectorsInOne = tearBytes / SimulatedDisk.SectorBytes;
        long decidedFor = -1;
        bool arrives = false;
        bool hasPieces = false;
        bool isRunTorn = false;
        bool hasLost = false;
        bool isReordered = false;
        for (int at = 0; TryNextDirty(at, out int sector); at = sector + 1)
        {
            if (sector / sectorsInOne != decidedFor)
            {
                bool isSideBySide = (sector / sectorsInOne) - decidedFor == 1;
                bool didArrive = arrives;
                decidedFor = sector / sectorsInOne;
                arrives = random.Next(2) == 0;
                isRunTorn &= isSideBySide;
                if (isSideBySide && hasPieces && didArrive != arrives && !isRunTorn)
                {
                    isRunTorn = true;
                    lost.Torn++;
                }

                hasPieces = true;
                isReordered |= arrives && hasLost;
                hasLost |= !arrives;
                lost.Pieces += arrives ? 0 : 1;
            }

            if (arrives)
            {
                next._seen.TakeSectors(_seen, sector, sector + 1);
            }
        }

        lost.Reordered += isReordered ? 1 : 0;
        next._seen.Clear(length);
        next._durable.TakeAll(next._seen);
        next.Length = next._durableLength = length;
        return next;
    }

    private void SetLength(long length)
    {
        _isLengthDirty |= length != Length;
        Length = length;
    }

    private void MarkDirty(long from, long to)
    {
        int sectors = (int)((to + SimulatedDisk.SectorBytes - 1) / SimulatedDisk.SectorBytes);
        if (_dirty.Length * 64 < sectors)
        {
            Array.Resize(ref _dirty, Math.Max((sectors + 63) / 64, _dirty.Length * 2));
        }

        for (int sector = (int)(from / SimulatedDisk.SectorBytes); sector < sectors; sector++)
        {
            _dirty[sector / 64] |= 1UL << (sector % 64);
        }
    }

    private bool IsDirty(int sector) => sector / 64 < _dirty.Length && (_dirty[sector / 64] & (1UL << (sector % 64))) != 0;

    private bool TryNextDirty(int from, out int sector)
    {
        for (int word = from / 64; word < _dirty.Length; word++)
        {
            ulong bits = word == from / 64 ? _dirty[word] & (ulong.MaxValue << (from % 64)) : _dirty[word];
            if (bits != 0)
            {
                sector = (word * 64) + System.Numerics.BitOperations.TrailingZeroCount(bits);
                return true;
            }
        }

        sector = 0;
        return false;
    }
}
