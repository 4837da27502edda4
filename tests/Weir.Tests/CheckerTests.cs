using System.Text.Json.Nodes;
using Weir.Cli.Load;
using Weir.Cli.Verify;

namespace Weir.Cli.Tests;

/// <summary>
/// A right history has no anomaly, and each anomaly, planted by hand into a copy of it, is found and named: a checker that never fails proves nothing.
/// </summary>
public sealed class CheckerTests
{
    private static readonly CheckedStream Votes = new("votes", 1, StreamRule.First);
    private static readonly CheckedStream Picks = new("picks", 1, StreamRule.Last);
    private static readonly CheckedStream Gifts = new("gifts", 2, StreamRule.Once);
    private static readonly CheckedStream Clicks = new("clicks", 1, StreamRule.Always);
    private static readonly CheckedStream[] Streams = [Votes, Picks, Gifts, Clicks];
    private static readonly CheckedView Tally = new("tally", Votes, "points");
    private static readonly CheckedView Picked = new("picked", Picks, "points");

    private readonly History _history = new();
    private readonly Logs _logs = new();
    private readonly Anomalies _anomalies = new();
    private readonly Reads _reads;

    public CheckerTests()
    {
        _reads = new Reads(Streams, [Tally, Picked], _anomalies);
        Log("votes", 0, Counted("votes", "ada", "c0-1"), Record("votes", "ada", "c1-1", "taken"), Counted("votes", "bob", "c0-2"), Record("votes", "bob", "c0-2", "duplicate"));
        Log("picks", 0, Counted("picks", "ada", "c0-3"), Record("picks", "ada", "c0-4", "replaced"), Record("picks", "ada", "c0-3", "duplicate"));
        Log("gifts", 0, Counted("gifts", "c0-5", "c0-5"));
        Log("gifts", 1, Counted("gifts", "c1-6", "c1-6"), Counted("gifts", "c1-7", "c1-7"));
        Log("clicks", 0, Counted("clicks", null, "c0-8"), Counted("clicks", null, "c0-8"));
        Tell("votes", "ada", "c0-1", "counted", 0, 1);
        Tell("votes", "ada", "c1-1", "taken", 0, 2);
        Tell("votes", "bob", "c0-2", "unknown", -1, -1);
        Tell("votes", "bob", "c0-2", "duplicate", 0, 3);
        Tell("picks", "ada", "c0-3", "counted", 0, 1);
        Tell("picks", "ada", "c0-4", "replaced", 0, 2);
        Tell("picks", "ada", "c0-3", "duplicate", 0, 1);
        Tell("gifts", "c0-5", "c0-5", "counted", 0, 1);
        Tell("gifts", "c1-6", "c1-6", "durable", 1, 1);
        Tell("gifts", "c1-7", "c1-7", "counted", 1, 2);
        Tell("clicks", null, "c0-8", "unknown", -1, -1);
        Tell("clicks", null, "c0-8", "counted", 0, 2);
        Tell("gifts", "c1-9", "c1-9", "refused", -1, -1, isRefused: true);
    }

    [Fact]
    public void A_right_history_has_no_anomaly()
    {
        Assert.Equal([], Found());
        Assert.Equal(10, _history.Sent);
        Assert.Equal(9, _history.Acknowledged);
        Assert.Equal(2, _history.UnknownResolved);
    }

    [Fact]
    public void An_acknowledged_event_behind_the_end_of_the_log_is_a_lost_write()
    {
        Logged("gifts", 1).RemoveAt(2);

        Assert.Equal(["lost write: gifts/1:2 c1-7: told counted, and the log has no such place"], Found());
    }

    [Fact]
    public void An_acknowledged_event_that_another_one_lies_in_place_of_is_an_inconsistent_offset()
    {
        Put("gifts", 1, 2, Counted("gifts", "c1-6", "c1-6") with { Verdict = "duplicate" });

        Assert.Equal(["inconsistent offset: gifts/1:2 c1-7: told counted, and the log has c1-6 there", "duplicate: gifts c1-6: sent 1 times, 2 records"], Found().Order(StringComparer.Ordinal).Reverse());
    }

