using System.Buffers.Text;
using System.Text.Json;
using Weir.Core;

namespace Weir.Cli.Load;

/// <summary>Reads the answer to a POST of events: {"counted":…,"unknown":0,…,"verdicts":[{"index":7,"verdict":"taken",…}]}</summary>
internal static class AnswerReader
{
    private static readonly string[] Words = ["counted", "duplicate", "taken", "durable", "closed", "refused", "invalid", "replaced", "late", "unknown"];

    /// <summary>Adds the listed outcomes to <paramref name="outcomes"/>.</summary>
    /// <returns>How many events of the body have an unknown outcome, listed or not.</returns>
    /// <exception cref="WeirException">The answer leaves verdicts out, so it cannot be checked.</exception>
    public static long Read(ReadOnlySpan<byte> answer, List<Outcome> outcomes)
    {
        var reader = new Utf8JsonReader(answer);
        var none = new Outcome(Index: -1, Verdict: "");
        Outcome outcome = none;
        long unknown = 0;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.EndObject && outcome.Index >= 0)
            {
                outcomes.Add(outcome);
                outcome = none;
            }

            if (reader.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            if (reader.ValueTextEquals("index"u8))
            {
                reader.Read();
                outcome = none with { Index = reader.GetInt32() };
            }
            else if (reader.ValueTextEquals("verdict"u8))
            {
                reader.Read();
                outcome = outcome with { Verdict = WordOf(ref reader) };
            }
            else if (reader.ValueTextEquals("code"u8))
            {
                reader.Read();
                _ = Utf8Parser.TryParse(reader.ValueSpan["WEIR-".Length..], out int code, out _);
                outcome = outcome with { Code = code };
            }
            else if (reader.ValueTextEquals("partition"u8))
            {
                reader.Read();
                outcome = outcome with { Partition = reader.GetInt32() };
            }
            else if (reader.ValueTextEquals("offset"u8))
            {
                reader.Read();
                outcome = outcome with { Offset = reader.GetInt64() };
            }
            else if (reader.ValueTextEquals("unknown"u8))
            {
                reader.Read();
                unknown = reader.GetInt64();
            }
            else if (reader.ValueTextEquals("more"u8))
            {
                throw new WeirException(ErrorCode.Internal, "The answer leaves verdicts out (\"more\"), so it cannot be checked.");
            }
        }

        return unknown;
    }

    // The same string for the same word: an answer with every verdict listed makes no string per line.
    private static string WordOf(ref Utf8JsonReader reader)
    {
        foreach (string word in Words)
        {
            if (reader.ValueTextEquals(word))
            {
                return word;
            }
        }

        return reader.GetString()!;
    }
}
