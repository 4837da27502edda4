using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using Weir.Core;

namespace Weir.Cli.Send;

/// <summary>
/// Cuts a file into bodies at line ends. Cuts depend on the content only, and each body's Idempotency-Key is the hash of everything
/// up to its end: sending the same file again, or the same file with lines added behind the last cut, repeats the same keys.
/// </summary>
internal sealed class LineBatchReader : IDisposable
{
    /// <summary>One piece of the server's: a body of this size is decided as a whole.</summary>
    public const int DefaultBatchBytes = 1 << 20;

    private const int MaxLineBytes = 16 << 20;

    private readonly string _source;
    private readonly int _batchBytes;
    private readonly InputFile _file;
    private readonly Stream _content;
    private readonly bool _isGzip;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[] _buffer;
    private int _filled;
    private int _lines;
    private bool _ended;

    private LineBatchReader(string source, InputFile file, int batchBytes)
    {
        _source = source;
        _file = file;
        _isGzip = file.IsGzip;
        _content = _isGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
        _batchBytes = batchBytes;
        _buffer = new byte[batchBytes];
    }

    /// <summary>Bytes of the file taken so far, compressed if it is; may be read from any thread.</summary>
    public long FileBytesRead => _file.BytesRead;

    /// <param name="source">A path, or "-" for standard input. What starts with the gzip magic is decompressed, whatever its name.</param>
    /// <exception cref="WeirException"><see cref="ErrorCode.FileUnreadable"/>.</exception>
    public static LineBatchReader Open(string source, int batchBytes)
    {
        try
        {
            Stream file = source == "-" ? Console.OpenStandardInput() : File.OpenRead(source);
            return new LineBatchReader(source, new InputFile(file), batchBytes);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new WeirException(ErrorCode.FileUnreadable, failure.Message, failure);
        }
    }

    /// <summary>The next body; null at the end of the file. A line longer than the batch size is a body of its own.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.EventTooLarge"/> or <see cref="ErrorCode.FileUnreadable"/>, with file and line.</exception>
    public async ValueTask<LineBatch?> ReadAsync(CancellationToken cancel)
    {
        while (true)
        {
            int end = await FillAsync(cancel);
            if (end == 0)
            {
                return null;
            }

            ReadOnlyMemory<byte> lines = _buffer.AsMemory(0, end);
            _hash.AppendData(lines.Span);
            LineBatch? batch = Take(lines.Span);
            _buffer.AsSpan(end, _filled - end).CopyTo(_buffer);
            _filled -= end;
            if (batch is not null)
            {
                return batch;
            }
        }
    }

    public void Dispose()
    {
        _content.Dispose();
        _hash.Dispose();
    }

    /// <summary>Reads until the buffer holds a full body or the file ends. Returns where its last whole line ends.</summary>
    private async ValueTask<int> FillAsync(CancellationToken cancel)
    {
        while (true)
        {
            while (!_ended && _filled < _buffer.Length)
            {
                int read;
                try
                {
                    read = await _content.ReadAsync(_buffer.AsMemory(_filled), cancel);
                }
                catch (Exception failure) when (failure is IOException or InvalidDataException)
                {
                    throw new WeirException(ErrorCode.FileUnreadable, $"{_source}, after line {_lines}: {failure.Message}", failure);
                }

                _ended = read == 0;
                _filled += read;
                if (_ended && _isGzip)
                {
                    TakeOffEndOfGzip();
                }
            }

            if (_ended)
            {
                return _filled <= _batchBytes ? _filled : Cut(_filled);
            }

            int end = Cut(_buffer.Length);
            if (end > 0)
            {
                return end;
            }

            if (_buffer.Length >= MaxLineBytes)
            {
                throw new WeirException(ErrorCode.EventTooLarge, $"{_source}:{_lines + 1}: the line is longer than {MaxLineBytes} bytes");
            }

            Array.Resize(ref _buffer, _buffer.Length * 2);
        }
    }

    /// <summary>End of the last whole line in the first batch-size bytes, else of the first whole line; 0 when there is none yet.</summary>
    private int Cut(int filled)
    {
        int end = _buffer.AsSpan(0, Math.Min(filled, _batchBytes)).LastIndexOf((byte)'\n') + 1;
        if (end == 0)
        {
            end = _buffer.AsSpan(0, filled).IndexOf((byte)'\n') + 1;
        }

        return end == 0 && _ended ? filled : end;
    }

    private void TakeOffEndOfGzip()
    {
        if (!_buffer.AsSpan(0, _filled).EndsWith(InputFile.EndOfGzip))
        {
            throw new WeirException(ErrorCode.FileUnreadable, $"{_source}, after line {_lines}: the gzip data breaks off");
        }

        _filled -= InputFile.EndOfGzip.Length;
    }

    private LineBatch? Take(ReadOnlySpan<byte> lines)
    {
        int first = _lines;
        var numbers = new List<int>();
        var body = new MemoryStream(lines.Length + 1);
        while (!lines.IsEmpty)
        {
            int newLine = lines.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = newLine < 0 ? lines : lines[..newLine];
            lines = newLine < 0 ? default : lines[(newLine + 1)..];
            _lines++;
            if (!line.Trim(" \t\r"u8).IsEmpty)
            {
                numbers.Add(_lines);
                body.Write(line);
                body.WriteByte((byte)'\n');
            }
        }

        string key = string.Create(CultureInfo.InvariantCulture, $"{Convert.ToHexStringLower(_hash.GetCurrentHash().AsSpan(0, 16))}-{first}");
        return numbers.Count == 0 ? null : new LineBatch(_source, body.ToArray(), [.. numbers], key);
    }
}
