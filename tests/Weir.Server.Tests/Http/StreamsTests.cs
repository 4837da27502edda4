using System.Net;
using System.Text.Json.Nodes;
using Weir.Server.Tests.Support;

namespace Weir.Server.Tests.Http;

/// <summary>Streams and views over HTTP: definitions, closing, records, receipts, dead letters.</summary>
public sealed class StreamsTests : IAsyncLifetime
{
    private const string Votes = "/v1/streams/votes";

    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync("""
        streams:
          votes: { partitions: 2, key: user, id: id, claim: { by: user } }
        views:
          results: SELECT choice, count(*) AS votes FROM votes GROUP BY choice
        """);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_stream_shows_definition_totals_and_partitions()
    {
        await _server.PostAsync(Votes + "/events", "{\"id\":\"1\",\"user\":\"a\"}\n{\"id\":\"2\",\"user\":\"a\"}\n", "application/x-ndjson");
        JsonObject stream = (await _server.GetAsync(Votes)).Json;
        Assert.Equal(("votes", "open", "exactly-once"), (stream["name"]!.GetValue<string>(), stream["phase"]!.GetValue<string>(), stream["delivery"]!.GetValue<string>()));
        Assert.Equal((1, 1), (stream["totals"]!["counted"]!.GetValue<int>(), stream["totals"]!["taken"]!.GetValue<int>()));
        Assert.Equal(2, stream["partitions"]!.AsArray().Count);
        Assert.All(stream["partitions"]!.AsArray(), partition => Assert.Equal("serving", partition!["state"]!.GetValue<string>()));
        Assert.True(JsonNode.DeepEquals(stream["definition"], (await _server.GetAsync("/v1/streams")).Json["streams"]![0]!["definition"]));
    }

