using System.Text.RegularExpressions;
using Weir.Server.Http;
using Weir.Server.Tests.Kafka;
using Weir.Server.Tests.Support;

namespace Weir.Server.Tests.Http;

/// <summary>The reference pages say what the code does.</summary>
public sealed partial class ReferenceTests
{
    [Fact]
    public void The_page_of_errors_is_what_the_table_says() => Page.MustBe("docs/reference/errors.md", ErrorReference.ToMarkdown());

    [Fact]
    public async Task The_page_of_calls_names_each_call()
    {
        await using TestServer server = await TestServer.StartAsync();
        string page = Page.Read("docs/reference/http.md");
        foreach ((string pattern, System.Text.Json.Nodes.JsonNode? methods) in (await server.GetAsync("/openapi.json")).Json["paths"]!.AsObject())
        {
            Assert.All(methods!.AsObject(), method => Assert.Contains($"`{method.Key.ToUpperInvariant()} {pattern}", page, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_page_of_metrics_names_what_is_measured_and_nothing_else()
    {
        await using TestServer server = await TestServer.StartAsync("""
            kafka: { listen: 127.0.0.1:0 }
            streams: { votes: { id: id } }
            views: { results: SELECT count(*) FROM votes }
            """);
        await server.PostAsync("/v1/streams/votes/events", """{"id":"1"}""");
        using (var client = new KafkaClient(server.Host.KafkaPort))
        {
            client.Fetch("votes", 0, 0);
        }

        string metrics = (await server.GetAsync("/metrics")).Text;
        string page = Page.Read("docs/reference/metrics.md");
        string[] measured = [.. TypeLine().Matches(metrics).Select(match => match.Groups[1].Value).Where(name => name.StartsWith("weir_", StringComparison.Ordinal))];
        string[] named = [.. TableLine().Matches(page).Select(match => match.Groups[1].Value)];
        Assert.Empty(measured.Except(named));

        // Counters of what has not happened yet are not on the page.
        string[] rare = ["weir_kafka_connection_faults_total", "weir_kafka_throttles_total", "weir_partition_stops_total"];
        Assert.Equal(rare, named.Except(measured).Union(rare).Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"^# TYPE (\w+) ", RegexOptions.Multiline)]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"^\| `(weir_\w+)` ", RegexOptions.Multiline)]
    private static partial Regex TableLine();
}
