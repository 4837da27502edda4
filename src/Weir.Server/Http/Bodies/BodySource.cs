using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Weir.Core;

namespace Weir.Server.Http.Bodies;

/// <summary>
/// The bytes of a request's body, decompressed, counted and bounded. Used by one request, by one thread at a time.
/// </summary>
internal sealed class BodySource : IAsyncDisposable
{
    /// <summary>A compressed body may expand to this many times its size.</summary>
    public const int MaxExpansion = 20;

    // Small bodies of repeated text compress better than 20:1 and harm nobody.
    private const int AlwaysAllowedBytes = 64 * 1024;

    private readonly PipeReader _reader;
    private readonly long _maxBytes;
    private readonly CountingStream? _compressed;
    private readonly Stream? _expanded;
    /// <summary>True when nothing follows what was read.</summary>
    public bool HasEnded { get; private set; }

    private BodySource(HttpRequest request, long maxBytes, Func<Stream, Stream>? expand)
    {
        _reader = request.BodyReader;
        _maxBytes = maxBytes;
        if (expand is not null)
        {
            _compressed = new CountingStream(request.Body);
            _expanded = expand(_compressed);
        }
    }

    /// <summary>Bytes read so far, after decompression.</summary>
    public long BytesRead { get; private set; }

    /// <param name="maxBytes">Longest body, before and after decompression.</param>
    /// <exception cref="BodyException">The Content-Encoding is not supported, or the declared length is over the limit.</exception>
    public static BodySource Open(HttpRequest request, long maxBytes)
    {
        if (request.ContentLength > maxBytes)
        {
            throw TooLong(maxBytes);
        }

        string? encoding = request.Headers.ContentEncoding;
        return encoding switch
        {
            null or "" or "identity" => new BodySource(request, maxBytes, expand: null),
            "gzip" or "x-gzip" => new BodySource(request, maxBytes, stream => new GZipStream(stream, CompressionMode.Decompress)),
            "br" => new BodySource(request, maxBytes, stream => new BrotliStream(stream, CompressionMode.Decompress)),
            _ => throw new BodyException(ErrorCode.UnsupportedEncoding, $"The body is encoded as {encoding}; gzip and br are read."),
        };
    }

    /// <summary>Fills the destination; less only at the body's end.</summary>
    /// <exception cref="BodyException">Over a limit, or not what the encoding says.</exception>
    public async ValueTask<int> FillAsync(Memory<byte> destination)
    {
        int filled = 0;
        while (filled < destination.Length && !HasEnded)
        {
            int read = _expanded is null ? await ReadPlainAsync(destination[filled..]) : await ReadExpandedAsync(destination[filled..]);
            filled += read;
            BytesRead += read;
            if (BytesRead > _maxBytes)
            {
                throw TooLong(_maxBytes);
            }
        }

        return filled;
    }

    public async ValueTask DisposeAsync()
    {
        if (_expanded is not null)
        {
            await _expanded.DisposeAsync();
        }
    }

    private async ValueTask<int> ReadPlainAsync(Memory<byte> destination)
    {
        ReadResult result = await _reader.ReadAsync();
        ReadOnlySequence<byte> buffer = result.Buffer;
        int length = (int)Math.Min(buffer.Length, destination.Length);
        ReadOnlySequence<byte> taken = buffer.Slice(0, length);
        taken.CopyTo(destination.Span);
        HasEnded = result.IsCompleted && length == buffer.Length;
        _reader.AdvanceTo(taken.End);
        return length;
    }

    private async ValueTask<int> ReadExpandedAsync(Memory<byte> destination)
    {
        try
        {
            int read = await _expanded!.ReadAsync(destination);
            HasEnded = read == 0;
            if (BytesRead + read > Math.Max(AlwaysAllowedBytes, _compressed!.BytesRead * MaxExpansion))
            {
                throw new BodyException(ErrorCode.ExpandsTooMuch, FormattableString.Invariant($"{_compressed.BytesRead} bytes expanded to more than {MaxExpansion} times as many."));
            }

            return read;
        }
        catch (Exception broken) when (broken is InvalidDataException or InvalidOperationException)
        {
            throw new BodyException(ErrorCode.UnreadableBody, $"The compressed body is broken after {BytesRead} expanded bytes: {broken.Message}", broken);
        }
    }

    private static BodyException TooLong(long maxBytes) =>
        new(ErrorCode.BodyTooLarge, FormattableString.Invariant($"The body is longer than {maxBytes} bytes."));

    /// <summary>Counts what the decompressor takes from the request.</summary>
    private sealed class CountingStream(Stream inner) : Stream
    {
        public long BytesRead { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken);
            BytesRead += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Bodies are read asynchronously.");

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
