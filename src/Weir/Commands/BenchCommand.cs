using System.CommandLine;
using System.Text.Json.Nodes;
using Weir.Cli.Bench;
using Weir.Cli.Load;

namespace Weir.Cli.Commands;

/// <summary><c>weir bench NAME</c>: figures of this machine, with the flush mode and the machine beside each.</summary>
internal static class BenchCommand
{
    private delegate Task<IReadOnlyList<BenchResult>> Run(BenchSettings settings, Terminal terminal, CancellationToken cancel);

    private static readonly (string Name, string Meaning, Run Run)[] Benches =
    [
        ("fold", "extract and fold on one core, from raw NDJSON, without disk and network", FoldBench.RunAsync),
        ("http", "batches of votes over HTTP, exactly-once with claim, flushed before the answer, 4 partitions", ThroughputBenches.HttpAsync),
        ("kafka", "made produce requests over the Kafka port, exactly-once with claim, flushed before the answer, 4 partitions", KafkaBenches.ProduceAsync),
        ("fetch", "a Kafka consumer from the first offset, and one at the tail", KafkaBenches.FetchAsync),
        ("single", "one vote per request, beside the bare web server", SingleBench.RunAsync),
        ("latency", "acknowledgement times at half the peak", ThroughputBenches.LatencyAsync),
        ("freshness", "from sending a vote to seeing it in a live frame, at half the peak", LiveBenches.FreshnessAsync),
        ("memory", "bytes per voter at 10 and 100 million", StateBenches.MemoryAsync),
        ("open", "from start to serving after SIGKILL with 100 million votes", StateBenches.OpenAsync),
        ("recount", "the second implementation over 10 million votes", StateBenches.RecountAsync),
        ("partitions", "http with 1, 4, 16 and 64 partitions", ThroughputBenches.PartitionsAsync),
        ("fanout", "age of what 10,000 live subscribers see", LiveBenches.FanoutAsync),
        ("overload", "what is taken when 1, 2, 5 and 10 times the peak is offered, by arrival times fixed in advance, beside 1,000 slow readers, and how soon it is as before", OverloadBench.RunAsync),
    ];

    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string>("NAME") { Description = string.Join("; ", Benches.Select(bench => $"`{bench.Name}`: {bench.Meaning}")) + "." };
        name.AcceptOnlyFromAmong([.. Benches.Select(bench => bench.Name)]);
        var events = new Option<long?>("--events") { Description = "Votes to send. Default: as many as the benchmark is defined with.", HelpName = "N" };
        var connections = new Option<int?>("--connections") { Description = "Connections of the generator.", HelpName = "N" };
        var batch = new Option<int?>("--batch") { Description = "Votes per request.", HelpName = "N" };
        var rate = new Option<double?>("--rate") { Description = "Votes per second. Default: as fast as they go, or half of that.", HelpName = "N" };
        var subscribers = new Option<int?>("--subscribers") { Description = "Live subscribers of `fanout`, slow ones of `overload`.", HelpName = "N" };
        var seconds = new Option<double?>("--seconds") { Description = "Of each phase of `overload`. Default: 10.", HelpName = "N" };
        var whole = new Option<bool>("--whole") { Description = "`overload` sends its bodies without `Expect: 100-continue`." };
        var svg = new Option<string?>("--svg") { Description = "Draw the curve of `overload` into this file.", HelpName = "FILE" };
        var data = new Option<string>("--data") { Description = "Folder for the server's data, which is deleted after.", DefaultValueFactory = _ => Path.Combine(".weir", "bench"), HelpName = "FOLDER" };
        Option<bool> json = SharedOptions.Json();
        var command = new Command("bench", "Measure this machine: server and load generator as separate processes, data deleted after.") { name, events, connections, batch, rate, subscribers, seconds, whole, svg, data, json };
        command.SetAction((parsed, cancel) => RunAsync(
            terminal,
            parsed.GetRequiredValue(name),
            new BenchSettings
            {
                Events = parsed.GetValue(events),
                Connections = parsed.GetValue(connections),
                Batch = parsed.GetValue(batch),
                PerSecond = parsed.GetValue(rate),
                Subscribers = parsed.GetValue(subscribers),
                Seconds = parsed.GetValue(seconds),
                SendsWhole = parsed.GetValue(whole),
                Svg = parsed.GetValue(svg),
                Directory = parsed.GetRequiredValue(data),
            },
            parsed.GetValue(json),
            cancel));
        return command;
    }

    /// <summary>The hidden command behind `bench single`.</summary>
    public static Command CreateBare()
    {
        var port = new Argument<int>("PORT");
        var command = new Command("bench-bare", "The bare web server of `bench single`.") { port };
        command.Hidden = true;
        command.SetAction((parsed, cancel) => BareServer.RunAsync(parsed.GetRequiredValue(port), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, string name, BenchSettings settings, bool json, CancellationToken cancel)
    {
        Directory.CreateDirectory(settings.Directory);
        Machine machine = Machine.Describe(settings.Directory);
        IReadOnlyList<BenchResult> results = await Benches.First(bench => bench.Name == name).Run(settings, terminal, cancel);
        if (json)
        {
            terminal.WriteJson(new JsonArray([.. results.Select(result => result.ToJson(machine))]));
        }
        else
        {
            BenchResult.WriteTable(results, machine, terminal.Out);
        }

        return results.All(result => result.Missed.Count == 0) ? ExitCode.Ok : ExitCode.Failed;
    }
}
