using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Weir.Core;
using Weir.Engine;

namespace Weir.Server.Http;

/// <summary>Everything about streams but the events going in.</summary>
internal sealed class StreamEndpoints(ServerState server)
{
    private const int MaxRecords = 10_000;
    private const int DefaultRecords = 100;

    public Task ListAsync(HttpContext context, string name)
    {
        WeirNode node = server.Recovered();
        IReadOnlyList<EventStream> streams = node.Streams;
        return JsonAnswer.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            if (node.IsDiskFull)
            {
                writer.WriteBoolean("disk_full"u8, true);
            }

            WriteUnreadable(writer, node);
            writer.WriteStartArray("streams"u8);
            foreach (EventStream stream in streams.OrderBy(stream => stream.Name, StringComparer.Ordinal))
            {
                WriteStream(writer, stream);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    public Task GetAsync(HttpContext context, string name)
    {
        EventStream stream = server.Stream(name);
        context.Response.Headers["Weir-Position"] = stream.FlushedPosition.ToString();
        return JsonAnswer.WriteAsync(context, writer => WriteStream(writer, stream));
    }

    /// <summary>Creates or changes; the answer is the stream as it is now.</summary>
    public async Task PutAsync(HttpContext context, string name)
    {
        WeirNode node = server.NodeForWriting(name);
        StreamDefinition definition = StreamDefinition.Parse(await SmallBody.ReadAsync(context.Request));
        bool isNew = !node.TryGetStream(name, out _);
        EventStream stream = await node.DefineStreamAsync(name, definition);
        await JsonAnswer.WriteAsync(context, writer => WriteStream(writer, stream), isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    public async Task DeleteAsync(HttpContext context, string name)
    {
        try
        {
            // Not looked up before: one whose deletion failed is no stream any more, and this deletes what is left of it.
            await server.NodeForWriting(name).DeleteStreamAsync(name);
        }
        catch (WeirException failure) when (failure.Code == ErrorCode.UnknownStream)
        {
            // Says more where there is one that cannot be opened.
            server.Stream(name);
            throw;
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task CloseAsync(HttpContext context, string name)
    {
        EventStream stream = server.StreamForWriting(name);
        await WriteMovedAsync(context, stream, await stream.CloseAsync());
    }

    public async Task OpenAsync(HttpContext context, string name)
    {
        EventStream stream = server.StreamForWriting(name);
        await WriteMovedAsync(context, stream, await stream.OpenAsync(Parameters.Flag(context, "reopen")));
    }

    /// <summary>Records of one partition, markers included, with their verdicts.</summary>
    public Task EventsAsync(HttpContext context, string name)
    {
        EventStream stream = server.Stream(name);
        int partition = (int)(Parameters.Integer(context, "partition", min: 0, stream.PartitionCount - 1) ?? 0);
        PartitionStatus status = stream.Partitions[partition];
        long offset = Math.Max(Parameters.Integer(context, "offset", min: 0, long.MaxValue) ?? status.LogStart, status.LogStart);
        int limit = (int)(Parameters.Integer(context, "limit", min: 1, MaxRecords) ?? DefaultRecords);
        IReadOnlyList<StoredEvent> events = stream.ReadEvents(partition, offset, limit);
        long next = events.Count == 0 ? offset : events[^1].Offset + 1;
        return JsonAnswer.WriteAsync(context, writer =>
        {
            BeginAnswer(writer, stream);
            WriteEvents(writer, events);
            writer.WriteNumber("next"u8, next);
            writer.WriteNumber("end"u8, status.FlushedEnd);
            writer.WriteEndObject();
        });
    }

    /// <summary>What became of an owner's events, or of those with an id.</summary>
    public Task ReceiptsAsync(HttpContext context, string name)
    {
        EventStream stream = server.Stream(name);
        string? owner = context.Request.Query["owner"];
        string? id = context.Request.Query["id"];
        if ((owner ?? id) is not { Length: > 0 } wanted)
        {
            throw new WeirException(ErrorCode.NoOwnerOrId, "Neither owner nor id is given.");
        }

        int limit = (int)(Parameters.Integer(context, "limit", min: 1, MaxRecords) ?? DefaultRecords);
        IReadOnlyList<StoredEvent> events = stream.FindReceipts(Encoding.UTF8.GetBytes(wanted), owner is null ? ReceiptBy.Id : ReceiptBy.Owner, limit);
        return JsonAnswer.WriteAsync(context, writer =>
        {
            BeginAnswer(writer, stream);
            writer.WriteString(owner is null ? "id"u8 : "owner"u8, wanted);
            writer.WriteStartArray("receipts"u8);
            foreach (StoredEvent stored in events)
            {
                StoredEventJson.Write(writer, stored);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    public Task DeadLettersAsync(HttpContext context, string name)
    {
        EventStream stream = server.Stream(name);
        Position? after = Parameters.Position(context, "after", stream.Name, stream.PartitionCount);
        int limit = (int)(Parameters.Integer(context, "limit", min: 1, MaxRecords) ?? DefaultRecords);
        IReadOnlyList<StoredEvent> events = stream.ReadDeadLetters(after?.Ends.ToArray(), limit, out long[] next);
        return JsonAnswer.WriteAsync(context, writer =>
        {
            BeginAnswer(writer, stream);
            WriteEvents(writer, events);
            if (events.Count > 0)
            {
                writer.WriteString("next"u8, new Position(stream.Name, next).ToString());
            }

            writer.WriteEndObject();
        });
    }

    private static Task WriteMovedAsync(HttpContext context, EventStream stream, Position position)
    {
        context.Response.Headers["Weir-Position"] = position.ToString();
        return JsonAnswer.WriteAsync(context, writer =>
        {
            BeginAnswer(writer, stream);
            writer.WriteString("phase"u8, Word(stream.Phase));
            writer.WriteBoolean("final"u8, stream.Phase == StreamPhase.Final);
            writer.WriteString("position"u8, position.ToString());
            writer.WriteEndObject();
        });
    }

    private static void BeginAnswer(Utf8JsonWriter writer, EventStream stream)
    {
        writer.WriteStartObject();
        writer.WriteString("stream"u8, stream.Name);
        if (stream.Reopened)
        {
            writer.WriteNumber("reopened"u8, 1);
        }
    }

    private static void WriteEvents(Utf8JsonWriter writer, IReadOnlyList<StoredEvent> events)
    {
        writer.WriteStartArray("events"u8);
        foreach (StoredEvent stored in events)
        {
            StoredEventJson.Write(writer, stored);
        }

        writer.WriteEndArray();
    }

    private static void WriteUnreadable(Utf8JsonWriter writer, WeirNode node)
    {
        if (node.Unreadable.Count == 0)
        {
            return;
        }

        writer.WriteStartArray("unreadable"u8);
        foreach ((string name, string reason) in node.Unreadable)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, name);
            writer.WriteString("reason"u8, reason);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void WriteStream(Utf8JsonWriter writer, EventStream stream)
    {
        writer.WriteStartObject();
        writer.WriteString("name"u8, stream.Name);
        writer.WriteString("id"u8, stream.Id);
        writer.WriteNumber("version"u8, stream.DefinitionVersion);
        writer.WriteString("phase"u8, Word(stream.Phase));
        if (stream.Reopened)
        {
            writer.WriteNumber("reopened"u8, 1);
        }

        writer.WriteString("delivery"u8, stream.Definition.Delivery switch
        {
            Delivery.AtMostOnce => "at-most-once",
            Delivery.AtLeastOnce => "at-least-once",
            _ => "exactly-once",
        });
        writer.WritePropertyName("definition"u8);
        writer.WriteRawValue(stream.Definition.ToJson(), skipInputValidation: true);
        writer.WriteString("position"u8, stream.FlushedPosition.ToString());
        WriteTotals(writer, stream);
        writer.WriteNumber("events_per_second"u8, Math.Round(server.Rates.EventsPerSecond(stream), 1));
        writer.WriteStartArray("partitions"u8);
        foreach (PartitionStatus partition in stream.Partitions)
        {
            WritePartition(writer, partition);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteTotals(Utf8JsonWriter writer, EventStream stream)
    {
        writer.WriteStartObject("totals"u8);
        long[] totals = stream.VerdictTotals;
        for (int verdict = (int)Verdict.Counted; verdict <= (int)Verdict.Invalid; verdict++)
        {
            writer.WriteNumber(((Verdict)verdict).Word(), totals[verdict]);
        }

        writer.WriteEndObject();
    }

    private static void WritePartition(Utf8JsonWriter writer, PartitionStatus partition)
    {
        writer.WriteStartObject();
        writer.WriteNumber("partition"u8, partition.Partition);
        writer.WriteString("state"u8, Word(partition.State));
        if (partition.Reason is { } reason)
        {
            writer.WriteString("reason"u8, reason);
        }

        writer.WriteNumber("log_start"u8, partition.LogStart);
        writer.WriteNumber("log_end"u8, partition.FlushedEnd);
        writer.WriteNumber("log_bytes"u8, partition.LogBytes);
        writer.WriteNumber("queued_bytes"u8, partition.QueuedBytes);
        writer.WriteNumber("owners"u8, partition.Owners);
        writer.WriteNumber("state_bytes"u8, partition.StateBytes);
        if (partition.HotKey is { } hotKey)
        {
            writer.WriteString("hot_key"u8, string.Create(CultureInfo.InvariantCulture, $"{hotKey} ({partition.HotKeyShare:P0})"));
        }

        writer.WriteEndObject();
    }

    internal static string Word(PartitionState state) => state switch
    {
        PartitionState.ReadOnly => "read-only",
        PartitionState.Stopped => "stopped",
        PartitionState.Recovering => "recovering",
        PartitionState.Unwritable => "unwritable",
        _ => "serving",
    };

    private static string Word(StreamPhase phase) => phase switch
    {
        StreamPhase.NotOpen => "not open",
        StreamPhase.Open => "open",
        StreamPhase.Closing => "closing",
        _ => "final",
    };
}
