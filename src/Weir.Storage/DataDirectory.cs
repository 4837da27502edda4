using System.Globalization;
using System.Text;
using Weir.Core;

namespace Weir.Storage;

/// <summary>
/// The data directory: one process, one format, streams and views by name (docs/internals/data-directory.md).
/// <code>
/// weir.lock                                  held while open
/// format                                     "weir 1"
/// streams/&lt;stream&gt;-&lt;uuid8&gt;/definition.json   a stream exists exactly when this file does
/// streams/&lt;stream&gt;-&lt;uuid8&gt;/&lt;partition&gt;/     PartitionLog
/// views/&lt;view&gt;/definition.json
/// view-version                               the highest version of a view that was deleted
/// producers                                  end (exclusive) of the producer ids that may have been given out
/// </code>
/// What the definitions say is the engine's business. Names are checked by the engine before they get here: they become
/// directory names as they are. Belongs to one thread at a time.
/// </summary>
public sealed class DataDirectory : IDisposable
{
    public const int Format = 1;

    private const string FormatPrefix = "weir ";
    private const string LockName = "weir.lock";
    private const string FormatName = "format";
    private const string StreamsName = "streams";
    private const string ViewsName = "views";
    private const string ViewVersionName = "view-version";
    private const string ProducersName = "producers";
    private const string DefinitionName = "definition.json";

    private readonly IDisposable _lock;

    private DataDirectory(IDisk disk, string path, IDisposable directoryLock)
    {
        Disk = disk;
        Path = path;
        _lock = directoryLock;
    }

    public IDisk Disk { get; }

    public string Path { get; }

    /// <summary>Opens the directory, made when it is missing or empty, and locks it.</summary>
    /// <exception cref="DirectoryLockedException">Another process has it open. Nothing was changed.</exception>
    /// <exception cref="WeirException">
    /// <see cref="ErrorCode.NotADataDirectory"/>: it holds something else. <see cref="ErrorCode.FormatTooNew"/>: a later version wrote it. Nothing was changed.
    /// </exception>
    public static DataDirectory Open(IDisk disk, string path)
    {
        string[] strangers = [.. disk.List(path).Where(name => name is not (LockName or FormatName + ".tmp"))];
        string formatPath = System.IO.Path.Combine(path, FormatName);
        if (strangers.Length > 0 && !disk.FileExists(formatPath))
        {
            throw new WeirException(ErrorCode.NotADataDirectory, $"{path} has no file \"{FormatName}\" but holds {strangers[0]}.");
        }

        CheckFormat(disk, formatPath);
        disk.CreateDirectory(path);
        FlushOwnName(disk, path, formatPath);
        IDisposable directoryLock = disk.Lock(System.IO.Path.Combine(path, LockName));
        try
        {
            if (!disk.FileExists(formatPath))
            {
                AtomicFile.Write(disk, formatPath, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{FormatPrefix}{Format}\n")));
            }

            // A start before this one may have made these names and come no further: they are on disk before anything rests on them.
            FlushUnlessReadOnly(disk, path);
            disk.CreateDirectory(System.IO.Path.Combine(path, StreamsName));
            disk.CreateDirectory(System.IO.Path.Combine(path, ViewsName));
            var directory = new DataDirectory(disk, path, directoryLock);
            directory.FlushNames();
            return directory;
        }
        catch
        {
            directoryLock.Dispose();
            throw;
        }
    }

    /// <summary>Opens an existing directory without locking or writing, beside a running server: dump, recount.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.NotADataDirectory"/> or <see cref="ErrorCode.FormatTooNew"/>.</exception>
    public static DataDirectory OpenForReading(IDisk disk, string path)
    {
        CheckExisting(disk, path);
        return new DataDirectory(disk, path, NoLock.Instance);
    }

    /// <summary>Opens an existing directory with its lock and without writing to it, for tools that no server may disturb: check.</summary>
    /// <exception cref="DirectoryLockedException">A server is running on it.</exception>
    /// <exception cref="WeirException"><see cref="ErrorCode.NotADataDirectory"/> or <see cref="ErrorCode.FormatTooNew"/>.</exception>
    public static DataDirectory OpenOffline(IDisk disk, string path)
    {
        CheckExisting(disk, path);
        return new DataDirectory(disk, path, disk.Lock(System.IO.Path.Combine(path, LockName)));
    }

    /// <summary>A directory without a format may have been made by a process that was killed before it flushed the name.</summary>
    private static void FlushOwnName(IDisk disk, string path, string formatPath)
    {
        string? parent = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path));
        if (parent is null || disk.FileExists(formatPath))
        {
            return;
        }

