using System.Text.Json.Nodes;

namespace Weir.Cli.Tests;

public sealed class VerifyTests
{
    [Fact]
    public async Task A_short_run_survives_its_kills_and_finds_nothing_and_leaves_nothing()
    {
        CommandRun run = await CommandRun.OfAsync("verify", "--seconds", "8", "--kill", "2", "--json", "--seed", "11");

        Assert.True(run.Code == ExitCode.Ok, run.Error + run.Out);
        JsonNode report = run.Json;
        Assert.True(report["right"]!.GetValue<bool>());
        Assert.Equal(11, report["seed"]!.GetValue<int>());
        Assert.Equal(2, report["kills"]!.GetValue<int>());
        Assert.Equal(0, report["lost"]!.GetValue<int>());
        Assert.Equal(0, report["double"]!.GetValue<int>());
        Assert.All(report["anomalies"]!.AsObject(), kind => Assert.Equal(0, kind.Value!.GetValue<int>()));
        Assert.True(report["acknowledged"]!.GetValue<int>() is > 100 and var acknowledged && acknowledged <= report["sent"]!.GetValue<int>());
        Assert.True(report["counted"]!.GetValue<long>() > 100);
        Assert.True(report["reads"]!.GetValue<int>() > 0);
        Assert.True(report["recovery_max_ms"]!.GetValue<double>() >= report["recovery_p50_ms"]!.GetValue<double>());
        Assert.Contains("Nothing lost, nothing counted twice.", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("kept", run.Error, StringComparison.Ordinal);
        string folder = run.Error[(run.Error.IndexOf(" in ", StringComparison.Ordinal) + 4)..].Split('\n')[0];
        Assert.False(Directory.Exists(folder), folder);
    }

    [Fact]
    public async Task Kills_at_system_calls_hit_or_are_named_as_skipped_and_a_folder_is_kept_when_asked()
    {
        CommandRun run = await CommandRun.OfAsync("verify", "--seconds", "2", "--kill", "5", "--at-calls", "--keep", "--seed", "3");

        Assert.True(run.Code == ExitCode.Ok, run.Error + run.Out);
        Assert.True(run.Out.Contains("as a thread entered a write", StringComparison.Ordinal) || run.Out.Contains("skipped      kills at a write", StringComparison.Ordinal), run.Out);
        string folder = run.Out[(run.Out.IndexOf("kept ", StringComparison.Ordinal) + 5)..].Trim();
        Assert.True(File.Exists(Path.Combine(folder, "weir.yaml")), run.Out);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("--seconds 0")]
    [InlineData("--kill -1")]
    public async Task What_makes_no_run_is_refused_before_anything_starts(string options) =>
        Assert.Equal(ExitCode.Usage, (await CommandRun.OfAsync(["verify", .. options.Split(' ')])).Code);
}
