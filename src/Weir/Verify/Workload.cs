using System.Globalization;
using System.Text;
using Weir.Core;

namespace Weir.Cli.Verify;

/// <summary>
/// The streams and views that are verified, and the bodies that one client makes for them. A pure function of its random source; one thread.
/// </summary>
internal sealed class Workload(Random random, string client)
{
    private const int MostEvents = 40;

    // Long enough that a run of some seconds fills several segments.
    private static readonly string Padding = new('.', 150);

    private static readonly CheckedStream Votes = new("votes", 4, StreamRule.First);
    private static readonly CheckedStream Picks = new("picks", 4, StreamRule.Last);
    private static readonly CheckedStream Gifts = new("gifts", 4, StreamRule.Once);
    private static readonly CheckedStream Calls = new("calls", 3, StreamRule.Once);
    private static readonly CheckedStream Clicks = new("clicks", 2, StreamRule.Always);

    private readonly List<string> _users = [];
    private int _events;
    private int _bodies;

    /// <summary>One vote per user; the last pick of each user; gifts by id, to the cent; calls by CloudEvents' or Idempotency-Key's identity; clicks at least once.</summary>
    public const string Definitions = """
        streams:
          votes: { partitions: 4, key: user, id: id, claim: { by: user, keep: first } }
          picks: { partitions: 4, key: user, id: id, claim: { by: user, keep: last } }
          gifts: { partitions: 4, id: id, fields: { amount: "decimal(18,2)" } }
          calls: { partitions: 3, delivery: exactly-once }
          clicks: { partitions: 2, delivery: at-least-once }
        views:
          tally: SELECT choice, count(*) AS n FROM votes GROUP BY choice
          points: SELECT choice, sum(points) AS total, count(points) AS n FROM votes GROUP BY choice
          picked: SELECT choice, sum(points) AS total, count(*) AS n FROM picks GROUP BY choice
          raised: SELECT choice, sum(amount) AS total, count(*) AS n FROM gifts GROUP BY choice
          called: SELECT choice, sum(points) AS total, count(*) AS n FROM calls GROUP BY choice
          clicked: SELECT choice, sum(points) AS total, count(*) AS n FROM clicks GROUP BY choice
        """;

    public static IReadOnlyList<CheckedStream> Streams { get; } = [Votes, Picks, Gifts, Calls, Clicks];

    public static IReadOnlyList<CheckedView> Views { get; } =
    [
        new("tally", Votes, null), new("points", Votes, "points"), new("picked", Picks, "points"), new("raised", Gifts, "amount"), new("called", Calls, "points"), new("clicked", Clicks, "points"),
    ];

    /// <summary>Whether an event's identity over Kafka is the CloudEvent's in the record's headers; otherwise it is in the value.</summary>
    public static bool BringsItsIdInHeaders(string stream) => stream == Calls.Name;

    /// <summary>The partition of an event's key; where a stream has none, always the same.</summary>
    public static int PartitionOf(SentEvent one)
    {
        string key = BringsItsIdInHeaders(one.Stream) ? $"[\"{EventRequest.Source}\",\"{one.Id}\"]" : one.Key ?? one.Id;
        return Partitioner.PartitionOf(PartitionerKind.Murmur2, Encoding.UTF8.GetBytes(key), Streams.Single(stream => stream.Name == one.Stream).Partitions);
    }

    /// <summary>New events of one stream, often one, in any form.</summary>
    public SentBody NextBody()
    {
        string stream = Streams[random.Next(Streams.Count)].Name;
        int count = random.Next(3) == 0 ? 1 : random.Next(2, MostEvents + 1);
        return Body([.. Enumerable.Range(0, count).Select(_ => NextEvent(stream))]);
    }

    /// <summary>The same events once more, in another form where their ids are their own.</summary>
    public SentBody Again(SentBody body) => body.Events[0].Stream == Calls.Name ? body : Body(body.Events);

    private SentBody Body(IReadOnlyList<SentEvent> events)
    {
        // Over Kafka a stream takes what is wrong, and makes it a dead letter; what no server may take goes over HTTP.
        if (random.Next(3) == 0 && events.Any(one => !one.IsRefused))
        {
            return new SentBody(EventRequest.OfKafka[random.Next(EventRequest.OfKafka.Length)], [.. events.Where(one => !one.IsRefused)], []);
        }

        EventForm[] forms = events.Count == 1 ? EventRequest.OfOne : EventRequest.OfSeveral;
        EventForm form = forms[random.Next(forms.Length)];
        bool bringsIds = events[0].Stream != Calls.Name || form is EventForm.CloudEvent or EventForm.BinaryCloudEvent or EventForm.CloudEventBatch;
        string? idempotencyKey = bringsIds ? null : string.Create(CultureInfo.InvariantCulture, $"{client}-body-{++_bodies}");
        return new SentBody(form, events, EventRequest.Write(form, events, idempotencyKey, waitsForVerdicts: random.Next(6) > 0));
    }

    private SentEvent NextEvent(string stream)
    {
        string id = string.Create(CultureInfo.InvariantCulture, $"{client}-{++_events}");
        string choice = "abcdefg"[random.Next(7)].ToString();
        if (stream == "gifts")
        {
            bool isWrong = random.Next(200) == 0;
            string amount = isWrong ? "\"much\"" : string.Create(CultureInfo.InvariantCulture, $"{random.Next(1_000_000) / 100m:0.00}");
            return new SentEvent(stream, id, id, $$"""{"id":"{{id}}","choice":"{{choice}}","amount":{{amount}},"note":"{{Padding}}"}""", isWrong);
        }

        bool hasKey = stream is "votes" or "picks";
        bool isRefused = hasKey && random.Next(200) == 0;
        string user = isRefused ? "" : NextUser(stream);
        string body = $$"""{"user":"{{user}}","id":"{{id}}","choice":"{{choice}}","points":{{random.Next(1, 13)}},"note":"{{Padding}}"}""";
        return new SentEvent(stream, hasKey ? user : null, id, body, isRefused);
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
