using System.Buffers.Binary;
using Weir.Core;
using Weir.Storage.Segments;

namespace Weir.Storage;

/// <summary>
/// Makes the <see cref="KeyFile"/> of a sealed segment from pairs in any order, in bounded memory: a million pairs (12 MiB) are sorted at a
/// time; where there are more, sorted runs go to a temporary file and are merged. Not flushed: the file is derived, and its checksums tell
/// whether all of it arrived. Belongs to one thread; disposed before <see cref="Commit"/> it leaves nothing behind.
/// </summary>
public sealed class KeyFileWriter : IDisposable
{
    private const int DefaultPairsInMemory = 1 << 20;
    private const int BlocksPerWrite = 16;

    private readonly IDisk _disk;
    private readonly LogIdentity _identity;
    private readonly Offset _baseOffset;
    private readonly long _segmentRecords;
    private readonly string _path;
    private readonly int _pairsInMemory;
    private readonly List<Run> _runs = [];
    private ulong[] _hashes;
    private uint[] _records;
    private int _pairs;
    private IDiskFile? _runFile;
    private long _runFileEnd;
    private bool _isBegun;

    /// <param name="records">How many records the segment holds.</param>
    /// <exception cref="DiskException">From here to <see cref="Commit"/>: the file cannot be written. A retry may help.</exception>
    public KeyFileWriter(IDisk disk, string directory, LogIdentity identity, Offset baseOffset, long records)
        : this(disk, directory, identity, baseOffset, records, DefaultPairsInMemory)
    {
    }

    internal KeyFileWriter(IDisk disk, string directory, LogIdentity identity, Offset baseOffset, long records, int pairsInMemory)
    {
        _disk = disk;
        _identity = identity;
        _baseOffset = baseOffset;
        _segmentRecords = records;
        _path = LogFiles.At(directory, baseOffset, LogFiles.Keys);
        _pairsInMemory = pairsInMemory;
        _hashes = new ulong[Math.Min(1024, pairsInMemory)];
        _records = new uint[_hashes.Length];
    }

    private string RunPath => _path + ".runs";

    /// <summary>Notes that a record carries a hash. A hash may come many times.</summary>
    /// <param name="record">Offset minus base offset.</param>
    public void Add(ulong hash, uint record)
    {
        if (_pairs == _pairsInMemory)
        {
            WriteRun();
        }
        else if (_pairs == _hashes.Length)
        {
            int capacity = Math.Min(_pairs * 2, _pairsInMemory);
            Array.Resize(ref _hashes, capacity);
            Array.Resize(ref _records, capacity);
        }

        _hashes[_pairs] = hash;
        _records[_pairs++] = record;
    }

    /// <summary>Writes the file under a temporary name and renames it over the one that may be there.</summary>
    /// <param name="pace">Called for every 64 KiB written; may wait, or throw to give up.</param>
    public void Commit(Action pace)
    {
        long count = _pairs + _runs.Sum(run => run.Pairs);
        using (IDiskFile file = LogFiles.CreateTemporary(_disk, _path))
        {
            _isBegun = true;
            file.Write(0, Header(count));
            var blocks = new Blocks(file, pace, count);
            if (_runs.Count == 0)
            {
                Sort();
                for (int i = 0; i < _pairs; i++)
                {
                    blocks.Add(_hashes[i], _records[i]);
                }
            }
            else
            {
                WriteRun();
                Merge(blocks);
            }

            blocks.Finish();
        }

        _disk.Rename(_path + LogFiles.Temporary, _path);
        _isBegun = false;
    }

    public void Dispose()
    {
        if (_isBegun)
        {
            _disk.Delete(_path + LogFiles.Temporary);
        }

        if (_runFile is not null)
        {
            _runFile.Dispose();
            _disk.Delete(RunPath + LogFiles.Temporary);
        }
    }

