using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Weir.Server.Tests.Support;

namespace Weir.Server.Tests.Http;

/// <summary>What is answered when something is full, slow or broken: nothing is acknowledged that is not safe, and it is said when to come back.</summary>
public sealed class CapacityTests
{
    private const string Votes = "/v1/streams/votes/events";
    private const string Yaml = """
        limits: { queue_bytes: 2MiB, request_bytes: 16MiB }
        streams:
          votes: { partitions: 1, key: user, id: id, claim: { by: user } }
        views:
          results: SELECT count(*) AS votes FROM votes
        """;

    [Fact]
    public async Task A_full_disk_refuses_writes_and_keeps_reads_and_ends_by_itself()
    {
        var disk = new FaultyDisk { IsFull = true };
        await using TestServer server = await TestServer.StartAsync(Yaml, disk: disk);
        Answer refused;
        do
        {
            refused = await server.PostAsync(Votes, """{"id":"1","user":"1"}""");
        }
        while (refused.Status == HttpStatusCode.OK || refused.Code == "WEIR-1504");

        Assert.Equal((507, "WEIR-4003"), ((int)refused.Status, refused.Code));
        Assert.NotNull(refused.Message.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync("/v1/views/results")).Status);

        disk.IsFull = false;
        Answer taken;
        do
        {
            taken = await server.PostAsync(Votes, """{"id":"2","user":"2"}""");
        }
        while ((int)taken.Status == 507);

