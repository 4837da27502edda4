using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary><see cref="StreamDefinition"/> to JSON, defaults left out, always in the same order.</summary>
internal static class StreamDefinitionWriter
{
    public static byte[] Write(StreamDefinition definition)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("partitions", definition.Partitions);
            json.WriteString("partitioner", definition.Partitioner == PartitionerKind.Murmur2 ? "murmur2" : "crc32");
            WritePaths(json, "key", definition.Key);
            if (definition.Id is { } id)
            {
                json.WriteString("id", id.ToString());
            }

            if (definition.Claim is { } keep)
            {
                json.WriteStartObject("claim");
                WritePaths(json, "by", definition.Key);
                json.WriteString("keep", keep == ClaimKeep.First ? "first" : "last");
                json.WriteEndObject();
            }

            json.WriteString("delivery", definition.Delivery switch { Delivery.AtMostOnce => "at-most-once", Delivery.AtLeastOnce => "at-least-once", _ => "exactly-once" });
            WriteInstant(json, "opens", definition.Opens);
            WriteInstant(json, "closes", definition.Closes);
            json.WriteString("grace", TimeText.FormatDuration(definition.Grace));
            if (definition.Fields.Count > 0)
            {
                json.WriteStartObject("fields");
                foreach (DeclaredField field in definition.Fields)
                {
                    json.WriteString(field.Path.ToString(), field.TypeText);
                }

                json.WriteEndObject();
            }

            if (definition.Remember is { } remember)
            {
                json.WriteNumber("remember", remember);
            }

            if (definition.OnInvalid != OnInvalid.ByProtocol)
            {
                json.WriteString("on-invalid", definition.OnInvalid == OnInvalid.Refuse ? "refuse" : "dead-letter");
            }

            if (definition.Retention is { } retention)
            {
                json.WriteString("retention", retention.Age is { } age ? TimeText.FormatDuration(age) : FormatBytes(retention.Bytes!.Value));
            }

            WriteLimits(json, definition.Limits);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteLimits(Utf8JsonWriter json, StreamLimits limits)
    {
        if (limits == new StreamLimits())
        {
            return;
        }

        json.WriteStartObject("limits");
        json.WriteNumber("event_bytes", limits.EventBytes);
        json.WriteNumber("id_bytes", limits.IdBytes);
        json.WriteNumber("key_bytes", limits.KeyBytes);
        json.WriteNumber("depth", limits.Depth);
        json.WriteNumber("state_bytes", limits.StateBytes);
        json.WriteEndObject();
    }

    private static void WritePaths(Utf8JsonWriter json, string name, IReadOnlyList<ColumnPath> paths)
    {
        if (paths.Count == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (ColumnPath path in paths)
        {
            json.WriteStringValue(path.ToString());
        }

        json.WriteEndArray();
    }

    private static void WriteInstant(Utf8JsonWriter json, string name, DateTimeOffset? instant)
    {
        if (instant is { } value)
        {
            json.WriteString(name, TimeText.FormatRfc3339(value.ToUnixTimeMilliseconds()));
        }
    }

    private static string FormatBytes(long bytes)
    {
        (long unit, string name) = bytes switch
        {
            _ when bytes % (1L << 40) == 0 => (1L << 40, "TiB"),
            _ when bytes % (1L << 30) == 0 => (1L << 30, "GiB"),
            _ when bytes % (1L << 20) == 0 => (1L << 20, "MiB"),
            _ when bytes % (1L << 10) == 0 => (1L << 10, "KiB"),
            _ => (1, "B"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / unit}{name}");
    }
}
