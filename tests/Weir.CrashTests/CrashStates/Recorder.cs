using System.Text;
using System.Text.RegularExpressions;

namespace Weir.CrashTests.CrashStates;

/// <summary>
/// Runs the real server under strace over a directory, one process after the other, and adds what each did to a recording. After each process what the
/// recording says that is there is compared with what is there: a recording that lacks something is an error.
/// </summary>
internal sealed partial class Recorder(WorkDirectory directory, Recording recording)
{
    private const string Data = "data";

    // Beyond the longest write: a body's piece is at most 1 MiB.
    private const int LongestBuffer = 4 << 20;

    public Recording Recording { get; private set; } = recording;

    /// <summary>Starts a server, lets clients work, and takes what it did until its end.</summary>
    /// <param name="work">Uses the clients, and ends or kills the server.</param>
    public async Task RunAsync(int clients, Func<ServerUnderTest, IReadOnlyList<RecordedClient>, Task> work)
    {
        string log = directory.PathOf($"strace-{Recording.End}");
        string[] wrapper = ["strace", "-D", "-f", "--seccomp-bpf", "-yy", "-x", "-s", $"{LongestBuffer}", "-o", log, "-e", "signal=kill", "-e", $"trace={FileCallReader.SystemCalls},sendto,sendmsg"];
        int processId;
        RecordedClient[] made = [];
        using (ServerUnderTest server = await ServerUnderTest.StartAsync(directory.Configuration, wrapper))
        {
            processId = server.ProcessId;
            Uri address = await server.Ready;
            made = [.. Enumerable.Range(0, clients).Select(_ => new RecordedClient(address))];
            try
            {
                await work(server, made);
                Assert.True(server.HasExited, "The work ends with the server's end.");
            }
            finally
            {
                Array.ForEach(made, client => client.Dispose());
            }
        }

        Take(await StraceLog.ReadAsync(log, processId), made);
        File.Delete(log);
    }

    private void Take(IReadOnlyList<SystemCall> calls, IReadOnlyList<RecordedClient> clients)
    {
        int first = Recording.End;
        int end = first + calls.Max(call => call.Ended) + 2;
        var tree = new FileTree();
        foreach (FileCall call in Recording.Calls)
        {
            tree.Apply(call);
        }

        IReadOnlyList<FileCall> fileCalls = FileCallReader.Read(calls, directory.Path, Data, tree, first, out IReadOnlyList<FileCall> unfinished);
        Exchange[] exchanges = [.. Place(calls, clients, first)];
        Layout real = Layout.Read(directory.Path, Data);
        IEnumerable<string> differences = [];
        foreach (FileCall[] happened in Subsets(unfinished))
        {
            Recording candidate = Recording.Then([.. fileCalls, .. happened.Select(call => AsFarAsItCame(call with { Ended = end - 1 }, real))], exchanges, end);
            differences = StateBuilder.InMemory(candidate).Differences(real);
            if (!differences.Any())
            {
                Recording = candidate;
                return;
            }
        }

        throw new InvalidDataException($"What was recorded is not what is in the directory: {string.Join("; ", differences)}\nunfinished: {string.Join("; ", unfinished)}");
    }

    // Of calls that a killed process did not return from, those happened after which the files are as they are. A start has few of them.
    private static IEnumerable<FileCall[]> Subsets(IReadOnlyList<FileCall> calls)
    {
        Assert.InRange(calls.Count, 0, 8);
        for (int chosen = (1 << calls.Count) - 1; chosen >= 0; chosen--)
        {
            yield return [.. calls.Where((_, i) => (chosen & (1 << i)) != 0)];
        }
    }

    // A write at the end of a file that a signal cut short.
    private static FileCall AsFarAsItCame(FileCall call, Layout real) =>
        call.Kind == FileCallKind.Write && real.Files.TryGetValue(call.Path, out byte[]? content) && content.Length > call.Position && content.Length < call.Position + call.Bytes.Length
            ? call with { Bytes = call.Bytes[..(int)(content.Length - call.Position)] }
            : call;

    /// <summary>Gives each answer the line at which the server began to send its last piece.</summary>
    private static IEnumerable<Exchange> Place(IReadOnlyList<SystemCall> calls, IReadOnlyList<RecordedClient> clients, int first)
    {
        // Per connection: an answer begins with its status line, and ends before the next one begins.
        var answers = new Dictionary<int, List<int>>();
        foreach (SystemCall send in calls.Where(call => call.Name is "sendto" or "sendmsg" && !call.Failed))
        {
            if (PortPattern().Match(send.Arguments) is not { Success: true } to)
            {
                continue;
            }

            int port = (int)StraceText.LeadingNumber(to.Groups["port"].Value);
            answers.TryAdd(port, []);
            if (Encoding.Latin1.GetString(StraceText.Quoted(send.Arguments)).StartsWith("HTTP/1.1 ", StringComparison.Ordinal))
            {
                answers[port].Add(first + send.Began);
            }
            else
            {
                answers[port][^1] = first + send.Began;
            }
        }

        foreach (RecordedClient client in clients)
        {
            int before = first;
            foreach ((Exchange exchange, int port, int ordinal) in client.Exchanges)
            {
                Exchange placed = exchange with { Began = before };
                if (port != 0)
                {
                    placed = placed with { Place = answers[port][ordinal] };
                    before = placed.Place;
                }

                // A server that is stopping says that nothing is known.
                yield return placed.Status >= 500 ? placed.Unanswered() : placed;
            }
        }
    }

    [GeneratedRegex(@"^\d+<TCP:\[[^\]]*->127\.0\.0\.1:(?<port>\d+)\]>")]
    private static partial Regex PortPattern();
}
