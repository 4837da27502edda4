using System.Text;
using Weir.Core;
using Weir.Storage.Segments;
using Weir.Storage.Snapshots;

namespace Weir.Storage;

/// <summary>
/// Writes the state at an offset as named sections, streamed in bounded memory, and makes it appear whole or not at all.
/// The offset must be flushed in the log: a snapshot's name is taken as proof of that. Belongs to one thread at a time.
///
/// Flushes as it goes, so that the last flush is short and no acknowledgement waits behind gigabytes of dirty pages.
/// Throttling is the caller's: it decides when to call <see cref="Write"/>.
/// </summary>
public sealed class SnapshotWriter : IDisposable
{
    /// <summary>About 5 ms of a disk that takes 860 MB/s.</summary>
    private const int FlushEveryBytes = 4 << 20;

    // The state of a small stream fits.
    private const int FirstPayloadBytes = 4 << 10;

    private readonly IDisk _disk;
    private readonly string _directory;
    private readonly LogIdentity _identity;
    private readonly Offset _offset;
    private readonly bool _isBase;
    private readonly string _path;
    private byte[] _block = new byte[SnapshotFormat.BlockHeaderBytes + FirstPayloadBytes];
    private IDiskFile? _file;
    private uint _previous;
    private long _filePosition;
    private long _flushed;
    private int _payload;
    private bool _inSection;

    private SnapshotWriter(IDisk disk, string directory, LogIdentity identity, Offset offset, bool isBase)
    {
        _disk = disk;
        _directory = directory;
        _identity = identity;
        _offset = offset;
        _isBase = isBase;
        _path = LogFiles.At(directory, offset, isBase ? LogFiles.Base : LogFiles.Snapshot);
    }

    /// <summary>Bytes written so far.</summary>
    public long Bytes => _filePosition;

    /// <summary>Begins the snapshot of a partition at <paramref name="offset"/>.</summary>
    public static SnapshotWriter Begin(IDisk disk, string directory, LogIdentity identity, Offset offset) =>
        new SnapshotWriter(disk, directory, identity, offset, isBase: false).Start();

    /// <summary>Begins a base: the same format, primary data. Commit writes two copies and reads both back.</summary>
    public static SnapshotWriter BeginBase(IDisk disk, string directory, LogIdentity identity, Offset offset) =>
        new SnapshotWriter(disk, directory, identity, offset, isBase: true).Start();

    /// <summary>Begins the next section; what <see cref="Write"/> gets belongs to it until the next one.</summary>
    /// <param name="name">At most 255 bytes of UTF-8, unique in the snapshot.</param>
    public void WriteSection(string name)
    {
        EndChunk();
        if (Encoding.UTF8.GetByteCount(name) is 0 or > SnapshotFormat.MaxNameBytes)
        {
            throw new ArgumentException($"A section's name has 1 to {SnapshotFormat.MaxNameBytes} bytes.", nameof(name));
        }

        _payload = Encoding.UTF8.GetBytes(name, _block.AsSpan(SnapshotFormat.BlockHeaderBytes));
        WriteBlock(SnapshotBlock.Section);
        _inSection = true;
    }

    /// <summary>Appends bytes to the section. Readers see one run of bytes, whatever the sizes of these calls.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (!_inSection)
        {
            throw new InvalidOperationException("Bytes belong to a section: call WriteSection first.");
        }

