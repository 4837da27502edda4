using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Weir.Core;
using Weir.Engine;
using Weir.Server.Http.Bodies;

namespace Weir.Server.Http;

/// <summary>
/// Collects the outcomes of a body's events, batch by batch in the body's order, and writes the answer: totals, position and the verdicts that are
/// not plainly "counted". Used by one request.
/// </summary>
internal sealed class EventsAnswer(EventStream stream, in EventsRequest asked, IngestBudget budget, IngestAdmission admission)
{
    /// <summary>Verdicts listed when nothing else is asked for; the rest is told as <c>more</c>.</summary>
    private const int ListedByDefault = 1_000;

    /// <summary>A list up to this length is written into memory, so that the answer has a length; about 1 MB.</summary>
    private const int WrittenWhole = 10_000;

    private const int KeptScratchBytes = 64 * 1024;

    [ThreadStatic]
    private static Scratch? _scratch;

    private readonly bool _listsAll = asked.ListsAll;
    private readonly bool _waitsForVerdicts = asked.WaitsForVerdicts;
    private VerdictList? _listed;
    private long _counted, _replaced, _duplicate, _taken, _closed, _invalid, _refused, _unknown;
    private long[]? _ends;
    private ErrorCode? _firstRefused;
    private string _firstRefusal = "";
    private ErrorCode? _unavailable;

    /// <summary>Events seen so far, refused ones included; the next one's index.</summary>
    public long Events { get; private set; }

    /// <summary>Takes over the outcomes of a batch that is decided and flushed. The batch is not kept.</summary>
    public void Collect(IngestBatch batch)
    {
        IngestTotals totals = batch.Totals;
        _counted += totals.Counted;
        _replaced += totals.Replaced;
        _duplicate += totals.Duplicate;
        _taken += totals.Taken;
        _closed += totals.Closed;
        _invalid += totals.Invalid;
        _refused += totals.Refused;
        _unknown += totals.Unknown;
        MergeEnds(batch.Ends);
        bool isAllPlain = totals.Counted + totals.Durable == batch.Count;
        if (_listsAll || !isAllPlain)
        {
            CollectOneByOne(batch);
        }

        Events += batch.Count;
    }

    /// <summary>Writes status, headers and body; a long list of verdicts is sent on as it is written.</summary>
    /// <param name="fault">What kept the rest of the body from being read; null: all of it was.</param>
    public ValueTask WriteAsync(HttpContext context, WeirException? fault = null)
    {
        Scratch scratch = _scratch ?? new Scratch();
        _scratch = null;
        Utf8JsonWriter writer = scratch.Writer;
        Begin(writer, context, fault);
        if (_listed is { Count: > WrittenWhole } list)
        {
            return new ValueTask(WriteLongAsync(list, scratch, context));
        }

        foreach (long _ in _listed?.WriteTo(writer) ?? [])
        {
        }

        End(writer);
        ReadOnlySpan<byte> body = scratch.Buffer.WrittenSpan;
        context.Response.ContentLength = body.Length;
        context.Response.BodyWriter.Write(body);
        Keep(scratch);
        return default;
    }

    /// <summary>Gives back what the list holds, when no answer is written any more.</summary>
    public void Return() => _listed?.Return();

    private async Task WriteLongAsync(VerdictList list, Scratch scratch, HttpContext context)
    {
        PipeWriter body = context.Response.BodyWriter;
        foreach (long _ in list.WriteTo(scratch.Writer))
        {
            scratch.Writer.Flush();
            FlushResult sent = await body.WriteAsync(scratch.Buffer.WrittenMemory);
            scratch.Buffer.ResetWrittenCount();
            if (sent.IsCompleted)
            {
                return;
            }
        }

        End(scratch.Writer);
        await body.WriteAsync(scratch.Buffer.WrittenMemory);
    }

    private void Begin(Utf8JsonWriter writer, HttpContext context, WeirException? fault)
    {
        if (Events == 0)
        {
            fault ??= new BodyException(ErrorCode.EmptyBody, "The body holds no event.");
        }

        (int status, ErrorCode? code, string detail) = Result(fault);
        writer.WriteStartObject();
        if (code is { } problem)
        {
            Problem.WriteMembers(writer, context, problem, detail, status);
        }

        WriteTotals(writer);
        HttpResponse response = context.Response;
        if (_ends is not null)
        {
            string position = PositionText();
            response.Headers["Weir-Position"] = position;
            writer.WriteString("position"u8, position);
        }

        if (stream.Reopened)
        {
            writer.WriteNumber("reopened"u8, 1);
        }

        writer.WriteStartArray("verdicts"u8);
        response.StatusCode = status;
        response.ContentType = code is null ? "application/json" : Problem.ContentType;
        if (code is { } retried && WeirErrors.Get(retried).IsRetryable)
        {
            response.Headers.RetryAfter = Problem.Seconds(admission.ComeAgainAfter(context.Request.ContentLength ?? EventsEndpoint.PieceBytes, stream.EstimateDrain())).ToString(CultureInfo.InvariantCulture);
        }
    }

