using System.Text.Json;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests;

/// <summary>A record as a client told of it.</summary>
internal sealed record ToldRecord(int Partition, long Offset, string? Key, string? Value);

/// <summary>Reads the lines that the programs in <c>clients</c> print: one JSON object each, whose names are those of <c>kcat -J</c>.</summary>
internal static class Told
{
    public static IReadOnlyList<ToldRecord> Records(IEnumerable<string> lines) =>
        [.. Parse(lines).Where(line => line.TryGetProperty("payload", out _)).Select(line => new ToldRecord(
            line.GetProperty("partition").GetInt32(),
            line.GetProperty("offset").GetInt64(),
            line.GetProperty("key").GetString(),
            line.GetProperty("payload").GetString()))];

    /// <summary>The last offset that a member was told to be committed, by partition.</summary>
    public static IReadOnlyDictionary<int, long> Committed(IEnumerable<string> lines) =>
        Parse(lines).Where(line => line.TryGetProperty("committed", out _)).GroupBy(line => line.GetProperty("partition").GetInt32())
            .ToDictionary(partition => partition.Key, partition => partition.Last().GetProperty("committed").GetInt64());

    public static IEnumerable<JsonElement> Parse(IEnumerable<string> lines) => lines.Where(line => line.StartsWith('{')).Select(line => JsonDocument.Parse(line).RootElement);
}
