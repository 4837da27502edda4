using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Weir.KafkaTests.Support;

/// <summary>
/// Passes Kafka's frames on between clients and a server whose port may change, and now and then swallows the answer to a produce request and cuts the connection:
/// the client cannot know that its batch was taken, and has to send it again.
/// </summary>
internal sealed class CuttingProxy : IDisposable
{
    private const int HeaderBytes = 8;
    private const int MostFrameBytes = 64 << 20;
    private const short Produce = 0;

    // Clients wait longer from one lost connection to the next.
    private const int MostCuts = 5;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private readonly int _every;
    private int _produced;
    private int _cuts;

    /// <param name="every">One in so many produce requests is not answered, five in all; 0: all are.</param>
    public CuttingProxy(int every)
    {
        _every = every;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>The server's port now; null: there is none, and clients are turned away.</summary>
    public int? Target { get; set; }

    /// <summary>Answers swallowed so far.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    public void Dispose()
    {
        _listener.Dispose();
        foreach (Socket socket in _open.Keys)
        {
            socket.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = PassAsync(await _listener.AcceptSocketAsync());
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task PassAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        _open[client] = _open[server] = true;
        try
        {
            if (Target is not int port)
            {
                return;
            }

            await server.ConnectAsync(IPAddress.Loopback, port);
            var unanswered = new ConcurrentDictionary<int, bool>();
            await Task.WhenAny(PassRequestsAsync(client, server, unanswered), PassResponsesAsync(server, client, unanswered));
        }
        catch (Exception end) when (end is SocketException or IOException or ObjectDisposedException)
        {
            // One side has gone: so does the other.
        }
        finally
        {
            _open.TryRemove(client, out _);
            _open.TryRemove(server, out _);
            client.Dispose();
        }
    }

    private async Task PassRequestsAsync(Socket client, Socket server, ConcurrentDictionary<int, bool> unanswered)
    {
        using var from = new NetworkStream(client);
        using var to = new NetworkStream(server);
        while (await ReadAsync(from) is { } frame)
        {
            // size int32, api key int16, version int16, correlation id int32
            if (BinaryPrimitives.ReadInt16BigEndian(frame.AsSpan(4)) == Produce && _every > 0 && Cuts < MostCuts && Interlocked.Increment(ref _produced) % _every == 0)
            {
                unanswered[BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(8))] = true;
            }

            await to.WriteAsync(frame);
        }
    }

    private async Task PassResponsesAsync(Socket server, Socket client, ConcurrentDictionary<int, bool> unanswered)
    {
        using var from = new NetworkStream(server);
        using var to = new NetworkStream(client);
        while (await ReadAsync(from) is { } frame)
        {
            // size int32, correlation id int32
            if (unanswered.ContainsKey(BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(4))))
            {
                Interlocked.Increment(ref _cuts);
                return;
            }

            await to.WriteAsync(frame);
        }
    }

    // Null at the end.
    private static async Task<byte[]?> ReadAsync(NetworkStream from)
    {
        byte[] header = new byte[HeaderBytes];
        if (await from.ReadAtLeastAsync(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes)
        {
            return null;
        }

        int size = BinaryPrimitives.ReadInt32BigEndian(header);
        if (size is < HeaderBytes - sizeof(int) or > MostFrameBytes)
        {
            throw new IOException($"A frame of {size} bytes.");
        }

        byte[] frame = new byte[sizeof(int) + size];
        header.CopyTo(frame, 0);
        await from.ReadExactlyAsync(frame.AsMemory(HeaderBytes));
        return frame;
    }
}
