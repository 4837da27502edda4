using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Weir.Core;
using Weir.Engine;
using Weir.Server.Http.Bodies;

namespace Weir.Server.Http;

/// <summary>What a POST of events asks for, read from its headers and query before its body.</summary>
internal readonly struct EventsRequest
{
    /// <summary>Longest Idempotency-Key, so that key and index fit a stored header.</summary>
    private const int MaxIdempotencyKeyBytes = EventHeaders.MaxValueBytes - 12;

    private EventsRequest(BodyForm form, bool waitsForVerdicts, bool listsAll, string? idempotencyKey)
    {
        Form = form;
        WaitsForVerdicts = waitsForVerdicts;
        ListsAll = listsAll;
        IdempotencyKey = idempotencyKey;
    }

    public BodyForm Form { get; }

    /// <summary>False for <c>?ack=durable</c>: answered after the flush, without verdicts.</summary>
    public bool WaitsForVerdicts { get; }

    /// <summary>True for <c>?verdicts=all</c>.</summary>
    public bool ListsAll { get; }

    public string? IdempotencyKey { get; }

    /// <summary>Hands a batch over, and completes when what was asked for is known: verdicts, or only that it is on disk.</summary>
    public ValueTask Submit(IngestBatch batch) => WaitsForVerdicts ? batch.SubmitAsync() : batch.SubmitDurablyAsync();

    /// <exception cref="WeirException">A header or parameter cannot be used.</exception>
    public static EventsRequest Read(HttpRequest request)
    {
        bool waits = true;
        bool all = false;
        if (request.QueryString.HasValue)
        {
            waits = Choice(request.Query["ack"], "ack", other: "durable", standard: "verdicts");
            all = !Choice(request.Query["verdicts"], "verdicts", other: "all", standard: "listed");
        }

        IHeaderDictionary headers = request.Headers;
        BodyForm form = BodyForms.Of(request.ContentType);
        if (CloudEvent.IsBinary(headers) && form is not (BodyForm.CloudEvent or BodyForm.CloudEvents))
        {
            return new EventsRequest(BodyForm.BinaryCloudEvent, waits, all, idempotencyKey: null);
        }

        if (form == BodyForm.Unsupported)
        {
            throw new WeirException(ErrorCode.UnsupportedMediaType, $"Events are not read from {request.ContentType}.");
        }

        string? key = headers.TryGetValue("Idempotency-Key", out StringValues given) ? KeyOf(given) : null;
        return new EventsRequest(form, waits, all, key);
    }

    private static bool Choice(StringValues given, string name, string other, string standard)
    {
        string? value = given;
        return value is null || value == standard
            || (value == other ? false : throw new WeirException(ErrorCode.InvalidParameter, $"{name} is `{value}`; it takes {other} or {standard}."));
    }

    /// <summary>The draft says a quoted string; many clients send it bare. Both are the same key.</summary>
    private static string KeyOf(StringValues given)
    {
        string text = given.Count == 1 ? given[0]!.Trim() : throw new WeirException(ErrorCode.InvalidParameter, "Idempotency-Key is given more than once.");
        if (text is ['"', .., '"'] && text.Length > 1)
        {
            text = Unquoted(text);
        }

        if (text.Length == 0 || Encoding.UTF8.GetByteCount(text) > MaxIdempotencyKeyBytes)
        {
            throw new WeirException(
                text.Length == 0 ? ErrorCode.InvalidParameter : ErrorCode.HeaderTooLong,
                string.Create(CultureInfo.InvariantCulture, $"Idempotency-Key must have 1 to {MaxIdempotencyKeyBytes} bytes."));
        }

        return text;
    }

    private static string Unquoted(string text)
    {
        var key = new StringBuilder(text.Length);
        for (int i = 1; i < text.Length - 1; i++)
        {
            i += text[i] == '\\' && i < text.Length - 2 ? 1 : 0;
            key.Append(text[i]);
        }

        return key.ToString();
    }
}
