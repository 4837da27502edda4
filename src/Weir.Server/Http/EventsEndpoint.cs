using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Weir.Core;
using Weir.Engine;
using Weir.Server.Http.Bodies;
using Weir.Server.Metrics;

namespace Weir.Server.Http;

/// <summary>
/// POST /v1/streams/{stream}/events: takes a body of events apart, hands them to the stream in batches, and answers what became of each.
/// Holds no state of its own; a request is one asynchronous flow, and what it submitted is awaited whatever happens to its connection.
/// </summary>
internal sealed class EventsEndpoint(ServerState server, IngestBudget budget, IngestAdmission admission, ServerMetrics metrics)
{
    /// <summary>A body that is not taken in pieces.</summary>
    public const long MaxBodyBytes = 64L << 20;

    /// <summary>A body of lines.</summary>
    public const long MaxLinesBodyBytes = 1L << 30;

    /// <summary>Values of one batch; also the buffer that lines are read into.</summary>
    public const int PieceBytes = 1 << 20;

    // Pieces of one body that wait for the disk while the next one is read.
    private const int PiecesInFlight = 4;

    // Of a body of lines there is no more in memory at one time.
    private const long MostExpectedBytes = (PiecesInFlight + 1) * PieceBytes;

    // A body this small is expected whole in the first read, and then split where it lies, without a copy.
    private const int SmallBodyBytes = 4096;

    private static ReadOnlySpan<byte> Blanks => " \t\r\n"u8;

    public Task HandleAsync(HttpContext context, string name) => TakeAsync(context, name).AsTask();

    /// <summary>As <see cref="HandleAsync"/>. What is wrong with the request as a whole is thrown, before or after an await.</summary>
    public ValueTask TakeAsync(HttpContext context, string name)
    {
        EventStream stream = server.StreamForWriting(name);
        EventsRequest asked = EventsRequest.Read(context.Request);
        bool isSmall = context.Request.ContentLength is > 0 and <= SmallBodyBytes && context.Request.Headers.ContentEncoding.Count == 0;
        return isSmall ? TakeSmallAsync(context, stream, asked) : new ValueTask(TakeAnyAsync(context, stream, asked));
    }

    // One event per request is the case in which a few hundred bytes of garbage per request show: its state is pooled.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask TakeSmallAsync(HttpContext context, EventStream stream, EventsRequest asked)
    {
        PipeReader reader = context.Request.BodyReader;
        ReadResult read = await reader.ReadAsync();
        ReadOnlySequence<byte> buffer = read.Buffer;
        if (buffer.Length != context.Request.ContentLength || !buffer.IsSingleSegment)
        {
            reader.AdvanceTo(buffer.Start);
            await TakeAnyAsync(context, stream, asked);
            return;
        }

        using IngestBatch batch = Take(stream, reader, buffer, asked, context.Request);
        long submitted = Stopwatch.GetTimestamp();
        await asked.Submit(batch);
        metrics.Record(stream, batch.Totals, Stopwatch.GetElapsedTime(submitted));
        var answer = new EventsAnswer(stream, asked, budget, admission);
        answer.Collect(batch);
        await answer.WriteAsync(context);
    }

    /// <summary>Makes a batch of a whole body and gives the body back, also where it is refused: a body that nobody has given back ends its connection behind the answer.</summary>
    private static IngestBatch Take(EventStream stream, PipeReader reader, in ReadOnlySequence<byte> body, in EventsRequest asked, HttpRequest request)
    {
        IngestBatch? batch = null;
        try
        {
            batch = stream.NewBatch();
            AddWhole(batch, body.FirstSpan, asked, request);
            return batch;
        }
        catch
        {
            batch?.Dispose();
            throw;
        }
        finally
        {
            reader.AdvanceTo(body.End);
        }
    }

    private async Task TakeAnyAsync(HttpContext context, EventStream stream, EventsRequest asked)
    {
        long expected = Math.Clamp(context.Request.ContentLength ?? PieceBytes, 1, MostExpectedBytes);
        if (!await admission.EnterAsync(expected))
        {
            await Problem.WriteAsync(context, ErrorCode.TooManyRequests, "More bodies come in than are taken; this one has waited a second, unread.", admission.ComeAgainAfter(expected, stream.EstimateDrain()));
            return;
        }

        try
        {
            await TakeAdmittedAsync(context, stream, asked);
        }
        finally
        {
            admission.Leave(expected, isTaken: context.Response.StatusCode < StatusCodes.Status300MultipleChoices);
        }
    }

