using System.Text.Json;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests.Scenarios;

/// <summary>A client compresses with each codec that it has: the log keeps the batches as they came, and the client reads them all back.</summary>
internal static class CodecsScenario
{
    private const int Partitions = 1;
    private const int Count = 100;

    private static readonly string Padding = new('.', 200);

    public static async Task<string> RunAsync(ClientBench bench)
    {
        WeirServer server = await bench.ServerAsync();
        string[] codecs = [.. bench.Client.Codecs];
        foreach (string codec in codecs)
        {
            await bench.Client.RunAsync("produce", server, Values(codec).Select(value => $"\t{value}"), "topic=codecs", $"codec={codec}");
        }

        IReadOnlyList<ToldRecord> read = Records.WithoutMarkers(bench.Client, await bench.Client.ReadAsync("consume", server, codecs.Length * Count, "topic=codecs"), Partitions);
        Assert.Equal(codecs.SelectMany(Values).Order(StringComparer.Ordinal), read.Select(record => record.Value).Order(StringComparer.Ordinal));
        await MustBeStoredAsTheyCameAsync(server, codecs);
        return string.Join(' ', bench.Client.Codecs);
    }

    private static async Task MustBeStoredAsTheyCameAsync(WeirServer server, string[] codecs)
    {
        var stored = new Dictionary<string, (long Records, long Bytes)>(StringComparer.Ordinal);
        IReadOnlyList<JsonElement> frames = await server.FramesAsync("codecs", partition: 0);
        foreach (JsonElement frame in frames.Where(frame => frame.GetProperty("offset") is { ValueKind: JsonValueKind.Number } offset && offset.GetInt64() > 0))
        {
            string codec = frame.GetProperty("codec").GetString()!;
            (long records, long bytes) = stored.GetValueOrDefault(codec);
            stored[codec] = (records + frame.GetProperty("records").GetInt64(), bytes + frame.GetProperty("bytes").GetInt64());
        }

        Assert.Equal(codecs.Order(StringComparer.Ordinal), stored.Keys.Order(StringComparer.Ordinal));
        Assert.All(stored, one => Assert.Equal(Count, one.Value.Records));
        Assert.All(stored, one => Assert.InRange(one.Value.Bytes, 1, Values(one.Key).Sum(value => value.Length) / 2));
    }

    private static IEnumerable<string> Values(string codec) => Enumerable.Range(0, Count).Select(number => $$"""{"codec":"{{codec}}","n":{{number}},"text":"{{Padding}}"}""");
}
