using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Weir.Server.Kafka;

namespace Weir.Server.Tests.Kafka;

/// <summary>
/// A connection as Kestrel gives it to the Kafka port, and its client's end: whoever sends knows when the server has looked at all of it and waits for more. One
/// user. Dispose leaves, and fails where the server does not let go.
/// </summary>
internal sealed class InMemoryConnection : ConnectionContext
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // No limit: a client that reads its answers at the end must not hold up the server.
    private static readonly PipeOptions Unlimited = new(pauseWriterThreshold: 0, useSynchronizationContext: false);

    private readonly Pipe _toServer = new(Unlimited);
    private readonly Pipe _toClient = new(Unlimited);
    private readonly CancellationTokenSource _closed = new();
    private readonly WatchedReader _input;

    public InMemoryConnection(KafkaServer server, int number)
    {
        _input = new WatchedReader(_toServer.Reader);
        Transport = new Duplex(_input, _toClient.Writer);
        ConnectionClosed = _closed.Token;
        ConnectionId = $"in memory {number}";
        LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 9092);
        RemoteEndPoint = new IPEndPoint(new IPAddress([10, (byte)(number >> 16), (byte)(number >> 8), (byte)number]), 40_000);
        Served = Task.Run(() => ServeAsync(server));
    }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override IDuplexPipe Transport { get; set; }

    /// <summary>Ends with the server's handling of the connection, and as that does.</summary>
    public Task Served { get; }

    /// <summary>Sends a piece; returns when the server has looked at all of it and waits for more, or has ended the connection.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> piece)
    {
        await ReadAsync();
        _input.Rearm();
        await _toServer.Writer.WriteAsync(piece);
        await ReadAsync();
    }

    /// <summary>Sends a piece that the server may read or not.</summary>
    public async Task SendOnAsync(ReadOnlyMemory<byte> piece) => await _toServer.Writer.WriteAsync(piece);

    /// <summary>The client sends no more, and still takes answers.</summary>
    public void EndSending() => _toServer.Writer.Complete();

    /// <summary>The client is gone.</summary>
    public void Leave()
    {
        EndSending();
        _closed.Cancel();
    }

    /// <summary>Everything that the server sent, once it has ended the connection.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        await Served.WaitAsync(Patience);
        return _toClient.Reader.TryRead(out ReadResult read) ? read.Buffer.ToArray() : [];
    }

    public override void Abort(ConnectionAbortedException abortReason) => _closed.Cancel();

    public override async ValueTask DisposeAsync()
    {
        Leave();
        await Served.WaitAsync(Patience);
        _closed.Dispose();
    }

    private Task ReadAsync() => Task.WhenAny(_input.IsWaiting, Served).WaitAsync(Patience);

    private async Task ServeAsync(KafkaServer server)
    {
        try
        {
            await server.OnConnectedAsync(this);
        }
        finally
        {
            await _input.CompleteAsync();
            await _toClient.Writer.CompleteAsync();
        }
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>Tells when a read finds nothing.</summary>
    private sealed class WatchedReader(PipeReader inner) : PipeReader
    {
        private TaskCompletionSource _waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task IsWaiting => Volatile.Read(ref _waiting).Task;

        /// <summary>Called while the server waits: no read can be missed.</summary>
        public void Rearm() => Volatile.Write(ref _waiting, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            ValueTask<ReadResult> read = inner.ReadAsync(cancellationToken);
            if (!read.IsCompleted)
            {
                Volatile.Read(ref _waiting).TrySetResult();
            }

            return read;
        }

        public override bool TryRead(out ReadResult result) => inner.TryRead(out result);

        public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
