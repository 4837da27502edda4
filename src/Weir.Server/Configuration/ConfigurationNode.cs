using System.Buffers;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Weir.Server.Configuration;

internal enum ConfigurationNodeKind
{
    Scalar,
    List,
    Map,
}

/// <summary>A value of the configuration with the place it was written: a scalar, a list or a map. Built from YAML; environment and command line are laid over it.</summary>
internal sealed partial class ConfigurationNode(ConfigurationNodeKind kind, ConfigurationOrigin origin)
{
    public ConfigurationNodeKind Kind { get; } = kind;

    public ConfigurationOrigin Origin { get; } = origin;

    /// <summary>Text of a scalar, without quotes.</summary>
    public string Text { get; init; } = "";

    /// <summary>True for a scalar that was quoted, or otherwise says that it is text whatever it looks like.</summary>
    public bool IsText { get; init; }

    public List<ConfigurationNode> Elements { get; } = [];

    public List<ConfigurationEntry> Entries { get; } = [];

    /// <summary>An empty scalar, <c>null</c> or <c>~</c>: the same as not writing the key.</summary>
    public bool IsNull => Kind == ConfigurationNodeKind.Scalar && !IsText && Text is "" or "~" or "null" or "Null" or "NULL";

    public ConfigurationNode? Find(string key) => Entries.Find(entry => entry.Key == key)?.Value;

    /// <summary>Puts a value under a key of this map, in place of what a lower layer said.</summary>
    public void Set(string key, ConfigurationNode value)
    {
        Entries.RemoveAll(entry => entry.Key == key);
        Entries.Add(new ConfigurationEntry(key, value.Origin, value));
    }

    /// <summary>The value as JSON: YAML 1.2's core schema decides what a plain scalar is.</summary>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            Write(writer);
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The value as it is shown to people: text as it is, anything else as JSON.</summary>
    public override string ToString() => Kind == ConfigurationNodeKind.Scalar ? Text : System.Text.Encoding.UTF8.GetString(ToJson());

    private void Write(Utf8JsonWriter writer)
    {
        switch (Kind)
        {
            case ConfigurationNodeKind.Map:
                writer.WriteStartObject();
                foreach (ConfigurationEntry entry in Entries.Where(entry => !entry.Value.IsNull))
                {
                    writer.WritePropertyName(entry.Key);
                    entry.Value.Write(writer);
                }

                writer.WriteEndObject();
                break;
            case ConfigurationNodeKind.List:
                writer.WriteStartArray();
                Elements.ForEach(element => element.Write(writer));
                writer.WriteEndArray();
                break;
            case ConfigurationNodeKind.Scalar when IsText:
                writer.WriteStringValue(Text);
                break;
            case ConfigurationNodeKind.Scalar when IsNull:
                writer.WriteNullValue();
                break;
            case ConfigurationNodeKind.Scalar when Text is "true" or "True" or "TRUE" or "false" or "False" or "FALSE":
                writer.WriteBooleanValue(Text[0] is 't' or 'T');
                break;
            case ConfigurationNodeKind.Scalar when JsonNumber().IsMatch(Text):
                writer.WriteRawValue(Text);
                break;
            default:
                writer.WriteStringValue(Text);
                break;
        }
    }

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex JsonNumber();
}

/// <summary>One key of a map, with the place of the key itself.</summary>
internal sealed record ConfigurationEntry(string Key, ConfigurationOrigin Origin, ConfigurationNode Value);
