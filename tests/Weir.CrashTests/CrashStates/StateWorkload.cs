using System.Globalization;

namespace Weir.CrashTests.CrashStates;

/// <summary>
/// What the recorded clients do, always the same: events for a claim that keeps the first, a claim that keeps the last, an id alone; a stream that retention
/// cuts; one that is closed and opened again; views made, read and deleted at run time. Large events fill segments; small ones make many flushes.
/// </summary>
internal static class StateWorkload
{
    /// <summary>What the configuration defines; the rest is defined by requests.</summary>
    public const string Definitions = """
        streams:
          votes: { partitions: 2, key: user, id: id, claim: { by: user, keep: first } }
          gifts: { partitions: 2, id: id, fields: { amount: "decimal(18,2)" } }
          picks: { partitions: 1, key: user, id: id, claim: { by: user, keep: last } }
        views:
          tally: SELECT choice, count(*) AS n FROM votes GROUP BY choice
          raised: SELECT choice, sum(amount) AS total, count(*) AS n FROM gifts GROUP BY choice
          picked: SELECT choice, sum(points) AS total, count(*) AS n FROM picks GROUP BY choice
        """;

    /// <summary>The stream that retention cuts.</summary>
    public const string Cut = "trail";

    /// <summary>The stream that is closed and opened.</summary>
    public const string Closed = "polls";

    private const int LargeBytes = 40_000;

    public static readonly CheckedStream Votes = new("votes", 2, StreamRule.First);
    public static readonly CheckedStream Gifts = new("gifts", 2, StreamRule.Once);
    public static readonly CheckedStream Picks = new("picks", 1, StreamRule.Last);

    /// <summary>Streams whose whole log is there.</summary>
    public static IReadOnlyList<CheckedStream> Streams { get; } = [Votes, Gifts, Picks];

    /// <summary>Views of them: of the configuration, and one that a request makes and another deletes.</summary>
    public static IReadOnlyList<CheckedView> Views { get; } =
        [new("tally", Votes, null), new("raised", Gifts, "amount"), new("picked", Picks, "points"), new("points", Votes, "points")];

    /// <summary>The requests of each client in order, for the first process; the second and the third go on with them.</summary>
    public static IReadOnlyList<Queue<Exchange>> Scripts() => [new(Voters("a", 22)), new(Givers("b", 22)), new(Operator("c"))];

    /// <summary>A few events of every kind, by a client that nobody was before.</summary>
    public static IEnumerable<Exchange> Few(string client)
    {
        var events = new Events(new Random(client.Length), client);
        yield return Exchange.OfEvents(client, events.Some("votes", 3));
        yield return Exchange.OfEvents(client, events.Some("gifts", 2));
        yield return Exchange.OfEvents(client, events.Some("picks", 2));
    }

    private static IEnumerable<Exchange> Voters(string client, int bodies)
    {
        var random = new Random(1);
        var events = new Events(random, client);
        List<IReadOnlyList<SentEvent>> sent = [];
        for (int i = 0; i < bodies; i++)
        {
            sent.Add(i % 2 == 0 ? events.Some("votes", random.Next(1, 9)) : events.Some("picks", random.Next(2, 5), LargeBytes));
            yield return Exchange.OfEvents(client, sent[^1]);
            if (i % 5 == 3)
            {
                yield return Exchange.OfEvents(client, sent[random.Next(sent.Count)]);
                yield return Exchange.Of(client, $"GET v1/views/{(i % 2 == 0 ? "tally" : "picked")}");
                yield return Exchange.Of(client, "GET v1/streams/votes/events?partition=0&limit=1000");
            }
        }
    }

    private static IEnumerable<Exchange> Givers(string client, int bodies)
    {
        var random = new Random(2);
        var events = new Events(random, client);
        for (int i = 0; i < bodies; i++)
        {
            yield return Exchange.OfEvents(client, i % 4 == 3 ? events.Some("gifts", random.Next(1, 7)) : events.Some("gifts", random.Next(2, 7), LargeBytes));
            if (i % 5 == 4)
            {
                yield return Exchange.Of(client, "GET v1/views/raised");
            }
        }
    }

    private static IEnumerable<Exchange> Operator(string client)
    {
        var events = new Events(new Random(3), client);
        yield return Put("streams/polls", """{"partitions":2,"id":"id"}""");
        yield return Exchange.OfEvents(client, events.Some(Closed, 4));
        yield return Put("streams/trail", """{"partitions":1,"id":"id","retention":"1MiB"}""");
        yield return Put("views/hauled", """{"sql":"SELECT choice, sum(amount) AS total, count(*) AS n FROM trail GROUP BY choice"}""");
        for (int i = 0; i < 6; i++)
        {
            yield return Exchange.OfEvents(client, events.Some(Cut, 10, LargeBytes));
        }

        yield return Exchange.Of(client, "POST v1/streams/polls/close");
        yield return Exchange.OfEvents(client, events.Some(Closed, 2));
        yield return Put("views/points", """{"sql":"SELECT choice, sum(points) AS total, count(*) AS n FROM votes GROUP BY choice"}""");
        yield return Put("streams/polls", """{"partitions":2,"id":"id","grace":"3s"}""");
        yield return Exchange.Of(client, "POST v1/streams/polls/open?reopen=true");
        yield return Exchange.OfEvents(client, events.Some(Closed, 3));
        yield return Exchange.OfEvents(client, events.Some(Cut, 3, LargeBytes));
        yield return Exchange.Of(client, "DELETE v1/views/points");
        yield return Put("streams/polls", """{"partitions":2,"id":"id","grace":"2s"}""");
        yield return Exchange.OfEvents(client, events.Some(Cut, 2));
        yield return Exchange.Of(client, "POST v1/streams/polls/close");
        yield return Exchange.OfEvents(client, events.Some(Closed, 1));

        Exchange Put(string what, string body) => Exchange.Of(client, "PUT v1/" + what, body);
    }

    /// <summary>Makes events of one client; ids are never given twice.</summary>
    private sealed class Events(Random random, string client)
    {
        private int _number;

        public IReadOnlyList<SentEvent> Some(string stream, int count, int bytes = 40) => [.. Enumerable.Range(0, count).Select(_ => Next(stream, bytes))];

        private SentEvent Next(string stream, int bytes)
        {
            string id = string.Create(CultureInfo.InvariantCulture, $"{client}-{++_number}");
            string choice = "abcde"[random.Next(5)].ToString();
            string note = new('.', bytes);
            if (stream is "votes" or "picks")
            {
                // Few users, so that claims are contended.
                string user = string.Create(CultureInfo.InvariantCulture, $"u{random.Next(60)}");
                return new SentEvent(stream, user, id, $$"""{"user":"{{user}}","id":"{{id}}","choice":"{{choice}}","points":{{random.Next(1, 13)}},"note":"{{note}}"}""");
            }

            string amount = string.Create(CultureInfo.InvariantCulture, $"{random.Next(100_000) / 100m:0.00}");
            return new SentEvent(stream, id, id, $$"""{"id":"{{id}}","choice":"{{choice}}","amount":{{amount}},"note":"{{note}}"}""");
        }
    }
}
