using System.Globalization;
using System.Text.RegularExpressions;

namespace Weir.CrashTests;

/// <summary>
/// A log written by <c>strace -f -y -o</c>, read as calls in order. A call that another thread interrupted in the log ("unfinished", "resumed") is one call.
/// Openings have to be among the calls recorded for <see cref="SystemCall.File"/> to be known; and <c>-ttt -T</c> given for <see cref="SystemCall.EndedAt"/>.
/// </summary>
internal static partial class StraceLog
{
    /// <summary>Waits until strace has written the end of the process, which is its last line, then reads.</summary>
    public static async Task<IReadOnlyList<SystemCall>> ReadAsync(string path, int processId)
    {
        using var patience = new CancellationTokenSource(ServerUnderTest.Patience);
        string start = processId.ToString(CultureInfo.InvariantCulture);
        while (true)
        {
            string[] lines = await File.ReadAllLinesAsync(path);
            if (lines.Length > 0 && lines[^1].StartsWith(start, StringComparison.Ordinal) && lines[^1].EndsWith("+++", StringComparison.Ordinal))
            {
                return Parse(lines);
            }

            Assert.False(patience.IsCancellationRequested, $"strace does not end; its log ends with {lines.LastOrDefault()}");
            await Task.Delay(20);
        }
    }

    /// <summary>The answers with status 200 to POSTs of events, in the order in which they left.</summary>
    public static IEnumerable<SystemCall> Answers(IReadOnlyList<SystemCall> calls) => calls.Where(call =>
        call.Name is "sendto" or "sendmsg"
        && call.Arguments.Contains("HTTP/1.1 200", StringComparison.Ordinal)
        && call.Arguments.Contains("{\\\"counted\\\":", StringComparison.Ordinal));

    /// <summary>Fails unless a write that shows <paramref name="text"/> was followed by a finished, successful fdatasync of the same file before the answer left.</summary>
    public static void AssertFlushedBefore(IReadOnlyList<SystemCall> calls, string text, SystemCall answer)
    {
        SystemCall[] writes = [.. calls.Where(call => call.Name == "pwrite64" && !call.Failed && call.Arguments.Contains(text, StringComparison.Ordinal) && call.File!.Path.Contains(".log", StringComparison.Ordinal))];
        Assert.True(writes.Length > 0, $"No write to a log shows {text}: {string.Join("; ", calls.Where(call => call.Arguments.Contains(text, StringComparison.Ordinal)).Select(call => $"{call.Name} of {call.File} on line {call.Began}{(call.Failed ? " failed" : "")}"))}");
        bool isFlushed = writes.Any(write => calls.Any(call =>
            call.Name == "fdatasync" && call.File == write.File && call.HasReturned && !call.Failed && call.Began > write.Ended && call.Ended < answer.Began));
        Assert.True(isFlushed, $"{text} was written on line {string.Join(", ", writes.Select(write => write.Ended))} and answered on line {answer.Began} without a finished flush between.");
    }

    /// <summary>The promise that fsyncgate broke: a second call on the same file may say yes to what the first one lost. Fails where a file was flushed again after its flush had failed.</summary>
    public static void AssertNoSecondFlush(IReadOnlyList<SystemCall> calls)
    {
        foreach (SystemCall failed in calls.Where(call => call.Name == "fdatasync" && call.Failed))
        {
            Assert.NotNull(failed.File);
            SystemCall? second = calls.FirstOrDefault(call => call.Name == "fdatasync" && call.File == failed.File && call.Began > failed.Ended);
            Assert.True(second is null, $"{failed.File} was flushed again on line {second?.Began} after its flush failed on line {failed.Ended}.");
        }
    }

