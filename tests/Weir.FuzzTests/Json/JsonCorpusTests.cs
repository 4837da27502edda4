using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Weir.FuzzTests.Targets;
using Weir.Server.Tests.Support;

namespace Weir.FuzzTests.Json;

/// <summary>One verdict about every text, at every place that reads events.</summary>
public sealed class JsonCorpusTests
{
    private const string Plain = """{"partitions":1}""";
    private const string Keyed = """{"partitions":1,"key":["user"],"id":"id","fields":{"amount":"decimal(18,2)"},"delivery":"at-least-once"}""";

    [Fact]
    public void The_corpus_has_at_least_400_cases_and_each_a_name_of_its_own()
    {
        Assert.True(JsonCases.All.Count >= 400, $"{JsonCases.All.Count} cases");
        Assert.Empty(JsonCases.All.GroupBy(one => one.Name).Where(group => group.Count() > 1).Select(group => group.Key));
    }

    [Fact]
    public void Ingest_replay_and_recount_say_the_same_and_System_Text_Json_of_what_the_RFC_decides()
    {
        EventRules plain = new(Plain), keyed = new(Keyed);
        var wrong = new List<string>();
        foreach (JsonCase one in JsonCases.All)
        {
            // Judge throws where the three disagree.
            bool isTaken = (one.IsKeyed ? keyed : plain).Judge(one.Text) is null;
            bool isJson = JsonTargets.IsEvent(one.Text, depth: 64);
            if (isTaken != one.IsTaken || (one.Name[0] is 'y' or 'n' && isJson != one.IsTaken))
            {
                wrong.Add($"{one.Name}: taken {isTaken}, System.Text.Json {isJson}");
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Every_form_of_a_body_says_the_same_and_what_is_refused_leaves_no_trace()
    {
        await using TestServer server = await TestServer.StartAsync();
        Assert.Equal(HttpStatusCode.Created, (await server.PutAsync("/v1/streams/plain", Plain)).Status);
        Assert.Equal(HttpStatusCode.Created, (await server.PutAsync("/v1/streams/keyed", Keyed)).Status);
        var wrong = new List<string>();
        long taken = 0, asked = 0;
        foreach (JsonCase one in JsonCases.All)
        {
            foreach ((string form, HttpRequestMessage request) in Requests(one))
            {
                using HttpRequestMessage sent = request;
                Answer answer;
                try
                {
                    answer = await server.SendAsync(sent);
                }
                catch (HttpRequestException cut)
                {
                    wrong.Add($"{one.Name} as {form}: {cut.InnerException?.Message ?? cut.Message}");
                    continue;
                }

                long counted = (int)answer.Status is 200 or 422 && answer.Json["counted"] is not null ? answer.Count("counted") : 0;
                asked++;
                taken += counted;
                if (counted != (one.IsTaken ? 1 : 0) || (int)answer.Status >= 500)
                {
                    wrong.Add($"{one.Name} as {form}: {answer}");
                }
            }
        }

        Assert.Empty(wrong);
        Console.WriteLine($"json corpus: {JsonCases.All.Count} cases, {asked} requests, {taken} events taken");
        Assert.Equal(taken, await EventsOfAsync(server, "plain") + await EventsOfAsync(server, "keyed"));
    }

    /// <summary>Events in the log, its define marker left out.</summary>
    private static async Task<long> EventsOfAsync(TestServer server, string stream) =>
        (await server.GetAsync($"/v1/streams/{stream}")).Json["partitions"]!.AsArray().Sum(partition => partition!["log_end"]!.GetValue<long>() - 1);

    private static IEnumerable<(string Form, HttpRequestMessage Request)> Requests(JsonCase one)
    {
        bool isBlank = one.Text.AsSpan().Trim(" \t\r\n"u8).IsEmpty;
        bool isArrayBody = one.Text.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'[', ..];
        if (!isArrayBody)
        {
            yield return ("single", Request(one, one.Text, "application/json"));
        }

        if (!one.Text.Contains((byte)'\n'))
        {
            yield return ("line", Request(one, [.. one.Text, (byte)'\n'], "application/x-ndjson"));
        }

        byte[] array = [(byte)'[', .. one.Text, (byte)']'];
        if (SaysTheSame(one, array))
        {
            yield return ("array", Request(one, array, "application/json"));
        }

        if (one.Name is "k_id_missing" or "k_id_null")
        {
            // A CloudEvent brings an id of its own.
            yield break;
        }

        byte[] structured = [.. """{"specversion":"1.0","id":"1","source":"s","type":"t","data":"""u8, .. one.Text, (byte)'}'];
        if (SaysTheSame(one, structured))
        {
            yield return ("CloudEvent", Request(one, structured, "application/cloudevents+json"));
        }

        if (!isBlank)
        {
            HttpRequestMessage binary = Request(one, one.Text, "application/json");
            foreach ((string name, string value) in ((string, string)[])[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "s"), ("ce-type", "t")])
            {
                binary.Headers.Add(name, value);
            }

            yield return ("binary CloudEvent", binary);
        }
    }

    /// <summary>False for a text that is none by itself and that the frame around it completes to something else, such as <c>{},{}</c> in an array.</summary>
    private static bool SaysTheSame(JsonCase one, byte[] framed) => IsJson(one.Text) || !IsJson(framed);

    private static bool IsJson(byte[] text)
    {
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = 100_000 });
        try
        {
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static HttpRequestMessage Request(JsonCase one, byte[] body, string contentType)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        return new HttpRequestMessage(HttpMethod.Post, $"/v1/streams/{(one.IsKeyed ? "keyed" : "plain")}/events") { Content = content };
    }
}