        Assert.Equal(1, taken.Count("counted") + taken.Count("duplicate"));
    }

    [Fact]
    public async Task A_list_of_verdicts_ends_where_the_memory_for_it_does_and_says_how_many_are_left_out()
    {
        await using TestServer server = await TestServer.StartAsync("""
            limits: { request_bytes: 4MiB }
            streams:
              clicks: { partitions: 2 }
            """);
        string body = string.Concat(Enumerable.Repeat("{}\n", 400_000));
        for (int n = 0; n < 3; n++)
        {
            Answer answer = await server.PostAsync("/v1/streams/clicks/events?verdicts=all", body, "application/x-ndjson");
            Assert.Equal(400_000, answer.Count("counted"));
            Assert.InRange(answer.Verdicts.Count, 50_000, 150_000);
            Assert.Equal(400_000, answer.Verdicts.Count + answer.Count("more"));
            Assert.Equal(Enumerable.Range(0, answer.Verdicts.Count), answer.Verdicts.Select(one => one!["index"]!.GetValue<int>()));
        }
    }

    /// <summary>The fold of a replacement reads the event that it replaces, so a log that cannot be read holds it up, and nothing else.</summary>
    [Fact]
    public async Task A_durable_acknowledgement_waits_for_the_flush_and_not_for_the_fold()
    {
        var disk = new FaultyDisk();
        await using TestServer server = await TestServer.StartAsync(
            """
            streams:
              last: { partitions: 1, key: user, id: id, claim: { by: user, keep: last } }
            views:
              results: SELECT choice, count(*) AS votes FROM last GROUP BY choice
            """,
            disk: disk);
        const string Last = "/v1/streams/last/events";
        await server.PostAsync(Last, """{"id":"1","user":"ada","choice":"blue"}""");
        disk.HoldReads();

        Answer durable = await server.PostAsync(Last + "?ack=durable&verdicts=all", """{"id":"2","user":"ada","choice":"red"}""" + "\nbroken\n", "application/x-ndjson");
        Task<Answer> decided = server.PostAsync(Last, """{"id":"3","user":"bob","choice":"red"}""");

        Assert.Equal((HttpStatusCode.Accepted, 1L, 1L, "last:0=3"), (durable.Status, durable.Count("durable"), durable.Count("refused"), durable.Header("Weir-Position")));
        Assert.Equal(("durable", 2L), (durable.Verdicts[0]!["verdict"]!.GetValue<string>(), durable.Verdicts[0]!["offset"]!.GetValue<long>()));
        Assert.Equal("refused", durable.Verdicts[1]!["verdict"]!.GetValue<string>());
        Assert.False(decided.IsCompleted);

        disk.ReleaseReads();
        Assert.Equal(1, (await decided).Count("counted"));
        Answer view = await server.GetAsync("/v1/views/results?at=last:0=4");
        Assert.Equal("""[{"choice":"red","votes":2}]""", view.Json["rows"]!.ToJsonString());
    }

    [Fact]
    public async Task A_flush_that_fails_is_unknown_to_whoever_asked_for_durability_only()
    {
        var disk = new FaultyDisk();
        await using TestServer server = await TestServer.StartAsync(Yaml, disk: disk);
        disk.FlushesFail = true;
        Answer failed = await server.PostAsync(Votes + "?ack=durable", """{"id":"1","user":"1"}""");
        Assert.Equal((503, 0L, 1L), ((int)failed.Status, failed.Count("durable"), failed.Count("unknown")));
        disk.FlushesFail = false;
        Answer taken;
        do
        {
            taken = await server.PostAsync(Votes + "?ack=durable", """{"id":"1","user":"1"}""");
        }
        while ((int)taken.Status == 503);

        Assert.Equal((202, 1L), ((int)taken.Status, taken.Count("durable")));
        Assert.Equal(1, (await server.PostAsync(Votes, """{"id":"1","user":"1"}""")).Count("duplicate"));
    }

    [Fact]
    public async Task A_full_queue_says_when_to_come_back_and_the_same_body_is_then_counted_once()
    {
        var disk = new FaultyDisk();
        await using TestServer server = await TestServer.StartAsync(Yaml, disk: disk);
        // More than one round and the queue behind it take together.
        const int Bodies = 12;
        disk.HoldFlushes();
        string[] bodies = [.. Enumerable.Range(0, Bodies).Select(Body)];
        Task<Answer>[] sent = [.. bodies.Select(body => server.PostAsync(Votes, body, "application/x-ndjson"))];
        Answer shed = await await Task.WhenAny(sent);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "WEIR-4001"), (shed.Status, shed.Code));
        Assert.NotNull(shed.Message.Headers.RetryAfter);
        Assert.True(shed.Count("unknown") > 0);

        disk.ReleaseFlushes();
        Answer[] answers = await Task.WhenAll(sent);
        long counted = answers.Sum(answer => answer.Count("counted"));
        foreach (string body in bodies)
        {
            Answer again = await server.PostAsync(Votes, body, "application/x-ndjson");
            Assert.Equal(HttpStatusCode.OK, again.Status);
            counted += again.Count("counted");
        }

        Assert.Equal(Bodies * 5_000, counted);
    }

    [Fact]
    public async Task A_failed_flush_is_acknowledged_to_nobody_and_a_retry_counts_once()
    {
        var disk = new FaultyDisk();
        await using TestServer server = await TestServer.StartAsync(Yaml, disk: disk);
        disk.FlushesFail = true;
        Answer unknown = await server.PostAsync(Votes, """{"id":"1","user":"1"}""");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "WEIR-4005", 1L), (unknown.Status, unknown.Code, unknown.Count("unknown")));
        disk.FlushesFail = false;
        Answer again;
        do
        {
            again = await server.PostAsync(Votes, """{"id":"1","user":"1"}""");
        }
        while (again.Status == HttpStatusCode.ServiceUnavailable);

        Assert.Equal(1, again.Count("counted") + again.Count("duplicate"));
        Answer rows = await server.GetAsync($"/v1/views/results?at={again.Header("Weir-Position")}");
        Assert.Equal("""[{"votes":1}]""", rows.Json["rows"]!.ToJsonString());
    }

    [Fact]
    public async Task Bodies_beyond_the_memory_for_them_are_turned_away()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml);
        Answer answer = await server.PostAsync(Votes, "[\"" + new string('x', 20 << 20) + "\"]");
        Assert.Equal((HttpStatusCode.TooManyRequests, "WEIR-4008"), (answer.Status, answer.Code));
        Assert.NotNull(answer.Message.Headers.RetryAfter);
        Assert.Equal(1, (await server.PostAsync(Votes, """{"id":"1","user":"1"}""")).Count("counted"));
    }

    [Fact]
    public async Task A_recount_in_its_own_process_agrees_with_the_view()
    {
        await using TestServer server = await TestServer.StartAsync(Yaml, recountCommand: ["dotnet", Path.Combine(AppContext.BaseDirectory, "weir.dll"), "recount-child"]);
        Answer sent = await server.PostAsync(Votes, Body(0), "application/x-ndjson");
        await server.GetAsync($"/v1/views/results?at={sent.Header("Weir-Position")}");
        Answer started = await server.PostAsync("/v1/views/results/recount", "");
        Assert.True(started.Status is HttpStatusCode.OK or HttpStatusCode.Accepted);
        JsonObject result = started.Json;
        while (IsRunning(result))
        {
            result = (await server.GetAsync(started.Header("Location")!)).Json;
        }

        Assert.True(result["equal"]?.GetValue<bool>() == true, result.ToJsonString());
        Assert.Equal(5_000, result["events"]!.GetValue<int>());
        Assert.Equal(sent.Header("Weir-Position"), result["position"]!.GetValue<string>());
    }

    [Fact]
    public async Task Who_sees_the_result_of_a_recount_can_ask_for_the_next_one_at_once()
    {
        // A child that has printed its result and does not end before somebody writes into the pipe; the second time it ends by itself.
        const string Child = """
            out='{"progress":{"events":7,"total":7}}\n{"equal":true,"events":7}\n'
            if mkfifo "$0" 2>/dev/null; then printf "$out"; read -r line < "$0"; else printf "$out"; fi
            """;
        string folder = Directory.CreateTempSubdirectory("weir-recount-").FullName;
        string pipe = Path.Combine(folder, "pipe");
        await using (TestServer server = await TestServer.StartAsync(Yaml, recountCommand: ["/bin/sh", "-c", Child, pipe]))
        {
            string first = (await server.PostAsync("/v1/views/results/recount", "")).Header("Location")!;
            JsonObject look;
            do
            {
                look = (await server.GetAsync(first)).Json;
            }
            while (look["events"]!.GetValue<int>() < 7);
            Assert.True(IsRunning(look), look.ToJsonString());
            Assert.Equal("WEIR-4010", (await server.PostAsync("/v1/views/results/recount", "")).Code);

            await File.WriteAllTextAsync(pipe, "end\n");
            while (IsRunning(look))
            {
                look = (await server.GetAsync(first)).Json;
            }

            Assert.True(look["equal"]?.GetValue<bool>() == true, look.ToJsonString());
            Assert.Null((await server.PostAsync("/v1/views/results/recount", "")).Code);
        }

        Directory.Delete(folder, recursive: true);
    }

    private static bool IsRunning(JsonObject recount) => recount["state"]!.GetValue<string>() == "running";

    // About 600 KB.
    private static string Body(int number)
    {
        var body = new StringBuilder();
        for (int i = 0; i < 5_000; i++)
        {
            body.Append(System.Globalization.CultureInfo.InvariantCulture, $"{{\"id\":\"{number}-{i}\",\"user\":\"{number}-{i}\",\"filler\":\"{new string('x', 80)}\"}}\n");
        }

        return body.ToString();
    }
}