    [Fact]
    public void An_event_of_the_log_that_does_not_count_though_it_is_the_first_is_a_lost_write()
    {
        Put("gifts", 0, 1, Record("gifts", "c0-5", "c0-5", "duplicate"));

        Assert.Contains("lost write: gifts/0:1 c0-5: the log says duplicate, the rule says counted", Found());
    }

    [Theory]
    [InlineData("votes", 2, "counted")]
    [InlineData("votes", 4, "counted")]
    [InlineData("picks", 3, "counted")]
    [InlineData("picks", 3, "replaced")]
    [InlineData("picks", 2, "counted")]
    public void What_counts_besides_another_event_of_its_owner_or_itself_is_a_duplicate(string stream, int offset, string verdict)
    {
        Put(stream, 0, offset, Logged(stream, 0)[offset] with { Verdict = verdict });

        Assert.Contains(Found(), found => found.StartsWith($"duplicate: {stream}/0:{offset} ", StringComparison.Ordinal));
    }

    [Fact]
    public void An_id_that_counts_in_two_partitions_is_a_duplicate()
    {
        Log("gifts", 1, Counted("gifts", "c1-6", "c1-6"), Counted("gifts", "c1-7", "c1-7"), Counted("gifts", "c0-5", "c0-5"));

        Assert.Contains("duplicate: gifts/1:3 c0-5: the log says counted, the rule says duplicate", Found());
    }

    [Fact]
    public void More_records_of_an_event_than_it_was_sent_are_a_duplicate_also_where_each_counts()
    {
        Log("clicks", 0, Counted("clicks", null, "c0-8"), Counted("clicks", null, "c0-8"), Counted("clicks", null, "c0-8"));

        Assert.Equal(["duplicate: clicks c0-8: sent 2 times, 3 records"], Found());
    }

    [Fact]
    public void Two_acknowledgements_of_one_record_where_each_sending_counts_are_an_inconsistent_offset()
    {
        Tell("clicks", null, "c0-8", "counted", 0, 2);

        Assert.Equal(["inconsistent offset: clicks/0:2 c0-8: acknowledged twice: two sendings have one record"], Found());
    }

    [Fact]
    public void A_gap_in_the_offsets_is_an_inconsistent_offset()
    {
        Put("votes", 0, 4, Logged("votes", 0)[4] with { Offset = 5 });

        Assert.Equal(["inconsistent offset: votes/0:4 c0-2: the record read here has offset 5"], Found());
    }

    [Fact]
    public void A_record_that_nobody_sent_like_this_is_an_aborted_read()
    {
        Put("votes", 0, 1, Logged("votes", 0)[1] with { Value = """{"id":"c0-1","points":99}""" });
        Assert.Contains(Found(), found => found.StartsWith("aborted read: votes/0:1 c0-1: nobody sent", StringComparison.Ordinal));
    }

    [Fact]
    public void A_refused_event_in_the_log_is_an_aborted_read()
    {
        Log("gifts", 0, Counted("gifts", "c0-5", "c0-5"), Counted("gifts", "c1-9", "c1-9"));

        Assert.Equal(["aborted read: gifts/0:2 c1-9: it was refused"], Found());
    }

    [Fact]
    public void A_right_event_that_is_refused_and_a_wrong_one_that_is_taken_are_inconsistent_verdicts()
    {
        Tell("gifts", "c0-5", "c0-5", "refused", -1, -1);
        Tell("gifts", "c1-9", "c1-9", "counted", 0, 1, isRefused: true);

        Assert.All(Found(), found => Assert.StartsWith("inconsistent verdict: gifts/", found, StringComparison.Ordinal));
        Assert.Equal(2, _anomalies.Total);
    }

