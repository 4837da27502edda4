using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Weir.Kafka.Protocol;

namespace Weir.Server.Kafka;

/// <summary>
/// One client's connection: reads requests, has them handled in their order, and writes the answers in the same order. Two loops: the reading one runs ahead
/// by at most <see cref="MostInFlight"/> requests, and by what <see cref="KafkaMemory"/> gives.
/// </summary>
internal sealed partial class KafkaConnection : IDisposable
{
    /// <summary>Requests of one connection that are read and not answered yet.</summary>
    public const int MostInFlight = 64;

    /// <summary>A request that has begun is there within this time, or its connection is closed.</summary>
    private static readonly TimeSpan RequestArrivesWithin = TimeSpan.FromSeconds(30);

    private const int LengthBytes = sizeof(int);

    // API key, version and correlation id: in every request, for ever.
    private const int ShortestRequestBytes = 8;

    // Answers that are ready at the same time go out together, up to about this many bytes.
    private const int FlushBytes = 64 << 10;

    private readonly ConnectionContext _transport;
    private readonly KafkaServer _server;
    private readonly ILogger _log;
    private readonly KafkaWriter _writer = new();
    private readonly Channel<PendingAnswer> _answers = Channel.CreateBounded<PendingAnswer>(new BoundedChannelOptions(MostInFlight) { SingleReader = true, SingleWriter = true });

    private long _activeAt;
    private int _inFlight;
    private int _hasReason;
    private volatile bool _isReadingRequest;

    public KafkaConnection(ConnectionContext transport, KafkaServer server, ILogger log)
    {
        _transport = transport;
        _server = server;
        _log = log;
        Readers = new FetchReaders(server.ReaderTurns);
        NoteActivity();
    }

    /// <summary>The client's address.</summary>
    public EndPoint? Peer => _transport.RemoteEndPoint;

    /// <summary>The address that the client reached.</summary>
    public IPEndPoint? Reached => _transport.LocalEndPoint as IPEndPoint;

    /// <summary>As the newest request gives it; "" without.</summary>
    public string ClientId { get; private set; } = "";

    /// <summary>Cancelled when the connection is gone or the server ends.</summary>
    public CancellationToken Closed => _transport.ConnectionClosed;

    /// <summary>Readers of the partitions that the client fetches, from one request to the next.</summary>
    public FetchReaders Readers { get; }

    /// <summary>Whether it has asked nothing and is owed nothing for so long, or has begun a request and not ended it.</summary>
    public bool IsStale(TimeSpan idle)
    {
        TimeSpan since = _server.Time.GetElapsedTime(Interlocked.Read(ref _activeAt));
        return _isReadingRequest ? since > RequestArrivesWithin : Volatile.Read(ref _inFlight) == 0 && since > idle;
    }

    public void Abort(string reason) => _transport.Abort(new ConnectionAbortedException(reason));

    public void Dispose()
    {
        Readers.Dispose();
        _writer.Dispose();
    }

    /// <summary>Runs until the client leaves, sends what cannot be read, or the server ends.</summary>
    public async Task RunAsync()
    {
        Task answering = AnswerAsync();
        try
        {
            await ReadAsync();
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ConnectionAbortedException)
        {
            // The client left, or the server ends.
        }
        finally
        {
            _answers.Writer.Complete();
            await answering;
        }
    }

    private async Task ReadAsync()
    {
        PipeReader input = _transport.Transport.Input;
        while (true)
        {
            ReadResult read = await input.ReadAtLeastAsync(LengthBytes, Closed);
            if (read.Buffer.Length < LengthBytes)
            {
                return;
            }

            int length = FirstInt32(read.Buffer);
            if (length < ShortestRequestBytes || length > _server.Options.RequestBytes)
            {
                ReportLength(length);
                return;
            }

            input.AdvanceTo(read.Buffer.GetPosition(LengthBytes));
            NoteActivity();
            _isReadingRequest = true;
            KafkaFrame? frame = await KafkaFrame.ReadAsync(input, length, _server.Memory, Closed);
            _isReadingRequest = false;
            NoteActivity();
            if (frame is null || !await HandleAsync(frame))
            {
                return;
            }
        }
    }

