using FsCheck;
using FsCheck.Fluent;
using Weir.Core;

namespace Weir.Engine.Tests.Views;

public sealed class OracleTests
{
    private static readonly string[] s_queries =
    [
        "SELECT choice, count(*) AS votes FROM s GROUP BY choice",
        "SELECT choice, n, count(*) AS votes, sum(n) AS total FROM s GROUP BY choice, n ORDER BY votes DESC",
        "SELECT count(*), count(choice), sum(n), avg(n), min(n), max(n), min(choice), max(choice) FROM s",
        "SELECT choice, avg(n) AS mean, min(n) AS least, max(n) AS most FROM s WHERE n IS NOT NULL GROUP BY choice HAVING mean > 1",
        "SELECT choice, first(n) AS f, latest(n) AS l, latest(a.b) AS ab FROM s GROUP BY choice",
        "SELECT a.b, count(*) AS c FROM s WHERE choice LIKE 'a%' OR NOT n >= 2 GROUP BY a.b ORDER BY c DESC, a.b LIMIT 2",
        "SELECT choice, sum(n) AS total FROM s WHERE n IN (1, 2, 2.5, 'x') OR choice NOT IN ('a', NULL) GROUP BY choice ORDER BY total DESC LIMIT 3",
        "SELECT count(*) AS c, max(n) AS top FROM s GROUP BY tumble(10ms) ORDER BY window_start DESC LIMIT 3",
        "SELECT window_start AS w, choice, count(*) AS c FROM s GROUP BY tumble(t, 1m), choice",
        "SELECT t, count(*) AS c FROM s WHERE t <> 'x' OR n < a.b GROUP BY t HAVING count(*) > 1 OR t IS NULL",
        "SELECT _partition, _time, max(_offset) AS last, count(_key) AS keys FROM s GROUP BY _partition, _time",
        "SELECT items[1], count(*) AS c FROM s WHERE items[0] IS NULL OR items[0] = 1 GROUP BY items[1]",
        "SELECT choice, latest(items) AS l, first(t) AS f FROM s GROUP BY choice ORDER BY l, f DESC LIMIT 4",
        "SELECT choice, count(*) AS c FROM s WHERE n > 1 AND choice = 'a' AND NOT n = 2 GROUP BY choice",
        "SELECT min(n) AS least FROM s",
        "SELECT choice, max(t) AS most FROM s GROUP BY choice",
        "SELECT choice, count(*) AS c FROM s WHERE choice LIKE '_' OR choice LIKE '%\u00e9%' OR choice = 'a\"b' GROUP BY choice",
    ];

    private static readonly string[] s_choices = ["\"a\"", "\"b\"", "\"\\u0061\"", "\"a\\\"b\"", "\"\\u00e9\"", "\"é\"", "\"\"", "null", "1", "1.0", "true", "false", "{\"x\":1}", "\"a\\nb\\u0001\""];

    private static readonly string[] s_numbers = ["0", "-0", "1", "1.0", "2", "2.5", "-3.25", "1e1", "0.000000001", "1e-10", "\"1\"", "null", "true", "[1]"];

    private static readonly string[] s_times = ["\"2026-11-20T20:00:00Z\"", "\"2026-11-20T20:01:30.5Z\"", "\"2026-11-20T21:00:00+01:00\"", "1700000000000", "-1", "1.5", "\"x\"", "null"];

    private static readonly string[] s_composites = ["{\"b\":1}", "{ \"b\" : { \"c\": [ 1, 2 ] } }", "[1, 2]", "\"b\"", "{\"b\":\"x\",\"b\":\"y\"}", "null"];

    private static readonly string[] s_items = ["[1,\"x\"]", "[null, 2]", "[ ]", "[1, [ 2 ]]", "3"];

