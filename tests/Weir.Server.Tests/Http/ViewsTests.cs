using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Weir.Server.Tests.Support;

namespace Weir.Server.Tests.Http;

/// <summary>Rows, conditional reads, waiting for a position, and the live feed.</summary>
public sealed class ViewsTests : IAsyncLifetime
{
    private const string Results = "/v1/views/results";

    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync("""
        engine: { publish_interval: 20ms }
        streams:
          votes: { partitions: 2, key: user, id: id, claim: { by: user } }
        views:
          results: SELECT choice, count(*) AS votes, sum(points) AS points FROM votes GROUP BY choice
        """);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_read_at_the_position_of_a_write_has_the_write()
    {
        string position = await VoteAsync("a", "blue");
        Answer answer = await _server.GetAsync($"{Results}?at={position}");
        Assert.Equal((HttpStatusCode.OK, "results", false), (answer.Status, answer.Json["view"]!.GetValue<string>(), answer.Json["final"]!.GetValue<bool>()));
        Assert.Equal("""[{"choice":"blue","votes":1,"points":3}]""", answer.Json["rows"]!.ToJsonString());
        Assert.Equal(answer.Json["position"]!.GetValue<string>(), answer.Header("Weir-Position"));
        Assert.Equal($"\"1;{answer.Header("Weir-Position")}\"", answer.Message.Headers.ETag!.Tag);
    }

    [Fact]
    public async Task A_position_that_does_not_come_is_a_timeout_and_a_foreign_one_is_refused()
    {
        Answer late = await _server.GetAsync(Results + "?at=votes:0=1000000&wait=1ms");
        Assert.Equal((HttpStatusCode.GatewayTimeout, "WEIR-1408"), (late.Status, late.Code));
        Assert.Equal("WEIR-1407", (await _server.GetAsync(Results + "?at=orders:0=1")).Code);
        Assert.Equal("WEIR-1407", (await _server.GetAsync(Results + "?at=votes:7=1")).Code);
        Assert.Equal("WEIR-1307", (await _server.GetAsync(Results + "?at=votes:0=1&wait=31s")).Code);
    }

    [Fact]
    public async Task Rows_that_are_known_already_are_not_sent_again()
    {
        Answer first = await _server.GetAsync($"{Results}?at={await VoteAsync("a", "blue")}");
        Assert.Equal(HttpStatusCode.NotModified, (await GetUnlessAsync(first.Message.Headers.ETag!)).Status);
        await _server.GetAsync($"{Results}?at={await VoteAsync("b", "blue")}");
        Answer changed = await GetUnlessAsync(first.Message.Headers.ETag!);
        Assert.Equal((HttpStatusCode.OK, 2), (changed.Status, changed.Json["rows"]![0]!["votes"]!.GetValue<int>()));
    }

    [Fact]
    public async Task A_view_that_was_deleted_and_defined_again_repeats_no_tag_and_no_id()
    {
        string position = await VoteAsync("a", "blue");
        EntityTagHeaderValue tag = (await _server.GetAsync($"{Results}?at={position}")).Message.Headers.ETag!;
        for (int version = 2; version < 5; version++)
        {
            Assert.Equal(HttpStatusCode.NoContent, (await Answer.OfAsync(await _server.Client.DeleteAsync(Results))).Status);
            if (version == 4)
            {
                _server = await TestServer.StartInAsync(await _server.StopAsync(), "streams: { votes: { partitions: 2, key: user, id: id, claim: { by: user } } }");
            }

            await _server.PutAsync(Results, """{"sql":"SELECT choice, count(*) AS votes, sum(points) AS points FROM votes GROUP BY choice"}""");
            await _server.GetAsync($"{Results}?at={position}&wait=20s");
            Answer again = await GetUnlessAsync(tag);

            Assert.Equal((HttpStatusCode.OK, $"\"{version};{position}\""), (again.Status, again.Message.Headers.ETag!.Tag));
            Assert.Equal(version, (await _server.GetAsync("/v1/views")).Json["views"]![0]!["version"]!.GetValue<int>());
        }
    }