    public static IReadOnlyList<SystemCall> Parse(IReadOnlyList<string> lines)
    {
        var calls = new List<SystemCall>();
        var open = new Dictionary<int, (int Line, string Text)>();
        var files = new Dictionary<int, OpenedFile>();
        for (int i = 0; i < lines.Count; i++)
        {
            Match line = LinePattern().Match(lines[i]);
            if (!line.Success)
            {
                continue;
            }

            int thread = int.Parse(line.Groups["thread"].Value, CultureInfo.InvariantCulture);
            decimal at = line.Groups["at"].Success ? decimal.Parse(line.Groups["at"].Value, CultureInfo.InvariantCulture) : 0;
            string text = line.Groups["text"].Value;
            int began = i;
            if (text.EndsWith("<unfinished ...>", StringComparison.Ordinal))
            {
                open[thread] = (i, text[..^"<unfinished ...>".Length].TrimEnd());
                continue;
            }

            if (ResumedPattern().Match(text) is { Success: true } resumed)
            {
                if (!open.Remove(thread, out (int Line, string Text) first))
                {
                    continue;
                }

                began = first.Line;
                text = first.Text + text[resumed.Length..];
            }
            else if (TookPattern().Match(text) is { Success: true } took)
            {
                // The time in front is that of the entry; of a call that is resumed, that of its end.
                at += decimal.Parse(took.Groups["took"].Value, CultureInfo.InvariantCulture);
            }

            if (Read(began, i, at, thread, text, files, hasReturned: true) is { } call)
            {
                calls.Add(call);
            }
        }

        foreach ((int thread, (int line, string text)) in open)
        {
            if (Read(line, lines.Count, decimal.MaxValue, thread, text, files, hasReturned: false) is { } call)
            {
                calls.Add(call);
            }
        }

        return [.. calls.OrderBy(call => call.Began)];
    }

    private static SystemCall? Read(int began, int ended, decimal endedAt, int thread, string text, Dictionary<int, OpenedFile> files, bool hasReturned)
    {
        Match call = CallPattern().Match(text);
        if (!call.Success)
        {
            return null;
        }

        string name = call.Groups["name"].Value;

        // "pwrite64(…) = 8", and where the line is short "fsync(…)          = 0".
        int equals = text.LastIndexOf(" = ", StringComparison.Ordinal);
        int close = equals < 0 ? -1 : text.AsSpan(0, equals).TrimEnd().Length - 1;
        bool hasResult = close >= 0 && text[close] == ')';
        string result = hasResult ? text[(equals + 3)..] : "";
        string arguments = text[call.Length..(hasResult ? close : text.Length)];
        bool failed = result.StartsWith("-1", StringComparison.Ordinal);

        // "= ?": the process was killed in it.
        hasReturned &= !result.StartsWith('?');
        OpenedFile? file = null;
        if (name == "openat" && !failed && hasReturned && OpenedPattern().Match(result) is { Success: true } opened)
        {
            file = new OpenedFile(QuotedPattern().Match(arguments).Groups["path"].Value);
            files[int.Parse(opened.Groups["descriptor"].Value, CultureInfo.InvariantCulture)] = file;
        }
        else if (DescriptorPattern().Match(arguments) is { Success: true } descriptor)
        {
            int number = int.Parse(descriptor.Groups["descriptor"].Value, CultureInfo.InvariantCulture);
            string path = descriptor.Groups["path"].Value;
            if (!files.TryGetValue(number, out file) || NameOf(file.Path) != NameOf(path))
            {
                // Opened by a call that is not among those recorded; strace says what it is now.
                files[number] = file = new OpenedFile(path);
            }
        }

        return new SystemCall(began, ended, endedAt, thread, name, arguments, file, failed, hasReturned, result);
    }

    // A file is made under a temporary name.
    private static string NameOf(string path) => Path.GetFileName(path).Replace(".tmp", "", StringComparison.Ordinal);

    [GeneratedRegex(@"^(?<thread>\d+)\s+((?<at>\d+\.\d+)\s+)?(?<text>.*)$")]
    private static partial Regex LinePattern();

    [GeneratedRegex(@" <(?<took>\d+\.\d+)>$")]
    private static partial Regex TookPattern();

    [GeneratedRegex(@"^<\.\.\. \w+ resumed>")]
    private static partial Regex ResumedPattern();

    [GeneratedRegex(@"^(?<name>[a-z]\w*)\(")]
    private static partial Regex CallPattern();

    [GeneratedRegex(@"^(?<descriptor>\d+)")]
    private static partial Regex OpenedPattern();

    [GeneratedRegex(@"^(?<descriptor>\d+)<(?<path>[^>]*)>")]
    private static partial Regex DescriptorPattern();

    [GeneratedRegex("\"(?<path>[^\"]*)\"")]
    private static partial Regex QuotedPattern();
}
