using System.Buffers;
using System.Text;
using System.Text.Json;
using Weir.Core;

namespace Weir.Engine;

/// <summary>What a stream's <c>definition.json</c> holds.</summary>
/// <param name="Secret">16 bytes: the key of the hash that stands for owners.</param>
/// <param name="Version">1 for the first definition.</param>
internal sealed record StoredStream(string Name, Guid Id, byte[] Secret, long Version, StreamDefinition Definition)
{
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("name", Name);
            json.WriteString("id", Id);
            json.WriteString("secret", Convert.ToHexStringLower(Secret));
            json.WriteNumber("version", Version);
            json.WritePropertyName("definition");
            json.WriteRawValue(Definition.ToJson());
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="WeirException">The file is not what <see cref="ToJson"/> wrote.</exception>
    public static StoredStream Parse(ReadOnlyMemory<byte> json, string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            return new StoredStream(
                root.GetProperty("name").GetString()!,
                root.GetProperty("id").GetGuid(),
                Convert.FromHexString(root.GetProperty("secret").GetString()!),
                root.GetProperty("version").GetInt64(),
                StreamDefinition.Parse(Encoding.UTF8.GetBytes(root.GetProperty("definition").GetRawText())));
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentNullException)
        {
            throw new WeirException(ErrorCode.NotADataDirectory, $"{path} is not a stream's definition: {exception.Message}", exception);
        }
    }
}