    private async Task TakeAdmittedAsync(HttpContext context, EventStream stream, EventsRequest asked)
    {
        bool canBeLines = asked.Form is BodyForm.Lines or BodyForm.Guess;
        await using BodySource source = BodySource.Open(context.Request, canBeLines ? MaxLinesBodyBytes : MaxBodyBytes);
        long expected = context.Request.Headers.ContentEncoding.Count == 0 ? context.Request.ContentLength ?? long.MaxValue : long.MaxValue;
        var body = new BodyBuffer((int)Math.Min(expected, PieceBytes), budget);
        await using var pieces = new PieceQueue(stream, asked, budget, admission, metrics, PiecesInFlight);
        WeirException? fault = null;
        try
        {
            await body.FillAsync(source);
            BodyForm form = asked.Form == BodyForm.Guess ? BodyForms.Guess(body.Span, body.HasEnded) : asked.Form;
            if (form == BodyForm.Unsupported)
            {
                throw new BodyException(ErrorCode.UnreadableBody, "The body begins neither with { nor with [.");
            }

            await (form == BodyForm.Lines ? TakeLinesAsync(body, source, pieces, stream.Definition.Limits.EventBytes) : TakeWholeAsync(context.Request, body, source, pieces, form));
        }
        catch (WeirException unreadable)
        {
            fault = unreadable;
        }
        catch (BadHttpRequestException broken)
        {
            fault = new BodyException(broken.StatusCode == StatusCodes.Status413PayloadTooLarge ? ErrorCode.BodyTooLarge : ErrorCode.UnreadableBody, broken.Message, broken);
        }
        catch (IOException broken)
        {
            // What Kestrel throws for a chunk size beyond 32 bits, and when the client is gone.
            fault = new BodyException(ErrorCode.UnreadableBody, broken.Message, broken);
        }
        finally
        {
            // What was submitted is decided whether or not anybody still listens; no token of this request reaches the stream.
            await pieces.CompleteAsync();
            body.Return();
        }

        await pieces.Answer.WriteAsync(context, fault);
    }

    private static async Task TakeLinesAsync(BodyBuffer body, BodySource source, PieceQueue pieces, int maxEventBytes)
    {
        while (true)
        {
            IngestBatch batch = await pieces.NextAsync();
            int consumed = AddLines(batch, body.Span, body.HasEnded, pieces);
            bool isFilledByOneLine = consumed == 0 && !body.HasEnded;
            bool isTooLong = isFilledByOneLine && body.Length > maxEventBytes;
            if (isTooLong)
            {
                batch.Refuse(ErrorCode.EventTooLarge, string.Create(CultureInfo.InvariantCulture, $"The event is longer than {maxEventBytes} bytes."));
            }

            body.Discard(consumed);
            pieces.Submit(batch);
            if (isTooLong)
            {
                await SkipLineAsync(body, source);
            }
            else if (isFilledByOneLine)
            {
                body.Grow(Math.Min(body.Length * 2, maxEventBytes + PieceBytes));
            }

            if (body.HasEnded && body.Length == 0)
            {
                return;
            }

            await body.FillAsync(source);
        }
    }

    private static async Task SkipLineAsync(BodyBuffer body, BodySource source)
    {
        int end;
        while ((end = body.Span.IndexOf((byte)'\n')) < 0 && !body.HasEnded)
        {
            body.Discard(body.Length);
            await body.FillAsync(source);
        }

        body.Discard(end < 0 ? body.Length : end + 1);
    }

    private static async Task TakeWholeAsync(HttpRequest request, BodyBuffer body, BodySource source, PieceQueue pieces, BodyForm form)
    {
        while (!body.HasEnded)
        {
            body.Grow((int)Math.Min(body.Length * 2L, MaxBodyBytes + 1));
            await body.FillAsync(source);
            if (body.Length > MaxBodyBytes)
            {
                throw new BodyException(ErrorCode.BodyTooLarge, $"The body is longer than {MaxBodyBytes} bytes.");
            }
        }

        form = Resolve(form, body.Span);
        if (form is not (BodyForm.Array or BodyForm.CloudEvents))
        {
            IngestBatch batch = await pieces.NextAsync();
            AddOne(batch, body.Span.Trim(Blanks), form, pieces.IdempotencyKey, request);
            pieces.Submit(batch);
            return;
        }

        CheckArray(body.Span);
        int at = 0;
        while (at < body.Length)
        {
            IngestBatch batch = await pieces.NextAsync();
            at = AddElements(batch, body.Span, at, form, pieces.IdempotencyKey, pieces.EventsBefore);
            pieces.Submit(batch);
        }
    }

