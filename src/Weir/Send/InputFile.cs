using System.IO.Compression;

namespace Weir.Cli.Send;

/// <summary>
/// A file's bytes from its beginning, after a look at the first two. Behind gzip data it puts a gzip member of its own, with
/// <see cref="EndOfGzip"/> in it: <see cref="GZipStream"/> says nothing when its input breaks off, but then this member is
/// swallowed as part of the broken one and the content does not end with its text. Read by one thread; <see cref="BytesRead"/> by any.
/// </summary>
internal sealed class InputFile : Stream
{
    private readonly Stream _file;
    private byte[] _before;
    private byte[] _behind;
    private long _bytesRead;

    /// <param name="file">Owned from here on.</param>
    public InputFile(Stream file)
    {
        _file = file;
        _before = new byte[2];
        Array.Resize(ref _before, file.ReadAtLeast(_before, _before.Length, throwOnEndOfStream: false));
        IsGzip = _before is [0x1f, 0x8b];
        _behind = IsGzip ? GzipOf(EndOfGzip) : [];
    }

    /// <summary>What the content of complete gzip data ends with here; holds no line end.</summary>
    public static ReadOnlySpan<byte> EndOfGzip => "end of gzip data"u8;

    public bool IsGzip { get; }

    public long BytesRead => Interlocked.Read(ref _bytesRead);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int read = Take(ref _before, buffer);
        read = read > 0 ? read : _file.Read(buffer);
        return Counted(read > 0 ? read : Take(ref _behind, buffer));
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = Take(ref _before, buffer.Span);
        read = read > 0 ? read : await _file.ReadAsync(buffer, cancellationToken);
        return Counted(read > 0 ? read : Take(ref _behind, buffer.Span));
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
        }

        base.Dispose(disposing);
    }

    private static int Take(ref byte[] bytes, Span<byte> buffer)
    {
        int read = Math.Min(buffer.Length, bytes.Length);
        bytes.AsSpan(0, read).CopyTo(buffer);
        bytes = bytes[read..];
        return read;
    }

    private static byte[] GzipOf(ReadOnlySpan<byte> content)
    {
        var member = new MemoryStream();
        using (var gzip = new GZipStream(member, CompressionLevel.Fastest))
        {
            gzip.Write(content);
        }

        return member.ToArray();
    }

    private int Counted(int read)
    {
        Interlocked.Add(ref _bytesRead, read);
        return read;
    }
}
