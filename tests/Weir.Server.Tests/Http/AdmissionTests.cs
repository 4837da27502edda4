using System.Net;
using System.Net.Sockets;
using System.Text;
using Weir.Server.Http;
using Weir.Server.Tests.Support;
using Weir.TestKit;

namespace Weir.Server.Tests.Http;

/// <summary>More than can be taken: who waits, who is turned away, and what he is told.</summary>
public sealed class AdmissionTests
{
    private const string Votes = "/v1/streams/votes/events";
    private const string Yaml = """
        limits: { queue_bytes: 16MiB, request_bytes: 2MiB }
        streams:
          votes: { partitions: 1, key: user, id: id, claim: { by: user } }
        """;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(10);

    [Fact]
    public async Task Bodies_go_in_in_the_order_in_which_they_came_as_far_as_there_is_room()
    {
        using var admission = new IngestAdmission(limitBytes: 100, mostBytes: 100, new FakeTime());
        Assert.True(await admission.EnterAsync(60));
        ValueTask<bool> second = admission.EnterAsync(60);
        ValueTask<bool> third = admission.EnterAsync(30);
        Assert.False(second.IsCompleted);
        Assert.False(third.IsCompleted);

        admission.Leave(60, isTaken: true);

        Assert.True(await second);
        Assert.True(await third);
    }

    [Fact]
    public async Task Who_has_waited_a_second_is_turned_away_and_leaves_his_place_to_the_others()
    {
        var time = new FakeTime();
        using var admission = new IngestAdmission(limitBytes: 100, mostBytes: 100, time);
        Assert.True(await admission.EnterAsync(60));
        ValueTask<bool> tooLarge = admission.EnterAsync(60);
        time.Advance(TimeSpan.FromMilliseconds(600));
        ValueTask<bool> small = admission.EnterAsync(40);
        time.Advance(TimeSpan.FromMilliseconds(500));

        Assert.False(await tooLarge);
        Assert.True(await small);
    }

    [Fact]
    public async Task Slow_clients_inside_keep_nobody_out_for_longer_than_a_second()
    {
        var time = new FakeTime();
        using var admission = new IngestAdmission(limitBytes: 100, mostBytes: 250, time);
        Assert.True(await admission.EnterAsync(100));
        ValueTask<bool> second = admission.EnterAsync(60);
        time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.True(await second);
        Assert.True(await admission.EnterAsync(40));

        // Those who are quick leave, and the slow ones still hold what they hold.
        admission.Leave(60, isTaken: true);
        Assert.True(await admission.EnterAsync(60));
        ValueTask<bool> more = admission.EnterAsync(50);
        ValueTask<bool> tooMuch = admission.EnterAsync(10);
        time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.True(await more);
        Assert.False(await tooMuch);
    }

    [Fact]
    public async Task A_body_that_is_longer_than_everything_that_may_be_inside_goes_in_alone()
    {
        using var admission = new IngestAdmission(limitBytes: 100, mostBytes: 100, new FakeTime());
        Assert.True(await admission.EnterAsync(500));
        ValueTask<bool> next = admission.EnterAsync(1);
        Assert.False(next.IsCompleted);
        admission.Leave(500, isTaken: true);
        Assert.True(await next);
    }

    /// <summary>A second in which ten times as much comes as is taken: the oracle is the sum of what comes back in each tenth of a second.</summary>
    [Fact]
    public void Those_who_were_told_come_back_no_faster_than_they_can_be_taken_and_no_later_than_needed()
    {
        const int PerSecond = 10_000_000;
        const int Body = 100_000;
        var time = new FakeTime();
        var comebacks = new Comebacks(time);
        comebacks.NoteTaken(PerSecond);
        var returns = new Dictionary<long, long>();
        for (int i = 0; i < 900; i++)
        {
            TimeSpan told = comebacks.Next(Body, TimeSpan.Zero);
            Assert.Equal(Math.Truncate(told.TotalSeconds), told.TotalSeconds);
            Assert.InRange(told.TotalSeconds, 1, 60);
            long tenth = (long)((time.GetElapsedTime(0) + told).TotalSeconds * 10);
            returns[tenth] = returns.GetValueOrDefault(tenth) + Body;
            if (i % 9 == 8)
            {
                time.Advance(Moment);
            }
        }

        Assert.All(returns.Values, bytes => Assert.InRange(bytes, 1, PerSecond / 10));
        Assert.InRange(returns.Keys.Max(), 90, 115);
    }

