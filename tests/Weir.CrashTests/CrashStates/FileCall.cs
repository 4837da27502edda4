namespace Weir.CrashTests.CrashStates;

/// <summary>What a call does to the file system. Reading calls are not recorded.</summary>
internal enum FileCallKind
{
    /// <summary>A file or directory that was not there gets a name.</summary>
    Make,

    Rename,

    /// <summary>unlink or rmdir.</summary>
    Remove,

    Write,

    /// <summary>ftruncate.</summary>
    SetLength,

    /// <summary>fdatasync or fsync. Of a file: its bytes and its length. Of a directory: the names in it.</summary>
    Flush,
}

/// <summary>A name in a directory. Directories are nodes, so that what lay in one that was removed is not found in a later one of the same path.</summary>
internal readonly record struct Name(int Directory, string Text);

/// <summary>
/// One call that changed files, or made changes durable. It happens at some moment between <see cref="Began"/> and <see cref="Ended"/>: lines of the
/// recording, over all threads and processes of it.
/// </summary>
/// <param name="Node">The file or directory concerned, whatever its name is at the time; nodes are numbered, 0 is the recording's root directory.</param>
internal sealed record FileCall(FileCallKind Kind, int Began, int Ended, int Node)
{
    /// <summary>The name taken away, by a rename or removal.</summary>
    public Name? Removed { get; init; }

    /// <summary>The name given.</summary>
    public Name? Added { get; init; }

    /// <summary>Of a Make: whether it is a directory.</summary>
    public bool IsDirectory { get; init; }

    /// <summary>Of a write: where it begins in the file, bytes.</summary>
    public long Position { get; init; }

    /// <summary>Of a write: what was written, as far as the call says that it was.</summary>
    public byte[] Bytes { get; init; } = [];

    /// <summary>Of a SetLength: bytes.</summary>
    public long Length { get; init; }

    /// <summary>The path as it was called, below the root, for people.</summary>
    public string Path { get; init; } = "";

    /// <summary>Whether it concerns names and not a file's content.</summary>
    public bool IsOfNames => Kind is FileCallKind.Make or FileCallKind.Rename or FileCallKind.Remove;

    /// <summary>Whether power loss can undo it.</summary>
    public bool IsChange => Kind != FileCallKind.Flush;

    /// <summary>Call and kind of file: what two places have in common that look the same to the code that wrote them.</summary>
    public string Sort => $"{Kind} {System.IO.Path.GetFileName(Path).TrimStart("0123456789".ToCharArray())}";

    public override string ToString() => Kind switch
    {
        FileCallKind.Write => $"{Began}: write {Path} [{Position}, {Position + Bytes.Length})",
        FileCallKind.SetLength => $"{Began}: truncate {Path} to {Length}",
        _ => $"{Began}: {Kind.ToString().ToLowerInvariant()} {Path}",
    };
}