    [Theory]
    [InlineData("c0-1", "taken", 1)]
    [InlineData("c1-1", "duplicate", 2)]
    [InlineData("c1-1", "counted", 2)]
    public void An_answer_that_names_another_verdict_than_the_log_is_an_inconsistent_verdict(string id, string verdict, int offset)
    {
        Tell("votes", "ada", id, verdict, 0, offset);

        Assert.Contains(Found(), found => found.StartsWith($"inconsistent verdict: votes/0:{offset} {id}: told {verdict}", StringComparison.Ordinal));
    }

    [Fact]
    public void Two_events_of_one_client_and_key_in_the_other_order_are_a_non_monotonic_send()
    {
        Log("picks", 0, Counted("picks", "ada", "c0-4"), Record("picks", "ada", "c0-3", "replaced"));
        _history.Sending([Event("picks", "eve", "c3-1"), Event("picks", "eve", "c3-2")]);
        Log("votes", 0, [.. Logged("votes", 0).Skip(1), Counted("votes", "eve", "c3-2"), Record("votes", "eve", "c3-1", "taken")]);
        Tell("votes", "eve", "c3-1", "taken", 0, 6);
        Tell("votes", "eve", "c3-2", "counted", 0, 5);

        Assert.Contains("non-monotonic send: votes/0:5 c3-2: acknowledged after offset 6 of the same client and key", Found());
    }

    [Theory]
    [InlineData("""{"errors":0,"rows":[{"choice":"a","n":3,"total":6}]}""", "a: the log adds up to n = 2, total = 4; the view shows n = 3, total = 6")]
    [InlineData("""{"errors":0,"rows":[{"choice":"a","n":2,"total":5}]}""", "a: the log adds up to n = 2, total = 4; the view shows n = 2, total = 5")]
    [InlineData("""{"errors":0,"rows":[]}""", "a: the log adds up to n = 2, total = 4; the view shows n = 0, total = 0")]
    [InlineData("""{"errors":1,"rows":[{"choice":"a","n":2,"total":4}]}""", "1 records could not be evaluated")]
    public void A_view_that_shows_something_else_than_its_log_is_a_recount_mismatch(string page, string detail)
    {
        Checker().CheckView(Tally, Page(page));

        Assert.Equal([$"recount mismatch: view tally: {detail}"], Texts());
    }

    [Fact]
    public void A_view_that_shows_what_its_log_adds_up_to_is_right_and_a_replaced_event_counts_once()
    {
        Checker().CheckView(Tally, Page("""{"errors":0,"rows":[{"choice":"a","n":2,"total":4}]}"""));
        Checker().CheckView(Picked, Page("""{"errors":0,"rows":[{"choice":"a","n":1,"total":2}]}"""));

        Assert.Empty(Texts());
    }

    [Fact]
    public void A_recount_that_differs_is_a_recount_mismatch()
    {
        Checker().CheckRecount(Tally, Page("""{"equal":false,"differences":[{"key":["a"]}]}"""));

        Assert.Equal(["""recount mismatch: view tally: the recount differs: [{"key":["a"]}]"""], Texts());
    }

    [Theory]
    [InlineData("""{"position":"votes:0=4","rows":[{"choice":"a","n":2,"total":4}]}""", "was at votes:0=5 and is at votes:0=4")]
    [InlineData("""{"position":"votes:0=5","rows":[{"choice":"a","n":1,"total":4}]}""", "a: n was 2 and is 1")]
    [InlineData("""{"position":"votes:0=6","rows":[]}""", "a: n was 2 and is 0")]
    public void A_view_that_goes_back_is_a_non_monotonic_read(string later, string detail)
    {
        _reads.OfView(Tally, Page("""{"position":"votes:0=5","rows":[{"choice":"a","n":2,"total":4}]}"""));
        Assert.Empty(Texts());

        _reads.OfView(Tally, Page(later));

        Assert.Contains($"non-monotonic read: view tally: {detail}", Texts());
    }

