using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Weir.Cli.Bench;

/// <summary>
/// One keep-alive connection of the generator, with one request in progress at most: it sends the head, and the body when the server asks for it (RFC 9110,
/// 10.1.1), or both at once. Nothing blocks. One thread.
/// </summary>
internal sealed class OverloadConnection : IDisposable
{
    private readonly IPEndPoint _server;
    private readonly bool _asksFirst;
    private readonly OverloadBodies _bodies;
    private byte[] _buffer = new byte[8 * 1024];
    private int _filled;
    private int _headEnd;
    private int _sent;
    private VoteBody? _body;

    public OverloadConnection(IPEndPoint server, OverloadBodies bodies, bool asksFirst)
    {
        (_server, _bodies, _asksFirst) = (server, bodies, asksFirst);
        Socket = Connect();
    }

    public Socket Socket { get; private set; }

    /// <summary>What is in progress; null: nothing.</summary>
    public OverloadRequest? Request { get; private set; }

    /// <summary>There is more to send as soon as the socket takes it.</summary>
    public bool IsSending => _body is not null && _sent < _body.Request.Length;

    public int Status { get; private set; }

    /// <summary>Body of the answer; valid until the next request.</summary>
    public ReadOnlySpan<byte> Answer => _buffer.AsSpan(_headEnd, _filled - _headEnd);

    /// <summary>Seconds; -1: the answer has no Retry-After, or one that is no number.</summary>
    public int RetryAfterSeconds => Header("retry-after: "u8) is { IsEmpty: false } value && Utf8Parser.TryParse(value, out int seconds, out _) ? seconds : -1;

    public void Begin(OverloadRequest request)
    {
        Request = request;
        (_filled, _headEnd, _sent, Status) = (0, 0, 0, 0);
        if (!_asksFirst)
        {
            _body = _bodies.Take(request);
            Send();
            return;
        }

        ReadOnlySpan<byte> head = _bodies.Head;
        int sent = Socket.Send(head);
        if (sent != head.Length)
        {
            throw new SocketException((int)SocketError.NoBufferSpaceAvailable);
        }
    }

    public void Send()
    {
        while (IsSending)
        {
            int sent = Socket.Send(_body!.Request[_sent..], SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
            {
                return;
            }

            if (error != SocketError.Success)
            {
                throw new SocketException((int)error);
            }

            _sent += sent;
        }
    }

    /// <summary>Takes what has arrived. True when the answer is complete.</summary>
    /// <exception cref="SocketException">The connection broke: the outcome is unknown.</exception>
    public bool TryReceive()
    {
        if (_filled == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        int read = Socket.Receive(_buffer.AsSpan(_filled), SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
        {
            return false;
        }

        if (error != SocketError.Success || read == 0)
        {
            throw new SocketException((int)(error == SocketError.Success ? SocketError.ConnectionReset : error));
        }

        _filled += read;
        return IsAnswered();
    }

    /// <summary>Ends the request; the connection takes another one, anew where the server closes it or the body was not sent to its end.</summary>
    public void End()
    {
        bool isOver = IsSending || !Header("connection: close"u8).IsEmpty;
        ReturnBody();
        Request = null;
        if (isOver)
        {
            Reconnect();
        }
    }

    /// <summary>After it broke.</summary>
    public void Reconnect()
    {
        ReturnBody();
        Request = null;
        Socket.Dispose();
        Socket = Connect();
    }

    public void Dispose() => Socket.Dispose();

    private bool IsAnswered()
    {
        while (_headEnd == 0)
        {
            int end = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8);
            if (end < 0)
            {
                return false;
            }

            // "HTTP/1.1 200 OK"
            Status = ((_buffer[9] - '0') * 100) + ((_buffer[10] - '0') * 10) + (_buffer[11] - '0');
            if (Status != 100)
            {
                _headEnd = end + 4;
                break;
            }

            _buffer.AsSpan(end + 4, _filled - end - 4).CopyTo(_buffer);
            _filled -= end + 4;
            if (_body is null)
            {
                _body = _bodies.Take(Request!);
                _sent = _body.Head.Length;
                Send();
            }
        }

        ReadOnlySpan<byte> length = Header("content-length: "u8);
        return !length.IsEmpty && Utf8Parser.TryParse(length, out int bytes, out _) && _filled - _headEnd >= bytes;
    }

    private void ReturnBody()
    {
        if (_body is not null)
        {
            _bodies.Return(_body, Request!);
            _body = null;
        }
    }

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(_server);
            socket.Blocking = false;
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private ReadOnlySpan<byte> Header(ReadOnlySpan<byte> lowerCaseName)
    {
        ReadOnlySpan<byte> rest = _buffer.AsSpan(0, _headEnd);
        while (rest.IndexOf((byte)'\n') is >= 0 and var lineEnd)
        {
            rest = rest[(lineEnd + 1)..];
            if (rest.Length > lowerCaseName.Length && Ascii.EqualsIgnoreCase(rest[..lowerCaseName.Length], lowerCaseName))
            {
                return rest[lowerCaseName.Length..];
            }
        }

        return default;
    }
}
