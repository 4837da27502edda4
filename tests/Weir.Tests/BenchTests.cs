using System.Text.Json.Nodes;

namespace Weir.Cli.Tests;

/// <summary>Every benchmark runs in small and gives what its table promises; its figures mean nothing here.</summary>
public sealed class BenchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("weir-bench-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("fold --events 20000", 1)]
    [InlineData("http --events 20000", 1)]
    [InlineData("single --events 2000 --connections 16", 2)]
    [InlineData("latency --events 10000 --rate 20000", 1)]
    [InlineData("freshness --events 10000 --rate 20000", 1)]
    [InlineData("memory --events 20000", 1)]
    [InlineData("open --events 20000", 1)]
    [InlineData("recount --events 20000", 1)]
    [InlineData("partitions --events 8000", 4)]
    [InlineData("fanout --events 5000 --rate 5000 --subscribers 20", 1)]
    public async Task A_small_run_gives_every_figure_and_leaves_no_data(string line, int results)
    {
        CommandRun run = await CommandRun.OfAsync(["bench", .. line.Split(' '), "--json", "--data", _folder]);

        Assert.True(run.Code == ExitCode.Ok, run.Error);
        JsonArray measured = run.Json.AsArray();
        Assert.Equal(results, measured.Count);
        foreach (JsonNode? result in measured)
        {
            Assert.True(result!["events"]!.GetValue<long>() > 0);
            Assert.True(result["events_per_second"]!.GetValue<double>() > 0);
            Assert.True(result.AsObject().ContainsKey("flush_mode"));
            Assert.True(result.AsObject().ContainsKey("p99_9_ms"));
            Assert.True(result.AsObject().ContainsKey("allocated_bytes_per_event"));
            Assert.True(result["machine"]!["cores"]!.GetValue<int>() > 0);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    /// <summary>What does not depend on how fast the machine is: nothing lost or double (else the command fails), every refusal says when to come again, memory has a bound.</summary>
    [Theory]
    [InlineData("--batch 2000 --connections 96")]
    [InlineData("--batch 100 --connections 16 --whole")]
    public async Task A_short_overload_loses_nothing_tells_everybody_when_to_come_again_and_draws_a_curve(string line)
    {
        string curve = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "curve")).FullName, "overload.svg");
        CommandRun run = await CommandRun.OfAsync(["bench", "overload", "--seconds", "0.3", "--subscribers", "20", .. line.Split(' '), "--svg", curve, "--json", "--data", Path.Combine(_folder, "data")]);

        Assert.True(run.Out.StartsWith('['), run.Error);
        JsonArray phases = run.Json.AsArray();
        Assert.Equal(11, phases.Count);
        string[] missed = [.. phases.SelectMany(phase => phase!["missed"]?.AsArray() ?? []).Select(sentence => sentence!.ToString())];
        Assert.DoesNotContain(missed, sentence => sentence.Contains("Retry-After", StringComparison.Ordinal) || sentence.Contains("resident", StringComparison.Ordinal));
        Assert.Equal(missed.Length == 0 ? ExitCode.Ok : ExitCode.Failed, run.Code);
        Assert.All(phases, phase => Assert.True(phase!["events"]!.GetValue<long>() > 0 && phase["broken"]!.GetValue<double>() == 0, phase!.ToJsonString()));
        Assert.StartsWith("<svg", await File.ReadAllTextAsync(curve, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_folder, "data")));
    }

    [Fact]
    public async Task A_run_that_the_disk_has_no_room_for_is_refused_before_anything_starts()
    {
        CommandRun run = await CommandRun.OfAsync("bench", "http", "--events", "1000000000000", "--data", _folder);

        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.StartsWith("WEIR-4011", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public async Task The_table_names_the_flush_mode_and_the_machine()
    {
        CommandRun run = await CommandRun.OfAsync("bench", "http", "--events", "8000", "--data", _folder);

        Assert.Contains("flush: fdatasync before the acknowledgement", run.Out, StringComparison.Ordinal);
        Assert.Matches(@"machine: \d+ cores, ", run.Out);
    }
}
