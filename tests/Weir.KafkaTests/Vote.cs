using System.Text.Json;

namespace Weir.KafkaTests;

/// <summary>An event as the scenarios send it: who votes for what, under an id.</summary>
internal sealed record Vote(string Id, string User, string Choice)
{
    private const int Users = 37;
    private const int Choices = 5;

    /// <summary>As a client is told it: key, tab, value.</summary>
    public string Line => $"{User}\t{Json}";

    public string Json => $$"""{"id":"{{Id}}","user":"{{User}}","choice":"{{Choice}}"}""";

    /// <summary>Votes numbered from <paramref name="first"/>; the users take turns, so that every partition of a few gets some.</summary>
    public static IReadOnlyList<Vote> Range(int first, int count, string series = "v") =>
        [.. Enumerable.Range(first, count).Select(number => new Vote($"{series}{number}", $"user-{number % Users}", $"choice-{number % Choices}"))];

    /// <summary>What each choice must have when every one of the votes counts once.</summary>
    public static SortedDictionary<string, long> Count(IEnumerable<Vote> votes) =>
        new(votes.GroupBy(vote => vote.Choice).ToDictionary(choice => choice.Key, choice => (long)choice.Count()), StringComparer.Ordinal);

    public static Vote Read(string? json)
    {
        using JsonDocument document = JsonDocument.Parse(json!);
        return new Vote(Of("id"), Of("user"), Of("choice"));

        string Of(string name) => document.RootElement.GetProperty(name).GetString()!;
    }
}