    private void End(Utf8JsonWriter writer)
    {
        writer.WriteEndArray();
        if (_listed is { More: > 0 } list)
        {
            writer.WriteNumber("more"u8, list.More);
        }

        writer.WriteEndObject();
        writer.Flush();
    }

    // 200 every event decided; 202 durable, not asked; else the problem that concerns the most: the body, what may be sent again, nothing taken.
    private (int Status, ErrorCode? Code, string Detail) Result(WeirException? fault)
    {
        if (fault is not null)
        {
            string before = Events == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" The {Events} events before it are decided as listed.");
            return (WeirErrors.Get(fault.Code).Status, fault.Code, fault.Message + before);
        }

        if (_unavailable is { } unavailable)
        {
            return (WeirErrors.Get(unavailable).Status, unavailable, string.Create(CultureInfo.InvariantCulture, $"Of {Events} events {_unknown} are unknown and {_refused} were refused, as listed. Send the same body again, with the same ids: what was taken is recognised."));
        }

        if (_refused == Events)
        {
            return Events == 1
                ? (WeirErrors.Get(_firstRefused!.Value).Status, _firstRefused, _firstRefusal)
                : (StatusCodes.Status422UnprocessableEntity, ErrorCode.NothingAppended, string.Create(CultureInfo.InvariantCulture, $"All {Events} events were refused; the first one: {_firstRefusal}"));
        }

        return (_waitsForVerdicts ? StatusCodes.Status200OK : StatusCodes.Status202Accepted, null, "");
    }

    private void CollectOneByOne(IngestBatch batch)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            EventOutcome outcome = batch.OutcomeOf(i);
            if (outcome.Kind != OutcomeKind.Decided)
            {
                Note(outcome, batch, i);
            }

            bool isPlain = outcome.Kind == OutcomeKind.Decided && (outcome.Verdict == Verdict.Counted || !_waitsForVerdicts);
            if (!isPlain || _listsAll)
            {
                _listed ??= new VerdictList(budget, _listsAll ? long.MaxValue : ListedByDefault);
                _listed.Add(Events, batch, i, outcome);
            }
        }
    }

    private void Note(in EventOutcome outcome, IngestBatch batch, int i)
    {
        ErrorCode code = outcome.Code!.Value;
        if (outcome.Kind == OutcomeKind.Unknown || IsCapacity(code))
        {
            _unavailable ??= code;
        }
        else if (_firstRefused is null)
        {
            _firstRefused = code;
            _firstRefusal = ReasonOf(outcome, batch, i);
        }
    }

    private static bool IsCapacity(ErrorCode code) => (int)code / 1000 == 4;

    /// <summary>The sentence that says why an event was refused, and where; for a verdict or what is unknown, its code's.</summary>
    internal static string ReasonOf(in EventOutcome outcome, IngestBatch batch, int i) =>
        outcome.Kind == OutcomeKind.Refused && !IsCapacity(outcome.Code!.Value) ? batch.RefusalDetail(i) : WeirErrors.Get(outcome.Code!.Value).Sentence;

    private void WriteTotals(Utf8JsonWriter writer)
    {
        if (_waitsForVerdicts)
        {
            writer.WriteNumber("counted"u8, _counted);
            writer.WriteNumber("replaced"u8, _replaced);
            writer.WriteNumber("duplicate"u8, _duplicate);
            writer.WriteNumber("taken"u8, _taken);
            writer.WriteNumber("closed"u8, _closed);
            writer.WriteNumber("invalid"u8, _invalid);
        }
        else
        {
            writer.WriteNumber("durable"u8, Events - _refused - _unknown);
        }

        writer.WriteNumber("refused"u8, _refused);
        writer.WriteNumber("unknown"u8, _unknown);
    }

    private void MergeEnds(ReadOnlySpan<long> ends)
    {
        if (_ends is null)
        {
            _ends = ends.ToArray();
            return;
        }

        for (int i = 0; i < ends.Length; i++)
        {
            _ends[i] = Math.Max(_ends[i], ends[i]);
        }
    }

    // Position.ToString without its allocations: this runs once per request.
    private string PositionText()
    {
        var text = new DefaultInterpolatedStringHandler(0, 0, CultureInfo.InvariantCulture, stackalloc char[256]);
        text.AppendLiteral(stream.Name);
        for (int i = 0; i < _ends!.Length; i++)
        {
            text.AppendLiteral(i == 0 ? ":" : ",");
            text.AppendFormatted(i);
            text.AppendLiteral("=");
            text.AppendFormatted(_ends[i]);
        }

        return text.ToStringAndClear();
    }

    private static void Keep(Scratch scratch)
    {
        if (scratch.Buffer.Capacity <= KeptScratchBytes)
        {
            scratch.Buffer.ResetWrittenCount();
            scratch.Writer.Reset();
            _scratch = scratch;
        }
    }

    /// <summary>A buffer and a writer over it, kept per thread between answers.</summary>
    private sealed class Scratch
    {
        public Scratch()
        {
            Buffer = new ArrayBufferWriter<byte>(initialCapacity: 512);
            Writer = new Utf8JsonWriter(Buffer, JsonAnswer.WriterOptions);
        }

        public ArrayBufferWriter<byte> Buffer { get; }

        public Utf8JsonWriter Writer { get; }
    }
}