    [Fact]
    public async Task PUT_creates_and_changes_and_refuses_what_is_for_ever()
    {
        Assert.Equal(HttpStatusCode.Created, (await _server.PutAsync("/v1/streams/orders", """{"partitions":1,"id":"id"}""")).Status);
        Answer changed = await _server.PutAsync("/v1/streams/orders", """{"partitions":1,"id":"id","grace":"2s"}""");
        Assert.Equal((HttpStatusCode.OK, 2), (changed.Status, changed.Json["version"]!.GetValue<int>()));
        Answer refused = await _server.PutAsync("/v1/streams/orders", """{"partitions":3,"id":"id"}""");
        Assert.Equal((HttpStatusCode.Conflict, "WEIR-1409"), (refused.Status, refused.Code));
        Assert.Contains("partitions", refused.Json["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, (await _server.Client.DeleteAsync("/v1/streams/orders")).StatusCode);
        Assert.Equal("WEIR-1401", (await _server.GetAsync("/v1/streams/orders")).Code);
    }

    [Theory]
    [InlineData("""{"partitions":0,"colour":"red","claim":{"by":"user"}}""", "partitions WEIR-3003, colour WEIR-3001, claim.by WEIR-3004")]
    [InlineData("""{"opens":"2026-01-02T00:00:00Z","closes":"2026-01-01T00:00:00Z"}""", "closes WEIR-3005")]
    [InlineData("nonsense", " WEIR-3006")]
    public async Task A_definition_with_faults_gets_all_of_them(string definition, string faults)
    {
        Answer answer = await _server.PutAsync("/v1/streams/faulty", definition);
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal(faults.Split(", ").Order(), answer.Json["faults"]!.AsArray().Select(fault => $"{fault!["path"]} {fault["code"]}").Order());
    }

    [Fact]
    public async Task A_stream_in_use_is_not_deleted()
    {
        Answer answer = await Answer.OfAsync(await _server.Client.DeleteAsync(Votes));
        Assert.Equal((HttpStatusCode.Conflict, "WEIR-1410"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task After_closing_events_are_closed_and_opening_again_must_be_said()
    {
        Answer closed = await _server.PostAsync(Votes + "/close", "");
        Assert.Equal((HttpStatusCode.OK, "final"), (closed.Status, closed.Json["phase"]!.GetValue<string>()));
        Assert.Equal(HttpStatusCode.OK, (await _server.PostAsync(Votes + "/close", "")).Status);

        Answer late = await _server.PostAsync(Votes + "/events", """{"id":"late","user":"late"}""");
        Assert.Equal((HttpStatusCode.OK, 1, "WEIR-1503"), (late.Status, late.Count("closed"), late.Verdicts[0]!["code"]!.GetValue<string>()));

        Answer refused = await _server.PostAsync(Votes + "/open", "");
        Assert.Equal((HttpStatusCode.Conflict, "WEIR-1406"), (refused.Status, refused.Code));
        Answer open = await _server.PostAsync(Votes + "/open?reopen=true", "");
        Assert.Equal(("open", 1), (open.Json["phase"]!.GetValue<string>(), open.Json["reopened"]!.GetValue<int>()));
        Answer taken = await _server.PostAsync(Votes + "/events", """{"id":"late","user":"late"}""");
        Assert.Equal((1, 1), (taken.Count("counted"), taken.Count("reopened")));
    }

    [Fact]
    public async Task Receipts_and_dead_letters_show_what_became_of_events()
    {
        await _server.PostAsync(Votes + "/events", "{\"id\":\"1\",\"user\":\"ada\"}\n{\"id\":\"2\",\"user\":\"ada\"}\n{\"id\":\"3\",\"user\":\"bob\"}\n", "application/x-ndjson");
        JsonArray receipts = (await _server.GetAsync(Votes + "/receipts?owner=ada")).Json["receipts"]!.AsArray();
        Assert.Equal(["counted", "taken"], receipts.Select(receipt => receipt!["verdict"]!.GetValue<string>()));
        JsonNode byId = Assert.Single((await _server.GetAsync(Votes + "/receipts?id=3")).Json["receipts"]!.AsArray())!;
        Assert.Equal(("bob", "counted"), (byId["key"]!.GetValue<string>(), byId["verdict"]!.GetValue<string>()));
        JsonNode dead = Assert.Single((await _server.GetAsync(Votes + "/dead-letters")).Json["events"]!.AsArray())!;
        Assert.Equal("2", dead["value"]!["id"]!.GetValue<string>());
        Answer neither = await _server.GetAsync(Votes + "/receipts");
        Assert.Equal((HttpStatusCode.BadRequest, "WEIR-1411"), (neither.Status, neither.Code));
    }

    [Fact]
    public async Task Records_come_in_pages_with_markers_and_verdicts()
    {
        await _server.PostAsync(Votes + "/events", string.Concat(Enumerable.Range(0, 50).Select(i => $"{{\"id\":\"{i}\",\"user\":\"{i}\"}}\n")), "application/x-ndjson");
        JsonObject page = (await _server.GetAsync(Votes + "/events?partition=1&offset=0&limit=5")).Json;
        JsonArray events = page["events"]!.AsArray();
        Assert.Equal("define", events[0]!["marker"]!.GetValue<string>());
        Assert.Equal([0, 1, 2, 3, 4], events.Select(stored => stored!["offset"]!.GetValue<int>()));
        Assert.Equal(5, page["next"]!.GetValue<int>());
        Assert.Empty((await _server.GetAsync($"{Votes}/events?partition=1&offset={page["end"]}")).Json["events"]!.AsArray());
    }

    [Theory]
    [InlineData("/events?partition=2")]
    [InlineData("/events?partition=-1")]
    [InlineData("/events?limit=0")]
    [InlineData("/events?limit=ten")]
    [InlineData("/open?reopen=perhaps")]
    public async Task A_parameter_out_of_its_range_is_named(string path)
    {
        Answer answer = path.StartsWith("/open", StringComparison.Ordinal) ? await _server.PostAsync(Votes + path, "") : await _server.GetAsync(Votes + path);
        Assert.Equal((HttpStatusCode.BadRequest, "WEIR-1307"), (answer.Status, answer.Code));
    }
}
