using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Weir.Server.Tests.Support;

namespace Weir.Server.Tests.Http;

/// <summary>POST /v1/streams/{stream}/events, over the real server.</summary>
public sealed class EventsTests : IAsyncLifetime
{
    private const string Votes = "/v1/streams/votes/events";
    private const string Yaml = """
        streams:
          votes: { partitions: 2, key: user, id: id, claim: { by: user } }
          clicks: { partitions: 1 }
          orders: { partitions: 1, delivery: exactly-once }
          amounts: { partitions: 1, id: id, fields: { amount: "decimal(6,2)" } }
          tight: { partitions: 1, id: id, limits: { event_bytes: 100, id_bytes: 8, depth: 4 } }
        """;

    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(Yaml);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task One_event_is_counted_and_its_retry_is_a_duplicate_at_the_same_place()
    {
        Answer first = await _server.PostAsync(Votes, """{"id":"v-1","user":"ada","choice":"blue"}""");
        Assert.Equal((HttpStatusCode.OK, 1, "application/json"), (first.Status, first.Count("counted"), first.ContentType));
        Assert.Empty(first.Verdicts);
        Assert.Equal(first.Json["position"]!.GetValue<string>(), first.Header("Weir-Position"));
        Assert.StartsWith("votes:0=", first.Header("Weir-Position"), StringComparison.Ordinal);

        Answer again = await _server.PostAsync(Votes, """{"id":"v-1","user":"ada","choice":"blue"}""");
        JsonNode verdict = Assert.Single(again.Verdicts)!;
        Assert.Equal((1, 0, "duplicate", "WEIR-1504"), (again.Count("duplicate"), again.Count("counted"), verdict["verdict"]!.GetValue<string>(), verdict["code"]!.GetValue<string>()));

        Answer listed = await _server.PostAsync(Votes + "?verdicts=all", """{"id":"v-2","user":"bob","choice":"red"}""");
        Assert.Equal("counted", Assert.Single(listed.Verdicts)!["verdict"]!.GetValue<string>());
        JsonNode stored = (await _server.GetAsync($"/v1/streams/votes/events?partition={verdict["partition"]}&offset={verdict["offset"]}&limit=1")).Json["events"]![0]!;
        Assert.Equal("v-1", stored["value"]!["id"]!.GetValue<string>());
    }

