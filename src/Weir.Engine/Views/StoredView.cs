using System.Buffers;
using System.Text;
using System.Text.Json;
using Weir.Core;

namespace Weir.Engine;

/// <summary>What a view's <c>definition.json</c> holds.</summary>
/// <param name="Version">Higher than that of any earlier definition under this name.</param>
internal sealed record StoredView(string Name, int Version, ViewDefinition Definition)
{
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("name", Name);
            json.WriteNumber("version", Version);
            json.WritePropertyName("definition");
            json.WriteRawValue(Definition.ToJson());
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="WeirException">The file is not what <see cref="ToJson"/> wrote.</exception>
    public static StoredView Parse(string name, ReadOnlyMemory<byte> json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            if (document.RootElement.GetProperty("name").GetString() is { } other && other != name)
            {
                throw new WeirException(ErrorCode.NotADataDirectory, $"The definition of the view {name} is that of {other}: a file was exchanged.");
            }

            return new StoredView(
                name,
                document.RootElement.GetProperty("version").GetInt32(),
                ViewDefinition.Parse(Encoding.UTF8.GetBytes(document.RootElement.GetProperty("definition").GetRawText())));
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new WeirException(ErrorCode.NotADataDirectory, $"The definition of the view {name} cannot be read: {exception.Message}", exception);
        }
    }
}
