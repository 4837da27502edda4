using System.Text;

namespace Weir.CrashTests.CrashStates;

/// <summary>
/// Reads the calls of one process that concern files below a directory of the root, in terms of nodes and names. A call that could change such a file and is
/// not known here is an error: a recording that leaves something out would prove nothing.
/// </summary>
internal sealed class FileCallReader
{
    /// <summary>To be recorded. Those that <see cref="Read"/> does not know are here so that they are seen.</summary>
    public const string SystemCalls =
        "openat,pwrite64,ftruncate,rename,unlink,mkdir,rmdir,fdatasync,fsync,"
        + "open,creat,openat2,write,writev,pwritev,pwritev2,truncate,fallocate,renameat,renameat2,unlinkat,mkdirat,link,linkat,symlink,symlinkat,sync_file_range,copy_file_range,sendfile,splice";

    private static readonly HashSet<string> Unknown = [.. SystemCalls.Split(',').Skip(9)];

    private readonly string _root;
    private readonly string _below;
    private readonly FileTree _tree;
    private readonly int _firstLine;
    private readonly Dictionary<int, int> _nodes = [];
    private readonly List<FileCall> _calls = [];
    private readonly List<FileCall> _unfinished = [];

    private FileCallReader(string root, string below, FileTree tree, int firstLine)
    {
        _root = root + "/";
        _below = below;
        _tree = tree;
        _firstLine = firstLine;
    }

    /// <summary>Reads a process's calls.</summary>
    /// <param name="below">The entry of the root that is recorded with everything in it.</param>
    /// <param name="tree">The names at the start of the process; brought forward.</param>
    /// <param name="firstLine">The recording's line that the log's first line is.</param>
    /// <param name="unfinished">Calls that the process did not return from: it was killed in them, and they may have happened or not. Not applied to the tree.</param>
    public static IReadOnlyList<FileCall> Read(IEnumerable<SystemCall> calls, string root, string below, FileTree tree, int firstLine, out IReadOnlyList<FileCall> unfinished)
    {
        var reader = new FileCallReader(root, below, tree, firstLine);
        foreach (SystemCall call in calls.OrderBy(call => call.Ended).ThenBy(call => call.Began))
        {
            reader.Take(call);
        }

        unfinished = reader._unfinished;
        return reader._calls;
    }

    private void Take(SystemCall call)
    {
        if (call.Failed)
        {
            return;
        }

        if (Unknown.Contains(call.Name))
        {
            // What is written to a pipe may speak of such a file.
            string concerned = call.Arguments.StartsWith('"') || call.Arguments.StartsWith("AT_FDCWD", StringComparison.Ordinal) ? call.Arguments : call.Arguments.Split('"')[0];
            if (concerned.Contains(_root + _below, StringComparison.Ordinal))
            {
                throw new InvalidDataException($"{call.Name} is not modelled: {call.Arguments[..Math.Min(call.Arguments.Length, 200)]}");
            }

            return;
        }

        switch (call.Name)
        {
            case "openat":
                TakeOpen(call);
                break;
            case "mkdir" when PathOf(call, 0) is { } path:
                Add(call, Of(call, FileCallKind.Make, _tree.NextNode, path) with { IsDirectory = true, Added = NameOf(path) });
                break;
            case "rename" when PathOf(call, 0) is { } from && PathOf(call, 1) is { } to:
                Add(call, Of(call, FileCallKind.Rename, NodeOf(from), to) with { Removed = NameOf(from), Added = NameOf(to) });
                break;
            case "unlink" or "rmdir" when PathOf(call, 0) is { } path:
                Add(call, Of(call, FileCallKind.Remove, NodeOf(path), path) with { Removed = NameOf(path) });
                break;
            case "pwrite64" when TryDescriptor(call, out int node, out string path):
                TakeWrite(call, node, path);
                break;
            case "ftruncate" when TryDescriptor(call, out int node, out string path):
                Add(call, Of(call, FileCallKind.SetLength, node, path) with { Length = StraceText.LeadingNumber(Last(call.Arguments)) });
                break;
            case "fdatasync" or "fsync" when call.HasReturned && TryDescriptor(call, out int node, out string path):
                Add(call, Of(call, FileCallKind.Flush, node, path));
                break;
        }
    }

    private void TakeOpen(SystemCall call)
    {
        if (PathOf(call, 0) is not { } path)
        {
            if (call.HasReturned)
            {
                _nodes.Remove(StraceText.Descriptor(call.Result));
            }

            return;
        }

        _ = StraceText.Quoted(call.Arguments, 0, out string flags);
        if (!_tree.TryFind(path, out int node))
        {
            if (!flags.Contains("O_CREAT", StringComparison.Ordinal))
            {
                throw new InvalidDataException($"{path} was opened and nobody made it.");
            }

            node = _tree.NextNode;
            Add(call, Of(call, FileCallKind.Make, node, path) with { Added = NameOf(path) });
        }
        else if (flags.Contains("O_TRUNC", StringComparison.Ordinal))
        {
            Add(call, Of(call, FileCallKind.SetLength, node, path));
        }

        if (call.HasReturned)
        {
            _nodes[StraceText.Descriptor(call.Result)] = node;
        }
    }

    private void TakeWrite(SystemCall call, int node, string path)
    {
        byte[] bytes = StraceText.Quoted(call.Arguments, 0, out string rest);
        long position = StraceText.LeadingNumber(Last(rest));
        int written = call.HasReturned ? (int)StraceText.LeadingNumber(call.Result) : bytes.Length;
        Add(call, Of(call, FileCallKind.Write, node, path) with { Position = position, Bytes = bytes[..written] });
    }

    private FileCall Of(SystemCall call, FileCallKind kind, int node, string path) => new(kind, _firstLine + call.Began, _firstLine + call.Ended, node) { Path = path };

    private void Add(SystemCall call, FileCall fileCall)
    {
        if (!call.HasReturned)
        {
            _unfinished.Add(fileCall);
            return;
        }

        _calls.Add(fileCall);
        _tree.Apply(fileCall);
    }

    // Null for what lies elsewhere.
    private string? PathOf(SystemCall call, int n)
    {
        string path = Encoding.UTF8.GetString(StraceText.Quoted(call.Arguments, n));
        return IsRecorded(path) ? Below(path) : null;
    }

    private bool TryDescriptor(SystemCall call, out int node, out string path)
    {
        node = 0;
        path = StraceText.DescriptorPath(call.Arguments);
        if (!IsRecorded(path))
        {
            return false;
        }

        path = Below(path);
        return _nodes.TryGetValue(StraceText.Descriptor(call.Arguments), out node) ? true : throw new InvalidDataException($"{call.Name} of {path}, which nobody opened.");
    }

    private string Below(string path) => path.Length < _root.Length ? "" : path[_root.Length..];

    // The root itself too: the entry's name is in it.
    private bool IsRecorded(string path) => path == _root[..^1] || path == _root + _below || path.StartsWith($"{_root}{_below}/", StringComparison.Ordinal);

    private int NodeOf(string path) => _tree.TryFind(path, out int node) ? node : throw new InvalidDataException($"Nobody made {path}.");

    private Name NameOf(string path) => _tree.TryName(path, out Name? name) ? name.Value : throw new InvalidDataException($"Nobody made the directory of {path}.");

    private static string Last(string arguments) => arguments[(arguments.LastIndexOf(", ", StringComparison.Ordinal) + 2)..];
}