    public static TheoryData<string, string?> Bodies => new()
    {
        { "{\"id\":\"ID1\",\"user\":\"u1\"}", "application/json" },
        { "[{\"id\":\"ID1\",\"user\":\"u1\"}]", "application/json" },
        { "{\"id\":\"ID1\",\"user\":\"u1\"}\n", "application/x-ndjson" },
        { "{\"id\":\"ID1\",\"user\":\"u1\"}", "application/jsonl; charset=utf-8" },
        { "{\n  \"id\":\"ID1\",\n  \"user\":\"u1\"\n}\n", "text/plain;charset=UTF-8" },
        { "{\"id\":\"ID1\",\"user\":\"u1\"}", "application/x-www-form-urlencoded" },
        { " [ {\"id\":\"ID1\",\"user\":\"u1\"} ] ", "text/plain" },
        { "\r\n{\"id\":\"ID1\",\"user\":\"u1\"}\r\n\r\n", null },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Every_form_of_a_body_is_taken(string body, string? contentType)
    {
        Answer answer = await _server.PostAsync(Votes, TestServer.Content(Encoding.UTF8.GetBytes(body.Replace("ID1", "form", StringComparison.Ordinal)), contentType));
        Assert.Equal((HttpStatusCode.OK, 1L), (answer.Status, answer.Count("counted")));
    }

    [Fact]
    public async Task Of_many_lines_the_good_are_taken_and_the_others_told_by_their_index()
    {
        string body = """
            {"id":"a","user":"u1"}

            {"id":"b","user":"u1"}
            not json
            {"id":"a","user":"u1"}
            {"id":"c"}
            {"id":"d","user":"u2"}
            """;
        Answer answer = await _server.PostAsync(Votes, body, "application/x-ndjson");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal((2, 1, 1, 2), (answer.Count("counted"), answer.Count("taken"), answer.Count("duplicate"), answer.Count("refused")));
        Assert.Equal(
            ["1 taken WEIR-1501", "2 refused WEIR-1201", "3 duplicate WEIR-1504", "4 refused WEIR-1203"],
            answer.Verdicts.Select(verdict => $"{verdict!["index"]} {verdict["verdict"]} {verdict["code"]}"));
    }

    [Fact]
    public async Task At_most_a_thousand_verdicts_are_listed_unless_all_are_asked_for()
    {
        string body = string.Concat(Enumerable.Range(0, 1_500).Select(i => $"{{\"user\":\"{i}\"}}\n")) + "{\"id\":\"one\",\"user\":\"one\"}\n";
        Answer answer = await _server.PostAsync(Votes, body, "application/x-ndjson");
        Assert.Equal((1_500, 1_000, 500), (answer.Count("refused"), answer.Verdicts.Count, answer.Count("more")));
        Answer all = await _server.PostAsync(Votes + "?verdicts=all", body, "application/x-ndjson");
        Assert.Equal(1_501, all.Verdicts.Count);
        Assert.False(all.Json.ContainsKey("more"));
        Assert.Equal(Enumerable.Range(0, 1_501), all.Verdicts.Select(one => one!["index"]!.GetValue<int>()));

        // The place of an error is kept for a thousand of them.
        string[] reasons = [.. all.Verdicts.Take(1_500).Select(one => one!["reason"]!.GetValue<string>())];
        Assert.All(reasons[..1_000], reason => Assert.Contains("Field id", reason, StringComparison.Ordinal));
        Assert.All(reasons[1_000..], reason => Assert.StartsWith(reason, reasons[0], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Each_verdict_of_a_body_of_hundreds_of_thousands_is_listed_when_asked_for()
    {
        const int Lines = 250_000;
        var body = new StringBuilder();
        for (int i = 0; i < Lines; i++)
        {
            body.Append(i % 1000 == 7 ? "x\n" : $"{{\"id\":\"a{i}\",\"user\":\"a{i % 200_000}\"}}\n");
        }

        Answer answer = await _server.PostAsync(Votes + "?verdicts=all", body.ToString(), "application/x-ndjson");

        Assert.False(answer.Json.ContainsKey("more"));
        Assert.Equal(Lines, answer.Verdicts.Count);
        Dictionary<string, long> told = answer.Verdicts.GroupBy(one => one!["verdict"]!.GetValue<string>()).ToDictionary(group => group.Key, group => group.LongCount());
        Assert.Equal((answer.Count("counted"), answer.Count("taken"), 250L), (told["counted"], told["taken"], told["refused"]));
        Assert.Equal(Lines, answer.Verdicts.Select(one => one!["index"]!.GetValue<int>()).Distinct().Count());
        Assert.Equal(Lines - 250, answer.Verdicts.Where(one => one!["offset"] is not null).Select(one => (one!["partition"]!.GetValue<int>(), one["offset"]!.GetValue<long>())).Distinct().Count());
    }

    [Fact]
    public async Task A_body_of_many_pieces_is_taken_whole_and_its_indexes_go_on()
    {
        const int Lines = 60_000;
        var body = new StringBuilder();
        for (int i = 0; i < Lines; i++)
        {
            body.Append(i == 50_000 ? "broken" : $"{{\"id\":\"p{i}\",\"user\":\"p{i}\",\"choice\":\"blue\",\"filler\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}").Append('\n');
        }

        Assert.True(body.Length > 3 << 20);
        Answer answer = await _server.PostAsync(Votes, body.ToString(), "application/x-ndjson");
        Assert.Equal((Lines - 1, 1), (answer.Count("counted"), answer.Count("refused")));
        Assert.Equal(50_000, Assert.Single(answer.Verdicts)!["index"]!.GetValue<int>());
    }

    [Fact]
    public async Task An_array_of_many_pieces_is_taken_whole()
    {
        string body = "[" + string.Join(",", Enumerable.Range(0, 30_000).Select(i => $"{{\"id\":\"q{i}\",\"user\":\"q{i}\",\"filler\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}")) + "]";
        Assert.True(body.Length > 2 << 20);
        Answer answer = await _server.PostAsync(Votes, body);
        Assert.Equal(30_000, answer.Count("counted"));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task A_compressed_body_is_taken(string encoding)
    {
        string body = string.Concat(Enumerable.Range(0, 2_000).Select(i => $"{{\"id\":\"{encoding}{i}\",\"user\":\"{encoding}{i}\"}}\n"));
        Answer answer = await _server.PostAsync(Votes, Compressed(Encoding.UTF8.GetBytes(body), encoding));
        Assert.Equal(2_000, answer.Count("counted"));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task A_body_that_expands_too_much_is_refused_in_bounded_memory(string encoding)
    {
        byte[] bomb = Encoding.UTF8.GetBytes(new string('a', 50_000_000));
        Answer answer = await _server.PostAsync(Votes, Compressed(bomb, encoding));
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "WEIR-1305"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task A_compressed_body_that_is_broken_off_is_told()
    {
        byte[] whole = await Compressed(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 1_000).Select(i => $"{{\"id\":\"t{i}\",\"user\":\"t{i}\"}}\n"))), "gzip").ReadAsByteArrayAsync();
        ByteArrayContent cut = TestServer.Content(whole[..^200], "application/x-ndjson");
        cut.Headers.ContentEncoding.Add("gzip");
        Answer answer = await _server.PostAsync(Votes, cut);
        Assert.Equal((HttpStatusCode.BadRequest, "WEIR-1301"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task Durable_acknowledgement_has_a_position_and_no_verdicts()
    {
        Answer answer = await _server.PostAsync(Votes + "?ack=durable", """{"id":"d-1","user":"dora"}""");
        Assert.Equal((HttpStatusCode.Accepted, 1L), (answer.Status, answer.Count("durable")));
        Assert.NotNull(answer.Header("Weir-Position"));
        Assert.Empty(answer.Verdicts);
        Assert.Equal(1, (await _server.PostAsync(Votes, """{"id":"d-1","user":"dora"}""")).Count("duplicate"));
    }

    [Theory]
    [InlineData("key-1", "\"key-1\"")]
    [InlineData("\"key \\\"2\\\"\"", "\"key \\\"2\\\"\"")]
    public async Task An_idempotency_key_makes_a_retry_a_duplicate_quoted_or_bare(string first, string second)
    {
        Assert.Equal(1, (await PostWithKeyAsync(first, "{\"a\":1}")).Count("counted"));
        Assert.Equal(1, (await PostWithKeyAsync(second, "{\"a\":1}")).Count("duplicate"));
    }

    [Fact]
    public async Task With_an_idempotency_key_the_events_of_a_body_are_told_apart_by_their_index()
    {
        Assert.Equal(3, (await PostWithKeyAsync("batch", "{\"a\":1}\n{\"a\":1}\n{\"a\":1}\n", "application/x-ndjson")).Count("counted"));
        Assert.Equal(3, (await PostWithKeyAsync("batch", "{\"a\":1}\n{\"a\":1}\n{\"a\":1}\n", "application/x-ndjson")).Count("duplicate"));
        Answer without = await _server.PostAsync("/v1/streams/orders/events", "{\"a\":1}");
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "WEIR-1205"), (without.Status, without.Code));
    }

    [Fact]
    public async Task CloudEvents_come_in_three_modes_and_are_the_same_event()
    {
        const string Structured = """{"specversion":"1.0","id":"ce-1","source":"/test","type":"vote","datacontenttype":"application/json","data":{"choice":"blue"}}""";
        const string Orders = "/v1/streams/orders/events";
        Assert.Equal(1, (await _server.PostAsync(Orders, Structured, "application/cloudevents+json; charset=utf-8")).Count("counted"));
        Assert.Equal(1, (await _server.PostAsync(Orders, $"[{Structured}]", "application/cloudevents-batch+json")).Count("duplicate"));

        using var binary = new HttpRequestMessage(HttpMethod.Post, Orders) { Content = TestServer.Content("""{"choice":"blue"}"""u8.ToArray(), "application/json") };
        foreach ((string name, string value) in ((string, string)[])[("ce-specversion", "1.0"), ("ce-id", "ce%2D1"), ("ce-source", "/test"), ("ce-type", "vote")])
        {
            binary.Headers.Add(name, value);
        }

        Assert.Equal(1, (await _server.SendAsync(binary)).Count("duplicate"));
        JsonNode stored = (await _server.GetAsync("/v1/streams/orders/events?offset=1&limit=1")).Json["events"]![0]!;
        Assert.Equal(("{\"choice\":\"blue\"}", "vote"), (stored["value"]!.ToJsonString(), stored["headers"]!["ce_type"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("""{"specversion":"1.0","id":"x","type":"t","data":{}}""", "source")]
    [InlineData("""{"specversion":"0.3","id":"x","source":"s","type":"t","data":{}}""", "specversion")]
    [InlineData("""{"specversion":"1.0","id":"","source":"s","type":"t","data":{}}""", "id")]
    [InlineData("""{"specversion":"1.0","id":"x","source":"s","type":"t","Bad-Name":"v","data":{}}""", "Bad-Name")]
    [InlineData("""{"specversion":"1.0","id":"x","source":"s","type":"t","data_base64":"***"}""", "base64")]
    [InlineData("""{"specversion":"1.0",""", "JSON")]
    [InlineData("""{"specversion":"1.0","id":"\udc00","source":"s","type":"t","data":{}}""", "surrogate")]
    [InlineData("""{"specversion":"1.0","\ud800":1,"id":"x","source":"s","type":"t","data":{}}""", "surrogate")]
    [InlineData("[]", "object")]
    public async Task A_CloudEvent_that_is_none_is_refused_with_its_reason(string body, string says)
    {
        Answer answer = await _server.PostAsync("/v1/streams/orders/events", body, "application/cloudevents+json");
        Assert.Equal((HttpStatusCode.BadRequest, "WEIR-1306"), (answer.Status, answer.Code));
        Assert.Contains(says, answer.Json["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    public static TheoryData<string, string, int, string> BadEvents => new()
    {
        { "votes", "nonsense", 422, "WEIR-1201" },
        { "votes", "{\"id\":\"a\",\"user\":\"u\"} {}", 422, "WEIR-1201" },
        { "votes", "[1]", 422, "WEIR-1202" },
        { "votes", "{\"id\":\"a\",\"user\":NaN}", 422, "WEIR-1201" },
        { "votes", "\uFEFF{\"id\":\"a\",\"user\":\"u\"}", 422, "WEIR-1201" },
        { "votes", "{\"id\":\"a\"}", 422, "WEIR-1203" },
        { "votes", "{\"id\":\"a\",\"user\":null}", 422, "WEIR-1203" },
        { "votes", "{\"id\":\"a\",\"user\":\"\"}", 422, "WEIR-1203" },
        { "votes", "{\"id\":\"a\",\"user\":true}", 422, "WEIR-1204" },
        { "votes", "{\"user\":\"u\"}", 422, "WEIR-1205" },
        { "votes", "{\"id\":[],\"user\":\"u\"}", 422, "WEIR-1206" },
        { "votes", "{\"id\":\"a\",\"user\":\"u\",\"user\":\"v\"}", 422, "WEIR-1208" },
        { "votes", "{\"id\":\"a\",\"user\":\"\\ud800\"}", 422, "WEIR-1214" },
        { "votes", "{\"id\":\"a\",\"user\":\"x\0y\"}", 422, "WEIR-1201" },
        { "votes", "{\"id\":\"a\",\"user\":12345678901234567890123456789}", 422, "WEIR-1213" },
        { "votes", "{\"id\":\"a\",\"user\":1e400}", 422, "WEIR-1213" },
        { "votes", "{\"id\":\"" + new string('x', 600) + "\",\"user\":\"u\"}", 422, "WEIR-1210" },
        { "votes", "{\"id\":\"a\",\"user\":\"" + new string('x', 2_000) + "\"}", 422, "WEIR-1211" },
        { "votes", "{\"id\":\"a\",\"user\":\"u\",\"deep\":" + new string('[', 10_000) + new string(']', 10_000) + "}", 422, "WEIR-1212" },
        { "votes", "{\"id\":\"a\",\"user\":\"u\",\"long\":\"" + new string('x', 1_000_000) + "\"}", 413, "WEIR-1209" },
        { "tight", "{\"id\":\"a\",\"long\":\"" + new string('x', 100) + "\"}", 413, "WEIR-1209" },
        { "amounts", "{\"id\":\"a\",\"amount\":\"12\"}", 422, "WEIR-1207" },
        { "amounts", "{\"id\":\"a\",\"amount\":1.005}", 422, "WEIR-1207" },
    };

    /// <summary>Alone it is the request's problem; among others it is one refused event, the others are taken, and counts are as if it had not been sent.</summary>
    [Theory]
    [MemberData(nameof(BadEvents))]
    public async Task A_bad_event_has_one_code_alone_and_among_others(string stream, string bad, int status, string code)
    {
        string path = $"/v1/streams/{stream}/events";
        Answer alone = await _server.PostAsync(path, bad, "application/x-ndjson");
        Assert.Equal((status, code, "application/problem+json"), ((int)alone.Status, alone.Code, alone.ContentType));
        Assert.Equal((0, 1), (alone.Count("counted"), alone.Count("refused")));
        Assert.NotEmpty(alone.Json["detail"]!.GetValue<string>());
        Assert.NotEmpty(alone.Json["remedy"]!.GetValue<string>());

        string good = stream == "amounts" ? "{\"id\":\"G\",\"amount\":1.25}" : "{\"id\":\"G\",\"user\":\"G\"}";
        Answer among = await _server.PostAsync(path, $"{good.Replace("G", "g1", StringComparison.Ordinal)}\n{bad}\n{good.Replace("G", "g2", StringComparison.Ordinal)}\n", "application/x-ndjson");
        Assert.Equal((200, 2, 1), ((int)among.Status, among.Count("counted"), among.Count("refused")));
        JsonNode refused = among.Verdicts.Single(verdict => verdict!["verdict"]!.GetValue<string>() == "refused")!;
        Assert.Equal((1, code), (refused["index"]!.GetValue<int>(), refused["code"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("", "application/json", 400, "WEIR-1309")]
    [InlineData(" \n \n", "application/x-ndjson", 400, "WEIR-1309")]
    [InlineData("[]", "application/json", 400, "WEIR-1309")]
    [InlineData("[{}", "application/json", 400, "WEIR-1301")]
    [InlineData("[{},]", "application/json", 400, "WEIR-1301")]
    [InlineData("a=b&c=d", "application/x-www-form-urlencoded", 400, "WEIR-1301")]
    [InlineData("{}", "application/xml", 415, "WEIR-1303")]
    [InlineData("{\"id\":1}\n{\"id\":2}\n", "application/x-ndjson", 422, "WEIR-1308")]
    public async Task A_body_that_is_unreadable_as_a_whole_is_one_problem(string body, string contentType, int status, string code)
    {
        Answer answer = await _server.PostAsync(Votes, body, contentType);
        Assert.Equal((status, code), ((int)answer.Status, answer.Code));
        Assert.Equal("application/problem+json", answer.ContentType);
    }

    [Theory]
    [InlineData("?ack=memory", "WEIR-1307")]
    [InlineData("?verdicts=some", "WEIR-1307")]
    public async Task A_parameter_that_cannot_be_used_is_named(string query, string code) =>
        Assert.Equal(code, (await _server.PostAsync(Votes + query, "{}")).Code);

    [Fact]
    public async Task Another_encoding_is_not_supported()
    {
        ByteArrayContent content = TestServer.Content("{}"u8.ToArray(), "application/json");
        content.Headers.ContentEncoding.Add("zstd");
        Answer answer = await _server.PostAsync(Votes, content);
        Assert.Equal((HttpStatusCode.UnsupportedMediaType, "WEIR-1304"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task An_array_over_the_limit_is_refused_by_its_declared_length()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Votes) { Content = new ByteArrayContent(new byte[(64 << 20) + 1]) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        request.Headers.ExpectContinue = true;
        Answer answer = await _server.SendAsync(request);
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "WEIR-1302"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task A_line_longer_than_a_piece_is_refused_and_the_lines_around_it_are_taken()
    {
        string body = $"{{\"id\":\"l1\",\"user\":\"l1\"}}\n{{\"long\":\"{new string('x', 3 << 20)}\"}}\n{{\"id\":\"l2\",\"user\":\"l2\"}}\n";
        Answer answer = await _server.PostAsync(Votes, body, "application/x-ndjson");
        Assert.Equal((2, 1), (answer.Count("counted"), answer.Count("refused")));
        JsonNode refused = Assert.Single(answer.Verdicts)!;
        Assert.Equal((1, "WEIR-1209"), (refused["index"]!.GetValue<int>(), refused["code"]!.GetValue<string>()));
    }

    [Fact]
    public async Task An_unknown_stream_is_told()
    {
        Answer answer = await _server.PostAsync("/v1/streams/vote/events", "{}");
        Assert.Equal((HttpStatusCode.NotFound, "WEIR-1401"), (answer.Status, answer.Code));
        Assert.Equal("/v1/streams/vote/events", answer.Json["instance"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_stream_without_key_and_id_counts_everything()
    {
        string body = string.Concat(Enumerable.Repeat("{\"page\":\"/\"}\n", 100));
        Assert.Equal(100, (await _server.PostAsync("/v1/streams/clicks/events", body, "application/x-ndjson")).Count("counted"));
        Assert.Equal(100, (await _server.PostAsync("/v1/streams/clicks/events", body, "application/x-ndjson")).Count("counted"));
    }

    private async Task<Answer> PostWithKeyAsync(string key, string body, string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/streams/orders/events") { Content = TestServer.Content(Encoding.UTF8.GetBytes(body), contentType) };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return await _server.SendAsync(request);
    }

    private static ByteArrayContent Compressed(byte[] body, string encoding)
    {
        using var compressed = new MemoryStream();
        using (Stream stream = encoding == "gzip" ? new GZipStream(compressed, CompressionLevel.Fastest) : new BrotliStream(compressed, CompressionLevel.Fastest))
        {
            stream.Write(body);
        }

        ByteArrayContent content = TestServer.Content(compressed.ToArray(), "application/x-ndjson");
        content.Headers.ContentEncoding.Add(encoding);
        return content;
    }
}
