using System.Text.Json;

namespace Weir.CrashTests;

/// <summary>What the server said of one event.</summary>
/// <param name="Verdict">A verdict's word, <c>refused</c>, or <c>unknown</c>.</param>
/// <param name="Offset">Where the record lies, for a duplicate the original; -1 when it was not appended.</param>
internal sealed record Outcome(int Index, string Verdict, string? Code, int Partition, long Offset)
{
    /// <summary>Whether the event may be sent again because nobody knows, or because it was not taken for now.</summary>
    public bool IsOpen => Verdict == "unknown" || (Verdict == "refused" && Code!.StartsWith("WEIR-4", StringComparison.Ordinal));
}

/// <summary>The answer to one POST of events, asked for with every verdict.</summary>
internal sealed record Answer(int Status, IReadOnlyList<Outcome> Outcomes, string Text)
{
    public static Answer Read(int status, string text)
    {
        using JsonDocument body = JsonDocument.Parse(text);
        var outcomes = new List<Outcome>();
        if (body.RootElement.TryGetProperty("verdicts", out JsonElement verdicts))
        {
            foreach (JsonElement verdict in verdicts.EnumerateArray())
            {
                outcomes.Add(new Outcome(
                    verdict.GetProperty("index").GetInt32(),
                    verdict.GetProperty("verdict").GetString()!,
                    verdict.TryGetProperty("code", out JsonElement code) ? code.GetString() : null,
                    verdict.TryGetProperty("partition", out JsonElement partition) ? partition.GetInt32() : -1,
                    verdict.TryGetProperty("offset", out JsonElement offset) ? offset.GetInt64() : -1));
            }
        }

        return new Answer(status, outcomes, text);
    }
}