        while (!bytes.IsEmpty)
        {
            int count = Math.Min(bytes.Length, SnapshotFormat.MaxPayloadBytes - _payload);
            MakeRoom(_payload + count);
            bytes[..count].CopyTo(_block.AsSpan(SnapshotFormat.BlockHeaderBytes + _payload));
            _payload += count;
            bytes = bytes[count..];
            if (_payload == SnapshotFormat.MaxPayloadBytes)
            {
                EndChunk();
            }
        }
    }

    /// <summary>
    /// Makes the snapshot the newest, durably, and deletes all but the newest two. Of a base: writes the second copy, reads
    /// both back, and deletes older bases.
    /// </summary>
    /// <exception cref="DiskException">It was not committed; earlier ones stand. A later snapshot may succeed.</exception>
    public void Commit()
    {
        EndChunk();
        WriteBlock(SnapshotBlock.End);
        File.Flush();
        if (_isBase)
        {
            CopyToSecond();
        }

        File.Dispose();
        _file = null;
        _disk.Rename(_path + LogFiles.Temporary, _path);
        _disk.SyncDirectory(_directory);
        if (_isBase)
        {
            ReadBack(LogFiles.Base);
            ReadBack(LogFiles.BaseCopy);
            DeleteOlder(LogFiles.Base, keep: 1);
            DeleteOlder(LogFiles.BaseCopy, keep: 1);
        }
        else
        {
            DeleteOlder(LogFiles.Snapshot, keep: 2);
        }
    }

    /// <summary>Gives up: the unfinished file is deleted. Also what disposing without <see cref="Commit"/> does.</summary>
    public void Abandon()
    {
        if (_file is not null)
        {
            _file.Dispose();
            _file = null;
            _disk.Delete(_path + LogFiles.Temporary);
        }
    }

    public void Dispose() => Abandon();

    private IDiskFile File => _file ?? throw new ObjectDisposedException(nameof(SnapshotWriter));

    private SnapshotWriter Start()
    {
        _file = LogFiles.CreateTemporary(_disk, _path);
        _previous = SnapshotFormat.WriteHeader(_block, _identity, _offset);
        _file.Write(0, _block.AsSpan(0, SnapshotFormat.HeaderBytes));
        _filePosition = SnapshotFormat.HeaderBytes;
        return this;
    }

    private void MakeRoom(int payload)
    {
        int needed = SnapshotFormat.BlockHeaderBytes + payload;
        if (_block.Length < needed)
        {
            Array.Resize(ref _block, Math.Clamp(_block.Length * 2, needed, SnapshotFormat.BlockHeaderBytes + SnapshotFormat.MaxPayloadBytes));
        }
    }

    private void EndChunk()
    {
        if (_payload > 0)
        {
            WriteBlock(SnapshotBlock.Chunk);
        }
    }

    private void WriteBlock(SnapshotBlock kind)
    {
        Span<byte> block = _block.AsSpan(0, SnapshotFormat.BlockHeaderBytes + _payload);
        _previous = SnapshotFormat.WriteBlockHeader(block, kind, _previous);
        File.Write(_filePosition, block);
        _filePosition += block.Length;
        _payload = 0;
        if (_filePosition - _flushed >= FlushEveryBytes)
        {
            File.Flush();
            _flushed = _filePosition;
        }
    }

    private void CopyToSecond()
    {
        string second = LogFiles.At(_directory, _offset, LogFiles.BaseCopy);
        using (IDiskFile copy = LogFiles.CreateTemporary(_disk, second))
        {
            for (long position = 0; position < _filePosition;)
            {
                int count = File.Read(position, _block);
                copy.Write(position, _block.AsSpan(0, count));
                position += count;
            }

            copy.Flush();
        }

        _disk.Rename(second + LogFiles.Temporary, second);
    }

    private void ReadBack(string suffix)
    {
        string path = LogFiles.At(_directory, _offset, suffix);
        if (!SnapshotReader.IsIntact(_disk, path, _identity, _offset, out string fault))
        {
            throw new DiskException($"reading back ({fault})", path, DiskException.InputOutput);
        }
    }

    private void DeleteOlder(string suffix, int keep)
    {
        Offset[] offsets = [.. LogFiles.Offsets(_disk.List(_directory), suffix)];
        foreach (Offset old in offsets.SkipLast(keep))
        {
            _disk.Delete(LogFiles.At(_directory, old, suffix));
        }

        _disk.SyncDirectory(_directory);
    }
}
