using System.Diagnostics.CodeAnalysis;

namespace Weir.CrashTests.CrashStates;

/// <summary>Names and directories as running processes see them, brought forward call by call.</summary>
internal sealed class FileTree
{
    public const int Root = 0;

    private readonly Dictionary<Name, int> _names = [];
    private readonly HashSet<int> _directories = [Root];

    /// <summary>The number of the next node that is made.</summary>
    public int NextNode { get; private set; } = 1;

    public IReadOnlyDictionary<Name, int> Names => _names;

    public bool IsDirectory(int node) => _directories.Contains(node);

    public void Apply(FileCall call)
    {
        if (call.Removed is { } removed && _names.TryGetValue(removed, out int holder) && holder == call.Node)
        {
            _names.Remove(removed);
        }

        if (call.Added is { } added)
        {
            _names[added] = call.Node;
        }

        if (call.Kind == FileCallKind.Make)
        {
            NextNode = Math.Max(NextNode, call.Node + 1);
            if (call.IsDirectory)
            {
                _directories.Add(call.Node);
            }
        }
    }

    /// <summary>The node that a path below the root stands for.</summary>
    /// <param name="path">Parts joined by '/'; empty for the root itself.</param>
    public bool TryFind(string path, out int node)
    {
        node = Root;
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!_names.TryGetValue(new Name(node, part), out node))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The name that a path below the root ends with, whether or not there is something of that name.</summary>
    public bool TryName(string path, [NotNullWhen(true)] out Name? name)
    {
        int slash = path.LastIndexOf('/');
        name = TryFind(slash < 0 ? "" : path[..slash], out int directory) ? new Name(directory, path[(slash + 1)..]) : null;
        return name is not null;
    }

    /// <summary>Everything that can be reached from the root: path and node, directories before what is in them.</summary>
    public IEnumerable<(string Path, int Node)> Reachable()
    {
        ILookup<int, KeyValuePair<Name, int>> byDirectory = _names.ToLookup(name => name.Key.Directory);
        var open = new Queue<(string Path, int Node)>([("", Root)]);
        while (open.TryDequeue(out (string Path, int Node) directory))
        {
            foreach ((Name name, int node) in byDirectory[directory.Node].OrderBy(name => name.Key.Text, StringComparer.Ordinal))
            {
                string path = directory.Path.Length == 0 ? name.Text : $"{directory.Path}/{name.Text}";
                yield return (path, node);
                if (IsDirectory(node))
                {
                    open.Enqueue((path, node));
                }
            }
        }
    }
}