    [Fact]
    public void What_was_promised_is_forgotten_when_its_time_has_passed_and_a_known_hindrance_is_waited_for()
    {
        var time = new FakeTime();
        var comebacks = new Comebacks(time);
        Assert.Equal(TimeSpan.FromSeconds(1), comebacks.Next(1 << 20, TimeSpan.Zero));
        Assert.Equal(TimeSpan.FromSeconds(2), comebacks.Next(1 << 20, TimeSpan.Zero));
        Assert.Equal(TimeSpan.FromSeconds(7), comebacks.Next(1 << 20, TimeSpan.FromSeconds(6.5)));
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.FromSeconds(1), comebacks.Next(1 << 20, TimeSpan.Zero));
        time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(TimeSpan.FromSeconds(1), comebacks.Next(1 << 20, TimeSpan.Zero));
        Assert.Equal(TimeSpan.FromSeconds(60), comebacks.Next(1 << 20, TimeSpan.FromHours(1)));
    }

    [Fact]
    public async Task Every_body_that_is_turned_away_is_told_when_and_counts_once_when_it_comes_again()
    {
        const int Bodies = 8;
        var disk = new FaultyDisk();
        await using TestServer server = await TestServer.StartAsync(Yaml, disk: disk);
        string[] bodies = [.. Enumerable.Range(0, Bodies).Select(Body)];
        disk.HoldFlushes();
        Task<Answer>[] sent = [.. bodies.Select(body => server.PostAsync(Votes, body, "application/x-ndjson"))];
        Answer refused = await await Task.WhenAny(sent);
        Assert.Equal((HttpStatusCode.TooManyRequests, "WEIR-4008"), (refused.Status, refused.Code));

        // Whoever sends the head first and waits is refused as well, and the connection is not used for anything else.
        using var asking = new TcpClient();
        await asking.ConnectAsync(server.Client.BaseAddress!.Host, server.Client.BaseAddress.Port, TestContext.Current.CancellationToken);
        await asking.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST {Votes} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: 900000\r\nExpect: 100-continue\r\n\r\n"), TestContext.Current.CancellationToken);
        var reader = new StreamReader(asking.GetStream());
        string head = "";
        for (string? line = await reader.ReadLineAsync(TestContext.Current.CancellationToken); !string.IsNullOrEmpty(line); line = await reader.ReadLineAsync(TestContext.Current.CancellationToken))
        {
            head += line + "\n";
        }

        Assert.StartsWith("HTTP/1.1 429", head, StringComparison.Ordinal);
        Assert.Contains("Connection: close", head, StringComparison.OrdinalIgnoreCase);
        Assert.Matches("Retry-After: [1-9]", head);

        disk.ReleaseFlushes();
        Answer[] answers = await Task.WhenAll(sent);
        Assert.Contains(answers, answer => answer.Status == HttpStatusCode.OK);
        long counted = 0;
        for (int i = 0; i < Bodies; i++)
        {
            Answer answer = answers[i];
            while (answer.Status != HttpStatusCode.OK)
            {
                Assert.Equal(HttpStatusCode.TooManyRequests, answer.Status);
                Assert.True(answer.Message.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
                answer = await server.PostAsync(Votes, bodies[i], "application/x-ndjson");
            }

            counted += answer.Count("counted");
        }

        Assert.Equal(Bodies * 6_000, counted);
    }

    private static string Body(int body) => string.Concat(Enumerable.Range(0, 6_000).Select(i => $$"""{"id":"{{body}}-{{i}}","user":"{{body}}-{{i}}","pad":"{{new string('.', 100)}}"}""" + "\n"));
}
