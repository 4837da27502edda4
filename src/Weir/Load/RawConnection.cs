using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;

namespace Weir.Cli.Load;

/// <summary>
/// One keep-alive HTTP/1.1 connection that sends prepared bytes and reads answers with as little work as possible, so that a load
/// generator on the server's own machine leaves it the processor. Blocking; one request at a time; one thread.
/// </summary>
internal sealed class RawConnection : IDisposable
{
    private readonly Socket _socket;
    private byte[] _buffer = new byte[64 * 1024];
    private int _filled;
    private int _headEnd;

    /// <exception cref="SocketException">Nobody listens there.</exception>
    public RawConnection(IPEndPoint server)
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            _socket.Connect(server);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>For waiting on many connections at once.</summary>
    public Socket Socket => _socket;

    /// <summary>Status of the newest answer.</summary>
    public int Status { get; private set; }

    /// <summary>Body of the newest answer; valid until the next request.</summary>
    public ReadOnlySpan<byte> Body => _buffer.AsSpan(_headEnd, _filled - _headEnd);

    /// <summary>Seconds of the newest answer's Retry-After; 0 when there is none.</summary>
    public int RetryAfterSeconds => Header("retry-after: "u8) is { IsEmpty: false } value && Utf8Parser.TryParse(value, out int seconds, out _) ? seconds : 0;

    /// <exception cref="SocketException">The connection broke: the outcome of the request is unknown.</exception>
    public void Exchange(ReadOnlySpan<byte> request)
    {
        Send(request);
        while (!TryReceive())
        {
        }
    }

    public void Send(ReadOnlySpan<byte> request)
    {
        _filled = 0;
        _headEnd = 0;
        while (!request.IsEmpty)
        {
            request = request[_socket.Send(request)..];
        }
    }

    /// <summary>Takes what has arrived, waiting if nothing has. True when the answer is complete.</summary>
    public bool TryReceive()
    {
        if (_filled == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        int read = _socket.Receive(_buffer.AsSpan(_filled));
        if (read == 0)
        {
            throw new SocketException((int)SocketError.ConnectionReset);
        }

        _filled += read;
        if (_headEnd == 0)
        {
            int end = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8);
            if (end < 0)
            {
                return false;
            }

            _headEnd = end + 4;

            // "HTTP/1.1 200 OK"
            Status = ((_buffer[9] - '0') * 100) + ((_buffer[10] - '0') * 10) + (_buffer[11] - '0');
        }

        ReadOnlySpan<byte> length = Header("content-length: "u8);
        if (!length.IsEmpty)
        {
            return Utf8Parser.TryParse(length, out int bytes, out _) && _filled - _headEnd >= bytes;
        }

        return Header("transfer-encoding: "u8).IsEmpty || TryUnchunk();
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Everything after the header's name and ": " (lower case) in the head; empty when it is not there.</summary>
    private ReadOnlySpan<byte> Header(ReadOnlySpan<byte> lowerCaseName)
    {
        ReadOnlySpan<byte> rest = _buffer.AsSpan(0, _headEnd);
        while (rest.IndexOf((byte)'\n') is >= 0 and var lineEnd)
        {
            rest = rest[(lineEnd + 1)..];
            if (rest.Length > lowerCaseName.Length && System.Text.Ascii.EqualsIgnoreCase(rest[..lowerCaseName.Length], lowerCaseName))
            {
                return rest[lowerCaseName.Length..];
            }
        }

        return default;
    }

    /// <summary>Once the last chunk is there, moves the chunks' content together in place.</summary>
    private bool TryUnchunk()
    {
        Span<byte> body = _buffer.AsSpan(_headEnd, _filled - _headEnd);
        if (!body.EndsWith("0\r\n\r\n"u8))
        {
            return false;
        }

        int from = 0;
        int to = 0;
        while (Utf8Parser.TryParse(body[from..], out int size, out int digits, 'x') && size > 0)
        {
            from += digits + 2;
            if (from + size + 2 > body.Length)
            {
                return false;
            }

            body.Slice(from, size).CopyTo(body[to..]);
            from += size + 2;
            to += size;
        }

        // The chunks' content may itself end like a last chunk: only the walk above knows.
        if (from + 5 != body.Length)
        {
            return false;
        }

        _filled = _headEnd + to;
        return true;
    }
}