    [Fact]
    public void Rows_and_errors_are_those_of_a_naive_computation_however_records_are_spread_batched_and_published()
    {
        Prop.ForAll<byte[]>(choices =>
        {
            Source source = new(choices);
            string sql = s_queries[source.Pick(s_queries.Length)];
            int partitions = 1 + source.Pick(3);
            ViewLog log = new(sql, partitions);
            List<NaiveView.Event> events = [];
            Dictionary<PartialView, UInt128> copies = [];
            List<(PartialView Copy, UInt128 Hash)> copied = [];
            long time = 1_000;
            while (!source.IsEmpty)
            {
                int partition = source.Pick(partitions);
                time += source.Pick(8);
                string[] batch = [.. Enumerable.Range(0, 1 + source.Pick(4)).Select(_ => MakeEvent(source))];
                long first = log.EndOf(partition);
                events.AddRange(batch.Select((json, i) => new NaiveView.Event(json, partition, first + i, time)));
                log.Append(partition, time, batch);
                switch (source.Pick(5))
                {
                    case 0:
                        log.Publish();
                        break;
                    case 1 when !copies.ContainsKey(log[partition]):
                        log[partition] = Restored(log[partition], log.Plan);
                        break;
                    case 2 when !copies.ContainsKey(log[partition]):
                        copies.Add(log[partition], log[partition].LogicalHash());
                        log[partition].BeginCopy();
                        break;
                    case 2 when source.Pick(2) == 0:
                        End(log[partition]);
                        break;
                }
            }

            foreach (PartialView partial in copies.Keys.ToArray())
            {
                End(partial);
            }

            log.Publish();
            (List<string> rows, List<(int, long)> errors) = NaiveView.Compute(sql, events);
            string expected = "[" + string.Join(',', rows) + "]";
            string actual = ViewLog.RowsOf(log.Model);
            return (actual == expected).Label($"{sql}\nexpected {expected}\nfound    {actual}")
                .And(errors.Order().SequenceEqual(log.Model.ErrorOffsets()).Label($"{sql}\nerrors expected {string.Join(' ', errors)}\nfound {string.Join(' ', log.Model.ErrorOffsets())}"))
                .And(log.Model.ErrorCount == errors.Count)
                .And(copied.TrueForAll(taken => taken.Copy.LogicalHash() == taken.Hash).Label($"{sql}\na copy is not what the state was when it began"));

            void End(PartialView partial)
            {
                copies.Remove(partial, out UInt128 hash);
                copied.Add((PartialView.ReadFrom(ViewLog.RestOf(partial), log.Plan, partial.Partition, hashSeed: 3)!, hash));
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(4000).WithEndSize(200));
    }

    [Fact]
    public void Live_frames_applied_in_order_give_the_rows()
    {
        Prop.ForAll<byte[]>(choices =>
        {
            Source source = new(choices);
            string sql = s_queries[source.Pick(s_queries.Length)];
            ViewLog log = new(sql);
            LiveClient prompt = new(log.Model);
            LiveClient slow = new(log.Model);
            while (!source.IsEmpty)
            {
                log.Append(0, 1_000 + source.Pick(50), MakeEvent(source), MakeEvent(source));
                log.Publish();
                prompt.Read();
                prompt.ReadAgain();
                if (source.Pick(4) == 0)
                {
                    slow.Read();
                }
            }

            prompt.Read();
            slow.Read();
            string expected = LiveClient.Normalise(ViewLog.RowsOf(log.Model));
            return (prompt.Rows() == expected).Label($"{sql}\nexpected {expected}\nprompt   {prompt.Rows()}")
                .And((slow.Rows() == expected).Label($"{sql}\nexpected {expected}\nslow     {slow.Rows()}"));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(200));
    }

    private static PartialView Restored(PartialView view, ViewPlan plan)
    {
        PartialView? restored = PartialView.ReadFrom(ViewLog.SectionOf(view), plan, view.Partition, hashSeed: 99);
        Assert.NotNull(restored);
        Assert.Equal(view.LogicalHash(), restored.LogicalHash());
        return restored;
    }

    private static string MakeEvent(Source source)
    {
        List<string> fields = [];
        Add("choice", s_choices);
        Add("n", s_numbers);
        Add("t", s_times);
        Add("a", s_composites);
        Add("items", s_items);
        return "{" + string.Join(',', fields) + "}";

        void Add(string name, string[] values)
        {
            int pick = source.Pick(values.Length + 2);
            if (pick < values.Length)
            {
                fields.Add($"\"{name}\":{values[pick]}");
            }
        }
    }

    /// <summary>Choices made by the test's input, so that shrinking the input shrinks the story.</summary>
    private sealed class Source(byte[] choices)
    {
        private int _at;

        public bool IsEmpty => _at >= choices.Length;

        public int Pick(int count) => _at < choices.Length ? choices[_at++] % count : 0;
    }
}
