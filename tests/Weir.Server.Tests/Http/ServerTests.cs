using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Weir.Core;
using Weir.Server.Configuration;
using Weir.Server.Tests.Support;

namespace Weir.Server.Tests.Http;

/// <summary>The server as a whole: routes, health, metrics, pages, start and stop.</summary>
public sealed class ServerTests : IAsyncLifetime
{
    private const string Yaml = """
        streams:
          votes: { partitions: 2, key: user, id: id, claim: { by: user } }
        views:
          results: SELECT choice, count(*) AS votes FROM votes GROUP BY choice
        """;

    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(Yaml);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("GET", "/nothing", 404, "WEIR-1404")]
    [InlineData("GET", "/v1/streams/", 404, "WEIR-1404")]
    [InlineData("GET", "/v1/streams/a/b/events", 404, "WEIR-1404")]
    [InlineData("GET", "/v1/streams/nothing", 404, "WEIR-1401")]
    [InlineData("GET", "/v1/views/nothing", 404, "WEIR-1402")]
    [InlineData("GET", "/v1/views/nothing/live", 404, "WEIR-1402")]
    [InlineData("POST", "/v1/views/nothing/recount", 404, "WEIR-1402")]
    [InlineData("GET", "/v1/recounts/77", 404, "WEIR-1403")]
    [InlineData("DELETE", "/v1/streams/votes/events", 405, "WEIR-1412")]
    [InlineData("GET", "/assets/nothing.js", 404, "WEIR-1404")]
    [InlineData("GET", "/assets/..%2Flive.html", 404, "WEIR-1404")]
    public async Task What_is_not_there_is_a_problem_document(string method, string path, int status, string code)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        Answer answer = await _server.SendAsync(request);
        Assert.Equal((status, code, "application/problem+json"), ((int)answer.Status, answer.Code, answer.ContentType));
        Assert.Equal(["type", "title", "status", "detail", "instance", "code", "remedy", "retryable", "traceId"], answer.Json.Select(member => member.Key));
    }

    [Fact]
    public async Task Every_call_of_the_description_is_routed_and_every_route_is_described()
    {
        JsonObject description = (await _server.GetAsync("/openapi.json")).Json;
        Assert.Equal("3.1.1", description["openapi"]!.GetValue<string>());
        int calls = 0;
        foreach ((string pattern, JsonNode? methods) in description["paths"]!.AsObject())
        {
            foreach ((string method, JsonNode? operation) in methods!.AsObject())
            {
                calls++;
                string path = pattern.Replace("{stream}", "nothing", StringComparison.Ordinal).Replace("{view}", "nothing", StringComparison.Ordinal).Replace("{id}", "0", StringComparison.Ordinal).Replace("{file}", "weir.css", StringComparison.Ordinal);
                using var request = new HttpRequestMessage(new HttpMethod(method.ToUpperInvariant()), path);
                Answer answer = await _server.SendAsync(request);
                Assert.True(answer.ContentType != "application/problem+json" || answer.Code is not ("WEIR-1404" or "WEIR-1412"), $"{method} {path}: {answer}");
                Assert.True(operation!["responses"]!.AsObject().ContainsKey(((int)answer.Status).ToString(System.Globalization.CultureInfo.InvariantCulture)), $"{method} {path} answers {answer.Status}, which is not described");
            }
        }

        Assert.Equal(26, calls);
    }

    [Fact]
    public async Task Health_says_alive_and_ready_with_its_checks()
    {
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await StatusAndTextAsync("/livez"));
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await StatusAndTextAsync("/healthz"));
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await StatusAndTextAsync("/readyz"));
        Assert.Equal((HttpStatusCode.OK, "[+]log ok\n[+]recovery done\n[+]not stopping\n[+]definitions applied\nready\n"), await StatusAndTextAsync("/readyz?verbose"));
    }

    [Fact]
    public async Task Metrics_are_Prometheus_text_with_events_by_outcome()
    {
        await _server.PostAsync("/v1/streams/votes/events", """{"id":"m","user":"m"}""");
        Answer page = await _server.GetAsync("/metrics");
        Assert.Equal("text/plain", page.ContentType);
        Assert.Contains("# TYPE weir_ingest_events_total counter\n", page.Text, StringComparison.Ordinal);
        Assert.Contains("weir_ingest_events_total{stream=\"votes\",protocol=\"http\",outcome=\"counted\"} ", page.Text, StringComparison.Ordinal);
        Assert.Contains("weir_log_end_offset{stream=\"votes\",partition=\"1\"} ", page.Text, StringComparison.Ordinal);
        Assert.Contains("weir_log_fsync_duration_seconds_bucket{le=\"+Inf\"} ", page.Text, StringComparison.Ordinal);
        Assert.Contains("http_server_request_duration_seconds_count{", page.Text, StringComparison.Ordinal);
        Assert.Contains("kestrel_active_connections{", page.Text, StringComparison.Ordinal);
        Assert.Contains("weir_view_lag_events{view=\"results\"} ", page.Text, StringComparison.Ordinal);
        Assert.All(page.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Matches("""^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? [-+\w.∞]+)$""", line));
    }

    [Fact]
    public async Task Pages_are_served_with_a_policy_that_keeps_them_to_this_server()
    {
        Answer page = await _server.GetAsync("/live/results");
        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.Status, page.ContentType));
        Assert.Contains("default-src 'self'", page.Header("Content-Security-Policy"), StringComparison.Ordinal);
        using var again = new HttpRequestMessage(HttpMethod.Get, "/live/results");
        again.Headers.IfNoneMatch.Add(page.Message.Headers.ETag!);
        Assert.Equal(HttpStatusCode.NotModified, (await _server.SendAsync(again)).Status);
        Assert.Equal("text/html", (await _server.GetAsync("/")).ContentType);
        Assert.Equal("text/css", (await _server.GetAsync("/assets/weir.css")).ContentType);
    }

    [Fact]
    public async Task A_body_that_comes_byte_by_byte_is_one_body()
    {
        byte[] body = "{\"id\":\"slow1\",\"user\":\"slow1\"}\n{\"id\":\"slow2\",\"user\":\"slow2\"}\n"u8.ToArray();
        string head = $"POST /v1/streams/votes/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\nContent-Length: {body.Length}\r\n\r\n";
        string answer = await RawAsync(async stream =>
        {
            foreach (byte one in Encoding.ASCII.GetBytes(head).Concat(body))
            {
                await stream.WriteAsync(new[] { one });
            }
        });
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("\"counted\":2", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chunked_body_cut_at_every_byte_gives_the_same_answer()
    {
        const string Body = "{\"id\":\"c\",\"user\":\"c\"}\n{\"id\":\"d\",\"user\":\"d\"}";
        await _server.PostAsync("/v1/streams/votes/events", Body, "application/x-ndjson");
        for (int cut = 1; cut < Body.Length; cut++)
        {
            string chunks = $"{cut:x}\r\n{Body[..cut]}\r\n{Body.Length - cut:x}\r\n{Body[cut..]}\r\n0\r\n\r\n";
            string answer = await RawAsync(async stream => await stream.WriteAsync(Encoding.ASCII.GetBytes("POST /v1/streams/votes/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)));
            Assert.Contains("\"duplicate\":2", answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_client_that_goes_away_in_the_middle_leaves_no_trace_and_the_server_serving()
    {
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPAddress.Loopback, _server.Host.Address.Port);
            await client.GetStream().WriteAsync("POST /v1/streams/votes/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"id\":\"gone\",\"user\":\"gone\"}"u8.ToArray());
        }

        Assert.Equal(1, (await _server.PostAsync("/v1/streams/votes/events", """{"id":"gone","user":"gone"}""")).Count("counted"));
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_restart_and_what_PUT_defined_too()
    {
        await _server.PutAsync("/v1/streams/orders", """{"partitions":1,"id":"id"}""");
        await _server.PostAsync("/v1/streams/orders/events", """{"id":"o-1"}""");
        await _server.PostAsync("/v1/streams/votes/events", """{"id":"v-1","user":"ada","choice":"blue"}""");
        string directory = await _server.StopAsync();
        _server.Client.Dispose();
        _server = await TestServer.StartInAsync(directory, Yaml);
        Assert.Equal(1, (await _server.PostAsync("/v1/streams/votes/events", """{"id":"v-1","user":"ada","choice":"blue"}""")).Count("duplicate"));
        Assert.Equal(1, (await _server.PostAsync("/v1/streams/orders/events", """{"id":"o-1"}""")).Count("duplicate"));
        Answer rows = await _server.GetAsync($"/v1/views/results?at={(await _server.GetAsync("/v1/streams/votes")).Json["position"]}");
        Assert.Equal("""[{"choice":"blue","votes":1}]""", rows.Json["rows"]!.ToJsonString());
    }

    [Fact]
    public async Task While_it_drains_it_serves_and_says_that_it_is_not_ready()
    {
        await using TestServer draining = await TestServer.StartAsync(Yaml + "\nhttp: { drain: 2s }");
        Task stopping = draining.Host.StopAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await draining.GetAsync("/readyz")).Status);
        Assert.Equal(HttpStatusCode.OK, (await draining.GetAsync("/livez")).Status);
        Assert.Equal(1, (await draining.PostAsync("/v1/streams/votes/events", """{"id":"1","user":"1"}""")).Count("counted"));
        await stopping;
    }

    [Fact]
    public async Task A_definition_that_differs_for_ever_refuses_to_start()
    {
        string directory = await _server.StopAsync();
        WeirException refused = await Assert.ThrowsAnyAsync<WeirException>(() => TestServer.StartInAsync(directory, Yaml.Replace("partitions: 2", "partitions: 3", StringComparison.Ordinal)));
        Assert.Equal(ErrorCode.ImmutableDefinition, refused.Code);
    }

    [Fact]
    public async Task A_second_server_on_the_directory_or_the_port_is_refused()
    {
        WeirConfiguration same = WeirConfiguration.Load(new ConfigurationSources
        {
            CommandLine = new Dictionary<string, string> { [ConfigurationKeys.Data] = _server.DataDirectory, [ConfigurationKeys.Listen] = "127.0.0.1:0" },
        });
        await using (ServerHost second = await ServerHost.StartAsync(same, new ServerHostOptions { LogsToConsole = false }))
        {
            Assert.Equal(ErrorCode.DirectoryLocked, (await Assert.ThrowsAnyAsync<WeirException>(() => second.Ready)).Code);
        }

        WeirConfiguration port = WeirConfiguration.Load(new ConfigurationSources
        {
            CommandLine = new Dictionary<string, string> { [ConfigurationKeys.Data] = _server.DataDirectory + "2", [ConfigurationKeys.Listen] = $"127.0.0.1:{_server.Host.Address.Port}" },
        });
        Assert.Equal(ErrorCode.PortInUse, (await Assert.ThrowsAnyAsync<WeirException>(() => ServerHost.StartAsync(port, new ServerHostOptions { LogsToConsole = false }))).Code);
    }

    private async Task<(HttpStatusCode Status, string Text)> StatusAndTextAsync(string path)
    {
        Answer answer = await _server.GetAsync(path);
        return (answer.Status, answer.Text);
    }

    private async Task<string> RawAsync(Func<NetworkStream, Task> send)
    {
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, _server.Host.Address.Port);
        NetworkStream stream = client.GetStream();
        await send(stream);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        return await reader.ReadToEndAsync();
    }
}
