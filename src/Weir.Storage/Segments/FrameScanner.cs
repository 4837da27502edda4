using Weir.Core;

namespace Weir.Storage.Segments;

/// <summary>
/// Reads frames of one file one after another, in chunks. The one place that turns file bytes into frames: readers,
/// recovery and the offline check are built on it. Checks each frame's header and completeness; the batch CRC, the chain
/// and the offsets are checked by whoever knows what to expect. Not thread-safe.
/// </summary>
internal sealed class FrameScanner
{
    /// <summary>Large enough that a read costs little beside its checksum, small enough to stay in the second-level cache.</summary>
    public const int ChunkBytes = 1 << 20;

    /// <summary>The first read after a jump: a look-up of one record should not read a megabyte.</summary>
    private const int FirstChunkBytes = 128 << 10;

    private readonly uint _seed;
    private IDiskFile _file;
    private byte[] _buffer;
    private int _start;
    private int _end;
    private long _bufferPosition;
    private int _nextChunkBytes = FirstChunkBytes;
    private ReadAhead _ahead;

    /// <param name="filePosition">Where the first frame begins.</param>
    /// <param name="limit">Bytes of the file that may be read; see <see cref="Limit"/>.</param>
    public FrameScanner(IDiskFile file, uint seed, long filePosition, long limit)
    {
        _file = file;
        _seed = seed;
        _buffer = [];
        _bufferPosition = filePosition;
        Limit = limit;
    }

    /// <summary>
    /// End (exclusive) of the bytes that may be read. May grow. Bytes beyond are never buffered: in the active segment they
    /// may still be changing, and a reader that kept them would take a half-written frame for damage.
    /// </summary>
    public long Limit { get; set; }

    /// <summary>File position of the frame that <see cref="TryNext"/> looks at next.</summary>
    public long FilePosition => _bufferPosition + _start;

    /// <summary>File position of the frame that <see cref="TryNext"/> returned last.</summary>
    public long FramePosition { get; private set; }

    /// <summary>Goes on in another place, or in another file.</summary>
    public void MoveTo(IDiskFile file, long filePosition, long limit)
    {
        bool buffered = ReferenceEquals(file, _file) && filePosition >= _bufferPosition && filePosition <= _bufferPosition + _end;
        Limit = limit;
        if (buffered)
        {
            _start = (int)(filePosition - _bufferPosition);
            return;
        }

        _file = file;
        _bufferPosition = filePosition;
        _start = _end = 0;
        _nextChunkBytes = FirstChunkBytes;
        _ahead = default;
    }

    /// <summary>Leaves out everything before a file position.</summary>
    public void SkipTo(long filePosition) => MoveTo(_file, filePosition, Limit);

    /// <summary>The next frame and its batch (empty for an idle frame). The bytes are valid until the next call.</summary>
    /// <returns>False at the limit (<paramref name="fault"/> empty) or where no intact frame begins; then nothing has moved.</returns>
    public bool TryNext(out Frame frame, out ReadOnlySpan<byte> batch, out string fault)
    {
        bool found = TryNextMemory(out frame, out ReadOnlyMemory<byte> memory, out fault);
        batch = memory.Span;
        return found;
    }

    public bool TryNextMemory(out Frame frame, out ReadOnlyMemory<byte> batch, out string fault)
    {
        batch = default;
        frame = default;
        fault = "";
        if (FilePosition >= Limit)
        {
            return false;
        }

        Fill(Frame.HeaderBytes + RecordBatch.UncoveredBytes);
        if (!Frame.TryRead(_buffer.AsSpan(_start, _end - _start), _seed, out frame, out fault))
        {
            return false;
        }

        // Room is made only for a frame that the file can hold: a declared length alone costs nothing.
        bool fits = frame.TotalBytes <= Limit - FilePosition;
        if (fits)
        {
            Fill(frame.TotalBytes);
        }

        if (!fits || _end - _start < frame.TotalBytes)
        {
            fault = "the file ends inside a frame.";
            return false;
        }

        batch = _buffer.AsMemory(_start + Frame.HeaderBytes, frame.BatchLength);
        FramePosition = FilePosition;
        _start += frame.TotalBytes;
        return true;
    }

    /// <summary>Moves to the next place, at least one byte on, where an intact frame header begins; false when there is none.</summary>
    public bool TryResynchronise()
    {
        const int Needed = Frame.HeaderBytes + RecordBatch.UncoveredBytes;
        ReadOnlySpan<byte> magic = [Frame.MagicValue & 0xFF, Frame.MagicValue >> 8];
        Fill(1);
        _start = Math.Min(_start + 1, _end);
        while (true)
        {
            Fill(Needed);
            ReadOnlySpan<byte> bytes = _buffer.AsSpan(_start, _end - _start);
            if (bytes.Length < Frame.HeaderBytes)
            {
                return false;
            }

            int at = bytes.IndexOf(magic);
            if (at < 0)
            {
                // The last byte may be the first of a magic that the next chunk completes.
                _start = _end - 1;
                continue;
            }

            _start += at;
            Fill(Needed);
            if (Frame.TryRead(_buffer.AsSpan(_start, _end - _start), _seed, out _, out _))
            {
                return true;
            }

            _start++;
        }
    }

    /// <summary>Makes at least <paramref name="needed"/> bytes available from the current place, as far as the limit allows.</summary>
    private void Fill(int needed)
    {
        int held = _end - _start;
        if (held >= needed)
        {
            return;
        }

        // Never more than there is to read: a small segment, or the end of one, takes a small buffer.
        int size = Math.Max(needed, (int)Math.Clamp(Limit - FilePosition, 0, _nextChunkBytes));
        if (_buffer.Length < size)
        {
            byte[] larger = new byte[size];
            _buffer.AsSpan(_start, held).CopyTo(larger);
            _buffer = larger;
        }
        else
        {
            _buffer.AsSpan(_start, held).CopyTo(_buffer);
        }

        _bufferPosition += _start;
        _start = 0;
        _end = held;
        _nextChunkBytes = ChunkBytes;
        long readPosition = _bufferPosition + held;
        int wanted = (int)Math.Clamp(Limit - readPosition, 0, _buffer.Length - held);
        if (wanted > 0)
        {
            _ahead.Note(_file, readPosition + wanted, Limit);
            _end += ReadWithRetry(_file, readPosition, _buffer.AsSpan(held, wanted));
        }
    }

    /// <summary>One retry: a read error is often of the moment. The second one goes up.</summary>
    public static int ReadWithRetry(IDiskFile file, long filePosition, Span<byte> destination)
    {
        try
        {
            return file.Read(filePosition, destination);
        }
        catch (DiskException)
        {
            return file.Read(filePosition, destination);
        }
    }
}
