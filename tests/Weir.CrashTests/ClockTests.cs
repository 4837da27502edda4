using System.Globalization;
using System.Text.Json;
using Weir.TestKit;

namespace Weir.CrashTests;

/// <summary>
/// The wall clock of the real binary is set back an hour and a year and forward a century, while it runs and while it is down. Identity, claims, order and
/// offsets do not know it; what is declared by the clock happens by it, once.
/// </summary>
public sealed class ClockTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);
    private static readonly TimeSpan Century = TimeSpan.FromDays(36525);

    [Fact]
    public async Task Identity_claims_order_and_offsets_do_not_know_the_clock_and_append_times_never_go_back()
    {
        using var directory = new WorkDirectory();
        directory.Configure(Workload.Definitions);
        using var clock = new FakeClock(directory);
        using var server = new RestartingServer(directory);
        var history = new History();
        using var stop = new CancellationTokenSource();
        await server.StartAsync(clock.Wrapper);
        Task[] clients = [.. Enumerable.Range(0, 3).Select(i => new Random(i)).Select((own, i) => new Client(server, history, new Workload(own, $"c{i}"), own).RunAsync(stop.Token))];
        TimeSpan[] offsets = TestScale.IsShort ? [Century, -Year, -Hour] : [-Hour, -Year, Century, TimeSpan.Zero, Century + Hour, -Year];
        for (int i = 0; i < offsets.Length; i++)
        {
            await Client.AnswersReachAsync(history, history.Answers + 25, clients);
            clock.Set(offsets[i]);
            if (i % 2 == 1)
            {
                // The one that recovers what this one wrote has another clock.
                server.Kill();
                await server.StartAsync(clock.Wrapper);
            }
        }

        await Client.AnswersReachAsync(history, history.Answers + 25, clients);
        await stop.CancelAsync();
        await Task.WhenAll(clients).WaitAsync(ServerUnderTest.Patience * 2);
        ServerApi api = await server.ApiAsync();
        await Invariants.HoldAsync(history, api);
        int times = 0;
        foreach (CheckedStream stream in Workload.Streams)
        {
            for (int partition = 0; partition < Workload.Partitions; partition++)
            {
                DateTimeOffset[] appended = await AppendTimesAsync(api, stream.Name, partition);
                Assert.Equal(appended.Order(), appended);
                Assert.True(appended[^1] - appended[0] > Century - Hour, $"The clock of {stream.Name}/{partition} did not move: {appended[0]:O} to {appended[^1]:O}.");
                times += appended.Length;
            }
        }

        output.WriteLine($"{offsets.Length} jumps, {server.Kills} kills, {history.Sent} events, {history.Answers} answers, {times} append times in order; lost 0, double 0");
    }

    [Fact]
    public async Task A_stream_opens_and_closes_by_the_clock_and_a_clock_that_is_set_back_undoes_neither()
    {
        using var directory = new WorkDirectory();
        using var clock = new FakeClock(directory);
        directory.Configure(string.Create(CultureInfo.InvariantCulture, $$"""
            streams:
              votes: { partitions: 2, key: user, id: id, claim: { by: user }, opens: "{{clock.Now + Hour:yyyy-MM-ddTHH:mm:ssZ}}", closes: "{{clock.Now + (2 * Hour):yyyy-MM-ddTHH:mm:ssZ}}", grace: 0s }
            views:
              tally: SELECT count(*) AS n FROM votes
            """));
        using var server = new RestartingServer(directory);
        await server.StartAsync(clock.Wrapper);
        int sent = 0;
        Assert.Equal("closed", await SendAsync());

        await SetAndSendAsync(1.5 * Hour, "counted");
        await SetAndSendAsync(-Hour, "counted");
        await SetAndSendAsync(-Year, "counted");
        if (!TestScale.IsShort)
        {
            await RestartAndSendAsync("counted");
        }

        int counted = sent - 8;
        await SetAndSendAsync(Century, "closed");
        await SetAndSendAsync(1.5 * Hour, "closed");
        await SetAndSendAsync(-Year, "closed");
        await RestartAndSendAsync("closed");

        ServerApi api = await server.ApiAsync();
        Assert.Equal("final", (await api.GetAsync("v1/streams/votes")).GetProperty("phase").GetString());
        JsonElement tally = await api.CurrentViewAsync("tally", "votes");
        Assert.Equal(counted, tally.GetProperty("rows")[0].GetProperty("n").GetInt32());
        Invariants.RecountEqualsLive("tally", await api.RecountAsync("tally"));

        async Task SetAndSendAsync(TimeSpan offset, string verdict)
        {
            clock.Set(offset);
            Assert.Equal(verdict, await SendAsync());
        }

        async Task RestartAndSendAsync(string verdict)
        {
            Assert.Equal(0, await server.StopAsync());
            await server.StartAsync(clock.Wrapper);
            Assert.Equal(verdict, await SendAsync());
        }

        // Enough that both partitions get some.
        async Task<string> SendAsync()
        {
            SentEvent[] votes = [.. Enumerable.Range(sent, 8).Select(i => $"u{i}").Select(user => new SentEvent("votes", user, user, $$"""{"user":"{{user}}","id":"{{user}}"}"""))];
            sent += votes.Length;
            Answer answer = await (await server.ApiAsync()).SendAsync("votes", votes);
            Assert.Equal(200, answer.Status);
            return Assert.Single(answer.Outcomes.Select(outcome => outcome.Verdict).Distinct())!;
        }
    }

    [Fact]
    public async Task Retention_deletes_by_age_and_stops_and_says_so_when_the_clock_has_jumped()
    {
        using var directory = new WorkDirectory();
        directory.Configure("streams: { gifts: { partitions: 1, id: id, retention: 1h } }");
        using var clock = new FakeClock(directory);
        var workload = new Workload(new Random(6), "c");
        using var server = new RestartingServer(directory);

        // A pass runs right after each start. Two hours later everything sealed has gone.
        long start = 0;
        await FillAsync();
        if (!TestScale.IsShort)
        {
            clock.Set(2 * Hour);
            await server.StartAsync(clock.Wrapper);
            await SaysAsync("now begins at offset");
            start = await LogStartAsync();
            Assert.True(start > 0, "Nothing was deleted.");
            await FillAsync();
        }

        // Nobody has written since the jump; then somebody has; then the clock is right again.
        clock.Set(Century);
        await server.StartAsync(clock.Wrapper);
        await SaysAsync("the clock may have jumped");
        Assert.Equal(start, await LogStartAsync());
        await FillAsync();
        await server.StartAsync(clock.Wrapper);
        await SaysAsync("The clock jumped");
        Assert.Equal(start, await LogStartAsync());
        if (TestScale.IsShort)
        {
            return;
        }

        Assert.Equal(0, await server.StopAsync());
        clock.Set(2 * Hour);
        await FillAsync();
        Assert.Equal(0, (await ServerUnderTest.RunAsync("log", "check", directory.Data)).Code);

        await server.StartAsync(clock.Wrapper);
        ServerApi api = await server.ApiAsync();
        DateTimeOffset[] appended = await AppendTimesAsync(api, "gifts", 0, start);
        Assert.Equal(appended.Order(), appended);

        // More than a segment of 1 MiB, and a clean stop.
        async Task FillAsync()
        {
            if (server.IsDown)
            {
                await server.StartAsync(clock.Wrapper);
            }

            ServerApi filled = await server.ApiAsync();
            for (int i = 0; i < 9; i++)
            {
                SentEvent[] body = [.. Enumerable.Range(0, 400).Select(_ => workload.Next("gifts")).Where(one => !one.IsRefused)];
                Assert.Equal(200, (await filled.SendAsync("gifts", body)).Status);
            }

            Assert.Equal(0, await server.StopAsync());
        }

        async Task<long> LogStartAsync() =>
            (await (await server.ApiAsync()).GetAsync("v1/streams/gifts")).GetProperty("partitions")[0].GetProperty("log_start").GetInt64();

        async Task SaysAsync(string text)
        {
            using var patience = new CancellationTokenSource(ServerUnderTest.Patience);
            while (!server.Output.Contains(text, StringComparison.Ordinal))
            {
                Assert.False(patience.IsCancellationRequested, $"The server does not say `{text}`:\n{server.Output}\n{string.Join('\n', Directory.GetFiles(directory.PartitionPath("gifts", 0)).Select(file => $"{Path.GetFileName(file)} {new FileInfo(file).Length}"))}");
                await Task.Delay(20);
            }
        }
    }

    private static async Task<DateTimeOffset[]> AppendTimesAsync(ServerApi api, string stream, int partition, long from = 0)
    {
        var times = new List<DateTimeOffset>();
        while (true)
        {
            JsonElement page = await api.GetAsync(string.Create(CultureInfo.InvariantCulture, $"v1/streams/{stream}/events?partition={partition}&offset={from}&limit=5000"));
            times.AddRange(page.GetProperty("events").EnumerateArray().Select(record => record.GetProperty("time").GetDateTimeOffset()));
            long next = page.GetProperty("next").GetInt64();
            if (next == from || next >= page.GetProperty("end").GetInt64())
            {
                return [.. times];
            }

            from = next;
        }
    }
}