    private byte[] Header(long count)
    {
        var header = new byte[KeyFile.HeaderBytes];
        KeyFile.Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), KeyFile.FormatVersion);
        _identity.Write(header.AsSpan(KeyFile.IdentityAt));
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(KeyFile.BaseOffsetAt), _baseOffset.Value);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(KeyFile.CountAt), count);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(KeyFile.RecordsAt), _segmentRecords);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(KeyFile.ChecksumAt), Crc32C.Compute(header.AsSpan(0, KeyFile.ChecksumAt)));
        return header;
    }

    private void Sort() => _hashes.AsSpan(0, _pairs).Sort(_records.AsSpan(0, _pairs));

    private void WriteRun()
    {
        _runFile ??= LogFiles.CreateTemporary(_disk, RunPath);
        Sort();
        var bytes = new byte[KeyFile.PairBytes * Run.BufferedPairs];
        _runs.Add(new Run(_runFile, _runFileEnd, _pairs));
        for (int done = 0; done < _pairs; done += Run.BufferedPairs)
        {
            int count = Math.Min(Run.BufferedPairs, _pairs - done);
            for (int i = 0; i < count; i++)
            {
                WritePair(bytes.AsSpan(i * KeyFile.PairBytes), _hashes[done + i], _records[done + i]);
            }

            _runFile.Write(_runFileEnd, bytes.AsSpan(0, count * KeyFile.PairBytes));
            _runFileEnd += count * KeyFile.PairBytes;
        }

        _pairs = 0;
    }

    private void Merge(Blocks blocks)
    {
        var next = new PriorityQueue<Run, ulong>();
        foreach (Run run in _runs.Where(run => run.MoveNext()))
        {
            next.Enqueue(run, run.Hash);
        }

        while (next.TryDequeue(out Run? run, out ulong hash))
        {
            blocks.Add(hash, run.Record);
            if (run.MoveNext())
            {
                next.Enqueue(run, run.Hash);
            }
        }
    }

    private static void WritePair(Span<byte> destination, ulong hash, uint record)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, hash);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[sizeof(ulong)..], record);
    }

    /// <summary>Puts ascending pairs into blocks, and the blocks into the file.</summary>
    private sealed class Blocks(IDiskFile file, Action pace, long pairs)
    {
        private readonly byte[] _buffer = new byte[KeyFile.BlockBytes * (int)Math.Clamp((pairs + KeyFile.PairsPerBlock - 1) / KeyFile.PairsPerBlock, 1, BlocksPerWrite)];
        private long _filePosition = KeyFile.HeaderBytes;
        private uint _number;
        private int _filled;
        private int _inBlock;

        public void Add(ulong hash, uint record)
        {
            WritePair(_buffer.AsSpan(_filled + (_inBlock * KeyFile.PairBytes)), hash, record);
            if (++_inBlock == KeyFile.PairsPerBlock)
            {
                EndBlock();
            }
        }

        public void Finish()
        {
            if (_inBlock > 0)
            {
                EndBlock();
            }

            Write();
        }

        private void EndBlock()
        {
            Span<byte> block = _buffer.AsSpan(_filled, KeyFile.BlockBytes);
            block[(_inBlock * KeyFile.PairBytes)..].Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(block[^sizeof(uint)..], KeyFile.BlockChecksum(block, _number++));
            _inBlock = 0;
            _filled += KeyFile.BlockBytes;
            if (_filled == _buffer.Length)
            {
                Write();
            }
        }

        private void Write()
        {
            file.Write(_filePosition, _buffer.AsSpan(0, _filled));
            _filePosition += _filled;
            _filled = 0;
            pace();
        }
    }

    /// <summary>One sorted run in the temporary file, read again through a buffer of 48 KiB.</summary>
    private sealed class Run(IDiskFile file, long start, int pairs)
    {
        public const int BufferedPairs = 4096;

        private byte[] _buffer = [];
        private int _next;

        public int Pairs => pairs;

        public ulong Hash { get; private set; }

        public uint Record { get; private set; }

        public bool MoveNext()
        {
            if (_next == pairs)
            {
                return false;
            }

            int at = _next % BufferedPairs;
            if (at == 0)
            {
                int count = Math.Min(BufferedPairs, pairs - _next);
                _buffer = _buffer.Length > 0 ? _buffer : new byte[count * KeyFile.PairBytes];
                if (file.Read(start + ((long)_next * KeyFile.PairBytes), _buffer.AsSpan(0, count * KeyFile.PairBytes)) < count * KeyFile.PairBytes)
                {
                    throw new InvalidOperationException("A sorted run ends before its last pair.");
                }
            }

            Hash = BinaryPrimitives.ReadUInt64LittleEndian(_buffer.AsSpan(at * KeyFile.PairBytes));
            Record = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan((at * KeyFile.PairBytes) + sizeof(ulong)));
            _next++;
            return true;
        }
    }
}