    [Fact]
    public async Task Rows_are_filtered_ordered_and_paged()
    {
        string position = "";
        foreach ((string user, string choice) in ((string, string)[])[("a", "blue"), ("b", "blue"), ("c", "red"), ("d", "green"), ("e", "green"), ("f", "green")])
        {
            position = await VoteAsync(user, choice);
        }

        await _server.GetAsync($"{Results}?at={(await _server.GetAsync("/v1/streams/votes")).Json["position"]}");
        Assert.Equal(["green", "blue", "red"], await ChoicesAsync("?order=-votes"));
        Assert.Equal(["red"], await ChoicesAsync("?choice=red"));
        Answer page = await _server.GetAsync(Results + "?order=-votes&limit=2");
        Assert.Equal(["red"], await ChoicesAsync($"?order=-votes&limit=2&next={Uri.EscapeDataString(page.Json["next"]!.GetValue<string>())}"));
        Assert.Equal("WEIR-1307", (await _server.GetAsync(Results + "?colour=red")).Code);
        Assert.Equal("WEIR-1307", (await _server.GetAsync(Results + "?limit=100001")).Code);
        Assert.NotEmpty(position);
    }

    [Fact]
    public async Task Records_that_a_view_cannot_evaluate_are_counted_and_listed()
    {
        Answer sent = await _server.PostAsync("/v1/streams/votes/events?verdicts=all", """{"id":"x","user":"x","choice":"blue","points":"many"}""");
        Answer answer = await _server.GetAsync($"{Results}?at={sent.Header("Weir-Position")}");
        Assert.Equal(1, answer.Count("errors"));
        JsonNode error = Assert.Single((await _server.GetAsync(Results + "/errors")).Json["offsets"]!.AsArray())!;
        Assert.Equal((sent.Verdicts[0]!["partition"]!.GetValue<int>(), sent.Verdicts[0]!["offset"]!.GetValue<long>()), (error["partition"]!.GetValue<int>(), error["offset"]!.GetValue<long>()));
    }

