using System.Globalization;
using Weir.Storage;
using Weir.TestKit;

namespace Weir.SweepTests;

/// <summary>
/// The simulated disk behind a gate at which every call of <see cref="IDisk"/> and <see cref="IDiskFile"/> is counted, and the k-th fails: once, or from there on. Of a failed
/// write half arrives; a failed flush loses pages and calls them clean. Notes flushes that must not be. Thread-safe.
/// </summary>
internal sealed class FaultingDisk(SimulatedDisk disk) : IDisk
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Content> _contents = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, long> _reached = new(StringComparer.Ordinal);
    private long _failAt = long.MaxValue;
    private bool _isForEver;
    private int _errno;
    private long _calls;

    /// <summary>Calls by operation and kind of file.</summary>
    public IReadOnlyDictionary<string, long> Reached => _reached;

    public long Calls => _calls;

    /// <summary>Operation and kind of file of the calls that failed.</summary>
    public HashSet<string> Failed { get; } = [];

    /// <summary>Flushes of a file whose flush had failed, when not everything that this one was to bring to disk had been written again.</summary>
    public List<string> SecondFlushes { get; } = [];

    public void FailAt(long call, int errno, bool isForEver)
    {
        lock (_lock)
        {
            (_failAt, _errno, _isForEver) = (call, errno, isForEver);
        }
    }

    public IDiskFile OpenFile(string path, FileOpen mode)
    {
        Call("open " + mode, path);
        IDiskFile file = disk.OpenFile(path, mode);
        lock (_lock)
        {
            if (mode == FileOpen.CreateNew || !_contents.TryGetValue(path, out Content? content))
            {
                _contents[path] = content = new Content();
            }

            return new File(this, path, file, content);
        }
    }

    public bool FileExists(string path)
    {
        Call("exists", path);
        return disk.FileExists(path);
    }

    public void Delete(string path)
    {
        Call("delete", path);
        disk.Delete(path);
        lock (_lock)
        {
            _contents.Remove(path);
        }
    }

    public void Rename(string from, string to)
    {
        Call("rename", to);
        disk.Rename(from, to);
        lock (_lock)
        {
            if (_contents.Remove(from, out Content? content))
            {
                _contents[to] = content;
            }
        }
    }

    public void CreateDirectory(string path)
    {
        Call("mkdir", path);
        disk.CreateDirectory(path);
    }

    public void DeleteDirectory(string path)
    {
        Call("rmdir", path);
        disk.DeleteDirectory(path);
    }

    public void SyncDirectory(string path)
    {
        Call("flush of names", path);
        disk.SyncDirectory(path);
    }

    public IReadOnlyList<string> List(string directory)
    {
        Call("list", directory);
        return disk.List(directory);
    }

    public long FreeBytes(string path)
    {
        Call("free bytes", path);
        return disk.FreeBytes(path);
    }

    public IDisposable Lock(string path)
    {
        Call("lock", path);
        return disk.Lock(path);
    }

    private void Call(string operation, string path, Action<int>? partly = null)
    {
        string site = $"{operation}, {KindOf(path)}";
        int errno;
        lock (_lock)
        {
            _reached[site] = _reached.GetValueOrDefault(site) + 1;
            long call = ++_calls;
            if (call != _failAt && !(_isForEver && call > _failAt))
            {
                return;
            }

            Failed.Add(site);
            errno = _errno;
        }

        partly?.Invoke(errno);
        throw new DiskException(operation, path, errno);
    }

    private static string KindOf(string path)
    {
        path = path.EndsWith(".tmp", StringComparison.Ordinal) ? path[..^4] : path;
        string name = Path.GetFileName(path);
        return name == "definition.json" ? Damage.KindOf(path)
            : name is "format" or "weir.lock" or "view-version" or "probe" ? name
            : name.EndsWith(".cut", StringComparison.Ordinal) ? "cut"
            : name.Length > 20 && long.TryParse(name.AsSpan(0, 20), NumberStyles.None, CultureInfo.InvariantCulture, out _) ? Damage.KindOf(name)
            : "directory";
    }

    /// <summary>What of one file a flush has to bring to disk, wherever its name goes. Guarded by the disk's lock.</summary>
    private sealed class Content
    {
        public (long Start, long End) Unflushed = (long.MaxValue, 0);

        /// <summary>What the failed flush was to bring; null: none has failed.</summary>
        public (long Start, long End)? Lost;

        public void Wrote(long start, long end) => Unflushed = (Math.Min(Unflushed.Start, start), Math.Max(Unflushed.End, end));
    }

    private sealed class File(FaultingDisk gate, string path, IDiskFile file, Content content) : IDiskFile
    {
        public long Length
        {
            get
            {
                gate.Call("length", path);
                return file.Length;
            }
        }

        public int Read(long filePosition, Span<byte> buffer)
        {
            gate.Call("read", path);
            return file.Read(filePosition, buffer);
        }

        public void Write(long filePosition, ReadOnlySpan<byte> bytes)
        {
            byte[] half = bytes[..(bytes.Length / 2)].ToArray();
            gate.Call("write", path, _ => file.Write(filePosition, half));
            file.Write(filePosition, bytes);
            lock (gate._lock)
            {
                content.Wrote(filePosition, filePosition + bytes.Length);
            }
        }

        public void Flush()
        {
            lock (gate._lock)
            {
                if (content.Lost is { } lost && !(content.Unflushed.Start <= lost.Start && content.Unflushed.End >= lost.End))
                {
                    gate.SecondFlushes.Add(path);
                }
            }

            gate.Call("flush", path, errno =>
            {
                lock (gate._lock)
                {
                    content.Lost = content.Unflushed;
                    content.Unflushed = (long.MaxValue, 0);
                    gate.FailInside(file, path, errno);
                }
            });
            file.Flush();
            lock (gate._lock)
            {
                content.Lost = null;
                content.Unflushed = (long.MaxValue, 0);
            }
        }

        public void Truncate(long length)
        {
            gate.Call("truncate", path);
            file.Truncate(length);
        }

        public void Dispose() => file.Dispose();
    }

    // The simulated disk knows what a failed flush does to a file.
    private void FailInside(IDiskFile file, string path, int errno)
    {
        disk.FailWhen(operation => operation.Name == "fdatasync" && operation.Path == path, errno);
        try
        {
            file.Flush();
        }
        catch (DiskException)
        {
            disk.ClearFaults();
        }
    }
}