    /// <returns>False: nothing that follows can be answered.</returns>
    private async ValueTask<bool> HandleAsync(KafkaFrame frame)
    {
        KafkaRequest? request = Read(frame, out KafkaApi? api);
        if (request is null)
        {
            return false;
        }

        TimeSpan penalty = _server.Quotas.Note(ClientId, frame.Length);
        Interlocked.Increment(ref _inFlight);
        await _answers.Writer.WriteAsync(new PendingAnswer(request, _server.Time.GetTimestamp(), AnswerOf(api!, request)));
        if (penalty > TimeSpan.Zero)
        {
            _server.Metrics.Throttled();
            await Task.Delay(penalty, _server.Time, Closed);
        }

        return true;
    }

    // Null: the API is not offered in that version, or the bytes are not its request.
    private KafkaRequest? Read(KafkaFrame frame, out KafkaApi? api)
    {
        api = null;
        try
        {
            var reader = new KafkaReader(frame.Bytes);
            RequestHeader header = RequestHeader.Read(ref reader);
            if (_server.Apis.TryGet(header, out api))
            {
                ClientId = header.ClientId ?? "";
                IKafkaMessage message = header.Api!.ReadRequest(ref reader, header.ApiVersion);
                return new KafkaRequest(this, header, message, frame);
            }

            if (header.ApiKey == (short)ApiKey.ApiVersions)
            {
                // KIP-511: who asks in a version that is not known is answered in version 0, which every client can read, and asks again.
                api = _server.Apis.ForUnknownVersion;
                return new KafkaRequest(this, header with { ApiVersion = 0, Api = ApiTable.ApiVersions }, null, frame);
            }

            if (IsFirstReason("unknown_api"))
            {
                Log.UnknownApi(_log, Peer, header.ApiKey, header.ApiVersion);
            }
        }
        catch (KafkaProtocolException wrong)
        {
            ReadOnlySpan<byte> first = frame.Bytes.Span;
            if (IsFirstReason("unreadable"))
            {
                Log.Unreadable(_log, Peer, BinaryPrimitives.ReadInt16BigEndian(first), BinaryPrimitives.ReadInt16BigEndian(first[sizeof(short)..]), wrong.Message);
            }
        }

        frame.Dispose();
        return null;
    }

    // A handler ends its connection where the protocol has no other way to say no. A defect in one does too, with a line in the log, and nothing else.
    private async Task<IKafkaMessage?> AnswerOf(KafkaApi api, KafkaRequest request)
    {
        try
        {
            return await api.Handle(request);
        }
        catch (ConnectionAbortedException refused)
        {
            if (IsFirstReason("refused"))
            {
                Log.Refused(_log, Peer, request.Header.ApiKey, request.Version, refused.Message);
            }

            throw;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            _server.Metrics.Closed("failed");
            Log.HandlerFailed(_log, failure, Peer, api.Api.Name, request.Version);
            throw;
        }
    }

    private async Task AnswerAsync()
    {
        PipeWriter output = _transport.Transport.Output;
        bool isGone = false;
        await foreach (PendingAnswer pending in _answers.Reader.ReadAllAsync())
        {
            try
            {
                IKafkaMessage? answer = await pending.Answer;
                _server.Metrics.Answered(pending.Request.ApiName, _server.Time.GetElapsedTime(pending.ReceivedAt));
                if (answer is not null && !isGone)
                {
                    await SendAsync(output, pending.Request.Header, answer);
                }
            }
            catch (Exception)
            {
                // The client is gone, or a handler has failed: what is still in flight is waited for and let go of.
                isGone = true;
                Abort("An answer could not be sent.");
            }
            finally
            {
                pending.Request.LetGo();
                Interlocked.Decrement(ref _inFlight);
                NoteActivity();
            }
        }
    }

    private async ValueTask SendAsync(PipeWriter output, RequestHeader header, IKafkaMessage answer)
    {
        Write(header, answer);
        _server.Quotas.Note(ClientId, _writer.FrameBytes);
        foreach (FramePiece piece in _writer.Pieces())
        {
            // In one block of its own size: in the pool's of 4 KiB a megabyte takes 256, and the system is handed as many.
            ReadOnlySpan<byte> bytes = piece.Memory.Span;
            bytes.CopyTo(output.GetSpan(bytes.Length));
            output.Advance(bytes.Length);
        }

        if (_answers.Reader.TryPeek(out PendingAnswer next) && next.Answer.IsCompleted && output.UnflushedBytes < FlushBytes)
        {
            return;
        }

        FlushResult flushed = await output.FlushAsync(Closed);
        if (flushed.IsCompleted || flushed.IsCanceled)
        {
            throw new ConnectionAbortedException("The client closed the connection.");
        }
    }

