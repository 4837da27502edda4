using Weir.Storage;

namespace Weir.TestKit;

/// <summary>One call that the simulated disk carried out or refused, in order.</summary>
/// <param name="Name">The system call: open, pwrite, pread, fdatasync, ftruncate, rename, unlink, mkdir, rmdir, fsync (of a directory).</param>
/// <param name="Path">The file, or the directory of an fsync.</param>
/// <param name="FilePosition">Of a write or read; else 0.</param>
/// <param name="Bytes">Of a write or read; else 0.</param>
/// <param name="Errno">0: it succeeded.</param>
public readonly record struct DiskOperation(string Name, string Path, long FilePosition, int Bytes, int Errno);

/// <summary>What a power loss took of what was not flushed.</summary>
public record struct PowerLoss
{
    /// <summary>Pieces that kept their old content.</summary>
    public int Pieces { get; set; }

    /// <summary>Runs of pieces, side by side in a file, of which some arrived and some did not.</summary>
    public int Torn { get; set; }

    /// <summary>Files in which a piece arrived and one before it did not.</summary>
    public int Reordered { get; set; }

    /// <summary>Files of another length than they had been given.</summary>
    public int Lengths { get; set; }

    /// <summary>Changes of names that did not happen.</summary>
    public int Names { get; set; }
}

/// <summary>The process died at a disk operation. Not a DiskException, so that no error handling of the product runs.</summary>
public sealed class SimulatedCrashException : Exception
{
    public SimulatedCrashException()
        : base("The simulated process died here.")
    {
    }
}

/// <summary>
/// A disk in memory with the crash semantics that storage must survive:
/// <list type="bullet">
/// <item>Written bytes are seen at once by every reader, and are on disk after <see cref="IDiskFile.Flush"/>. After power
/// loss each 512-byte sector (or larger piece, <see cref="TearBytes"/>) written since then has its old or its new content, independently of the others; a file that
/// grew has its old length, its new one, or one between, with zeros where nothing arrived.</item>
/// <item>Names (created, renamed, deleted) are on disk after <see cref="IDisk.SyncDirectory"/>. After power loss each
/// change since then happened or did not, independently. Flushing a file does not make its name durable.</item>
/// <item>A failed flush leaves the sectors and the length as they are in memory and marks them clean: later flushes report success without
/// them (the behaviour of Linux since 4.13). Some of them may have arrived.</item>
/// <item>A directory that was made stays: <see cref="IDisk.CreateDirectory"/> promises that.</item>
/// </list>
/// Tests of its own: SimulatedDiskTests. Thread-safe.
/// </summary>
public sealed class SimulatedDisk : IDisk
{
    public const int SectorBytes = 512;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, SimulatedFile> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SimulatedFile> _durableNames = new(StringComparer.Ordinal);
    private readonly HashSet<string> _directories = new(StringComparer.Ordinal) { "/" };
    private readonly HashSet<string> _locks = new(StringComparer.Ordinal);
    private readonly List<NameChange> _unsyncedNames = [];
    private readonly List<DiskOperation> _operations = [];
    private readonly List<(Func<DiskOperation, bool> Matches, int Errno)> _faults = [];
    private Random _failedFlushes = new(0);
    private long _crashAt = long.MaxValue;
    private long _changes;
    private volatile bool _isDead;
    private long _counts;

    private enum Fate
    {
        Succeeds,
        Fails,
        Dies,
    }

    /// <summary>A change of names since the last flush of its directory; nulls say what it did not do.</summary>
    private sealed record NameChange(string Directory, string? Removed, string? Added, SimulatedFile? File);

    /// <summary>Bytes that all files together may hold; writes above it end short with ENOSPC.</summary>
    public long CapacityBytes { get; set; } = long.MaxValue;

    /// <summary>What the disk writes in one piece, bytes: power loss keeps or loses each aligned run of this length as a whole. 512 or a multiple.</summary>
    public int TearBytes { get; set; } = SectorBytes;