    [Fact]
    public void What_is_replaced_may_leave_its_group_and_a_position_may_not_go_back()
    {
        _reads.OfView(Picked, Page("""{"position":"picks:0=5","rows":[{"choice":"a","n":2,"total":4}]}"""));
        _reads.OfView(Picked, Page("""{"position":"picks:0=6","rows":[]}"""));
        Assert.Empty(Texts());

        _reads.OfView(Picked, Page("""{"position":"picks:0=5","rows":[]}"""));

        Assert.Equal(["non-monotonic read: view picked: was at picks:0=6 and is at picks:0=5"], Texts());
    }

    [Fact]
    public void Records_that_were_read_and_are_gone_are_a_non_monotonic_read()
    {
        _reads.OfLog("gifts", 1, Logged("gifts", 1));
        Logged("gifts", 1).RemoveAt(2);

        _reads.Compare(_logs);

        Assert.Equal(["non-monotonic read: gifts/1: 3 records were read and there are 2"], Texts());
    }

    [Fact]
    public void A_record_that_was_another_one_before_or_had_another_verdict_is_an_inconsistent_offset()
    {
        _reads.OfLog("votes", 0, Logged("votes", 0));
        Put("votes", 0, 1, Counted("votes", "ada", "c9-9"));
        Put("votes", 0, 2, Logged("votes", 0)[2] with { Verdict = "duplicate" });

        _reads.Compare(_logs);

        Assert.Equal(["votes/0:1", "votes/0:2"], _anomalies.First.Where(one => one.Kind == AnomalyKind.InconsistentOffset).Select(one => one.Place));
    }

    [Fact]
    public void A_record_may_be_undecided_and_then_decided()
    {
        _reads.OfLog("gifts", 1, Logged("gifts", 1).Select(record => record.Verdict is null ? record : record with { Verdict = "undecided" }));

        _reads.Compare(_logs);

        Assert.Empty(Texts());
    }

    [Fact]
    public void Of_a_kind_found_often_the_first_are_shown_and_all_are_counted()
    {
        for (int i = 0; i < 100; i++)
        {
            _anomalies.Add(AnomalyKind.LostWrite, $"votes/0:{i}", "", "");
        }

        Assert.Equal(100, _anomalies.Count(AnomalyKind.LostWrite));
        Assert.Equal(5, _anomalies.First.Count);
    }

    private Checker Checker() => new(_history, _logs, Streams, _anomalies);

    private IEnumerable<string> Found()
    {
        Checker().CheckLogs();
        return Texts();
    }

    private IEnumerable<string> Texts() => _anomalies.First.Select(one => one.ToString());

    private List<LoggedRecord> Logged(string stream, int partition) => _logs[stream, partition];

    private void Put(string stream, int partition, int offset, LoggedRecord record) => Logged(stream, partition)[offset] = record with { Offset = record.Offset < 0 ? offset : record.Offset };

    private void Log(string stream, int partition, params LoggedRecord[] records) =>
        _logs.Add(stream, partition, [new LoggedRecord(0, null, null, "", "{}"), .. records.Select((record, i) => record with { Offset = i + 1 })]);

    private void Tell(string stream, string? key, string id, string verdict, int partition, long offset, bool isRefused = false)
    {
        SentEvent sent = Event(stream, key, id) with { IsRefused = isRefused };
        _history.Sending([sent]);
        _history.Answered([sent], [new Outcome(0, verdict, Code: 0, partition, offset)]);
    }

    private static LoggedRecord Counted(string stream, string? key, string id) => Record(stream, key, id, "counted");

    private static LoggedRecord Record(string stream, string? key, string id, string verdict) => new(-1, verdict, key, id, Event(stream, key, id).Body);

    private static SentEvent Event(string stream, string? key, string id) => new(stream, key, id, $$"""{"id":"{{id}}","choice":"a","points":2}""");

    private static JsonObject Page(string text) => JsonNode.Parse(text)!.AsObject();
}
