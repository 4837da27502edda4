using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Weir.Cli.Bench;

/// <summary>Live subscribers that take a byte a second each from a small window: what the server wants to send them piles up, unless it does not let it.</summary>
internal sealed class SlowReaders : IDisposable
{
    private const int WindowBytes = 4 * 1024;

    private static readonly TimeSpan BetweenBytes = TimeSpan.FromSeconds(1);

    private readonly List<Socket> _sockets = [];
    private readonly byte[] _byte = new byte[1];
    private readonly Timer _timer;

    public SlowReaders(IPEndPoint server, string view, int count)
    {
        byte[] request = Encoding.ASCII.GetBytes($"GET /v1/views/{view}/live HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
        for (int i = 0; i < count; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = WindowBytes };
            _sockets.Add(socket);
            socket.Connect(server);
            socket.Send(request);
            socket.Blocking = false;
        }

        _timer = new Timer(_ => ReadOne(), null, BetweenBytes, BetweenBytes);
    }

    public void Dispose()
    {
        using (var ended = new ManualResetEvent(initialState: false))
        {
            if (_timer.Dispose(ended))
            {
                ended.WaitOne();
            }
        }

        _sockets.ForEach(socket => socket.Dispose());
    }

    // One that the server has cut off reads nothing any more.
    private void ReadOne() => _sockets.ForEach(socket => socket.Receive(_byte, SocketFlags.None, out _));
}
