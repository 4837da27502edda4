using System.Text.Json.Nodes;

namespace Weir.Cli.Tests;

/// <summary>The commands that speak to a server, against a real one.</summary>
public sealed class ServerCommandTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Send_shows_the_totals_and_names_file_line_and_code_of_what_was_refused()
    {
        string file = _server.WriteLines(
            "votes.ndjson",
            """{"id":"1","user":"ada","choice":"blue"}""",
            "",
            """{"id":"2","user":"ada","choice":"red"}""",
            "not json",
            """{"id":"3","choice":"red"}""");

        CommandRun run = await _server.RunAsync("send", "votes", file);

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith("votes: 4 lines: counted 1, taken 1, refused 2\n", run.Out, StringComparison.Ordinal);
        Assert.Contains($"{file}:4  WEIR-1201", run.Error, StringComparison.Ordinal);
        Assert.Contains($"{file}:5  WEIR-1203", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sending_the_same_file_again_counts_nothing_again()
    {
        string file = _server.WriteLines("votes.ndjson", [.. Enumerable.Range(0, 5000).Select(i => $$"""{"id":"{{i}}","user":"u{{i}}","choice":"blue"}""")]);

        CommandRun first = await _server.RunAsync("send", "votes", file, "--json");
        CommandRun second = await _server.RunAsync("send", "votes", file, "--json");

        Assert.Equal(ExitCode.Ok, first.Code);
        Assert.Equal(5000, first.Json["counted"]!.GetValue<long>());
        Assert.Equal(ExitCode.Ok, second.Code);
        Assert.Equal(0, second.Json["counted"]!.GetValue<long>());
        Assert.Equal(5000, second.Json["duplicate"]!.GetValue<long>());
        Assert.Equal(5000, (await VotesAsync(second.Json["position"]!.ToString()))["blue"]);
    }

    [Fact]
    public async Task Only_lines_without_an_id_are_stored_with_an_idempotency_key_and_a_repeat_counts_none_of_them_again()
    {
        string withIds = _server.WriteLines("with.ndjson", """{"id":"1","user":"ada","choice":"blue"}""");
        string without = _server.WriteLines("without.ndjson", """{"user":"bob","choice":"blue"}""", """{"user":"eve","choice":"red"}""");

        await _server.RunAsync("send", "votes", withIds, without);
        CommandRun again = await _server.RunAsync("send", "votes", withIds, without, "--json");
        CommandRun tail = await _server.RunAsync("tail", "votes", "--json");

        Assert.Equal(3, again.Json["duplicate"]!.GetValue<long>());
        JsonNode[] counted = [.. tail.Out.TrimEnd('\n').Split('\n').Select(line => JsonNode.Parse(line)!).Where(stored => stored["verdict"]?.ToString() == "counted")];
        Assert.Equal(3, counted.Length);
        Assert.All(counted, stored => Assert.Equal(stored["key"]!.ToString() == "ada", stored["headers"]?["idempotency-key"] is null));
    }

    [Fact]
    public async Task Send_to_an_unknown_stream_says_so_before_it_reads_the_file()
    {
        CommandRun run = await _server.RunAsync("send", "vote", _server.WriteLines("votes.ndjson", "{}"));

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith("WEIR-1401", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task View_shows_the_rows_as_a_table_and_how_current_they_are()
    {
        string position = await SendThreeVotesAsync();

        CommandRun table = await _server.RunAsync("view", "results", "--order", "-votes", "--at", position);
        CommandRun one = await _server.RunAsync("view", "results", "--filter", "choice=red", "--json");

        Assert.Equal(ExitCode.Ok, table.Code);
        Assert.StartsWith("choice  votes\nblue        2\nred         1\nprovisional at " + position, table.Out, StringComparison.Ordinal);
        Assert.Equal("""[{"choice":"red","votes":1}]""", one.Json["rows"]!.ToJsonString());
    }

    [Fact]
    public async Task View_watch_shows_what_changes_until_it_is_cancelled()
    {
        string position = await SendThreeVotesAsync();
        await _server.RunAsync("view", "results", "--at", position);
        using var stop = new CancellationTokenSource();
        var seen = new WaitingWriter("\"votes\":2");

        Task<int> watch = CommandLine.RunAsync(
            ["view", "results", "--watch", "--json", "--url", _server.Url], new Terminal(seen, TextWriter.Null, isInteractive: false, hasColor: false), stop.Token);
        await seen.Found;
        await stop.CancelAsync();

        Assert.Equal(ExitCode.Ok, await watch);
    }

    [Fact]
    public async Task View_of_an_unknown_name_exits_with_1_and_its_code()
    {
        CommandRun run = await _server.RunAsync("view", "result");

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith("WEIR-1402: There is no view of that name.\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recount_is_equal_and_says_how_many_events_it_counted()
    {
        await _server.RunAsync("view", "results", "--at", await SendThreeVotesAsync());

        CommandRun text = await _server.RunAsync("recount", "results");
        CommandRun json = await _server.RunAsync("recount", "results", "--json");

        Assert.Equal(ExitCode.Ok, text.Code);
        Assert.StartsWith("results: equal; 4 events counted again from the log in ", text.Out, StringComparison.Ordinal);
        Assert.True(json.Json["equal"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Streams_lists_and_shows_one()
    {
        await SendThreeVotesAsync();

        CommandRun list = await _server.RunAsync("streams");
        CommandRun one = await _server.RunAsync("streams", "votes", "--json");

        Assert.Matches(@"stream +phase +delivery +key +id +partitions +counted .*\nvotes +open +exactly-once +user +id +4 +3 ", list.Out);
        Assert.Equal(4, one.Json["partitions"]!.AsArray().Count);
        Assert.Contains("counted 3, duplicate 0, replaced 0, taken 1", (await _server.RunAsync("streams", "votes")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tail_shows_each_event_with_its_verdict()
    {
        await SendThreeVotesAsync();

        CommandRun run = await _server.RunAsync("tail", "votes", "--json");
        JsonNode[] events = [.. run.Out.TrimEnd('\n').Split('\n').Select(line => JsonNode.Parse(line)!)];

        Assert.Equal(["1", "2", "3", "4"], events.Where(stored => stored["marker"] is null).Select(stored => stored["value"]!["id"]!.ToString()).Order());
        Assert.Equal(4, events.Count(stored => stored["marker"]?.ToString() == "define"));
        Assert.Contains("taken", (await _server.RunAsync("tail", "votes")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_letters_shows_what_did_not_count_and_pages_on()
    {
        await SendThreeVotesAsync();

        CommandRun run = await _server.RunAsync("dead-letters", "votes", "--json", "--limit", "1");

        Assert.Equal("4", JsonNode.Parse(run.Out)!["value"]!["id"]!.ToString());
        Assert.Equal("taken", JsonNode.Parse(run.Out)!["verdict"]!.ToString());
    }

    [Fact]
    public async Task Log_check_finds_every_byte_as_written_and_one_flipped_bit()
    {
        await SendThreeVotesAsync();
        CommandRun running = await CommandRun.OfAsync("log", "check", _server.Data);
        await _server.StopAsync();

        CommandRun intact = await CommandRun.OfAsync("log", "check", _server.Data, "--json");
        string segment = Directory.EnumerateFiles(_server.Data, "*.log", SearchOption.AllDirectories).First(file => new FileInfo(file).Length > 500);
        byte[] bytes = await File.ReadAllBytesAsync(segment);
        bytes[200] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes);
        CommandRun damaged = await CommandRun.OfAsync("log", "check", _server.Data);

        Assert.Equal(ExitCode.Failed, running.Code);
        Assert.StartsWith("WEIR-5001", running.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Ok, intact.Code);
        Assert.True(intact.Json["intact"]!.GetValue<bool>());
        Assert.Equal(ExitCode.Failed, damaged.Code);
        Assert.Contains(segment, damaged.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_repair_changes_nothing_unless_told_to_and_then_the_partition_takes_votes_again_and_a_recount_agrees()
    {
        string[] votes = [.. Enumerable.Range(0, 40).Select(n => $$"""{"id":"{{n}}","user":"u{{n}}","choice":"blue"}""")];
        foreach (string[] part in votes.Chunk(10))
        {
            await _server.RunAsync("send", "votes", _server.WriteLines("part.ndjson", part));
        }

        await _server.StopAsync();
        JsonNode victim = (await CommandRun.OfAsync("log", "dump", _server.Data, "--stream", "votes", "--partition", "2", "--json")).Out
            .TrimEnd('\n').Split('\n').Select(line => JsonNode.Parse(line)!).Where(frame => frame["records"]!.GetValue<int>() > 0).ElementAt(1);
        string segment = victim["file"]!.ToString();
        byte[] bytes = await File.ReadAllBytesAsync(segment);
        bytes[victim["file_position"]!.GetValue<int>() + (victim["bytes"]!.GetValue<int>() / 2)] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes);
        string lost = $"offsets {victim["offset"]} to {victim["offset"]!.GetValue<long>() + victim["records"]!.GetValue<int>()} (exclusive)";

        CommandRun plan = await CommandRun.OfAsync("log", "repair", _server.Data);
        byte[] untouched = await File.ReadAllBytesAsync(segment);
        CommandRun repaired = await CommandRun.OfAsync("log", "repair", _server.Data, "--apply");
        CommandRun check = await CommandRun.OfAsync("log", "check", _server.Data);
        CommandRun again = await CommandRun.OfAsync("log", "repair", _server.Data);
        await _server.RestartAsync();
        CommandRun recountBefore = await _server.RunAsync("recount", "results", "--json");
        CommandRun resent = await _server.RunAsync("send", "votes", _server.WriteLines("all.ndjson", votes), "--json");
        CommandRun recount = await _server.RunAsync("recount", "results", "--json");
        Dictionary<string, long> rows = await VotesAsync(resent.Json["position"]!.ToString());

        Assert.Equal(ExitCode.Failed, plan.Code);
        Assert.Contains(lost, plan.Out, StringComparison.Ordinal);
        Assert.Contains("nothing was changed", plan.Out, StringComparison.Ordinal);
        Assert.Equal(bytes, untouched);
        Assert.Equal(ExitCode.Ok, repaired.Code);
        Assert.Contains(lost, repaired.Out, StringComparison.Ordinal);
        Assert.Equal((ExitCode.Ok, ExitCode.Ok), (check.Code, again.Code));
        Assert.True(recountBefore.Json["equal"]!.GetValue<bool>());

        // What was lost counts again, the rest is known.
        Assert.Equal(victim["records"]!.GetValue<long>(), resent.Json["counted"]!.GetValue<long>());
        Assert.True(recount.Json["equal"]!.GetValue<bool>());
        Assert.Equal(40, rows["blue"]);
    }

    [Fact]
    public async Task Log_dump_shows_frames_and_records_beside_a_running_server()
    {
        await SendThreeVotesAsync();

        CommandRun[] runs = await Task.WhenAll(Enumerable.Range(0, 4).Select(partition =>
            CommandRun.OfAsync("log", "dump", _server.Data, "--stream", "votes", "--partition", $"{partition}", "--records", "--json")));

        JsonNode[] frames = [.. runs.SelectMany(run => run.Out.TrimEnd('\n').Split('\n')).Select(line => JsonNode.Parse(line)!)];
        JsonNode[] records = [.. frames.SelectMany(frame => frame["content"]!.AsArray()).Select(record => record!)];
        Assert.Equal(4, records.Count(record => record["marker"]?.ToString() == "define"));
        Assert.Equal(["ada", "ada", "bob", "eve"], records.Where(record => record["key"] is not null).Select(record => record["key"]!.ToString()).Order());
    }

    /// <summary>Three votes and a second one of ada's; returns the position that covers them.</summary>
    private async Task<string> SendThreeVotesAsync()
    {
        string file = _server.WriteLines(
            "three.ndjson",
            """{"id":"1","user":"ada","choice":"blue"}""",
            """{"id":"2","user":"bob","choice":"blue"}""",
            """{"id":"3","user":"eve","choice":"red"}""",
            """{"id":"4","user":"ada","choice":"red"}""");
        CommandRun run = await _server.RunAsync("send", "votes", file, "--json");
        Assert.Equal(ExitCode.Ok, run.Code);
        return run.Json["position"]!.ToString();
    }

    private async Task<Dictionary<string, long>> VotesAsync(string position) =>
        (await _server.RunAsync("view", "results", "--json", "--at", position)).Json["rows"]!.AsArray()
            .ToDictionary(row => row!["choice"]!.ToString(), row => row!["votes"]!.GetValue<long>());
}
