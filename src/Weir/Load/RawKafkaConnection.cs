using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Weir.Core;
using Weir.Kafka.Protocol;

namespace Weir.Cli.Load;

/// <summary>A blocking connection to a Kafka port that costs its client as little as it can. One thread.</summary>
internal sealed class RawKafkaConnection : IDisposable
{
    public const short ProduceVersion = 9;
    public const short FetchVersion = 12;

    private readonly Socket _socket;
    private byte[] _answer = new byte[1 << 16];

    /// <param name="patience">How long an answer may take; by default as long as it likes.</param>
    public RawKafkaConnection(IPEndPoint server, TimeSpan patience = default)
    {
        _socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = 4 << 20, ReceiveTimeout = (int)patience.TotalMilliseconds };
        _socket.Connect(server);
    }

    public void Send(ReadOnlySpan<byte> request)
    {
        while (!request.IsEmpty)
        {
            request = request[_socket.Send(request)..];
        }
    }

    /// <summary>Sends a request and waits for its answer; none is in flight.</summary>
    public T Ask<T>(Api api, short version, string clientId, IKafkaMessage request)
        where T : IKafkaMessage
    {
        using var writer = new KafkaWriter();
        writer.WriteRequest(api, version, correlationId: 0, clientId, request);
        foreach (FramePiece piece in writer.Pieces())
        {
            Send(piece.Memory.Span);
        }

        return Receive<T>(api, version);
    }

    /// <summary>The next answer, without its length. Valid until the next call.</summary>
    /// <exception cref="WeirException">The server went away.</exception>
    public ReadOnlyMemory<byte> Receive()
    {
        ReadExactly(4);
        int length = BinaryPrimitives.ReadInt32BigEndian(_answer);
        if (_answer.Length < length)
        {
            _answer = new byte[length];
        }

        ReadExactly(length);
        return _answer.AsMemory(0, length);
    }

    /// <summary>The next answer, read as a message.</summary>
    public T Receive<T>(Api api, short version)
        where T : IKafkaMessage
    {
        var reader = new KafkaReader(Receive());
        ResponseHeader.Read(ref reader, api, version);
        return (T)api.ReadResponse(ref reader, version);
    }

    public void Dispose() => _socket.Dispose();

    private void ReadExactly(int count)
    {
        for (int read = 0; read < count;)
        {
            int more = _socket.Receive(_answer.AsSpan(read, count - read));
            read += more > 0 ? more : throw new WeirException(ErrorCode.ServerUnreachable, "the server closed the Kafka connection");
        }
    }
}
