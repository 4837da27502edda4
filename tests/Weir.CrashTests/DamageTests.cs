using System.Globalization;
using System.Text.Json;

namespace Weir.CrashTests;

/// <summary>Files changed behind the server's back. What is derived is made again; what is damaged is named, never guessed, and only that partition suffers.</summary>
public sealed class DamageTests(FilledDirectory filled) : IClassFixture<FilledDirectory>
{
    private const string Stream = FilledDirectory.Stream;

    [Fact]
    public async Task A_flipped_byte_in_what_was_flushed_makes_that_partition_read_only_and_the_others_serve()
    {
        using WorkDirectory directory = filled.Copy();
        string segment = Directory.GetFiles(directory.PartitionPath(Stream, 1), "*.log").Order(StringComparer.Ordinal).Last();
        int at = (int)(new FileInfo(segment).Length / 2);
        Flip(segment, at);

        using ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration);
        using var api = new ServerApi(await server.Ready);

        JsonElement[] partitions = [.. (await api.GetAsync("v1/streams/" + Stream)).GetProperty("partitions").EnumerateArray()];
        Assert.Equal("read-only", partitions[1].GetProperty("state").GetString());
        Assert.Contains(Path.GetFileName(segment), partitions[1].GetProperty("reason").GetString()!, StringComparison.Ordinal);
        Assert.Contains("\"EventId\":1003", server.Output, StringComparison.Ordinal);
        Assert.All((int[])[0, 2, 3], other => Assert.Equal("serving", partitions[other].GetProperty("state").GetString()));

        // Enough new events that each partition gets some: only the damaged one refuses, and says why.
        Workload more = new(new Random(99), "late");
        SentEvent[] body = [.. Enumerable.Range(0, 60).Select(_ => more.Next(Stream)).Where(one => !one.IsRefused)];
        Answer answer = await api.SendAsync(Stream, body);
        Assert.Equal(503, answer.Status);
        Assert.Contains(answer.Outcomes, outcome => outcome.Verdict == "counted");
        Assert.All(answer.Outcomes.Where(outcome => outcome.Verdict != "counted"), outcome => Assert.Equal(4006, outcome.Code));
        Assert.DoesNotContain(answer.Outcomes, outcome => outcome.Verdict == "counted" && outcome.Partition == 1);

        // What lies before the damage can still be read, and nothing was cut from the file.
        Assert.Equal(0, (await api.ReadLogAsync(Stream, 0, from: 0))[0].Offset);
        Assert.Equal("serving", (await api.GetAsync("v1/streams/votes")).GetProperty("partitions")[1].GetProperty("state").GetString());
    }

    [Fact]
    public async Task Log_check_names_the_damaged_file_and_an_intact_directory_passes()
    {
        using WorkDirectory directory = filled.Copy();
        (int intact, string said) = await ServerUnderTest.RunAsync("log", "check", directory.Data);
        Assert.True(intact == 0, said);

        string segment = Directory.GetFiles(directory.PartitionPath(Stream, 2), "*.log").Order(StringComparer.Ordinal).First();
        Flip(segment, 700);
        (int damaged, said) = await ServerUnderTest.RunAsync("log", "check", directory.Data);

        Assert.Equal(1, damaged);
        Assert.Contains(Path.GetFileName(segment), said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*.snapshot")]
    [InlineData("*.verdicts")]
    [InlineData("*.index")]
    [InlineData("*.keys")]
    public async Task Derived_files_that_are_damaged_or_gone_are_made_again(string pattern)
    {
        using WorkDirectory directory = filled.Copy();
        (Logs logs, string rows) = await ShownAsync(directory);

        string[] files = Directory.GetFiles(directory.Data, pattern, SearchOption.AllDirectories);
        for (int i = 0; i < files.Length; i++)
        {
            Damage(files[i], i % 4);
        }

        (Logs again, string rowsAgain) = await ShownAsync(directory);
        Invariants.LogOnlyGrows(logs, again);
        Invariants.LogOnlyGrows(again, logs);
        Assert.Equal(rows, rowsAgain);
        Assert.True(files.Length > 0, $"There was no {pattern} to damage.");
    }

    private static async Task<(Logs Logs, string Rows)> ShownAsync(WorkDirectory directory)
    {
        using ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration);
        using var api = new ServerApi(await server.Ready);
        Logs logs = await Invariants.ReadLogsAsync(api);
        List<string> rows = [await Invariants.ViewsEqualLogsAsync(api)];

        // Found through key files where there are any.
        for (int id = 1; id < 400; id += 10)
        {
            rows.Add((await api.GetAsync($"v1/streams/{Stream}/receipts?id=c-{id}")).GetRawText());
        }

        Invariants.RecountEqualsLive("raised", await api.RecountAsync("raised"));
        Assert.Equal(0, await server.StopAsync());
        return (logs, string.Join('\n', rows));
    }

    private static void Damage(string file, int way)
    {
        long length = new FileInfo(file).Length;
        switch (way)
        {
            case 0:
                Flip(file, (int)(length / 2));
                break;
            case 1:
                using (FileStream cut = File.OpenWrite(file))
                {
                    cut.SetLength(length / 2);
                }

                break;
            case 2:
                File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"not a file of {length} bytes"));
                break;
            default:
                File.Delete(file);
                break;
        }
    }

    private static void Flip(string file, int at)
    {
        using FileStream stream = File.Open(file, FileMode.Open);
        stream.Position = at;
        int value = stream.ReadByte();
        stream.Position = at;
        stream.WriteByte((byte)(value ^ 0x40));
    }
}