    [Fact]
    public async Task PUT_defines_a_view_over_what_is_there_and_wrong_SQL_is_told_with_its_place()
    {
        string position = await VoteAsync("a", "blue");
        Assert.True((await _server.PutAsync("/v1/views/total", """{"sql":"SELECT count(*) AS n FROM votes"}""")).Message.IsSuccessStatusCode);
        Answer rows = await _server.GetAsync($"/v1/views/total?at={position}&wait=10s");
        Assert.True(rows.Status == HttpStatusCode.OK, rows.ToString());
        Assert.Equal("""[{"n":1}]""", rows.Json["rows"]!.ToJsonString());
        Answer wrong = await _server.PutAsync("/v1/views/wrong", """{"sql":"SELECT count(* FROM votes"}""");
        Assert.Equal((HttpStatusCode.BadRequest, "WEIR-2001"), (wrong.Status, wrong.Code));
        Assert.Contains("line 1, column 16", wrong.Json["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("WEIR-1401", (await _server.PutAsync("/v1/views/wrong", """{"sql":"SELECT count(*) FROM nothing"}""")).Code);
        Assert.Equal(HttpStatusCode.NoContent, (await _server.Client.DeleteAsync("/v1/views/total")).StatusCode);
        Assert.Equal("WEIR-1402", (await _server.GetAsync("/v1/views/total")).Code);
        Assert.Equal(["results"], (await _server.GetAsync("/v1/views")).Json["views"]!.AsArray().Select(view => view!["name"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_live_feed_begins_with_a_snapshot_and_goes_on_after_the_last_id()
    {
        await VoteAndWaitAsync("a", "blue");
        string lastId;
        using (var feed = await EventFeed.OpenAsync(_server, Results + "/live"))
        {
            LiveEvent snapshot = await feed.NextAsync();
            Assert.Equal("snapshot", snapshot.Event);
            Assert.Equal(1, Assert.Single(snapshot.Data["rows"]!.AsArray())!["votes"]!.GetValue<int>());
            await VoteAndWaitAsync("b", "blue");
            LiveEvent delta = await feed.NextAsync();
            Assert.Equal(("delta", 2), (delta.Event, Assert.Single(delta.Data["rows"]!.AsArray())!["votes"]!.GetValue<int>()));
            lastId = delta.Id;
        }

        await VoteAndWaitAsync("c", "red");
        using (var resumed = await EventFeed.OpenAsync(_server, Results + "/live", lastId))
        {
            LiveEvent next = await resumed.NextAsync();
            Assert.Equal(("delta", "red"), (next.Event, Assert.Single(next.Data["rows"]!.AsArray())!["choice"]!.GetValue<string>()));
        }

        using (var asked = await EventFeed.OpenAsync(_server, $"{Results}/live?after={Uri.EscapeDataString(lastId)}"))
        {
            Assert.Equal("delta", (await asked.NextAsync()).Event);
        }

        using var unknown = await EventFeed.OpenAsync(_server, Results + "/live", "9;votes:0=1,1=1");
        Assert.Equal("snapshot", (await unknown.NextAsync()).Event);
    }

    [Fact]
    public async Task A_WebSocket_gets_the_same_frames()
    {
        await VoteAndWaitAsync("a", "blue");
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://{_server.Host.Address.Authority}{Results}/live"), CancellationToken.None);
        using var feed = await EventFeed.OpenAsync(_server, Results + "/live");
        Assert.Equal((await feed.NextAsync()).Text, await MessageAsync(socket));
        await VoteAndWaitAsync("b", "red");
        Assert.Equal((await feed.NextAsync()).Text, await MessageAsync(socket));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        Assert.Equal(WebSocketState.Closed, socket.State);
    }

    [Fact]
    public async Task Subscribers_are_told_goodbye_when_the_server_stops()
    {
        using var feed = await EventFeed.OpenAsync(_server, Results + "/live");
        Assert.Equal("snapshot", (await feed.NextAsync()).Event);
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://{_server.Host.Address.Authority}{Results}/live"), CancellationToken.None);
        await MessageAsync(socket);
        Task stopping = _server.Host.StopAsync();
        LiveEvent last;
        do
        {
            last = await feed.NextAsync();
        }
        while (last.Event == "delta");

        Assert.Equal("bye", last.Event);
        WebSocketReceiveResult close;
        do
        {
            close = await socket.ReceiveAsync(new byte[1024], CancellationToken.None);
        }
        while (close.MessageType == WebSocketMessageType.Text);

        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, close.CloseStatus);
        await stopping;
    }

    [Fact]
    public async Task A_closed_stream_makes_the_view_final()
    {
        await VoteAsync("a", "blue");
        Answer closed = await _server.PostAsync("/v1/streams/votes/close", "");
        Answer rows = await _server.GetAsync($"{Results}?at={closed.Header("Weir-Position")}");
        Assert.True(rows.Json["final"]!.GetValue<bool>());
    }

    private async Task<string> VoteAsync(string user, string choice)
    {
        Answer answer = await _server.PostAsync("/v1/streams/votes/events", $$"""{"id":"{{user}}","user":"{{user}}","choice":"{{choice}}","points":3}""");
        Assert.Equal(1, answer.Count("counted"));
        return answer.Header("Weir-Position")!;
    }

    private async Task VoteAndWaitAsync(string user, string choice) => await _server.GetAsync($"{Results}?at={await VoteAsync(user, choice)}");

    private async Task<List<string>> ChoicesAsync(string query) =>
        [.. (await _server.GetAsync(Results + query)).Json["rows"]!.AsArray().Select(row => row!["choice"]!.GetValue<string>())];

    private async Task<Answer> GetUnlessAsync(EntityTagHeaderValue tag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Results);
        request.Headers.IfNoneMatch.Add(tag);
        return await _server.SendAsync(request);
    }

    private static async Task<string> MessageAsync(ClientWebSocket socket)
    {
        var message = new byte[64 * 1024];
        WebSocketReceiveResult received = await socket.ReceiveAsync(message, CancellationToken.None);
        Assert.True(received.EndOfMessage);
        return Encoding.UTF8.GetString(message, 0, received.Count);
    }
}
