using System.Globalization;
using System.Text.Json;
using Weir.Core;
using Weir.Sql;

namespace Weir.Recount;

/// <summary>What a declared field may hold.</summary>
internal enum FieldType
{
    String,
    Boolean,

    /// <summary>A whole number of 64 bits with its sign, however it is written: <c>1e3</c> is one.</summary>
    Integer,

    /// <summary>RFC 3339 text, or epoch milliseconds as an <see cref="Integer"/>.</summary>
    Time,
    Decimal,
}

/// <summary>One line of a definition's <c>fields</c>.</summary>
/// <param name="Precision">Digits in all, of a decimal.</param>
/// <param name="Scale">Digits after the point, of a decimal.</param>
internal sealed record DeclaredField(IReadOnlyList<PathStep> Path, FieldType Type, int Precision, int Scale);

/// <summary>What a define marker says about admission: the definition document of PUT /v1/streams/{stream}, as far as verdicts depend on it.</summary>
internal sealed class StreamRules
{
    /// <summary>Hashes owners under the stream's secret, which never changes.</summary>
    public required SecretHash Secret { get; init; }

    public required IReadOnlyList<IReadOnlyList<PathStep>> Key { get; init; }

    /// <summary>The id field; null: identity comes from headers only.</summary>
    public required IReadOnlyList<PathStep>? Id { get; init; }

    /// <summary>One claim per key, and which event has it; null: no claim.</summary>
    public required string? Keep { get; init; }

    /// <summary>Identities count once although there is no claim.</summary>
    public required bool CountsEachIdentityOnce { get; init; }

    /// <summary>Records of the partition over which an identity is remembered; null: for ever.</summary>
    public required long? Remember { get; init; }

    /// <summary>The stream waits for its open marker.</summary>
    public required bool HasOpening { get; init; }

    public required IReadOnlyList<DeclaredField> Fields { get; init; }
    public required int EventBytes { get; init; }
    public required int IdBytes { get; init; }
    public required int KeyBytes { get; init; }
    public required int Depth { get; init; }

    public bool HasClaim => Keep is not null;
    public bool KeepsLast => Keep == "last";

    /// <summary>The record's key follows from the event, so a record with another key does not belong into the log.</summary>
    public bool HasComputedKey => Key.Count > 0 || CountsEachIdentityOnce;

    /// <summary>Reads the value of a define marker.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.LogDamaged"/>: it is none. Retrying cannot help.</exception>
    public static StreamRules Read(ReadOnlyMemory<byte> marker)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(marker);
            if (document.RootElement.GetProperty("version").GetInt32() != 1)
            {
                throw new WeirException(ErrorCode.FormatTooNew, "A define marker has a later version than 1.");
            }

            byte[] secret = Convert.FromHexString(document.RootElement.GetProperty("secret").GetString()!);
            return Read(document.RootElement.GetProperty("definition"), new SecretHash(secret));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new WeirException(ErrorCode.LogDamaged, $"A define marker cannot be read: {e.Message}", e);
        }
    }

    private static StreamRules Read(JsonElement definition, SecretHash secret)
    {
        JsonElement? claim = Member(definition, "claim");
        JsonElement? limits = Member(definition, "limits");
        JsonElement? id = Member(definition, "id");
        bool exactlyOnce = Member(definition, "delivery") is { } delivery
            ? delivery.GetString() == "exactly-once"
            : id is not null || claim is not null;
        return new StreamRules
        {
            Secret = secret,
            // The owner of a claim is the key, also where only the claim names it.
            Key = (Member(definition, "key") ?? (claim is { } owner ? Member(owner, "by") : null)) is { } key ? [.. Strings(key).Select(ReadPath)] : [],
            Id = id is { } path ? ReadPath(path.GetString()!) : null,
            Keep = claim is { } by ? Member(by, "keep")?.GetString() ?? "first" : null,
            CountsEachIdentityOnce = exactlyOnce && claim is null,
            Remember = Member(definition, "remember")?.GetInt64(),
            HasOpening = Member(definition, "opens") is not null,
            Fields = Member(definition, "fields") is { } fields ? [.. fields.EnumerateObject().Select(field => ReadField(field.Name, field.Value.GetString()!))] : [],
            EventBytes = Limit("event_bytes", 1_000_000),
            IdBytes = Limit("id_bytes", 512),
            KeyBytes = Limit("key_bytes", 1_024),
            Depth = Limit("depth", 64),
        };

        int Limit(string name, int unlessGiven) => limits is { } given && Member(given, name) is { } value ? value.GetInt32() : unlessGiven;
    }

    private static JsonElement? Member(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static IEnumerable<string> Strings(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array ? json.EnumerateArray().Select(part => part.GetString()!) : [json.GetString()!];

    private static DeclaredField ReadField(string name, string type)
    {
        IReadOnlyList<PathStep> path = ReadPath(name);
        if (!type.StartsWith("decimal(", StringComparison.Ordinal))
        {
            return new DeclaredField(path, Enum.Parse<FieldType>(type, ignoreCase: true), Precision: 0, Scale: 0);
        }

        string[] parts = type["decimal(".Length..^1].Split(',');
        return new DeclaredField(path, FieldType.Decimal, int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    /// <summary>A path as definitions write it: <c>user.id</c>, <c>"a.b".c</c>, <c>items[0]</c>. Unlike in SQL no word is reserved.</summary>
    internal static IReadOnlyList<PathStep> ReadPath(string path)
    {
        var steps = new List<PathStep>();
        int at = 0;
        while (at < path.Length)
        {
            int end;
            if (path[at] == '"')
            {
                end = path.IndexOf('"', at + 1);
                steps.Add(PathStep.Member(path[(at + 1)..end]));
                end++;
            }
            else if (path[at] == '[')
            {
                end = path.IndexOf(']', at);
                steps.Add(PathStep.Element(int.Parse(path.AsSpan((at + 1)..end), CultureInfo.InvariantCulture)));
                end++;
            }
            else
            {
                end = path.AsSpan(at).IndexOfAny('.', '[') is var n and >= 0 ? at + n : path.Length;
                steps.Add(PathStep.Member(path[at..end]));
            }

            at = end < path.Length && path[end] == '.' ? end + 1 : end;
        }

        return steps;
    }
}
