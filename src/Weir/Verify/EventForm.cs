using System.IO.Compression;
using System.Text;

namespace Weir.Cli.Verify;

/// <summary>The ways in which events come in.</summary>
internal enum EventForm
{
    /// <summary>One JSON object.</summary>
    Object,

    Array,

    /// <summary>NDJSON.</summary>
    Lines,

    CompressedLines,

    /// <summary>One CloudEvent, structured.</summary>
    CloudEvent,

    /// <summary>One CloudEvent, binary.</summary>
    BinaryCloudEvent,

    CloudEventBatch,

    /// <summary>Record batches to the Kafka port, one per partition, from a producer without a number: sent again they are new batches.</summary>
    Batches,

    /// <summary>From a producer with a number: a batch sent again is recognised.</summary>
    IdempotentBatches,

    /// <summary>As <see cref="IdempotentBatches"/>, with gzip.</summary>
    CompressedBatches,
}

/// <summary>A POST of events as bytes, in any form that goes over HTTP.</summary>
internal static class EventRequest
{
    public static readonly EventForm[] OfOne = [EventForm.Object, EventForm.CloudEvent, EventForm.BinaryCloudEvent];

    public static readonly EventForm[] OfSeveral = [EventForm.Array, EventForm.Lines, EventForm.CompressedLines, EventForm.CloudEventBatch];

    /// <summary>The forms that go to the Kafka port.</summary>
    public static readonly EventForm[] OfKafka = [EventForm.Batches, EventForm.IdempotentBatches, EventForm.CompressedBatches];

    /// <summary>The source of every CloudEvent.</summary>
    public const string Source = "/weir/verify";

    /// <param name="idempotencyKey">Gives events without an id of their own one; CloudEvents have theirs.</param>
    /// <param name="waitsForVerdicts">False: answered when it is on disk, decided or not.</param>
    public static byte[] Write(EventForm form, IReadOnlyList<SentEvent> events, string? idempotencyKey, bool waitsForVerdicts)
    {
        string text = form switch
        {
            EventForm.Object or EventForm.BinaryCloudEvent => events[0].Body,
            EventForm.Array => $"[{string.Join(',', events.Select(one => one.Body))}]",
            EventForm.CloudEvent => AsCloudEvent(events[0]),
            EventForm.CloudEventBatch => $"[{string.Join(',', events.Select(AsCloudEvent))}]",
            _ => string.Join('\n', events.Select(one => one.Body)),
        };
        byte[] body = Encoding.UTF8.GetBytes(text);
        var head = new StringBuilder($"POST /v1/streams/{events[0].Stream}/events?verdicts=all{(waitsForVerdicts ? "" : "&ack=durable")} HTTP/1.1\r\nHost: localhost\r\n");
        head.Append(form switch
        {
            EventForm.Object or EventForm.Array => "Content-Type: application/json\r\n",
            EventForm.CloudEvent => "Content-Type: application/cloudevents+json\r\n",
            EventForm.CloudEventBatch => "Content-Type: application/cloudevents-batch+json\r\n",
            EventForm.BinaryCloudEvent => $"Content-Type: application/json\r\nce-specversion: 1.0\r\nce-source: {Source}\r\nce-type: {events[0].Stream}\r\nce-id: {events[0].Id}\r\n",
            _ => "Content-Type: application/x-ndjson\r\n",
        });
        if (idempotencyKey is not null)
        {
            head.Append("Idempotency-Key: \"").Append(idempotencyKey).Append("\"\r\n");
        }

        if (form == EventForm.CompressedLines)
        {
            body = Compress(body);
            head.Append("Content-Encoding: gzip\r\n");
        }

        head.Append(System.Globalization.CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head.ToString()), .. body];
    }

    private static string AsCloudEvent(SentEvent one) =>
        $$"""{"specversion":"1.0","source":"{{Source}}","type":"{{one.Stream}}","id":"{{one.Id}}","data":{{one.Body}}}""";

    private static byte[] Compress(byte[] body)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest))
        {
            gzip.Write(body);
        }

        return target.ToArray();
    }
}
