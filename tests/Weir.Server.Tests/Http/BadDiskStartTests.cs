using System.Net;
using Weir.Server.Tests.Support;

namespace Weir.Server.Tests.Http;

/// <summary>A start on a disk that is bad in part: what can be served is, and the rest is named.</summary>
public sealed class BadDiskStartTests
{
    private const string Yaml = """
        streams:
          orders: { partitions: 1, id: id }
          votes: { partitions: 1, id: id }
        views:
          results: SELECT count(*) AS votes FROM votes
        """;

    [Fact]
    public async Task A_stream_whose_definition_cannot_be_read_is_named_and_the_others_serve()
    {
        TestServer first = await TestServer.StartAsync(Yaml);
        string directory = await first.StopAsync();
        first.Client.Dispose();
        string definition = Directory.GetFiles(Path.Combine(directory, "data", "streams"), "definition.json", SearchOption.AllDirectories).Single(path => path.Contains("votes-", StringComparison.Ordinal));
        await File.WriteAllTextAsync(definition, "{");

        await using TestServer server = await TestServer.StartInAsync(directory, Yaml);

        Assert.Equal(1, (await server.PostAsync("/v1/streams/orders/events", """{"id":"1"}""")).Count("counted"));
        Answer refused = await server.PostAsync("/v1/streams/votes/events", """{"id":"1"}""");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "WEIR-5005"), (refused.Status, refused.Code));
        Assert.Equal("WEIR-5005", (await server.GetAsync("/v1/views/results")).Code);
        Answer streams = await server.GetAsync("/v1/streams");
        Assert.Equal(["votes", "view results"], streams.Json["unreadable"]!.AsArray().Select(one => one!["name"]!.ToString()));
        string ready = (await server.GetAsync("/readyz")).Text;
        Assert.Contains("[!]votes cannot be opened", ready, StringComparison.Ordinal);
        Assert.EndsWith("ready\n", ready, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_disk_does_not_take_of_the_configuration_is_defined_when_it_does()
    {
        var disk = new FaultyDisk { FlushesFail = true };
        await using TestServer server = await TestServer.StartAsync(Yaml, disk: disk);

        Answer refused = await server.PostAsync("/v1/streams/votes/events", """{"id":"1"}""");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "WEIR-5004"), (refused.Status, refused.Code));
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync("/v1/streams/others")).Status);
        Assert.Contains("[!]stream votes is not defined as configured: ", (await server.GetAsync("/readyz")).Text, StringComparison.Ordinal);

        disk.FlushesFail = false;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await server.GetAsync("/readyz")).Text != "ready\n")
        {
            await Task.Delay(50, patience.Token);
        }

        Assert.Equal(1, (await server.PostAsync("/v1/streams/votes/events", """{"id":"1"}""")).Count("counted"));
        Answer rows = await server.GetAsync($"/v1/views/results?at={(await server.GetAsync("/v1/streams/votes")).Json["position"]}");
        Assert.Equal("""[{"votes":1}]""", rows.Json["rows"]!.ToJsonString());
    }
}
