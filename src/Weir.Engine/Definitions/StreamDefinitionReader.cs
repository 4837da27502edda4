using System.Globalization;
using System.Text.Json;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>JSON to <see cref="StreamDefinition"/>, collecting every fault.</summary>
internal sealed class StreamDefinitionReader
{
    private static readonly string[] Keys = ["partitions", "partitioner", "key", "id", "claim", "delivery", "opens", "closes", "grace", "fields", "remember", "on-invalid", "retention", "limits"];
    private static readonly string[] LimitKeys = ["event_bytes", "id_bytes", "key_bytes", "depth", "state_bytes"];

    private readonly List<DefinitionFault> _faults = [];

    public static StreamDefinition Read(ReadOnlyMemory<byte> json)
    {
        var reader = new StreamDefinitionReader();
        StreamDefinition definition = new();
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            definition = reader.ReadRoot(document.RootElement);
        }
        catch (JsonException exception)
        {
            reader.Fault("", ErrorCode.ConfigurationSyntax, $"The definition is not valid JSON: {exception.Message}");
        }
        catch (InvalidOperationException)
        {
            reader.Fault("", ErrorCode.ConfigurationSyntax, "The definition has a name or a value that is not UTF-8, or half a surrogate pair.");
        }

        return reader._faults.Count == 0 ? definition : throw new DefinitionException(reader._faults);
    }

    private StreamDefinition ReadRoot(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            Fault("", ErrorCode.ConfigurationType, "A definition is an object.");
            return new StreamDefinition();
        }

        CheckKeys(root, "", Keys);
        IReadOnlyList<ColumnPath> key = Paths(root, "key");
        ColumnPath? id = Text(root, "id") is { } idText ? Path(idText, "id") : null;
        ClaimKeep? claim = Claim(root, key);
        Delivery implied = id is not null || claim is not null ? Delivery.ExactlyOnce : Delivery.AtLeastOnce;
        var definition = new StreamDefinition
        {
            Partitions = (int)Number(root, "partitions", 4, 1, StreamDefinition.MaxPartitions),
            Partitioner = Word(root, "partitioner", PartitionerKind.Murmur2, ("murmur2", PartitionerKind.Murmur2), ("crc32", PartitionerKind.Crc32)),
            Key = key,
            Id = id,
            Claim = claim,
            Delivery = Word(root, "delivery", implied, ("at-most-once", Delivery.AtMostOnce), ("at-least-once", Delivery.AtLeastOnce), ("exactly-once", Delivery.ExactlyOnce)),
            Opens = Instant(root, "opens"),
            Closes = Instant(root, "closes"),
            Grace = Duration(root, "grace", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)) ?? TimeSpan.Zero,
            Fields = Fields(root),
            Remember = Has(root, "remember") ? Number(root, "remember", 1, 1, 1L << 47) : null,
            OnInvalid = Word(root, "on-invalid", OnInvalid.ByProtocol, ("refuse", OnInvalid.Refuse), ("dead-letter", OnInvalid.DeadLetter)),
            Retention = Retention(root),
            Limits = Limits(root),
        };

        if (definition.Opens is { } opens && definition.Closes is { } closes && closes <= opens)
        {
            Fault("closes", ErrorCode.ClosesBeforeOpens, $"closes ({TimeText.FormatRfc3339(closes.ToUnixTimeMilliseconds())}) is not later than opens ({TimeText.FormatRfc3339(opens.ToUnixTimeMilliseconds())}).");
        }

        if (definition.Remember is not null && claim is not null)
        {
            Fault("remember", ErrorCode.RememberWithClaim, "remember bounds identity, and a claim lasts as long as the stream.");
        }

        if (definition.Retention is not null && claim == ClaimKeep.Last)
        {
            Fault("retention", ErrorCode.RetentionWithKeepLast, "with claim.keep: last an earlier event must stay readable until it is replaced.");
        }

        if (claim is not null && definition.Delivery != Delivery.ExactlyOnce)
        {
            Fault("delivery", ErrorCode.ConfigurationValue, "a stream with a claim is exactly-once.");
        }

        return definition;
    }

    private ClaimKeep? Claim(JsonElement root, IReadOnlyList<ColumnPath> key)
    {
        if (!root.TryGetProperty("claim", out JsonElement claim) || claim.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (claim.ValueKind != JsonValueKind.Object)
        {
            Fault("claim", ErrorCode.ConfigurationType, "expected an object such as { by: user, keep: first }.");
            return null;
        }

        CheckKeys(claim, "claim", ["by", "keep"]);
        IReadOnlyList<ColumnPath> by = Paths(claim, "by", "claim.by");
        if (!by.SequenceEqual(key) || by.Count == 0)
        {
            Fault("claim.by", ErrorCode.ClaimIsNotKey, $"claim.by is [{string.Join(", ", by)}], and the stream's key is [{string.Join(", ", key)}]; they must be the same fields in the same order.");
        }

        return Word(claim, "keep", ClaimKeep.First, "claim.keep", ("first", ClaimKeep.First), ("last", ClaimKeep.Last));
    }

    private List<DeclaredField> Fields(JsonElement root)
    {
        List<DeclaredField> fields = [];
        if (root.TryGetProperty("fields", out JsonElement declared) && declared.ValueKind != JsonValueKind.Null)
        {
            if (declared.ValueKind != JsonValueKind.Object)
            {
                Fault("fields", ErrorCode.ConfigurationType, "expected an object of field names and types.");
                return fields;
            }

            foreach (JsonProperty property in declared.EnumerateObject())
            {
                string at = $"fields.{property.Name}";
                ColumnPath? path = Path(property.Name, at);
                if (property.Value.ValueKind != JsonValueKind.String || path is null || !DeclaredField.TryParseType(property.Value.GetString()!, path, out DeclaredField field))
                {
                    Fault(at, ErrorCode.ConfigurationValue, "expected string, boolean, integer, time or decimal(precision,scale) with precision up to 28 and scale up to 9.");
                    continue;
                }

                fields.Add(field);
            }
        }

        return fields;
    }

    private RetentionDefinition? Retention(JsonElement root)
    {
        if (!root.TryGetProperty("retention", out JsonElement retention) || retention.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (retention.ValueKind == JsonValueKind.String && TimeText.TryParseDuration(retention.GetString()!, out TimeSpan age) && age > TimeSpan.Zero)
        {
            return new RetentionDefinition(age, null);
        }

        if (retention.ValueKind == JsonValueKind.String && TryParseBytes(retention.GetString()!, out long bytes))
        {
            return new RetentionDefinition(null, bytes);
        }

        Fault("retention", ErrorCode.ConfigurationValue, "expected a time such as 7d or a size such as 100GiB.");
        return null;
    }

    private StreamLimits Limits(JsonElement root)
    {
        if (!root.TryGetProperty("limits", out JsonElement limits) || limits.ValueKind == JsonValueKind.Null)
        {
            return new StreamLimits();
        }

        if (limits.ValueKind != JsonValueKind.Object)
        {
            Fault("limits", ErrorCode.ConfigurationType, "expected an object.");
            return new StreamLimits();
        }

        CheckKeys(limits, "limits", LimitKeys);
        return new StreamLimits
        {
            EventBytes = (int)Number(limits, "event_bytes", 1_000_000, 16, 16 << 20, "limits.event_bytes"),
            IdBytes = (int)Number(limits, "id_bytes", 512, 1, StreamLimits.MaxKeyBytes, "limits.id_bytes"),
            KeyBytes = (int)Number(limits, "key_bytes", 1024, 1, StreamLimits.MaxKeyBytes, "limits.key_bytes"),
            Depth = (int)Number(limits, "depth", 64, 1, StreamLimits.MaxDepth, "limits.depth"),
            StateBytes = Number(limits, "state_bytes", 0, 0, 1L << 42, "limits.state_bytes"),
        };
    }

    private IReadOnlyList<ColumnPath> Paths(JsonElement parent, string name, string? at = null)
    {
        at ??= name;
        if (!Has(parent, name))
        {
            return [];
        }

        JsonElement value = parent.GetProperty(name);
        List<string> texts = [];
        if (value.ValueKind == JsonValueKind.String)
        {
            texts.Add(value.GetString()!);
        }
        else if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() is > 0 and <= 16 && value.EnumerateArray().All(part => part.ValueKind == JsonValueKind.String))
        {
            texts.AddRange(value.EnumerateArray().Select(part => part.GetString()!));
        }
        else
        {
            Fault(at, ErrorCode.ConfigurationType, "expected a field name or a list of 1 to 16 field names.");
        }

        return [.. texts.Select(text => Path(text, at)).OfType<ColumnPath>()];
    }

    private ColumnPath? Path(string text, string at)
    {
        try
        {
            // Plain names need no quotes here, reserved words neither: key: [year, from, to].
            bool isPlain = text.AsSpan().IndexOfAny('"', '[') < 0 && text.Split('.').All(name => name.Length > 0 && !name.Any(char.IsWhiteSpace));
            ColumnPath path = isPlain ? ColumnPath.Field(text.Split('.')) : ColumnPath.Parse(text);
            if (path.Root == ColumnRoot.Field)
            {
                return path;
            }

            Fault(at, ErrorCode.ConfigurationValue, $"'{text}' is not a field of the event.");
        }
        catch (SqlException exception)
        {
            Fault(at, ErrorCode.ConfigurationValue, $"'{text}' is not a field path such as user or user.id: {exception.Message}");
        }

        return null;
    }

    private string? Text(JsonElement parent, string name)
    {
        if (!Has(parent, name))
        {
            return null;
        }

        JsonElement value = parent.GetProperty(name);
        if (value.ValueKind == JsonValueKind.String)
        {
            return value.GetString();
        }

        Fault(name, ErrorCode.ConfigurationType, "expected text.");
        return null;
    }

    private long Number(JsonElement parent, string name, long otherwise, long least, long most, string? at = null)
    {
        if (!Has(parent, name))
        {
            return otherwise;
        }

        JsonElement value = parent.GetProperty(name);
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= least && number <= most)
        {
            return number;
        }

        Fault(at ?? name, ErrorCode.ConfigurationValue, string.Create(CultureInfo.InvariantCulture, $"expected a whole number from {least} to {most}, found {value.GetRawText()}."));
        return otherwise;
    }

    private T Word<T>(JsonElement parent, string name, T otherwise, params ReadOnlySpan<(string Text, T Value)> words) => Word(parent, name, otherwise, name, words);

    private T Word<T>(JsonElement parent, string name, T otherwise, string at, params ReadOnlySpan<(string Text, T Value)> words)
    {
        if (!Has(parent, name))
        {
            return otherwise;
        }

        string? text = parent.GetProperty(name).ValueKind == JsonValueKind.String ? parent.GetProperty(name).GetString() : null;
        List<string> allowed = [];
        foreach ((string word, T value) in words)
        {
            if (word == text)
            {
                return value;
            }

            allowed.Add(word);
        }

        Fault(at, ErrorCode.ConfigurationValue, $"expected {string.Join(" or ", allowed)}, found {parent.GetProperty(name).GetRawText()}.");
        return otherwise;
    }

    private DateTimeOffset? Instant(JsonElement root, string name)
    {
        if (Text(root, name) is not { } text)
        {
            return null;
        }

        if (TimeText.TryParseRfc3339(System.Text.Encoding.UTF8.GetBytes(text), out long epochMs))
        {
            return DateTimeOffset.FromUnixTimeMilliseconds(epochMs);
        }

        Fault(name, ErrorCode.ConfigurationValue, $"expected a time such as 2026-11-20T20:00:00Z, found '{text}'.");
        return null;
    }

    private TimeSpan? Duration(JsonElement root, string name, TimeSpan? otherwise, TimeSpan most)
    {
        if (Text(root, name) is not { } text)
        {
            return otherwise;
        }

        if (TimeText.TryParseDuration(text, out TimeSpan duration) && duration <= most)
        {
            return duration;
        }

        Fault(name, ErrorCode.ConfigurationValue, $"expected a duration such as 500ms or 1s, at most {TimeText.FormatDuration(most)}, found '{text}'.");
        return otherwise;
    }

    private static bool TryParseBytes(string text, out long bytes)
    {
        bytes = 0;
        foreach ((string unit, long size) in new[] { ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("B", 1L) })
        {
            if (text.EndsWith(unit, StringComparison.Ordinal))
            {
                bool isGood = long.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long count) && count > 0 && count <= RetentionDefinition.MaxBytes / size;
                bytes = isGood ? count * size : 0;
                return isGood;
            }
        }

        return false;
    }

    private static bool Has(JsonElement parent, string name) => parent.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null;

    private void CheckKeys(JsonElement parent, string at, string[] known)
    {
        foreach (JsonProperty property in parent.EnumerateObject())
        {
            if (!known.Contains(property.Name))
            {
                Fault(at.Length == 0 ? property.Name : $"{at}.{property.Name}", ErrorCode.UnknownConfigurationKey, $"there is no such key; known here: {string.Join(", ", known)}.");
            }
        }
    }

    private void Fault(string path, ErrorCode code, string detail) => _faults.Add(new DefinitionFault(path, code, detail));
}
