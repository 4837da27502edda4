namespace Weir.CrashTests.CrashStates;

/// <summary>Makes the files of a state. Names arrive or not, each for itself, in the order in which they were given; a file is there when some name of it is.</summary>
internal static class StateBuilder
{
    public static Layout Build(Recording recording, CrashState state)
    {
        var tree = new FileTree();
        var content = new Dictionary<int, List<(FileCall, Fate)>>();
        for (int i = 0; i < recording.Calls.Count; i++)
        {
            FileCall call = recording.Calls[i];
            if (!call.IsChange || call.Began >= state.Horizon)
            {
                continue;
            }

            Fate fate = state.Of(recording, i);
            if (!call.IsOfNames)
            {
                content.TryAdd(call.Node, []);
                content[call.Node].Add((call, fate));
            }
            else if (fate.Kind == FateKind.Kept)
            {
                tree.Apply(call);
            }
        }

        // A name can have arrived whose file's making has not: then it names that file all the same.
        HashSet<int> directories = [.. recording.Calls.Where(call => call.IsDirectory).Select(call => call.Node)];
        byte[]? stale = state.Stale is { } seed ? StaleBytes(content, seed) : null;
        List<string> made = [];
        Dictionary<string, byte[]> files = [];
        foreach ((string path, int node) in tree.Reachable())
        {
            if (directories.Contains(node))
            {
                made.Add(path);
            }
            else
            {
                files[path] = content.TryGetValue(node, out List<(FileCall, Fate)>? calls) ? new FileImage(calls, stale).Make() : [];
            }
        }

        return new Layout(made, files);
    }

    /// <summary>Everything that happened, as running processes see it.</summary>
    public static Layout InMemory(Recording recording) =>
        Build(recording, new CrashState { Horizon = recording.End + 1, Until = recording.End + 1, Otherwise = Fate.Kept, Fates = new Dictionary<int, Fate>() });

    // All that was written to some file, in its order: what a disk that does not zero may show of blocks that were used before.
    private static byte[] StaleBytes(Dictionary<int, List<(FileCall Call, Fate)>> content, int seed)
    {
        int[] nodes = [.. content.Where(file => file.Value.Any(entry => entry.Call.Bytes.Length > 0)).Select(file => file.Key).Order()];
        return nodes.Length == 0 ? [] : [.. content[nodes[(int)(Fate.Mix((ulong)seed) % (ulong)nodes.Length)]].SelectMany(entry => entry.Call.Bytes)];
    }
}