    // A handler whose answer the protocol cannot carry is as defective as one that fails.
    private void Write(RequestHeader header, IKafkaMessage answer)
    {
        try
        {
            _writer.WriteResponse(header, answer);
        }
        catch (ArgumentException failure)
        {
            _server.Metrics.Closed("failed");
            Log.HandlerFailed(_log, failure, Peer, header.Api!.Name, header.ApiVersion);
            throw;
        }
    }

    // Requests are read and refused at the same time; the log has one line for each connection that is closed for what its client sent.
    private bool IsFirstReason(string reason)
    {
        if (Interlocked.Exchange(ref _hasReason, 1) != 0)
        {
            return false;
        }

        _server.Metrics.Closed(reason);
        return true;
    }

    private void NoteActivity() => Interlocked.Exchange(ref _activeAt, _server.Time.GetTimestamp());

    private static int FirstInt32(in ReadOnlySequence<byte> buffer)
    {
        Span<byte> bytes = stackalloc byte[LengthBytes];
        buffer.Slice(0, LengthBytes).CopyTo(bytes);
        return BinaryPrimitives.ReadInt32BigEndian(bytes);
    }

    // The first bytes of other protocols, read as a length: KIP-498 has the story.
    private void ReportLength(int length)
    {
        Span<byte> first = stackalloc byte[LengthBytes];
        BinaryPrimitives.WriteInt32BigEndian(first, length);
        string reason = first[0] == 0x16 && first[1] == 0x03 ? "tls"
            : first.SequenceEqual("GET "u8) || first.SequenceEqual("POST"u8) || first.SequenceEqual("HEAD"u8) || first.SequenceEqual("PUT "u8) || first.SequenceEqual("OPTI"u8) ? "http"
            : "length";
        if (!IsFirstReason(reason))
        {
            return;
        }

        switch (reason)
        {
            case "tls":
                Log.Tls(_log, Peer);
                break;
            case "http":
                Log.Http(_log, Peer);
                break;
            default:
                Log.RequestLength(_log, Peer, length, _server.Options.RequestBytes);
                break;
        }
    }

    private readonly record struct PendingAnswer(KafkaRequest Request, long ReceivedAt, Task<IKafkaMessage?> Answer);

    private static partial class Log
    {
        [LoggerMessage(101, LogLevel.Warning, "Kafka connection of {Peer} closed: API {Key} version {Version} cannot be read: {Reason}")]
        public static partial void Unreadable(ILogger log, EndPoint? peer, short key, short version, string reason);

        [LoggerMessage(102, LogLevel.Warning, "Kafka connection of {Peer} closed: API {Key} version {Version} is not offered. Clients ask for the offer first (ApiVersions); this one did not, or did not keep to it.")]
        public static partial void UnknownApi(ILogger log, EndPoint? peer, short key, short version);

        [LoggerMessage(103, LogLevel.Warning, "Kafka connection of {Peer} closed: a request of {Length} bytes, at byte 0; from 8 to {Most} are taken (kafka.request_bytes).")]
        public static partial void RequestLength(ILogger log, EndPoint? peer, int length, int most);

        [LoggerMessage(104, LogLevel.Warning, "Kafka connection of {Peer} closed: it begins as TLS does, and the Kafka port speaks plain text. Set the client's security.protocol to PLAINTEXT.")]
        public static partial void Tls(ILogger log, EndPoint? peer);

        [LoggerMessage(105, LogLevel.Warning, "Kafka connection of {Peer} closed: it begins as HTTP does. The HTTP port is another one (http.listen).")]
        public static partial void Http(ILogger log, EndPoint? peer);

        [LoggerMessage(106, LogLevel.Error, "Kafka connection of {Peer} closed: {Api} version {Version} could not be answered.")]
        public static partial void HandlerFailed(ILogger log, Exception failure, EndPoint? peer, string api, short version);

        [LoggerMessage(107, LogLevel.Warning, "Kafka connection of {Peer} closed: API {Key} version {Version} was refused: {Reason}")]
        public static partial void Refused(ILogger log, EndPoint? peer, short key, short version, string reason);
    }
}
