using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Weir.Core;

namespace Weir.Engine;

/// <summary>The values of markers, JSON with a "version" of their own. Forms: docs/internals/markers.md.</summary>
internal static class MarkerJson
{
    public const int Version = 1;

    /// <summary>A define marker: the whole definition and the secret that owners are hashed with, so that the log alone gives the state.</summary>
    public static byte[] Define(StreamDefinition definition, ReadOnlySpan<byte> secret)
    {
        string secretHex = Convert.ToHexStringLower(secret);
        return Write(json =>
        {
            json.WritePropertyName("definition");
            json.WriteRawValue(definition.ToJson());
            json.WriteString("secret", secretHex);
        });
    }

    public static byte[] OpenOrClose(long atMs, bool isReopening, bool isDeclared, bool isOpening) => Write(json =>
    {
        json.WriteNumber("at", atMs);
        if (isOpening)
        {
            json.WriteBoolean("reopened", isReopening);
        }

        json.WriteString("reason", isDeclared ? "declared" : "requested");
    });

    /// <summary>Time and reopening of an open marker.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.LogDamaged"/>: it is none.</exception>
    public static (long AtMs, bool IsReopening) ReadOpen(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            JsonElement root = document.RootElement;
            return (root.GetProperty("at").GetInt64(), root.GetProperty("reopened").GetBoolean());
        }
        catch (Exception exception) when (IsMalformed(exception))
        {
            throw new WeirException(ErrorCode.LogDamaged, $"An open marker cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>The definition of a define marker.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.LogDamaged"/>: it is none, or its definition's own error.</exception>
    public static StreamDefinition ReadDefine(ReadOnlyMemory<byte> json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            int version = root.GetProperty("version").GetInt32();
            Invariant.Check(version == Version, string.Create(CultureInfo.InvariantCulture, $"A define marker of version {version}; this program reads version {Version}."));
            return StreamDefinition.Parse(System.Text.Encoding.UTF8.GetBytes(root.GetProperty("definition").GetRawText()));
        }
        catch (Exception exception) when (IsMalformed(exception))
        {
            throw new WeirException(ErrorCode.LogDamaged, $"A define marker cannot be read: {exception.Message}", exception);
        }
    }

    // What System.Text.Json throws for a text that is no JSON, and for JSON of another form.
    private static bool IsMalformed(Exception exception) => exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException;

    private static byte[] Write(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            members(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
