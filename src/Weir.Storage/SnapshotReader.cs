using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Weir.Core;
using Weir.Storage.Segments;
using Weir.Storage.Snapshots;

namespace Weir.Storage;

/// <summary>
/// Reads a snapshot or base section by section in bounded memory; every block is verified as it is read. From <see cref="TryOpen"/> and
/// <see cref="TryOpenBase"/> the whole file has been verified before; who takes one from <see cref="OpenEach"/> throws away what he has loaded
/// when a block turns out to be damaged. So no state is ever half loaded. Belongs to one thread at a time.
/// </summary>
public sealed class SnapshotReader : IDisposable
{
    private readonly IDiskFile _file;
    private readonly byte[] _blockHeader = new byte[SnapshotFormat.BlockHeaderBytes];
    private readonly uint _headerChecksum;
    private byte[] _payload = [];
    private long _filePosition = SnapshotFormat.HeaderBytes;
    private uint _previous;
    private ReadAhead _ahead;
    private SnapshotBlock _kind;
    private int _length;
    private int _read;

    private SnapshotReader(IDiskFile file, string path, Offset offset, bool isBase, uint headerChecksum)
    {
        _file = file;
        Path = path;
        Offset = offset;
        IsBase = isBase;
        _previous = _headerChecksum = headerChecksum;
    }

    public string Path { get; }

    /// <summary>The state covers all records below this offset; replay goes on from it.</summary>
    public Offset Offset { get; }

    /// <summary>A base: where retention cut the log. Recounts and views made later begin here.</summary>
    public bool IsBase { get; }

    /// <summary>Length of the file in bytes: no section is longer.</summary>
    public long FileBytes => _file.Length;

    /// <summary>
    /// Opens the newest intact snapshot between <paramref name="logStart"/> and <paramref name="logEnd"/>, else the one
    /// before, else the base (either copy). Takes one pass over each file tried.
    /// </summary>
    /// <param name="rejected">Files that were passed over, each with its fault, for the log; they are derived and stay where they are.</param>
    /// <returns>False when there is none: replay begins at the log start, which must then be the first offset of the stream.</returns>
    public static bool TryOpen(
        IDisk disk,
        string directory,
        LogIdentity identity,
        Offset logStart,
        Offset logEnd,
        [NotNullWhen(true)] out SnapshotReader? reader,
        out IReadOnlyList<string> rejected)
    {
        var faults = new List<string>();
        rejected = faults;
        foreach (SnapshotReader candidate in OpenEach(disk, directory, identity, logStart, logEnd, faults))
        {
            if (candidate.VerifyAll(out string fault))
            {
                reader = candidate;
                return true;
            }

            candidate.Dispose();
            faults.Add($"{candidate.Path}: {fault}");
        }

        reader = null;
        return false;
    }

    /// <summary>
    /// Opens one after the other the files that <see cref="TryOpen"/> would try, for who loads and verifies in one pass: of each only the header has been
    /// looked at. Loading has verified the file when <see cref="TryNextSection"/> has returned false.
    /// </summary>
    /// <param name="rejected">Gets the files that are passed over here; the caller adds those whose loading fails.</param>
    /// <returns>Readers that the caller disposes; he takes the next one only when he is done with the one before.</returns>
    public static IEnumerable<SnapshotReader> OpenEach(IDisk disk, string directory, LogIdentity identity, Offset logStart, Offset logEnd, ICollection<string> rejected)
    {
        IReadOnlyList<string> names = disk.List(directory);
        foreach (string suffix in (string[])[LogFiles.Snapshot, LogFiles.Base, LogFiles.BaseCopy])
        {
            foreach (Offset offset in LogFiles.Offsets(names, suffix).Reverse())
            {
                string path = LogFiles.At(directory, offset, suffix);
                if (offset < logStart || offset > logEnd)
                {
                    rejected.Add($"{path}: the log holds {logStart} to {logEnd}.");
                }
                else if (TryOpenHeader(disk, path, identity, offset, suffix != LogFiles.Snapshot, out SnapshotReader? reader, out string fault))
                {
                    yield return reader;
                }
                else
                {
                    rejected.Add($"{path}: {fault}");
                }
            }
        }
    }

    /// <summary>Opens the base, either copy; for recounts and views that begin where retention cut the log.</summary>
    public static bool TryOpenBase(IDisk disk, string directory, LogIdentity identity, [NotNullWhen(true)] out SnapshotReader? reader)
    {
        IReadOnlyList<string> names = disk.List(directory);
        foreach (string suffix in (string[])[LogFiles.Base, LogFiles.BaseCopy])
        {
            foreach (Offset offset in LogFiles.Offsets(names, suffix).Reverse())
            {
                if (TryOpen(disk, LogFiles.At(directory, offset, suffix), identity, offset, isBase: true, out reader, out _))
                {
                    return true;
                }
            }
        }

        reader = null;
        return false;
    }

    /// <summary>Stands before the first section again.</summary>
    public void Rewind()
    {
        _filePosition = SnapshotFormat.HeaderBytes;
        _previous = _headerChecksum;
        _kind = default;
        _length = _read = 0;
    }

    /// <summary>Moves to the next section, past what is left of the current one.</summary>
    /// <returns>False after the last.</returns>
    /// <exception cref="DiskException">The file changed or failed after it was verified. Open again: another one will be chosen.</exception>
    public bool TryNextSection([NotNullWhen(true)] out string? name)
    {
        while (_kind != SnapshotBlock.End)
        {
            if (!ReadBlock(out string fault))
            {
                Fail(fault);
            }

            if (_kind == SnapshotBlock.Section)
            {
                name = Encoding.UTF8.GetString(_payload, 0, _length);
                _read = _length;
                return true;
            }
        }

        name = null;
        return false;
    }