    /// <summary>Whether <see cref="Operations"/> are kept; a long run does without.</summary>
    public bool KeepsOperations { get; set; } = true;

    /// <summary>Whether the process that uses it has died.</summary>
    public bool IsDead => _isDead;

    /// <summary>What the power loss that this disk came out of took.</summary>
    public PowerLoss Lost { get; private set; }

    /// <summary>Bytes in all files together.</summary>
    public long UsedBytes
    {
        get
        {
            lock (_lock)
            {
                return CountUsedBytes();
            }
        }
    }

    /// <summary>All files, in ordinal order.</summary>
    public IReadOnlyList<string> Paths
    {
        get
        {
            lock (_lock)
            {
                return [.. _names.Keys.Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Everything done so far.</summary>
    public IReadOnlyList<DiskOperation> Operations
    {
        get
        {
            lock (_lock)
            {
                return [.. _operations];
            }
        }
    }

    /// <summary>Operations so far that change the disk; the unit of <see cref="CrashAtChange"/>.</summary>
    public long Changes
    {
        get
        {
            lock (_lock)
            {
                return _changes;
            }
        }
    }

    /// <summary>From now on every operation that matches fails with this error number, until <see cref="ClearFaults"/>. Nothing of it happens, but of a write or flush an unknown part.</summary>
    public void FailWhen(Func<DiskOperation, bool> matches, int errno)
    {
        lock (_lock)
        {
            _faults.Add((matches, errno));
        }
    }

    public void ClearFaults()
    {
        lock (_lock)
        {
            _faults.Clear();
        }
    }

    /// <summary>The process dies when it attempts the change of this number (see <see cref="Changes"/>): half of a write happens, nothing of anything else.</summary>
    public void CrashAtChange(long number)
    {
        lock (_lock)
        {
            _crashAt = number;
        }
    }

    /// <summary>The process dies now, between two operations.</summary>
    public void Die()
    {
        lock (_lock)
        {
            _isDead = true;
        }
    }

    /// <summary>A bit rots, in memory and on disk alike.</summary>
    public void FlipBit(string path, long filePosition, int bit)
    {
        lock (_lock)
        {
            Span<byte> one = stackalloc byte[1];
            SimulatedFile file = Find(path, "rot");
            file.Read(filePosition, one);
            one[0] ^= (byte)(1 << bit);
            file.Corrupt(filePosition, one);
        }
    }

    /// <summary>A sector of one file, or what there is of it, lands on a sector of another, in memory and on disk alike.</summary>
    public void Misdirect(string from, long fromSector, string to, long toSector)
    {
        lock (_lock)
        {
            var sector = new byte[SectorBytes];
            SimulatedFile target = Find(to, "misdirect");
            int held = Find(from, "misdirect").Read(fromSector * SectorBytes, sector);
            target.Corrupt(toSector * SectorBytes, sector.AsSpan(0, (int)Math.Clamp(target.Length - (toSector * SectorBytes), 0, held)));
        }
    }

    /// <summary>kill -9: this object and its open files are dead; the result is the same disk, unflushed bytes included, for the next process.</summary>
    public SimulatedDisk Kill() => Survive(random: null);

    /// <summary>Power loss: the result is one of the states that the disk may be in, chosen by <paramref name="random"/>. This object is dead.</summary>
    public SimulatedDisk LosePower(Random random) => Survive(random);

    /// <summary>A copy of what a reader sees in the file.</summary>
    public byte[] Content(string path)
    {
        lock (_lock)
        {
            return Find(path, "read").CopyContent();
        }
    }

    /// <summary>Bytes that a reader sees in the file.</summary>
    public long LengthOf(string path)
    {
        lock (_lock)
        {
            return Find(path, "stat").Length;
        }
    }

    /// <summary>A copy of what readers see in every file, by path.</summary>
    public IReadOnlyDictionary<string, byte[]> Files()
    {
        lock (_lock)
        {
            return _names.ToDictionary(name => name.Key, name => name.Value.CopyContent(), StringComparer.Ordinal);
        }
    }

    /// <summary>Puts a file there, durable with its name, as if it had always been so: for damaged stores.</summary>
    public void Plant(string path, ReadOnlySpan<byte> content)
    {
        lock (_lock)
        {
            var file = new SimulatedFile();
            file.Write(0, content);
            file.FlushAll();
            _names[path] = file;
            _durableNames[path] = file;
            AddDirectories(System.IO.Path.GetDirectoryName(path)!);
        }
    }

    public IDiskFile OpenFile(string path, FileOpen mode)
    {
        lock (_lock)
        {
            Perform(new DiskOperation("open", path, 0, 0, 0), isChange: mode == FileOpen.CreateNew);
            bool exists = _names.TryGetValue(path, out SimulatedFile? file);
            if (mode != FileOpen.CreateNew)
            {
                return new Handle(this, path, exists ? file! : throw new DiskException("open", path, DiskException.NoEntry), mode != FileOpen.Read);
            }

            if (exists || !_directories.Contains(DirectoryOf(path)))
            {
                throw new DiskException("open", path, exists ? DiskException.Exists : DiskException.NoEntry);
            }

            file = new SimulatedFile();
            _names[path] = file;
            _unsyncedNames.Add(new NameChange(DirectoryOf(path), null, path, file));
            return new Handle(this, path, file, isWritable: true);
        }
    }

    public bool FileExists(string path)
    {
        lock (_lock)
        {
            return _names.ContainsKey(path);
        }
    }

    public void Delete(string path)
    {
        lock (_lock)
        {
            Perform(new DiskOperation("unlink", path, 0, 0, 0), isChange: true);
            Find(path, "unlink");
            _names.Remove(path);
            _unsyncedNames.Add(new NameChange(DirectoryOf(path), path, null, null));
        }
    }

    public void Rename(string from, string to)
    {
        lock (_lock)
        {
            Perform(new DiskOperation("rename", from, 0, 0, 0), isChange: true);
            SimulatedFile file = Find(from, "rename");
            _names.Remove(from);
            _names[to] = file;
            _unsyncedNames.Add(new NameChange(DirectoryOf(to), from, to, file));
        }
    }

    public void CreateDirectory(string path)
    {
        lock (_lock)
        {
            if (!_directories.Contains(path))
            {
                Perform(new DiskOperation("mkdir", path, 0, 0, 0), isChange: true);
                AddDirectories(path);
            }
        }
    }

    public void DeleteDirectory(string path)
    {
        lock (_lock)
        {
            Perform(new DiskOperation("rmdir", path, 0, 0, 0), isChange: true);
            if (_names.Keys.Any(name => IsIn(path, name)))
            {
                throw new DiskException("rmdir", path, 39);
            }

            _directories.Remove(path);
        }
    }

    public void SyncDirectory(string path)
    {
        lock (_lock)
        {
            Perform(new DiskOperation("fsync", path, 0, 0, 0), isChange: true);
            foreach (NameChange change in _unsyncedNames)
            {
                if (change.Directory == path)
                {
                    Apply(change, _durableNames);
                }
            }

            _unsyncedNames.RemoveAll(change => change.Directory == path);
        }
    }

    public IReadOnlyList<string> List(string directory)
    {
        lock (_lock)
        {
            List<string> names = [];
            foreach (string path in _names.Keys)
            {
                AddIfIn(path);
            }

            foreach (string path in _directories)
            {
                AddIfIn(path);
            }

            names.Sort(StringComparer.Ordinal);
            return names;

            void AddIfIn(string path)
            {
                if (IsIn(directory, path))
                {
                    names.Add(path[(path.LastIndexOf('/') + 1)..]);
                }
            }
        }
    }

    public long FreeBytes(string path)
    {
        lock (_lock)
        {
            return Math.Max(0, CapacityBytes - CountUsedBytes());
        }
    }

    public IDisposable Lock(string path)
    {
        lock (_lock)
        {
            return _locks.Add(path) ? new HeldLock(this, path) : throw new DirectoryLockedException(path, Environment.ProcessId);
        }
    }

    private static string DirectoryOf(string path) => path.LastIndexOf('/') is > 0 and int end ? path[..end] : "/";

    private static bool IsIn(string directory, string path)
    {
        int end = directory == "/" ? 0 : directory.Length;
        return path.Length > end + 1 && path[end] == '/' && path.LastIndexOf('/') == end && path.AsSpan(0, end).SequenceEqual(directory.AsSpan(0, end));
    }

    private static void Apply(NameChange change, Dictionary<string, SimulatedFile> names)
    {
        if (change.Removed is not null)
        {
            names.Remove(change.Removed);
        }

        if (change.Added is not null)
        {
            names[change.Added] = change.File!;
        }
    }

    private SimulatedFile Find(string path, string operation) =>
        _names.TryGetValue(path, out SimulatedFile? file) ? file : throw new DiskException(operation, path, DiskException.NoEntry);

    private void AddDirectories(string path)
    {
        for (string? at = path; at is not null; at = System.IO.Path.GetDirectoryName(at))
        {
            _directories.Add(at);
        }
    }

    // A file may have two names. The next disk counts on from here: after a kill it has the same files, with the marks of this one.
    private long CountUsedBytes()
    {
        long bytes = 0;
        _counts++;
        foreach (SimulatedFile file in _names.Values)
        {
            if (file.CountedIn != _counts)
            {
                file.CountedIn = _counts;
                bytes += file.Length;
            }
        }

        return bytes;
    }

    /// <summary>Notes the operation; throws where a crash or a fault is due. Returns for everything that shall happen.</summary>
    private void Perform(DiskOperation operation, bool isChange)
    {
        Fate fate = Decide(operation, isChange, out int errno);
        if (fate != Fate.Succeeds)
        {
            throw Failure(fate, operation, errno);
        }
    }

    private Fate Decide(DiskOperation operation, bool isChange, out int errno)
    {
        errno = 0;
        if (_isDead)
        {
            throw new SimulatedCrashException();
        }

        if (isChange && ++_changes >= _crashAt)
        {
            _isDead = true;
            return Fate.Dies;
        }

        foreach ((Func<DiskOperation, bool> matches, int wanted) in _faults)
        {
            if (matches(operation))
            {
                errno = wanted;
                Note(operation with { Errno = errno });
                return Fate.Fails;
            }
        }

        Note(operation);
        return Fate.Succeeds;
    }

    private static Exception Failure(Fate fate, DiskOperation operation, int errno) =>
        fate == Fate.Dies ? new SimulatedCrashException() : new DiskException(operation.Name, operation.Path, errno);

    private void Note(DiskOperation operation)
    {
        if (KeepsOperations)
        {
            _operations.Add(operation);
        }
    }

    private SimulatedDisk Survive(Random? random)
    {
        lock (_lock)
        {
            var next = new SimulatedDisk { CapacityBytes = CapacityBytes, TearBytes = TearBytes, KeepsOperations = KeepsOperations, _failedFlushes = _failedFlushes, _counts = _counts };
            Dictionary<string, SimulatedFile> names = _names;
            PowerLoss lost = default;
            if (random is not null)
            {
                names = new(_durableNames, StringComparer.Ordinal);
                foreach (NameChange change in _unsyncedNames)
                {
                    if (random.Next(2) == 0)
                    {
                        Apply(change, names);
                    }
                    else
                    {
                        lost.Names++;
                    }
                }
            }

            // One file may have two names here: a rename of which only the new name arrived.
            var files = new Dictionary<SimulatedFile, SimulatedFile>();
            SimulatedFile Next(SimulatedFile file) =>
                files.TryGetValue(file, out SimulatedFile? known) ? known : files[file] = random is null ? file : file.AfterPowerLoss(random, TearBytes, ref lost);
            next._names.EnsureCapacity(names.Count);
            foreach ((string name, SimulatedFile file) in names)
            {
                next._names[name] = Next(file);
            }

            next._durableNames.EnsureCapacity(_durableNames.Count);
            if (random is null)
            {
                foreach ((string name, SimulatedFile file) in _durableNames)
                {
                    next._durableNames[name] = file;
                }

                next._unsyncedNames.AddRange(_unsyncedNames);
            }
            else
            {
                foreach ((string name, SimulatedFile file) in next._names)
                {
                    next._durableNames[name] = file;
                }
            }

            next.Lost = lost;
            next._directories.UnionWith(_directories);
            _isDead = true;
            return next;
        }
    }

    private sealed class HeldLock(SimulatedDisk disk, string path) : IDisposable
    {
        public void Dispose()
        {
            lock (disk._lock)
            {
                disk._locks.Remove(path);
            }
        }
    }

    private sealed class Handle(SimulatedDisk disk, string path, SimulatedFile file, bool isWritable) : IDiskFile
    {
        private bool _isClosed;

        public long Length
        {
            get
            {
                lock (disk._lock)
                {
                    ObjectDisposedException.ThrowIf(_isClosed, this);
                    return file.Length;
                }
            }
        }

        public int Read(long filePosition, Span<byte> buffer)
        {
            lock (disk._lock)
            {
                ObjectDisposedException.ThrowIf(_isClosed, this);
                disk.Perform(new DiskOperation("pread", path, filePosition, buffer.Length, 0), isChange: false);
                return file.Read(filePosition, buffer);
            }
        }

        public void Write(long filePosition, ReadOnlySpan<byte> bytes)
        {
            lock (disk._lock)
            {
                ThrowUnlessWritable();
                var operation = new DiskOperation("pwrite", path, filePosition, bytes.Length, 0);
                Fate fate = disk.Decide(operation, isChange: true, out int errno);
                if (fate != Fate.Succeeds)
                {
                    file.Write(filePosition, bytes[..(bytes.Length / 2)]);
                    throw Failure(fate, operation, errno);
                }

                long room = disk.CapacityBytes == long.MaxValue ? long.MaxValue : disk.CapacityBytes - disk.CountUsedBytes();
                long growth = Math.Max(0, filePosition + bytes.Length - file.Length);
                if (growth > room)
                {
                    file.Write(filePosition, bytes[..(int)Math.Max(0, bytes.Length - (growth - room))]);
                    throw new DiskException("pwrite", path, DiskException.NoSpace);
                }

                file.Write(filePosition, bytes);
            }
        }

        public void Flush()
        {
            lock (disk._lock)
            {
                ThrowUnlessWritable();
                var operation = new DiskOperation("fdatasync", path, 0, 0, 0);
                Fate fate = disk.Decide(operation, isChange: true, out int errno);
                if (fate == Fate.Fails)
                {
                    file.FailFlush(disk._failedFlushes);
                }

                if (fate != Fate.Succeeds)
                {
                    // A flush goes on in the kernel when its process dies; what power loss then makes of it, LosePower decides.
                    throw Failure(fate, operation, errno);
                }

                file.FlushAll();
            }
        }

        public void Truncate(long length)
        {
            lock (disk._lock)
            {
                ThrowUnlessWritable();
                disk.Perform(new DiskOperation("ftruncate", path, 0, 0, 0), isChange: true);
                file.Truncate(length);
            }
        }

        public void Dispose() => _isClosed = true;

        private void ThrowUnlessWritable()
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            if (!isWritable)
            {
                throw new InvalidOperationException($"{path} is open for reading only.");
            }
        }
    }
}
