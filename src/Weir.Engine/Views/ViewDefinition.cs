using System.Buffers;
using System.Text.Json;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>A view as it is defined: the document of <c>PUT /v1/views/{view}</c> and of the configuration file. Immutable.</summary>
/// <param name="Sql">The query, as written.</param>
/// <param name="MaxGroups">Groups of one partition at which the view stops, 1 or more.</param>
/// <param name="Keep">Newest windows that a <c>tumble</c> keeps, 1 or more.</param>
public sealed record ViewDefinition(string Sql, int MaxGroups = ViewLimits.DefaultMaxGroups, int Keep = ViewLimits.DefaultKeepWindows)
{
    /// <summary>Reads <c>{"sql":"SELECT …","max_groups":1000000,"keep":10000}</c>, or the SQL alone as a JSON string.</summary>
    /// <exception cref="WeirException">The document is malformed or a value is out of range. The SQL itself is not looked at. A retry does not help.</exception>
    public static ViewDefinition Parse(ReadOnlyMemory<byte> json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException error)
        {
            throw new WeirException(ErrorCode.UnreadableBody, $"The view's definition is not valid JSON: {error.Message}");
        }
        catch (InvalidOperationException)
        {
            // Names are compared with each other while the document is read.
            throw HalfText();
        }

        using (document)
        {
            try
            {
                return document.RootElement.ValueKind switch
                {
                    JsonValueKind.String => new ViewDefinition(document.RootElement.GetString()!),
                    JsonValueKind.Object => ParseObject(document.RootElement),
                    _ => throw Wrong("the view's definition", "an object or a string of SQL"),
                };
            }
            catch (InvalidOperationException)
            {
                throw HalfText();
            }
        }
    }

    private static WeirException HalfText() => new(ErrorCode.UnreadableBody, "The view's definition has a name or a value that is not UTF-8, or half a surrogate pair.");

    /// <summary>The document, with defaults left out. Parsing it gives an equal definition.</summary>
    public byte[] ToJson()
    {
        ArrayBufferWriter<byte> json = new();
        using (Utf8JsonWriter writer = new(json))
        {
            writer.WriteStartObject();
            writer.WriteString("sql"u8, Sql);
            if (MaxGroups != ViewLimits.DefaultMaxGroups)
            {
                writer.WriteNumber("max_groups"u8, MaxGroups);
            }

            if (Keep != ViewLimits.DefaultKeepWindows)
            {
                writer.WriteNumber("keep"u8, Keep);
            }

            writer.WriteEndObject();
        }

        return json.WrittenSpan.ToArray();
    }

    private static ViewDefinition ParseObject(JsonElement document)
    {
        string? sql = null;
        int maxGroups = ViewLimits.DefaultMaxGroups;
        int keep = ViewLimits.DefaultKeepWindows;
        foreach (JsonProperty property in document.EnumerateObject())
        {
            switch (property.Name)
            {
                case "sql":
                    sql = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString() : throw Wrong("sql", "a string");
                    break;
                case "max_groups":
                    maxGroups = PositiveInteger(property);
                    break;
                case "keep":
                    keep = PositiveInteger(property);
                    break;
                default:
                    throw new WeirException(ErrorCode.UnknownConfigurationKey, $"A view has no key {property.Name}; it has sql, max_groups and keep.");
            }
        }

        return new ViewDefinition(sql ?? throw Wrong("sql", "a query"), maxGroups, keep);
    }

    private static int PositiveInteger(JsonProperty property) =>
        property.Value.ValueKind == JsonValueKind.Number && property.Value.TryGetInt32(out int value) && value > 0
            ? value
            : throw Wrong(property.Name, "a whole number from 1 to 2147483647");

    private static WeirException Wrong(string what, string expected) =>
        new(ErrorCode.ConfigurationType, $"Expected {expected} for {what}.");
}