    private static void AddWhole(IngestBatch batch, ReadOnlySpan<byte> body, in EventsRequest asked, HttpRequest request)
    {
        BodyForm form = asked.Form == BodyForm.Guess ? BodyForms.Guess(body, isWhole: true) : Resolve(asked.Form, body);
        switch (form)
        {
            case BodyForm.Unsupported:
                throw new BodyException(ErrorCode.UnreadableBody, "The body begins neither with { nor with [.");
            case BodyForm.Lines:
                AddLines(batch, body, isLast: true, asked.IdempotencyKey, eventsBefore: 0);
                break;
            case BodyForm.Array or BodyForm.CloudEvents:
                CheckArray(body);
                AddElements(batch, body, 0, form, asked.IdempotencyKey, eventsBefore: 0);
                break;
            default:
                AddOne(batch, body.Trim(Blanks), form, asked.IdempotencyKey, request);
                break;
        }
    }

    private static BodyForm Resolve(BodyForm form, ReadOnlySpan<byte> body) =>
        form == BodyForm.Json ? body.TrimStart(Blanks) is [(byte)'[', ..] ? BodyForm.Array : BodyForm.Object : form;

    private static void AddOne(IngestBatch batch, ReadOnlySpan<byte> value, BodyForm form, string? idempotencyKey, HttpRequest request)
    {
        switch (form)
        {
            case BodyForm.CloudEvent:
                AddCloudEvent(batch, CloudEvent.FromJson(value));
                break;
            case BodyForm.BinaryCloudEvent:
                CloudEvent cloudEvent = CloudEvent.FromHeaders(request.Headers, request.ContentType);
                cloudEvent.Data = value;
                AddCloudEvent(batch, cloudEvent);
                break;
            default:
                if (!value.IsEmpty)
                {
                    batch.Add(value, idempotencyKey is null ? EventHeaders.None : EventHeaders.FromIdempotencyKey(idempotencyKey, index: null));
                }

                break;
        }
    }

    private static int AddLines(IngestBatch batch, ReadOnlySpan<byte> piece, bool isLast, PieceQueue pieces) =>
        AddLines(batch, piece, isLast, pieces.IdempotencyKey, pieces.EventsBefore);

    private static int AddLines(IngestBatch batch, ReadOnlySpan<byte> piece, bool isLast, string? idempotencyKey, long eventsBefore)
    {
        var lines = new LineSplitter(piece, isLast);
        if (idempotencyKey is null)
        {
            while (lines.TryRead(out ReadOnlySpan<byte> line))
            {
                batch.Add(line, EventHeaders.None);
            }
        }
        else
        {
            while (lines.TryRead(out ReadOnlySpan<byte> line))
            {
                batch.Add(line, EventHeaders.FromIdempotencyKey(idempotencyKey, checked((int)(eventsBefore + batch.Count))));
            }
        }

        return lines.Consumed;
    }

    private static int AddElements(IngestBatch batch, ReadOnlySpan<byte> body, int start, BodyForm form, string? idempotencyKey, long eventsBefore)
    {
        var elements = new ArraySplitter(body, start);
        while (elements.Consumed - start < PieceBytes && elements.TryRead(out ReadOnlySpan<byte> element))
        {
            if (form == BodyForm.CloudEvents)
            {
                AddCloudEvent(batch, CloudEvent.FromJson(element));
            }
            else
            {
                batch.Add(element, idempotencyKey is null ? EventHeaders.None : EventHeaders.FromIdempotencyKey(idempotencyKey, checked((int)(eventsBefore + batch.Count))));
            }
        }

        return elements.Consumed;
    }

    private static void AddCloudEvent(IngestBatch batch, CloudEvent cloudEvent)
    {
        if (cloudEvent.Fault is { } fault)
        {
            batch.Refuse(ErrorCode.InvalidCloudEvent, fault);
            return;
        }

        try
        {
            batch.Add(cloudEvent.Data, EventHeaders.From(cloudEvent.Headers));
        }
        catch (WeirException tooLong) when (tooLong.Code == ErrorCode.HeaderTooLong)
        {
            batch.Refuse(tooLong.Code, tooLong.Message);
        }
    }

    /// <summary>An array is unreadable as a whole when its brackets and commas are: found before anything of it is taken.</summary>
    private static void CheckArray(ReadOnlySpan<byte> body)
    {
        var elements = new ArraySplitter(body, start: 0);
        while (elements.TryRead(out _))
        {
        }

        if (elements.Fault is { } fault)
        {
            throw new BodyException(ErrorCode.UnreadableBody, $"The body is not a JSON array: {fault}.");
        }
    }
}
