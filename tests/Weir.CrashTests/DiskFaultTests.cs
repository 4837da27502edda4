using System.Globalization;
using System.Text.Json;

namespace Weir.CrashTests;

/// <summary>
/// The disk of the real binary says no: a flush or a write fails now and then, on every thread that calls it often enough. Nothing that a failed flush should
/// have covered is acknowledged, the file is not flushed again, the partition comes back by itself, and what is sent again counts once.
/// </summary>
public sealed class DiskFaultTests(ITestOutputHelper output)
{
    private const string OneLog = """
        streams:
          votes: { partitions: 1, key: user, id: id, claim: { by: user, keep: first } }
        views:
          tally: SELECT choice, count(*) AS n FROM votes GROUP BY choice
        """;

    private const int Bodies = 12;
    private const int EventsPerBody = 20;

    [Theory]
    [InlineData("fdatasync:error=EIO:when=1")]
    [InlineData("fdatasync:error=EIO:when=3+5")]
    [InlineData("fdatasync:error=ENOSPC:when=2")]
    [InlineData("fdatasync:error=EDQUOT:when=4")]
    [InlineData("fdatasync:error=EROFS:when=3")]
    [InlineData("pwrite64:error=EIO:when=6..9+3")]
    [InlineData("pwrite64:error=ENOSPC:when=7..8")]
    public async Task A_failing_disk_acknowledges_nothing_that_is_not_there_and_the_partition_comes_back(string injection)
    {
        Strace.Need();
        using var directory = new WorkDirectory();
        directory.Configure(OneLog);

        // The files are made by an undisturbed run: what fails is the traffic, not the first start.
        using (ServerUnderTest first = await ServerUnderTest.StartAsync(directory.Configuration))
        {
            Assert.Equal(0, await first.StopAsync());
        }

        string log = directory.PathOf("strace");
        List<LoggedRecord> records;
        var answers = new List<(IReadOnlyList<SentEvent> Body, Answer Answer)>();
        int processId;
        using (ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration, Strace.Wrapper(log, "openat,pwrite64,fdatasync,sendto,sendmsg", shownBytes: 400, injection)))
        {
            processId = server.ProcessId;
            using var api = new ServerApi(await server.Ready);
            for (int i = 0; i < Bodies; i++)
            {
                await SendUntilDecidedAsync(api, Body(i), answers);
            }

            records = await api.ReadLogAsync("votes", 0);
            JsonElement view = await api.CurrentViewAsync("tally", "votes");
            Assert.Equal(Bodies * EventsPerBody, view.GetProperty("rows").EnumerateArray().Sum(row => row.GetProperty("n").GetInt32()));
            Invariants.RecountEqualsLive("tally", await api.RecountAsync("tally"));
            await server.StopAsync();
        }

        IReadOnlyList<SystemCall> calls = await StraceLog.ReadAsync(log, processId);
        int failures = calls.Count(call => call.Failed && call.Name == injection.Split(':')[0]);
        int unknown = answers.Count(sent => sent.Answer.Status != 200);
        Assert.True(failures > 0, "Nothing was injected.");

        // A thread's first flush makes a segment; from its second on they are those of rounds, which the promise is about.
        SystemCall[] ofRounds = [.. calls.Where(call => call.Failed && call.Name == "fdatasync" && calls.Any(made => made.Name == "fdatasync" && !made.Failed && made.File == call.File && made.Ended < call.Began))];
        output.WriteLine($"{injection}: {failures} failed calls, {ofRounds.Length} of them flushes of rounds, {unknown} of {answers.Count} answers not 200");
        Assert.True(ofRounds.Length > 0 || !injection.StartsWith("fdatasync", StringComparison.Ordinal) || injection.EndsWith("when=1", StringComparison.Ordinal), "No flush of a round failed.");
        StraceLog.AssertNoSecondFlush(calls);
        EveryAnswerRestsOnAFlush(calls);
        HoldsWhatWasAcknowledged(records, answers);
    }

    // The page cache forgives: what a failed flush left there is usually still read back. So the order of the calls is the proof, not what is found later.
    private static void EveryAnswerRestsOnAFlush(IReadOnlyList<SystemCall> calls)
    {
        SystemCall[] sent = [.. StraceLog.Answers(calls).Take(Bodies)];
        Assert.Equal(Bodies, sent.Length);
        for (int i = 0; i < Bodies; i++)
        {
            StraceLog.AssertFlushedBefore(calls, $"\\\"id\\\":\\\"{i}-0\\\"", sent[i]);
        }
    }

    private static void HoldsWhatWasAcknowledged(List<LoggedRecord> records, List<(IReadOnlyList<SentEvent> Body, Answer Answer)> answers)
    {
        Assert.Equal(Enumerable.Range(0, records.Count).Select(i => (long)i), records.Select(record => record.Offset));
        ILookup<string, LoggedRecord> counted = records.Where(record => record.IsCounted).ToLookup(record => record.Key!);
        Assert.All(counted, owner => Assert.Single(owner));
        Assert.Equal(Bodies * EventsPerBody, counted.Count);
        foreach ((IReadOnlyList<SentEvent> body, Answer answer) in answers)
        {
            foreach (Outcome outcome in answer.Outcomes.Where(outcome => outcome.Verdict is "counted" or "duplicate"))
            {
                SentEvent sent = body[outcome.Index];
                LoggedRecord record = records[(int)outcome.Offset];
                Assert.True(record.IsCounted && record.Value == sent.Body, $"{sent.Body} was told {outcome}, where {record} lies.");
            }
        }
    }

    private static async Task SendUntilDecidedAsync(ServerApi api, IReadOnlyList<SentEvent> body, List<(IReadOnlyList<SentEvent> Body, Answer Answer)> answers)
    {
        using var patience = new CancellationTokenSource(ServerUnderTest.Patience);
        while (true)
        {
            Answer answer = await api.SendAsync("votes", body);
            answers.Add((body, answer));
            if (answer.Status == 200)
            {
                Assert.All(answer.Outcomes, outcome => Assert.Contains(outcome.Verdict, (string[])["counted", "duplicate"]));
                return;
            }

            Assert.True(answer.Status is 503 or 507, answer.Text);
            Assert.All(answer.Outcomes, outcome => Assert.True(outcome.IsOpen, $"{outcome} in {answer.Text}"));
            Assert.False(patience.IsCancellationRequested, $"The partition does not come back: {answer.Text}");
            await Task.Delay(20);
        }
    }

    private static IReadOnlyList<SentEvent> Body(int body) =>
        [.. Enumerable.Range(0, EventsPerBody).Select(i => string.Create(CultureInfo.InvariantCulture, $"{body}-{i}"))
            .Select(id => new SentEvent("votes", "u" + id, id, $$"""{"user":"u{{id}}","id":"{{id}}","choice":"{{id[^1]}}"}"""))];
}
