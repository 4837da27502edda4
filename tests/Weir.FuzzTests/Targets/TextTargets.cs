using System.Text;
using Microsoft.AspNetCore.Http;
using Weir.Core;
using Weir.Server.Configuration;
using Weir.Server.Http;
using Weir.Sql;
using static Weir.FuzzTests.Targets.LogTargets;

namespace Weir.FuzzTests.Targets;

/// <summary>Texts that people write: queries, configurations, addresses.</summary>
internal static class TextTargets
{
    /// <param name="file">Where configurations are written; it may be overwritten.</param>
    public static IEnumerable<FuzzTarget> All(string file)
    {
        yield return new FuzzTarget("sql", 30, Texts(
            "SELECT choice, count(*) AS n FROM votes GROUP BY choice ORDER BY n DESC LIMIT 10",
            "SELECT driver, latest(speed) AS speed, first(city) AS started_in, max(_time) AS seen FROM pings GROUP BY driver",
            "select a.b[0].\"from\", sum(points), avg(points), min(a), max(a) from votes where not (a = 1 and b <> 'x''y' or c in ('a', 2)) and d like 'x%_' and e is not null group by a.b[0].\"from\" having sum(points) > 10.5",
            "SELECT window_start AS minute, status, count(*) AS hits FROM access WHERE (status IN (404, 410) OR path LIKE '/old/%') AND NOT bot = TRUE GROUP BY tumble(time, 1m), status ORDER BY minute DESC LIMIT 100"), ReadSql)
        {
            Dictionary = Words("SELECT ", " FROM ", " WHERE ", " GROUP BY ", " HAVING ", " ORDER BY ", " LIMIT ", "count(*)", "sum(", "tumble(_time, 1m)", "(", ")", "NOT ", " AND ", " OR ", " IN (", " LIKE ", " BETWEEN ", " IS NULL", "'", "''", "\"", "--", "/*", "*/", "_key", "ce.type", "é", "\u0000", "1e5", ";", "DISTINCT ", " JOIN "),
            BytesPerByte = 4_096,
            FixedBytes = 256 << 10,
        };
        yield return new FuzzTarget("positions", 10, Texts("votes:0=1841,1=1790", "votes:0=0", "votes:3=9223372036854775807,0=1", "votes:"), static input =>
        {
            if (!Position.TryParse(Encoding.UTF8.GetString(input), "votes", 4, out Position? position))
            {
                return -1;
            }

            Check(Position.TryParse(position.ToString(), "votes", 4, out Position? again) && again.Equals(position), "the written form says something else");
            return position.Ends.Length;
        })
        {
            Dictionary = Words("votes:", "=", ",", ":", "0=", "-1", "99999999999999999999"),
        };
        yield return new FuzzTarget("query strings", 15, Texts("ack=durable&verdicts=all", "at=votes:0=1,1=2&wait=500ms&limit=10", "partition=0&offset=12&limit=100&reopen", "after=votes%3A0%3D1&wait=5s&verdicts=listed"), ReadQuery)
        {
            Dictionary = Words("ack=", "durable", "verdicts=", "&", "=", "%", "%00", "%ff", "%u0041", "+", "limit=", "wait=", "ms", "at=", ";", "?", "#", "partition=", "offset="),
            BytesPerByte = 1_024,
        };
        yield return new FuzzTarget("configuration", 5, Texts(
            "data: ./data\nhttp:\n  listen: 127.0.0.1:8080\nstreams:\n  votes:\n    partitions: 4\n    key: user\n    claim: { by: [user], keep: first }\nviews:\n  results: SELECT choice, count(*) FROM votes GROUP BY choice\n",
            "streams: {clicks: {id: id, retention: 7d, limits: {depth: 8}}}\nviews:\n  a:\n    sql: |\n      SELECT count(*)\n      FROM clicks\n",
            "# nothing\n"), input => ReadConfiguration(input, file))
        {
            Dictionary = Words("streams:", "views:", "\n  ", "\n- ", ": ", "{", "}", "[", "]", "&a ", "*a", "!!int ", "|\n", ">\n", "'", "\"", "\\x", "---\n", "...\n", "? ", "#", "\t", "<<: ", "null", "~", "127.0.0.1:0", "1GiB", "\u0000", "\uFEFF", "%YAML 1.2\n"),
            BytesPerByte = 32 << 10,
            FixedBytes = 1 << 20,
        };
    }

    public static IReadOnlyList<byte[]> Words(params ReadOnlySpan<string> words)
    {
        var bytes = new List<byte[]>();
        foreach (string word in words)
        {
            bytes.Add(Encoding.UTF8.GetBytes(word));
        }

        return bytes;
    }

    private static byte[][] Texts(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    private static int ReadSql(byte[] input)
    {
        ViewQuery query = ViewQuery.Parse(Encoding.UTF8.GetString(input));
        Check(ViewQuery.Parse(query.ToString()).Equals(query), $"printed as another query: {query}");
        ViewShape shape = query.Check();
        return HashCode(shape.Columns.Count, shape.Aggregates.Count, shape.RecordColumns.Count, shape.KeyColumns.Count, query.Where is null ? 0 : 1);
    }

    private static int ReadQuery(byte[] input)
    {
        var context = new DefaultHttpContext();
        context.Request.QueryString = new QueryString("?" + Encoding.UTF8.GetString(input));
        Func<int>[] readers =
        [
            () => EventsRequest.Read(context.Request).ListsAll ? 1 : 0,
            () => (int)(Parameters.Integer(context, "limit", min: 1, max: 1_000) ?? 0),
            () => (int)Parameters.Duration(context, "wait", TimeSpan.Zero, TimeSpan.FromSeconds(30)).TotalSeconds,
            () => Parameters.Flag(context, "reopen") ? 1 : 0,
            () => Parameters.Position(context, "at", "votes", 4) is null ? 0 : 1,
        ];
        int outcome = 0;
        foreach (Func<int> read in readers)
        {
            try
            {
                outcome = HashCode(outcome, read(), 0, 0, 0);
            }
            catch (WeirException refused)
            {
                outcome = HashCode(outcome, (int)refused.Code, 1, 0, 0);
            }
        }

        return outcome;
    }

    private static int ReadConfiguration(byte[] input, string file)
    {
        File.WriteAllBytes(file, input);
        WeirConfiguration configuration = WeirConfiguration.Load(new ConfigurationSources { File = file, IsTerminal = true });
        return HashCode(configuration.Streams.Count, configuration.Views.Count, 0, 0, 0);
    }
}
