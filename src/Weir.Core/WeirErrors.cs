namespace Weir.Core;

/// <summary>What is the same for every occurrence of an error: its status, whether a retry of the same request can help, and what to do.</summary>
/// <param name="Status">HTTP status when the error answers a whole request; for an error of one event, the status if nothing else was appended.</param>
/// <param name="Sentence">One sentence without the particulars; the particulars are in the occurrence's detail.</param>
/// <param name="Remedy">What the reader can do.</param>
public sealed record ErrorInfo(ErrorCode Code, int Status, bool IsRetryable, string Sentence, string Remedy)
{
    /// <summary>The public form, <c>WEIR-1203</c>.</summary>
    public string Name => WeirErrors.NameOf(Code);
}

/// <summary>The one table of errors. docs/reference/errors.md is generated from it; a test holds that every code has a row.</summary>
public static class WeirErrors
{
    private static readonly ErrorInfo[] Rows =
    [
        new(ErrorCode.MalformedJson, 422, false, "The event is not valid JSON (RFC 8259).", "Mend the line at the byte given. NaN, Infinity, comments, trailing commas and a byte order mark are not JSON."),
        new(ErrorCode.NotAnObject, 422, false, "The event is JSON but not an object.", "Send one JSON object per event."),
        new(ErrorCode.KeyMissing, 422, false, "A field of the stream's key is missing, null or empty.", "Send the field; `weir streams` shows which fields form the key."),
        new(ErrorCode.KeyWrongType, 422, false, "A field of the stream's key is neither a string nor a number.", "Send a string or a number."),
        new(ErrorCode.IdMissing, 422, false, "The stream counts each id once, and the event has no id.", "Send the stream's id field, CloudEvents id and source, or an Idempotency-Key header. Make the id before the first try and keep it for retries."),
        new(ErrorCode.IdWrongType, 422, false, "The id is neither a string nor a number.", "Send a non-empty string or a number."),
        new(ErrorCode.FieldMismatch, 422, false, "A field does not have the type that the stream declares under `fields`.", "Send the declared type; a decimal must fit its precision and scale exactly, nothing is rounded."),
        new(ErrorCode.DuplicateField, 422, false, "A field that the stream or a view reads appears twice in the event.", "Send each field once: readers disagree about which of two wins, so neither is taken."),
        new(ErrorCode.EventTooLarge, 413, false, "The event is larger than the stream's limit.", "Send less, or raise `limits.event_bytes` (at most 1 MB by default)."),
        new(ErrorCode.IdTooLong, 422, false, "The id is longer than the stream's limit.", "Use ids of at most `limits.id_bytes` (512 bytes by default)."),
        new(ErrorCode.KeyTooLong, 422, false, "The key is longer than the stream's limit.", "Use keys of at most `limits.key_bytes` (1,024 bytes by default)."),
        new(ErrorCode.TooDeep, 422, false, "The event is nested deeper than the stream's limit.", "Flatten the event, or raise `limits.depth` (64 by default)."),
        new(ErrorCode.NumberTooLong, 422, false, "A number that forms a key or an id needs more than 28 digits.", "Send it as a string."),
        new(ErrorCode.InvalidUtf8, 422, false, "The event is not valid UTF-8, or has a lone surrogate or NUL in a field that forms a key or an id.", "Send UTF-8 text."),
        new(ErrorCode.HeaderTooLong, 422, false, "A header that is stored with the event is too long.", "Keep CloudEvents attributes and Idempotency-Key under 1,024 bytes each."),

        new(ErrorCode.UnreadableBody, 400, false, "The body is unreadable as a whole.", "Send one JSON object, a JSON array of objects, NDJSON (one object per line) or CloudEvents, with the matching Content-Type."),
        new(ErrorCode.BodyTooLarge, 413, false, "The body is over the limit.", "Split it, or send it as application/x-ndjson, which is taken in pieces."),
        new(ErrorCode.UnsupportedMediaType, 415, false, "The Content-Type is not one that events are read from.", "Use application/json, application/x-ndjson, application/cloudevents+json or application/cloudevents-batch+json."),
        new(ErrorCode.UnsupportedEncoding, 415, false, "The Content-Encoding is not supported.", "Use gzip or br, or send the body as it is."),
        new(ErrorCode.ExpandsTooMuch, 413, false, "The compressed body expands to more than 20 times its size.", "Send it uncompressed or in smaller bodies."),
        new(ErrorCode.InvalidCloudEvent, 400, false, "The CloudEvent lacks a required attribute or names an unknown version.", "Send specversion 1.0, id, source and type, none of them empty."),
        new(ErrorCode.InvalidParameter, 400, false, "A query parameter or header has a value that cannot be used.", "See the detail for the parameter and what it takes."),
        new(ErrorCode.NothingAppended, 422, false, "Not one event of the body could be appended.", "See the verdicts of the answer for each event's reason."),
        new(ErrorCode.EmptyBody, 400, false, "The body holds no event.", "Send at least one JSON object."),

        new(ErrorCode.UnknownStream, 404, false, "There is no stream of that name.", "`weir streams` lists them; define one with PUT /v1/streams/{stream} or in weir.yaml."),
        new(ErrorCode.UnknownView, 404, false, "There is no view of that name.", "GET /v1/views lists them; define one with PUT /v1/views/{view} or in weir.yaml."),
        new(ErrorCode.UnknownRecount, 404, false, "There is no recount of that number; results are kept until the server stops.", "Start one with POST /v1/views/{view}/recount."),
        new(ErrorCode.UnknownRoute, 404, false, "There is nothing at this path.", "GET /openapi.json lists the calls."),
        new(ErrorCode.NotFinal, 409, false, "The stream is not final yet.", "Close it first, or wait until every partition has folded its close."),
        new(ErrorCode.AlreadyFinal, 409, false, "The stream is final.", "To open it again, say so: POST …/open?reopen=true. Every answer will carry \"reopened\" from then on."),
        new(ErrorCode.InvalidPosition, 400, false, "The position cannot be read or does not fit the stream.", "Positions look like votes:0=1841,1=1790: exclusive ends, one per partition."),
        new(ErrorCode.PositionNotReached, 504, true, "The read model did not reach the position in the time allowed.", "Ask again, or raise `wait` (at most 30s)."),
        new(ErrorCode.ImmutableDefinition, 409, false, "The definition differs from the stream's in a part that cannot change.", "partitions, partitioner, key, id, claim, delivery and remember are for ever. Define a new stream, or put the old values back."),
        new(ErrorCode.InUse, 409, false, "It is still in use.", "Delete the views over a stream first."),
        new(ErrorCode.NoOwnerOrId, 400, false, "A receipt needs an owner or an id.", "Add ?owner=… or ?id=… to the address."),
        new(ErrorCode.MethodNotAllowed, 405, false, "This path does not take that method.", "GET /openapi.json lists the calls."),
        new(ErrorCode.ReservedName, 403, false, "Names that begin with two underscores belong to the server.", "Read it as you like; to write, choose another name."),

        new(ErrorCode.Taken, 200, false, "The owner has used its claim on this stream.", "Nothing: the first event counts. GET …/receipts?owner=… shows it."),
        new(ErrorCode.NotOpenYet, 200, false, "The stream is not open yet.", "Send it again after opening; a closed event leaves no trace in identity or claim."),
        new(ErrorCode.AfterClose, 200, false, "The stream is closed: the record lies after its close marker.", "Nothing: closing is a place in the log."),
        new(ErrorCode.Duplicate, 200, false, "The event was counted before; this is a retry.", "Nothing: it counts once."),

        new(ErrorCode.SqlSyntax, 400, false, "The view's SQL cannot be read.", "See line, column and what was expected; docs/reference/sql.md has the grammar."),
        new(ErrorCode.SqlUnknownName, 400, false, "The view's SQL names something that is not there.", "See line and column."),
        new(ErrorCode.SqlNotSupportedYet, 400, false, "The view uses a part of SQL that is not supported yet.", "docs/reference/sql.md lists what is."),
        new(ErrorCode.SqlInvalid, 400, false, "The view's SQL reads well but has no meaning.", "See line and column."),
        new(ErrorCode.SqlTooLarge, 400, false, "The view's SQL is over a limit.", "Keep it under 64 KiB, 100 columns and 64 levels of nesting."),
        new(ErrorCode.ViewStopped, 409, false, "The view has stopped at its position and stays right there.", "See its reason; define a corrected view beside it."),
        new(ErrorCode.TooManyGroups, 409, false, "The view reached `max_groups` and stopped.", "Raise max_groups, or group by fewer values."),
        new(ErrorCode.SumOverflow, 409, false, "A sum no longer fits 128 bits and the view stopped; nothing was rounded.", "Narrow the view with WHERE or GROUP BY."),
        new(ErrorCode.ViewBuilding, 503, true, "The view is being built from the log.", "Ask again after the time in Retry-After."),

        new(ErrorCode.UnknownConfigurationKey, 400, false, "The configuration has a key that does not exist.", "`weir config explain` lists every key."),
        new(ErrorCode.ConfigurationType, 400, false, "A configuration value has the wrong type.", "See the detail for the type expected."),
        new(ErrorCode.ConfigurationValue, 400, false, "A configuration value is out of range or impossible beside another.", "See the detail for what is allowed."),
        new(ErrorCode.ClaimIsNotKey, 400, false, "claim.by is not the stream's key.", "Identity and claim are local to a partition, so the owner must be the key: set claim.by to the same fields as key."),
        new(ErrorCode.ClosesBeforeOpens, 400, false, "The stream would close before it opens.", "Set closes later than opens."),
        new(ErrorCode.ConfigurationSyntax, 400, false, "The configuration file is not valid YAML.", "See line and column."),
        new(ErrorCode.UnsafeListenAddress, 400, false, "The server would listen beyond this machine without keys.", "Listen on 127.0.0.1, or write auth: none if everybody who reaches the address may do everything."),
        new(ErrorCode.RetentionWithKeepLast, 400, false, "Retention cannot be combined with claim.keep: last.", "A replaced event must stay readable: remove retention, or use keep: first."),
        new(ErrorCode.RememberWithClaim, 400, false, "remember cannot be combined with a claim.", "A claim lasts as long as the stream: remove remember."),
        new(ErrorCode.ConfigurationFileMissing, 400, false, "The configuration file is not there.", "Name an existing file: weir serve path/to/weir.yaml."),
        new(ErrorCode.PortInUse, 400, false, "The address is in use.", "Stop the program that listens there, or choose another with --listen 127.0.0.1:0."),
        new(ErrorCode.FileUnreadable, 400, false, "A file named on the command line cannot be read.", "See the detail for the path and the reason."),
        new(ErrorCode.DirectoryInUse, 400, false, "The directory holds something that this command did not put there, and it would be deleted.", "Name an empty or new directory."),

        new(ErrorCode.QueueFull, 503, true, "A partition's queue is full; these events were not taken.", "Send the same body again after Retry-After; what was taken the first time is recognised."),
        new(ErrorCode.StateFull, 507, false, "The stream's state has reached limits.state_bytes; new owners are refused, known ones still answered.", "Raise limits.state_bytes or add memory."),
        new(ErrorCode.DiskFull, 507, true, "The disk is full; writes are refused, reads go on.", "Make room; the server takes writes again by itself."),
        new(ErrorCode.ShuttingDown, 503, true, "The server is stopping.", "Send the same body again after Retry-After."),
        new(ErrorCode.PartitionStopped, 503, true, "The partition stopped after an I/O error and is being recovered; what was in flight is unknown.", "Send the same body again with the same ids; it is counted at most once."),
        new(ErrorCode.PartitionReadOnly, 503, false, "The partition is read-only because its log is damaged.", "`weir log check` names file and offsets; the other partitions serve."),
        new(ErrorCode.Recovering, 503, true, "The server is recovering its state from the log.", "Ask again after Retry-After; GET /readyz tells when."),
        new(ErrorCode.TooManyRequests, 429, true, "Too many requests in flight.", "Send again after Retry-After, or send batches."),
        new(ErrorCode.ServerUnreachable, 503, true, "The server does not answer.", "Start it with `weir serve`, or give its address with --url."),
        new(ErrorCode.RecountBusy, 429, true, "A recount is already running.", "Follow it at GET /v1/recounts/{id}, then ask again."),
        new(ErrorCode.NotEnoughDisk, 507, false, "There is not enough free disk for what was asked.", "Make room, name another directory with --data, or ask for fewer events."),

        new(ErrorCode.DirectoryLocked, 503, false, "Another process has the data directory open.", "Stop it first; the detail names its process id. One process per directory."),
        new(ErrorCode.FormatTooNew, 503, false, "The data directory was written by a newer version.", "Use that version; nothing was changed."),
        new(ErrorCode.LogDamaged, 503, false, "The log has damaged bytes below what had been flushed.", "`weir log check` names file, file position and offsets. Restore the file from a copy; nothing was cut. Without a copy: `weir log repair` says what is lost."),
        new(ErrorCode.FlushFailed, 503, true, "The disk reported a failed flush; nothing in flight was acknowledged.", "Send again with the same ids. Look at the disk: the server recovers into a new segment."),
        new(ErrorCode.DiskError, 503, true, "The disk reported an error.", "See the detail for file and errno."),
        new(ErrorCode.NotADataDirectory, 400, false, "The directory is not a Weir data directory.", "Name the directory that `data:` in weir.yaml names."),
        new(ErrorCode.RecountMismatch, 500, false, "The recount differs from the live view.", "Keep the data directory and report it: this must not happen."),
        new(ErrorCode.CodecNotInstalled, 503, true, "The library that reads this compression is not installed.", "Install libzstd.so.1 (Debian: `apt-get install libzstd1`) and start the server again; until then the partition that has such batches is not opened."),
        new(ErrorCode.Internal, 500, true, "Weir failed in a way it does not know.", "Look at the server's log for the trace id; retry with the same ids."),
    ];

    private static readonly Dictionary<ErrorCode, ErrorInfo> ByCode = Rows.ToDictionary(row => row.Code);

    /// <summary>Every error, by number.</summary>
    public static IReadOnlyList<ErrorInfo> All { get; } = [.. Rows.OrderBy(row => (int)row.Code)];

    public static ErrorInfo Get(ErrorCode code) => ByCode[code];

    /// <summary><c>WEIR-1203</c>.</summary>
    public static string NameOf(ErrorCode code) => $"WEIR-{(int)code}";

    /// <summary>Finds an error by its public form, with or without the prefix, in any case.</summary>
    public static bool TryFind(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ErrorInfo? info)
    {
        info = null;
        string digits = text.StartsWith("WEIR-", StringComparison.OrdinalIgnoreCase) ? text[5..] : text;
        return int.TryParse(digits, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number)
            && ByCode.TryGetValue((ErrorCode)number, out info);
    }
}