        try
        {
            FlushUnlessReadOnly(disk, parent);
        }
        catch (DiskException e) when (e.Errno == DiskException.NoAccess)
        {
            // Whoever made it in a directory that this process may not read has to see to it.
        }
    }

    /// <summary>
    /// The directories of streams and views, and deletions in them, may be so in memory only: their process was killed before the flush. They are flushed before
    /// anybody is told; otherwise power loss brings a deleted stream back, beside the next one of that name. Whoever opens a stream or view flushes its definition's name.
    /// </summary>
    private void FlushNames()
    {
        foreach (string root in (string[])[StreamsName, ViewsName])
        {
            string parent = System.IO.Path.Combine(Path, root);
            FlushUnlessReadOnly(Disk, parent);
            foreach (string name in Disk.List(parent))
            {
                string directory = System.IO.Path.Combine(parent, name);
                try
                {
                    if (!Disk.FileExists(DefinitionPath(directory)))
                    {
                        Disk.SyncDirectory(directory);
                    }
                }
                catch (DiskException)
                {
                    // What is left of a deletion concerns no other stream or view.
                }
            }
        }
    }

    // What takes no writes loses no names either.
    private static void FlushUnlessReadOnly(IDisk disk, string directory)
    {
        try
        {
            disk.SyncDirectory(directory);
        }
        catch (DiskException e) when (e.Errno == DiskException.ReadOnlyFileSystem)
        {
        }
    }

    private static void CheckExisting(IDisk disk, string path)
    {
        string formatPath = System.IO.Path.Combine(path, FormatName);
        if (!disk.FileExists(formatPath))
        {
            throw new WeirException(ErrorCode.NotADataDirectory, $"{path} has no file \"{FormatName}\".");
        }

        CheckFormat(disk, formatPath);
    }

    /// <summary>All streams, by directory name. A directory without a definition is an unfinished creation or deletion and is left out.</summary>
    public IReadOnlyList<StreamDirectory> Streams()
    {
        string root = System.IO.Path.Combine(Path, StreamsName);
        var streams = new List<StreamDirectory>();
        foreach (string name in Disk.List(root))
        {
            string directory = System.IO.Path.Combine(root, name);
            int dash = name.LastIndexOf('-');
            if (dash > 0 && HasDefinition(directory))
            {
                streams.Add(new StreamDirectory(Disk, name[..dash], directory));
            }
        }

        return streams;

        // Where that cannot be told there is a stream, and reading its definition says what is wrong: leaving it out would make room for a second one.
        bool HasDefinition(string directory)
        {
            try
            {
                return Disk.FileExists(DefinitionPath(directory));
            }
            catch (DiskException)
            {
                return true;
            }
        }
    }

    /// <summary>Makes the stream's directory. The stream exists once its partitions have logs and then <see cref="StreamDirectory.WriteDefinition"/> has returned.</summary>
    public StreamDirectory CreateStream(string name, Guid id)
    {
        string directory = System.IO.Path.Combine(Path, StreamsName, $"{name}-{id.ToString("N")[..8]}");
        Disk.CreateDirectory(directory);
        return new StreamDirectory(Disk, name, directory);
    }

    /// <summary>Deletes a stream with everything in it. Its logs must be closed. The definition goes first: a crash half-way leaves no stream.</summary>
    /// <exception cref="DiskException">The stream may still be there at the next start. A retry goes on where this ended.</exception>
    public void DeleteStream(StreamDirectory stream) => DeleteDefined(stream.Path);

    /// <summary>Names of the directories for views. One without a definition is an unfinished creation or deletion.</summary>
    public IReadOnlyList<string> ViewNames() => Disk.List(System.IO.Path.Combine(Path, ViewsName));

    /// <summary>A view's definition as last written; null when there is none.</summary>
    /// <exception cref="DiskException">It cannot be read. The other views do not depend on it.</exception>
    public byte[]? ReadView(string name) => DefinitionFile.TryRead(Disk, System.IO.Path.Combine(Path, ViewsName, name, DefinitionName));

    /// <summary>Makes the definition that <see cref="ReadView"/> found durable: the process that wrote it may have died before it was.</summary>
    /// <exception cref="DiskException">The disk takes no writes.</exception>
    public void FlushView(string name) => Disk.SyncDirectory(System.IO.Path.Combine(Path, ViewsName, name));

    /// <summary>Adds or replaces a view's definition, durably.</summary>
    public void WriteView(string name, ReadOnlySpan<byte> definition)
    {
        string directory = System.IO.Path.Combine(Path, ViewsName, name);
        Disk.CreateDirectory(directory);
        DefinitionFile.Write(Disk, System.IO.Path.Combine(directory, DefinitionName), definition);
    }

    /// <summary>Deletes a view's definition; no error when there is none. Its version is on disk for good before the definition goes.</summary>
    public void DeleteView(string name, int version)
    {
        string directory = System.IO.Path.Combine(Path, ViewsName, name);
        if (!HasDirectory(directory))
        {
            return;
        }

        if (version > HighestDeletedViewVersion())
        {
            WriteNumber(ViewVersionName, version);
        }
        else
        {
            // Also what a try before this one wrote, which then failed or died.
            Disk.SyncDirectory(Path);
        }

        DeleteDefined(directory);
    }

    /// <summary>
    /// The highest version that a deleted view had; 0 when none was deleted. A view gets a higher one than this, so that a version never
    /// stands for two views of one name: it is part of what clients keep to ask whether something changed.
    /// </summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.NotADataDirectory"/>: the file holds something else.</exception>
    public int HighestDeletedViewVersion() => (int)ReadNumber(ViewVersionName, int.MaxValue);

    /// <summary>End (exclusive) of the producer ids that may have been given out; 0 when none was.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.NotADataDirectory"/>: the file holds something else.</exception>
    public long ProducerIdsEnd() => ReadNumber(ProducersName, long.MaxValue);

    /// <summary>Durable on return; ids below <paramref name="end"/> may be given out from then on.</summary>
    /// <exception cref="DiskException">Whether it was written is unknown. A retry may help.</exception>
    public void WriteProducerIdsEnd(long end) => WriteNumber(ProducersName, end);

    private long ReadNumber(string name, long highest)
    {
        string path = System.IO.Path.Combine(Path, name);
        if (AtomicFile.TryRead(Disk, path) is not { } bytes)
        {
            return 0;
        }

        string text = Encoding.ASCII.GetString(bytes).TrimEnd();
        return long.TryParse(text.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= highest && bytes.AsSpan().SequenceEqual(NumberText(name, number))
            ? number
            : throw new WeirException(ErrorCode.NotADataDirectory, $"{path} reads \"{text}\" instead of a number and its checksum. Restore it from a copy.");
    }

    private void WriteNumber(string name, long number) => AtomicFile.Write(Disk, System.IO.Path.Combine(Path, name), NumberText(name, number));

    // The checksum covers the name too, so that one file cannot stand for another; the older of the two files was made without.
    private static byte[] NumberText(string name, long number)
    {
        string covered = string.Create(CultureInfo.InvariantCulture, $"{(name == ViewVersionName ? "" : name)}{number}");
        return Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{number} {Crc32C.Compute(Encoding.ASCII.GetBytes(covered)):x8}\n"));
    }

    public void Dispose() => _lock.Dispose();

    internal static string DefinitionPath(string directory) => System.IO.Path.Combine(directory, DefinitionName);

    private static void CheckFormat(IDisk disk, string formatPath)
    {
        if (AtomicFile.TryRead(disk, formatPath) is not { } bytes)
        {
            return;
        }

        string text = Encoding.ASCII.GetString(bytes).TrimEnd();
        if (!text.StartsWith(FormatPrefix, StringComparison.Ordinal)
            || !int.TryParse(text.AsSpan(FormatPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int format)
            || format < 1)
        {
            throw new WeirException(ErrorCode.NotADataDirectory, $"{formatPath} reads \"{text}\" instead of \"{FormatPrefix}{Format}\".");
        }

        if (format > Format)
        {
            throw new WeirException(ErrorCode.FormatTooNew, $"{formatPath} says format {format}; this version reads up to {Format}.");
        }
    }

    private void DeleteDefined(string directory)
    {
        if (HasDirectory(directory))
        {
            if (Disk.FileExists(DefinitionPath(directory)))
            {
                Disk.Delete(DefinitionPath(directory));
            }

            // Also what a try before this one deleted, whose flush then failed.
            Disk.SyncDirectory(directory);
            DeleteTree(directory);
        }

        Disk.SyncDirectory(System.IO.Path.GetDirectoryName(directory)!);
    }

    private bool HasDirectory(string path) => Disk.List(System.IO.Path.GetDirectoryName(path)!).Contains(System.IO.Path.GetFileName(path));

    private void DeleteTree(string directory)
    {
        foreach (string name in Disk.List(directory))
        {
            string path = System.IO.Path.Combine(directory, name);
            if (Disk.FileExists(path))
            {
                Disk.Delete(path);
            }
            else
            {
                DeleteTree(path);
            }
        }

        Disk.DeleteDirectory(directory);
    }

    private sealed class NoLock : IDisposable
    {
        public static readonly NoLock Instance = new();

        public void Dispose()
        {
        }
    }
}
