using System.Globalization;

namespace Weir.CrashTests;

/// <summary>
/// The streams and views that the crash tests run, and the events that clients make for them. A pure function of its random source.
/// </summary>
internal sealed class Workload(Random random, string client)
{
    /// <summary>One vote per user; gifts by id, to the cent; and the last pick of each user.</summary>
    public const string Definitions = """
        streams:
          votes:
            partitions: 4
            key: user
            id: id
            claim: { by: user, keep: first }
          gifts:
            partitions: 4
            id: id
            fields: { amount: "decimal(18,2)" }
          picks:
            partitions: 4
            key: user
            id: id
            claim: { by: user, keep: last }
        views:
          tally: SELECT choice, count(*) AS n FROM votes GROUP BY choice
          points: SELECT choice, sum(points) AS total, count(points) AS n FROM votes GROUP BY choice
          raised: SELECT choice, sum(amount) AS total, count(*) AS n FROM gifts GROUP BY choice
          picked: SELECT choice, sum(points) AS total, count(*) AS n FROM picks GROUP BY choice
        """;

    public const int Partitions = 4;

    private static readonly CheckedStream Votes = new("votes", Partitions, StreamRule.First);
    private static readonly CheckedStream Gifts = new("gifts", Partitions, StreamRule.Once);
    private static readonly CheckedStream Picks = new("picks", Partitions, StreamRule.Last);

    // Long enough that a run of a few seconds fills several segments of 1 MiB.
    private static readonly string Padding = new('.', 300);

    private readonly List<string> _users = [];
    private int _events;

    public static IReadOnlyList<CheckedView> Views { get; } =
        [new("tally", Votes, null), new("points", Votes, "points"), new("raised", Gifts, "amount"), new("picked", Picks, "points")];

    public static IReadOnlyList<CheckedStream> Streams { get; } = [Votes, Gifts, Picks];

    /// <summary>A body's worth of new events: often one, sometimes up to <paramref name="most"/>.</summary>
    public IReadOnlyList<SentEvent> NextBody(int most)
    {
        string stream = Streams[random.Next(Streams.Count)].Name;
        int count = random.Next(3) == 0 ? 1 : random.Next(2, most + 1);
        return [.. Enumerable.Range(0, count).Select(_ => Next(stream))];
    }

    public SentEvent Next(string stream)
    {
        string id = string.Create(CultureInfo.InvariantCulture, $"{client}-{++_events}");
        string choice = "abcdefg"[random.Next(7)].ToString();
        if (random.Next(300) == 0)
        {
            return new SentEvent(stream, "", id, $$"""{"id":"{{id}}","user":"nobody","choice":"{{choice}}",}""", IsRefused: true);
        }

        if (stream == "gifts")
        {
            string amount = string.Create(CultureInfo.InvariantCulture, $"{random.Next(1_000_000) / 100m:0.00}");
            return new SentEvent(stream, id, id, $$"""{"id":"{{id}}","choice":"{{choice}}","amount":{{amount}},"note":"{{Padding}}"}""");
        }

        string user = NextUser(stream);
        return new SentEvent(stream, user, id, $$"""{"user":"{{user}}","id":"{{id}}","choice":"{{choice}}","points":{{random.Next(1, 13)}},"note":"{{Padding}}"}""");
    }

    // Now and then somebody votes again, or a user of everybody's: the claim is contended.
    private string NextUser(string stream)
    {
        if (stream == "picks" || random.Next(20) == 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"everybody-{random.Next(200)}");
        }

        if (_users.Count > 0 && random.Next(20) == 0)
        {
            return _users[random.Next(_users.Count)];
        }

        string user = string.Create(CultureInfo.InvariantCulture, $"{client}-u{_users.Count}");
        _users.Add(user);
        return user;
    }
}