    /// <summary>Reads on in the section until the buffer is full or the section ends.</summary>
    /// <returns>Bytes read; fewer than the buffer holds only at the end of the section.</returns>
    /// <exception cref="DiskException">As in <see cref="TryNextSection"/>.</exception>
    public int Read(Span<byte> buffer)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            if (_read == _length && !MoveToNextChunk())
            {
                break;
            }

            int count = Math.Min(buffer.Length - done, _length - _read);
            _payload.AsSpan(_read, count).CopyTo(buffer[done..]);
            _read += count;
            done += count;
        }

        return done;
    }

    /// <summary>Fills the buffer; false exactly at the end of the section.</summary>
    /// <exception cref="DiskException">The section ends inside the buffer, or as in <see cref="TryNextSection"/>.</exception>
    public bool TryReadExactly(Span<byte> buffer)
    {
        int count = Read(buffer);
        return count == buffer.Length || (count > 0 && Fail("a section ends inside an element."));
    }

    public void Dispose() => _file.Dispose();

    internal static bool IsIntact(IDisk disk, string path, LogIdentity identity, Offset offset, out string fault)
    {
        bool intact = TryOpen(disk, path, identity, offset, isBase: false, out SnapshotReader? reader, out fault);
        reader?.Dispose();
        return intact;
    }

    private static bool TryOpen(IDisk disk, string path, LogIdentity identity, Offset offset, bool isBase, [NotNullWhen(true)] out SnapshotReader? reader, out string fault)
    {
        if (TryOpenHeader(disk, path, identity, offset, isBase, out reader, out fault) && !reader.VerifyAll(out fault))
        {
            reader.Dispose();
            reader = null;
        }

        return reader is not null;
    }

    private static bool TryOpenHeader(IDisk disk, string path, LogIdentity identity, Offset offset, bool isBase, [NotNullWhen(true)] out SnapshotReader? reader, out string fault)
    {
        reader = null;
        IDiskFile? file = null;
        try
        {
            file = disk.OpenFile(path, FileOpen.Read);
            Span<byte> header = stackalloc byte[SnapshotFormat.HeaderBytes];
            if (!SnapshotFormat.IsHeader(header[..file.Read(0, header)], identity, offset, out uint checksum))
            {
                fault = "the header is not this log's, not this offset's, of another version or damaged.";
                return false;
            }

            reader = new SnapshotReader(file, path, offset, isBase, checksum);
            file = null;
            fault = "";
            return true;
        }
        catch (DiskException e)
        {
            fault = e.Message;
            return false;
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>Reads everything, and stands at the beginning again.</summary>
    private bool VerifyAll(out string fault)
    {
        uint headerChecksum = _previous;
        try
        {
            fault = "";
            while (_kind != SnapshotBlock.End)
            {
                if (!ReadBlock(out fault))
                {
                    return false;
                }
            }
        }
        catch (DiskException e)
        {
            fault = e.Message;
            return false;
        }

        _filePosition = SnapshotFormat.HeaderBytes;
        _previous = headerChecksum;
        _kind = default;
        _ahead = default;
        _length = _read = 0;
        return true;
    }

    /// <summary>Reads and verifies the next block.</summary>
    private bool ReadBlock(out string fault)
    {
        fault = $"there is no intact block at file position {_filePosition}.";
        _ahead.Note(_file, _filePosition + SnapshotFormat.MaxPayloadBytes, long.MaxValue);
        if (_file.Read(_filePosition, _blockHeader) < SnapshotFormat.BlockHeaderBytes)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(_blockHeader.AsSpan(4));
        if (length is < 0 or > SnapshotFormat.MaxPayloadBytes)
        {
            return false;
        }

        if (_payload.Length < length)
        {
            _payload = new byte[length];
        }

        if (_file.Read(_filePosition + SnapshotFormat.BlockHeaderBytes, _payload.AsSpan(0, length)) < length)
        {
            return false;
        }

        uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(_blockHeader.AsSpan(8));
        if (checksum != SnapshotFormat.BlockChecksum(_blockHeader.AsSpan(0, 8), _payload.AsSpan(0, length), _previous))
        {
            return false;
        }

        _kind = (SnapshotBlock)BinaryPrimitives.ReadInt32LittleEndian(_blockHeader);
        _previous = checksum;
        _filePosition += SnapshotFormat.BlockHeaderBytes + length;
        _length = length;
        _read = 0;
        return true;
    }

    /// <summary>True when the current section has another chunk, which is then loaded; the block after the section stays for <see cref="TryNextSection"/>.</summary>
    private bool MoveToNextChunk()
    {
        if (_kind is not (SnapshotBlock.Section or SnapshotBlock.Chunk))
        {
            return false;
        }

        if (_file.Read(_filePosition, _blockHeader) < SnapshotFormat.BlockHeaderBytes)
        {
            return Fail("the file ends inside a section.");
        }

        return BinaryPrimitives.ReadInt32LittleEndian(_blockHeader) == (int)SnapshotBlock.Chunk && (ReadBlock(out string fault) || Fail(fault));
    }

    [DoesNotReturn]
    private bool Fail(string fault) => throw new DiskException($"read ({fault})", Path, DiskException.InputOutput);
}
