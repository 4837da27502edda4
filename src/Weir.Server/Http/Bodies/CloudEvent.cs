using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Weir.Server.Http.Bodies;

/// <summary>
/// A CloudEvent 1.0 taken apart: its data, which becomes the event's value, and its attributes, which become headers <c>ce_*</c>
/// as in the Kafka binding (<c>datacontenttype</c> becomes <c>content-type</c>).
/// </summary>
internal ref struct CloudEvent
{
    /// <summary>Bytes of the event given; or decoded from <c>data_base64</c>. Empty where there is no data.</summary>
    public ReadOnlySpan<byte> Data;

    public List<KeyValuePair<string, string>> Headers;

    /// <summary>What is wrong with it; null when it can be taken.</summary>
    public string? Fault;

    /// <summary>True when the request carries a CloudEvent in its headers (binary mode).</summary>
    public static bool IsBinary(IHeaderDictionary headers) => headers.ContainsKey("ce-specversion");

    /// <summary>Attributes from the request's headers; values are percent-decoded.</summary>
    public static CloudEvent FromHeaders(IHeaderDictionary headers, string? contentType)
    {
        var cloudEvent = new CloudEvent { Headers = [] };
        foreach ((string name, StringValues value) in headers)
        {
            if (name.StartsWith("ce-", StringComparison.OrdinalIgnoreCase))
            {
                cloudEvent.Add(name[3..].ToLowerInvariant(), Uri.UnescapeDataString(value.ToString()));
            }
        }

        if (contentType is not null)
        {
            cloudEvent.Headers.Add(new("content-type", contentType));
        }

        cloudEvent.Check();
        return cloudEvent;
    }

    /// <summary>Takes apart an event in structured mode: one JSON object with attributes and data side by side.</summary>
    /// <param name="json">Whatever was sent; it need not be JSON.</param>
    public static CloudEvent FromJson(ReadOnlySpan<byte> json)
    {
        var cloudEvent = new CloudEvent { Headers = [] };
        try
        {
            cloudEvent.Read(json);
            cloudEvent.Check();
        }
        catch (JsonException broken)
        {
            cloudEvent.Fault = $"The CloudEvent is not valid JSON: byte {broken.BytePositionInLine} of line {broken.LineNumber + 1}.";
        }
        catch (InvalidOperationException)
        {
            cloudEvent.Fault = "The CloudEvent has a name or a value that is not UTF-8, or half a surrogate pair.";
        }
        catch (FormatException)
        {
            cloudEvent.Fault = "data_base64 is not base64.";
        }

        return cloudEvent;
    }

    private void Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 512 });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            Fault = "A CloudEvent is a JSON object.";
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            switch (name)
            {
                case "data":
                    int start = (int)reader.TokenStartIndex;
                    reader.Skip();
                    Data = json[start..(int)reader.BytesConsumed];
                    break;
                case "data_base64":
                    Data = reader.TokenType == JsonTokenType.String ? reader.GetBytesFromBase64() : throw new FormatException();
                    break;
                default:
                    Add(name, ValueOf(ref reader));
                    break;
            }
        }

        // The object ended: nothing but white space may follow, and the reader throws where something does.
        reader.Read();
    }

    private static string? ValueOf(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String => reader.GetString(),
        JsonTokenType.Number => System.Text.Encoding.UTF8.GetString(reader.ValueSpan),
        JsonTokenType.True => "true",
        JsonTokenType.False => "false",
        JsonTokenType.Null => "",
        _ => Skip(ref reader),
    };

    private static string? Skip(ref Utf8JsonReader reader)
    {
        reader.Skip();
        return null;
    }

    private void Add(string name, string? value)
    {
        if (value is null || name.Length is 0 or > 60 || name.AsSpan().ContainsAnyExcept(AttributeLetters))
        {
            Fault ??= $"The attribute `{name}` is not a name of lower-case letters and digits with a string, number or boolean.";
        }
        else if (value.Length > 0)
        {
            Headers.Add(new(name == "datacontenttype" ? "content-type" : "ce_" + name, value));
        }
    }

    private static readonly System.Buffers.SearchValues<char> AttributeLetters = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789");

    private void Check()
    {
        foreach (string required in (ReadOnlySpan<string>)["ce_specversion", "ce_id", "ce_source", "ce_type"])
        {
            int found = Headers.FindIndex(header => header.Key == required);
            if (found < 0)
            {
                Fault ??= $"The attribute `{required[3..]}` is missing or empty.";
            }
            else if (required == "ce_specversion" && Headers[found].Value != "1.0")
            {
                Fault ??= $"specversion is `{Headers[found].Value}`; 1.0 is read.";
            }
        }
    }
}
