using System.Globalization;

namespace Weir.CrashTests;

/// <summary>The order of the system calls of the real binary: written, flushed, answered; named, directory flushed, relied on.</summary>
public sealed class FlushOrderTests
{
    private const string OneLog = """
        streams:
          votes: { partitions: 1, key: user, id: id }
        views:
          tally: SELECT count(*) AS n FROM votes
        """;

    private const int Requests = 8;

    [Fact]
    public async Task Every_answer_is_sent_after_a_flush_that_began_after_its_record_was_written()
    {
        IReadOnlyList<SystemCall> calls = await TraceAsync();

        SystemCall[] answers = [.. StraceLog.Answers(calls)];
        Assert.Equal(Requests, answers.Length);
        for (int i = 0; i < Requests; i++)
        {
            StraceLog.AssertFlushedBefore(calls, Id(i), answers[i]);
        }
    }

    [Fact]
    public async Task Every_file_that_got_its_name_was_flushed_before_and_its_directory_after()
    {
        IReadOnlyList<SystemCall> calls = await TraceAsync();

        SystemCall firstAnswer = StraceLog.Answers(calls).First();
        SystemCall[] renames = [.. calls.Where(call => call.Name == "rename" && !call.Failed && call.Ended < firstAnswer.Began)];
        string[] names = [.. renames.Select(call => Path.GetFileName(call.Arguments.Split('"')[3]))];
        Assert.Contains("format", names);
        Assert.Contains("definition.json", names);
        Assert.Contains(names, name => name.EndsWith(".log", StringComparison.Ordinal));

        // An index is made again from its segment, so it may be lost.
        foreach (SystemCall rename in renames.Where(call => !call.Arguments.EndsWith(".index\"", StringComparison.Ordinal)))
        {
            (string from, string to) = (rename.Arguments.Split('"')[1], rename.Arguments.Split('"')[3]);
            Assert.True(
                calls.Any(call => call.Name == "fdatasync" && !call.Failed && call.File?.Path == from && call.Ended < rename.Began),
                $"{to} got its name before its content was flushed.");
            Assert.True(
                calls.Any(call => call.Name == "fsync" && !call.Failed && call.File?.Path == Path.GetDirectoryName(to) && call.Began > rename.Ended && call.Ended < firstAnswer.Began),
                $"The directory of {to} was not flushed before the first answer.");
        }

        foreach (SystemCall made in calls.Where(call => call.Name == "mkdir" && !call.Failed && call.Arguments.Contains("/data", StringComparison.Ordinal) && call.Ended < firstAnswer.Began))
        {
            string path = made.Arguments.Split('"')[1];
            Assert.True(
                calls.Any(call => call.Name == "fsync" && !call.Failed && call.File?.Path == Path.GetDirectoryName(path) && call.Began > made.Ended && call.Ended < firstAnswer.Began),
                $"The directory that holds {path} was not flushed before the first answer.");
        }
    }

    // From an empty directory, one request after the other, so that the n-th answer belongs to the n-th request.
    private static async Task<IReadOnlyList<SystemCall>> TraceAsync()
    {
        Strace.Need();
        using var directory = new WorkDirectory();
        directory.Configure(OneLog);
        string log = directory.PathOf("strace");
        int processId;
        using (ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration, Strace.Wrapper(log, "openat,pwrite64,fdatasync,fsync,rename,mkdir,sendto,sendmsg", shownBytes: 1000)))
        {
            processId = server.ProcessId;
            using var api = new ServerApi(await server.Ready);
            for (int i = 0; i < Requests; i++)
            {
                var vote = new SentEvent("votes", $"u{i}", Id(i), string.Create(CultureInfo.InvariantCulture, $$"""{"user":"u{{i}}","id":"{{Id(i)}}"}"""));
                Assert.Equal(200, (await api.SendAsync("votes", [vote])).Status);
            }

            Assert.Equal(0, await server.StopAsync());
        }

        return await StraceLog.ReadAsync(log, processId);
    }

    private static string Id(int i) => string.Create(CultureInfo.InvariantCulture, $"order-{i}-of-{Requests}");
}
