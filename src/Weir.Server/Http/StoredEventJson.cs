using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weir.Core;
using Weir.Engine;

namespace Weir.Server.Http;

/// <summary>A record as it is shown: place, time, verdict, key, headers, value.</summary>
internal static class StoredEventJson
{
    public static void Write(Utf8JsonWriter writer, StoredEvent stored)
    {
        writer.WriteStartObject();
        writer.WriteNumber("partition"u8, stored.Partition);
        writer.WriteNumber("offset"u8, stored.Offset);
        writer.WriteString("time"u8, TimeText.FormatRfc3339(stored.AppendTimeMs));
        if (stored.Marker is { } marker)
        {
            writer.WriteString("marker"u8, marker.ToString().ToLowerInvariant());
        }
        else
        {
            writer.WriteString("verdict"u8, stored.Verdict == Verdict.None ? "undecided" : stored.Verdict.Word());
        }

        if (stored.Reason != VerdictReason.None)
        {
            writer.WriteString("reason"u8, Word(stored.Reason));
        }

        if (stored.ReplacedOffset >= 0)
        {
            writer.WriteNumber("replaces"u8, stored.ReplacedOffset);
        }

        if (stored.Marker is null && stored.Key is { } key)
        {
            writer.WriteString("key"u8, key);
        }

        if (stored.Headers.Count > 0)
        {
            writer.WriteStartObject("headers"u8);
            foreach ((string name, string value) in stored.Headers)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        WriteValue(writer, stored.Marker == MarkerType.Define ? WithoutSecret(stored.Value) : stored.Value);
        writer.WriteEndObject();
    }

    // A dead letter need not be JSON: it is then shown as text, its broken UTF-8 replaced.
    /// <summary>A define marker as anybody may see it: who knows the secret could aim owners at one entry of the table.</summary>
    private static byte[] WithoutSecret(byte[] define)
    {
        JsonNode marker = JsonNode.Parse(define)!;
        marker.AsObject().Remove("secret");
        return JsonSerializer.SerializeToUtf8Bytes(marker);
    }

    private static void WriteValue(Utf8JsonWriter writer, byte[] value)
    {
        if (IsJson(value))
        {
            writer.WritePropertyName("value"u8);
            writer.WriteRawValue(value, skipInputValidation: true);
        }
        else
        {
            writer.WriteString("text"u8, Encoding.UTF8.GetString(value));
        }
    }

    private static bool IsJson(byte[] value)
    {
        try
        {
            var reader = new Utf8JsonReader(value, new JsonReaderOptions { MaxDepth = 1024 });
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && !System.Text.Unicode.Utf8.IsValid(reader.ValueSpan))
                {
                    return false;
                }
            }

            return value.Length > 0;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Word(VerdictReason reason) => reason switch
    {
        VerdictReason.NotOpenYet => "not open yet",
        VerdictReason.AfterClose => "after close",
        VerdictReason.NotAnObject => "not an object",
        VerdictReason.KeyMissing => "key missing",
        VerdictReason.KeyWrongType => "key of the wrong type",
        VerdictReason.IdMissing => "id missing",
        VerdictReason.IdWrongType => "id of the wrong type",
        VerdictReason.FieldMismatch => "field mismatch",
        VerdictReason.DuplicateField => "field twice",
        VerdictReason.OverLimit => "over a limit",
        _ => "",
    };
}
