using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;

namespace Weir.Server.Http;

/// <summary>Writes /openapi.json (OpenAPI 3.1) from the table of routes.</summary>
internal static class OpenApiDocument
{
    public static byte[] Of(IReadOnlyList<Route> routes, string version)
    {
        var body = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(body, new JsonWriterOptions { Indented = true, Encoder = JsonAnswer.WriterOptions.Encoder });
        writer.WriteStartObject();
        writer.WriteString("openapi", "3.1.1");
        writer.WriteStartObject("info");
        writer.WriteString("title", "Weir");
        writer.WriteString("version", version);
        writer.WriteString("description", "Counts floods of small writes exactly once and fans the live numbers out. docs/reference/http.md shows every answer.");
        writer.WriteEndObject();
        writer.WriteStartObject("paths");
        foreach (IGrouping<string, Route> path in routes.GroupBy(route => route.Pattern))
        {
            writer.WriteStartObject(path.Key);
            foreach (Route route in path)
            {
                WriteOperation(writer, route);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        WriteComponents(writer);
        writer.WriteEndObject();
        writer.Flush();
        return body.WrittenSpan.ToArray();
    }

    private static void WriteOperation(Utf8JsonWriter writer, Route route)
    {
        writer.WriteStartObject(route.Method.ToLowerInvariant());
        writer.WriteString("summary", route.Summary);
        writer.WriteStartArray("parameters");
        int brace = route.Pattern.IndexOf('{', StringComparison.Ordinal);
        if (brace >= 0)
        {
            WriteParameter(writer, new RouteParameter(route.Pattern[(brace + 1)..route.Pattern.IndexOf('}', StringComparison.Ordinal)], "Its name.", "path", IsRequired: true));
        }

        foreach (RouteParameter parameter in route.Parameters)
        {
            WriteParameter(writer, parameter);
        }

        writer.WriteEndArray();
        if (route.Accepts.Count > 0)
        {
            writer.WriteStartObject("requestBody");
            writer.WriteBoolean("required", true);
            writer.WriteStartObject("content");
            foreach (string type in route.Accepts)
            {
                writer.WriteStartObject(type);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteStartObject("responses");
        foreach (int status in route.Statuses)
        {
            WriteResponse(writer, route, status);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteResponse(Utf8JsonWriter writer, Route route, int status)
    {
        writer.WriteStartObject(status.ToString(CultureInfo.InvariantCulture));
        writer.WriteString("description", ReasonPhrases.GetReasonPhrase(status));
        if (status != 304)
        {
            writer.WriteStartObject("content");
            writer.WriteStartObject(status >= 400 ? Problem.ContentType : route.Produces);
            if (status >= 400)
            {
                writer.WriteStartObject("schema");
                writer.WriteString("$ref", "#/components/schemas/Problem");
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteParameter(Utf8JsonWriter writer, RouteParameter parameter)
    {
        writer.WriteStartObject();
        writer.WriteString("name", parameter.Name);
        writer.WriteString("in", parameter.In);
        writer.WriteBoolean("required", parameter.IsRequired);
        writer.WriteString("description", parameter.Description);
        writer.WriteStartObject("schema");
        writer.WriteString("type", "string");
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteComponents(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("components");
        writer.WriteStartObject("schemas");
        writer.WriteStartObject("Problem");
        writer.WriteString("type", "object");
        writer.WriteStartObject("properties");
        foreach ((string name, string type) in ((string, string)[])[
            ("type", "string"), ("title", "string"), ("status", "integer"), ("detail", "string"), ("instance", "string"),
            ("code", "string"), ("remedy", "string"), ("retryable", "boolean"), ("traceId", "string")])
        {
            writer.WriteStartObject(name);
            writer.WriteString("type", type);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
