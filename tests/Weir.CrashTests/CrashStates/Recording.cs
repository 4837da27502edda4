namespace Weir.CrashTests.CrashStates;

/// <summary>
/// What one or several processes, one after the other, did to a directory that was empty before, and what clients were told meanwhile. Lines are the
/// recording's clock: a call or an answer lies at its line.
/// </summary>
internal sealed class Recording
{
    private readonly int[] _durableAt;
    private readonly int[] _flushEnds;

    /// <param name="end">The line after the last one.</param>
    public Recording(IEnumerable<FileCall> calls, IReadOnlyList<Exchange> exchanges, int end)
    {
        Calls = [.. calls.OrderBy(call => call.Ended).ThenBy(call => call.Began)];
        Exchanges = exchanges;
        End = end;
        ILookup<int, FileCall> flushes = Calls.Where(call => call.Kind == FileCallKind.Flush).ToLookup(call => call.Node);
        _durableAt = [.. Calls.Select(call => DurableAtOf(call, flushes))];
        _flushEnds = [.. Calls.Where(call => call.Kind == FileCallKind.Flush).Select(call => call.Ended).Distinct().Order()];
    }

    public static Recording Empty { get; } = new([], [], 0);

    /// <summary>In the order in which they ended; of two calls that overlapped nobody knows the order, and none concern the same bytes or name.</summary>
    public IReadOnlyList<FileCall> Calls { get; }

    /// <summary>Of each client in the order in which it sent them.</summary>
    public IReadOnlyList<Exchange> Exchanges { get; }

    public int End { get; }

    /// <summary>Whether a call is on disk for good when power is lost just before a line: a flush that began after it had ended has ended.</summary>
    public bool IsDurable(int call, int line) => _durableAt[call] < line;

    /// <summary>
    /// The last line before which nothing more becomes durable than is at <paramref name="line"/>. Whatever can be on disk when power is lost at the line
    /// can be there at that later one too, and more has been promised until then.
    /// </summary>
    public int Horizon(int line)
    {
        int at = Array.BinarySearch(_flushEnds, line);
        at = at < 0 ? ~at : at;
        return at < _flushEnds.Length ? _flushEnds[at] : End;
    }

    /// <summary>The line of the last flush that ended before a line; -1 when none did.</summary>
    public int LastFlushBefore(int line)
    {
        int at = Array.BinarySearch(_flushEnds, line);
        at = (at < 0 ? ~at : at) - 1;
        return at < 0 ? -1 : _flushEnds[at];
    }

    /// <summary>
    /// What clients know at a line, and what they may have sent beyond that. A client waits for each answer, so that is one request of each, and those that
    /// it never got an answer to because the process ended.
    /// </summary>
    public Knowledge At(int line) => new(
        [.. Exchanges.Where(exchange => exchange.Place < line)],
        [.. Exchanges.Where(exchange => exchange.Place >= line && exchange.Began < line).Select(exchange => exchange.Unanswered())]);

    /// <summary>The same up to a line at which every process is killed: what had begun by then is done, what was not flushed is still only in memory.</summary>
    public Recording KilledAt(int line)
    {
        IEnumerable<FileCall> calls = Calls.Where(call => call.Began < line && (call.IsChange || call.Ended < line)).Select(call => call.Ended < line ? call : call with { Ended = line });
        IEnumerable<Exchange> exchanges = Exchanges.Where(exchange => exchange.Began < line).Select(exchange => exchange.Place < line ? exchange : exchange.Unanswered());
        return new Recording(calls, [.. exchanges], line + 1);
    }

    /// <summary>Files that are on disk for good, and what clients know of them.</summary>
    public static Recording Of(Layout layout, Knowledge known)
    {
        const int Made = 0, Flushed = 1, End = 2;
        var tree = new FileTree();
        List<FileCall> calls = [new(FileCallKind.Flush, Flushed, Flushed, FileTree.Root)];
        foreach (string path in layout.Directories.Concat(layout.Files.Keys))
        {
            Assert.True(tree.TryName(path, out Name? name), $"{path} lies in no directory.");
            var make = new FileCall(FileCallKind.Make, Made, Made, tree.NextNode) { Path = path, Added = name, IsDirectory = !layout.Files.ContainsKey(path) };
            tree.Apply(make);
            calls.Add(make);
            if (layout.Files.TryGetValue(path, out byte[]? content))
            {
                calls.Add(new FileCall(FileCallKind.Write, Made, Made, make.Node) { Path = path, Bytes = content });
            }

            calls.Add(new FileCall(FileCallKind.Flush, Flushed, Flushed, make.Node) { Path = path });
        }

        IEnumerable<Exchange> exchanges = known.Answered.Select(exchange => exchange with { Began = Made, Place = Made }).Concat(known.Open.Select(exchange => exchange with { Began = Made }));
        return new Recording(calls, [.. exchanges], End);
    }

    /// <summary>This recording, and after it what the next process did.</summary>
    public Recording Then(IEnumerable<FileCall> calls, IEnumerable<Exchange> exchanges, int end) => new([.. Calls, .. calls], [.. Exchanges, .. exchanges], end);

    private static int DurableAtOf(FileCall call, ILookup<int, FileCall> flushes)
    {
        return call.Kind switch
        {
            FileCallKind.Flush => call.Ended,
            FileCallKind.Write or FileCallKind.SetLength => By(call.Node),
            _ => Math.Max(call.Removed is { } removed ? By(removed.Directory) : 0, call.Added is { } added ? By(added.Directory) : 0),
        };

        int By(int node) => flushes[node].Where(flush => flush.Began > call.Ended).Select(flush => flush.Ended).DefaultIfEmpty(int.MaxValue).Min();
    }
}

/// <summary>What clients know at one moment.</summary>
/// <param name="Answered">In each client's order.</param>
/// <param name="Open">Sent, perhaps, and not answered: done or not, or half.</param>
internal sealed record Knowledge(IReadOnlyList<Exchange> Answered, IReadOnlyList<Exchange> Open);
