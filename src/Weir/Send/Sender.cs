using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weir.Cli.Http;
using Weir.Core;

namespace Weir.Cli.Send;

/// <summary>
/// Sends bodies to one stream, several at a time, and repeats what was not decided, with the same bytes and the same
/// Idempotency-Key, until it is: the fold recognises what it had before. Safe for concurrent use.
/// </summary>
internal sealed class Sender
{
    /// <summary>How many lines that were not counted are kept to be shown.</summary>
    public const int MaxFaultsShown = 20;

    /// <summary>The outcomes of an answer, in the order in which they are shown.</summary>
    public static readonly string[] Outcomes = ["counted", "replaced", "duplicate", "taken", "closed", "late", "invalid", "refused"];

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly ServerClient _server;
    private readonly string _path;
    private readonly string? _idField;
    private readonly TimeSpan _patience;
    private readonly Lock _lock = new();
    private readonly long[] _totals = new long[Outcomes.Length];
    private readonly List<string> _faults = [];
    private long _repeated;
    private long _decided;
    private string? _position;

    /// <param name="idField">The stream's id, if it is a field at the top of the event: a body in which every line has it needs no Idempotency-Key.</param>
    /// <param name="patience">How long one body is repeated without an answer that decides it.</param>
    public Sender(ServerClient server, string stream, string? idField, TimeSpan patience)
    {
        _server = server;
        _idField = idField;
        _path = $"v1/streams/{Uri.EscapeDataString(stream)}/events";
        _patience = patience;
    }

    /// <summary>Lines whose outcome is known.</summary>
    public long Decided => Interlocked.Read(ref _decided);

    /// <summary>Bodies that were sent more than once.</summary>
    public long Repeated => Interlocked.Read(ref _repeated);

    /// <summary>The position after the newest answer; null before the first.</summary>
    public string? Position => Volatile.Read(ref _position);

    /// <summary>"file:line  CODE reason" of the first lines that were refused or invalid.</summary>
    public IReadOnlyList<string> Faults => _faults;

    public long Total(string outcome) => Interlocked.Read(ref _totals[Array.IndexOf(Outcomes, outcome)]);

    /// <exception cref="WeirException">The server refuses the body as a whole, or patience ran out.</exception>
    public async Task SendAsync(LineBatch batch, CancellationToken cancel)
    {
        long started = Stopwatch.GetTimestamp();
        TimeSpan pause = TimeSpan.FromMilliseconds(50);
        while (true)
        {
            WeirException reason;
            TimeSpan? asked = null;
            try
            {
                using HttpResponseMessage response = await PostAsync(batch, cancel);
                if (await TryAcceptAsync(batch, response, cancel) is not { } undecided)
                {
                    return;
                }

                reason = undecided;
                asked = response.Headers.RetryAfter?.Delta;
            }
            catch (WeirException failure) when (failure.Code == ErrorCode.ServerUnreachable)
            {
                reason = failure;
            }
            catch (HttpRequestException failure)
            {
                reason = new WeirException(ErrorCode.ServerUnreachable, failure.Message, failure);
            }

            if (Stopwatch.GetElapsedTime(started) > _patience)
            {
                throw new WeirException(reason.Code, $"{batch.Source}:{batch.LineNumbers[0]}: {reason.Message} (tried for {TextTable.Duration(_patience)}; send the file again, what was counted is recognised)", reason);
            }

            Interlocked.Increment(ref _repeated);
            await Task.Delay(asked is { } wait && wait > pause ? wait : pause, cancel);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task<HttpResponseMessage> PostAsync(LineBatch batch, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _path) { Content = new ByteArrayContent(batch.Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        if (_idField is null || !EveryLineHas(batch.Body, _idField))
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", batch.IdempotencyKey);
        }

        return await _server.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancel);
    }

    /// <summary>Takes an answer that decides every line into the totals. Otherwise returns why the body has to be sent again.</summary>
    private async Task<WeirException?> TryAcceptAsync(LineBatch batch, HttpResponseMessage response, CancellationToken cancel)
    {
        string text = await response.Content.ReadAsStringAsync(cancel);
        JsonObject? answer = TryParse(text);
        long decided = answer is null ? 0 : Outcomes.Sum(outcome => Number(answer, outcome));
        if (decided == batch.LineNumbers.Length)
        {
            Accept(batch, answer!);
            return null;
        }

        // A problem that cannot be helped may come with outcomes of the lines before it; they come again as duplicates.
        WeirException problem = answer?["code"] is null && decided > 0
            ? new WeirException(ErrorCode.QueueFull, $"{batch.LineNumbers.Length - decided} of {batch.LineNumbers.Length} events are not decided")
            : ServerClient.ReadProblem(response, text);
        bool canHelp = problem.IsTransient
            || response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;
        return canHelp ? problem : throw problem;
    }

    private void Accept(LineBatch batch, JsonObject answer)
    {
        lock (_lock)
        {
            for (int i = 0; i < Outcomes.Length; i++)
            {
                _totals[i] += Number(answer, Outcomes[i]);
            }

            _decided += batch.LineNumbers.Length;
            _position = answer["position"]?.GetValue<string>() ?? _position;
            foreach (JsonNode? verdict in answer["verdicts"] as JsonArray ?? [])
            {
                if (_faults.Count < MaxFaultsShown && verdict?["verdict"]?.GetValue<string>() is "refused" or "invalid")
                {
                    int index = (int)Number(verdict!.AsObject(), "index");
                    _faults.Add($"{batch.Source}:{batch.LineNumbers[index]}  {verdict["code"]} {verdict["reason"]}".TrimEnd());
                }
            }
        }
    }

    private static bool EveryLineHas(ReadOnlySpan<byte> lines, string field)
    {
        while (!lines.IsEmpty)
        {
            int end = lines.IndexOf((byte)'\n');
            if (!Has(lines[..end], field))
            {
                return false;
            }

            lines = lines[(end + 1)..];
        }

        return true;
    }

    private static bool Has(ReadOnlySpan<byte> line, string field)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
                {
                    if (reader.ValueTextEquals(field))
                    {
                        return true;
                    }

                    reader.Skip();
                }
            }
        }
        catch (JsonException)
        {
            // The server refuses such a line, so it needs no identity.
            return true;
        }

        return false;
    }

    private static long Number(JsonObject document, string name) => document[name]?.GetValue<long>() ?? 0;

    private static JsonObject? TryParse(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
