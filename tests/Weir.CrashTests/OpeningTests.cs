using System.Text.Json;

namespace Weir.CrashTests;

/// <summary>The disk says no while the real program starts: to one partition, and the others serve; to the whole directory, and it ends with one error.</summary>
public sealed class OpeningTests(FilledDirectory filled) : IClassFixture<FilledDirectory>
{
    private const string Stream = FilledDirectory.Stream;

    [Theory]
    [InlineData("openat:error=EIO", "read-only", "WEIR-4006")]
    [InlineData("pread64:error=EIO", "read-only", "WEIR-4006")]
    [InlineData("openat:error=EMFILE", "stopped", "WEIR-4005")]
    public async Task A_segment_that_cannot_be_read_concerns_its_partition_alone(string injection, string state, string code)
    {
        Strace.Need();
        using WorkDirectory directory = filled.Copy();
        string segment = Directory.GetFiles(directory.PartitionPath(Stream, 1), "*.log").Order(StringComparer.Ordinal).Last();

        using ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration, Strace.OnPath(directory.PathOf("strace"), segment, injection));
        using var api = new ServerApi(await server.Ready);

        JsonElement[] partitions = [.. (await api.GetAsync("v1/streams/" + Stream)).GetProperty("partitions").EnumerateArray()];
        Assert.Equal(state, partitions[1].GetProperty("state").GetString());
        Assert.Contains(Path.GetFileName(segment), partitions[1].GetProperty("reason").GetString()!, StringComparison.Ordinal);
        Assert.Contains($"[!]{Stream}/1 is {state}: ", await api.GetTextAsync("readyz"), StringComparison.Ordinal);
        Assert.All((int[])[0, 2, 3], other => Assert.Equal("serving", partitions[other].GetProperty("state").GetString()));
        Workload more = new(new Random(98), "late");
        SentEvent[] body = [.. Enumerable.Range(0, 60).Select(_ => more.Next(Stream)).Where(one => !one.IsRefused)];
        Answer answer = await api.SendAsync(Stream, body);
        Assert.Contains(answer.Outcomes, outcome => outcome.Verdict == "counted");
        Assert.All(answer.Outcomes.Where(outcome => outcome.Verdict != "counted"), outcome => Assert.Equal(code, $"WEIR-{outcome.Code}"));
        Assert.DoesNotContain(answer.Outcomes, outcome => outcome.Verdict == "counted" && outcome.Partition == 1);
        Assert.NotEmpty(await api.ReadLogAsync(Stream, 0));
        Assert.NotEmpty((await api.CurrentViewAsync("tally", "votes")).GetProperty("rows").EnumerateArray());
        Assert.Equal(0, await server.StopAsync());
    }

    [Theory]
    [InlineData("format", "openat:error=EIO", "WEIR-5005")]
    [InlineData("streams", "openat:error=EIO", "WEIR-5005")]
    [InlineData("weir.lock", "openat:error=EACCES", "WEIR-5005")]
    public async Task A_data_directory_that_cannot_be_read_as_a_whole_ends_the_process_with_one_error_and_code_1(string name, string injection, string code)
    {
        Strace.Need();
        using WorkDirectory directory = filled.Copy();
        string[] before = Contents(directory);

        string[] wrapper = Strace.OnPath(directory.PathOf("strace"), Path.Combine(directory.Data, name), injection);
        (int exit, string printed) = await ServerUnderTest.RunInAsync(wrapper, "serve", directory.Configuration);

        Assert.Equal(1, exit);
        Assert.Single(printed.Split('\n'), line => line.Contains(code, StringComparison.Ordinal));
        Assert.Contains(Path.Combine(directory.Data, name), printed, StringComparison.Ordinal);
        Assert.Equal(before, Contents(directory));
    }

    // The lock's file names who has it, so it may change.
    private static string[] Contents(WorkDirectory directory) =>
        [.. Directory.GetFiles(directory.Data, "*", SearchOption.AllDirectories).Where(path => !path.EndsWith("weir.lock", StringComparison.Ordinal)).Select(path => $"{path} {new FileInfo(path).Length}").Order(StringComparer.Ordinal)];
}
