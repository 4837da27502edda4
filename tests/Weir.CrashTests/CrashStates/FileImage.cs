namespace Weir.CrashTests.CrashStates;

/// <summary>
/// The bytes of one file on disk, made from its calls and what became of each. The rules:
/// <list type="bullet">
/// <item>A sector (512 bytes) on disk is as it was in memory after one of the calls that wrote to it, so a later write never arrives in it without what lay
/// there before; different sectors arrive independently, so that calls are torn and reordered.</item>
/// <item>Lengths arrive in order: the length on disk is that after the last call whose length arrived, and truncations before that call have happened.</item>
/// <item>What the length covers and nothing arrived in is zero, or, where <paramref name="stale"/> is given, what lay there on the disk before.</item>
/// </list>
/// </summary>
/// <param name="stale">Bytes that other files had; null for a disk that zeroes.</param>
internal sealed class FileImage(IReadOnlyList<(FileCall Call, Fate Fate)> calls, byte[]? stale)
{
    private const int SectorBytes = 512;

    private byte[] _memory = [];
    private byte[] _disk = [];
    private long _memoryLength;
    private long _diskLength;
    private long _limit = long.MaxValue;
    private bool[] _isWritten = [];
    private bool[] _hasArrived = [];

    public byte[] Make()
    {
        long longest = calls.Max(entry => entry.Call.Kind == FileCallKind.Write ? entry.Call.Position + entry.Call.Bytes.Length : entry.Call.Length);
        _memory = new byte[longest];
        _disk = new byte[longest];
        _isWritten = new bool[(longest / SectorBytes) + 1];
        _hasArrived = new bool[_isWritten.Length];
        int lastLength = LastLengthKept();
        for (int i = 0; i < calls.Count; i++)
        {
            (FileCall call, Fate fate) = calls[i];
            if (call.Kind == FileCallKind.Write)
            {
                Write(call, fate);
            }
            else
            {
                SetLength(call.Length, isKept: i <= lastLength);
            }
        }

        FillWithStale();
        return _disk[..(int)_diskLength];
    }

    private int LastLengthKept()
    {
        int last = -1;
        long length = 0;
        for (int i = 0; i < calls.Count; i++)
        {
            (FileCall call, Fate fate) = calls[i];
            bool changesLength = call.Kind == FileCallKind.SetLength || call.Position + call.Bytes.Length > length;
            length = call.Kind == FileCallKind.SetLength ? call.Length : Math.Max(length, call.Position + call.Bytes.Length);
            last = changesLength && fate.Kind != FateKind.Lost ? i : last;
        }

        return last;
    }

    private void Write(FileCall call, Fate fate)
    {
        long end = call.Position + call.Bytes.Length;
        bool grows = end > _memoryLength;
        call.Bytes.CopyTo(_memory, call.Position);
        _memoryLength = Math.Max(_memoryLength, end);
        long arrivedEnd = 0;
        long firstUnit = call.Position / fate.UnitBytes;
        for (long sector = call.Position / SectorBytes; sector * SectorBytes < end; sector++)
        {
            _isWritten[sector] |= fate.Kind != FateKind.Lost;
            long from = sector * SectorBytes;
            long to = Math.Min(Math.Min(from + SectorBytes, _memoryLength), _limit);
            if (to > from && fate.Keeps(from / fate.UnitBytes, firstUnit))
            {
                _memory.AsSpan((int)from, (int)(to - from)).CopyTo(_disk.AsSpan((int)from));
                _hasArrived[sector] = true;
                arrivedEnd = Math.Min(to, end);
            }
        }

        if (grows)
        {
            _diskLength = fate.KeepsLength ? _memoryLength : Math.Max(_diskLength, arrivedEnd);
        }
    }

    private void SetLength(long length, bool isKept)
    {
        if (length < _memoryLength)
        {
            _memory.AsSpan((int)length, (int)(_memoryLength - length)).Clear();
        }

        _memoryLength = length;
        if (!isKept)
        {
            // No length arrives after it, so what is written behind it later is not in the file.
            _limit = Math.Min(_limit, length);
            return;
        }

        _disk.AsSpan((int)length).Clear();
        _diskLength = length;
        for (long sector = (length + SectorBytes - 1) / SectorBytes; sector < _isWritten.Length; sector++)
        {
            _isWritten[sector] = false;
            _hasArrived[sector] = false;
        }
    }

    private void FillWithStale()
    {
        if (stale is null || stale.Length == 0)
        {
            return;
        }

        for (long sector = 0; sector * SectorBytes < _diskLength; sector++)
        {
            if (_isWritten[sector] && !_hasArrived[sector])
            {
                long from = sector * SectorBytes;
                for (long at = from; at < Math.Min(from + SectorBytes, _diskLength); at++)
                {
                    _disk[at] = stale[at % stale.Length];
                }
            }
        }
    }
}
