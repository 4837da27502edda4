namespace Weir.Storage;

/// <summary>How <see cref="IDisk.OpenFile"/> opens a file.</summary>
public enum FileOpen
{
    /// <summary>For reading and writing; fails when the file exists.</summary>
    CreateNew,

    /// <summary>For reading and writing; fails when the file does not exist.</summary>
    ReadWrite,

    /// <summary>For reading only; fails when the file does not exist.</summary>
    Read,
}

/// <summary>
/// The file system as storage sees it. Two implementations: <see cref="LinuxDisk"/>, and the tests' simulated disk, which
/// loses, tears and reorders whatever was not flushed. The rules both keep:
/// what a file holds survives power loss only after <see cref="IDiskFile.Flush"/>; that a file exists, is renamed or is
/// deleted survives only after <see cref="SyncDirectory"/>; a rename replaces its target in one step.
/// Every failure is a <see cref="DiskException"/> with the system's error number. Safe to call from any thread.
/// </summary>
public interface IDisk
{
    IDiskFile OpenFile(string path, FileOpen mode);

    /// <summary>Whether there is a file of that name; a directory is none. An error is an exception, never "no".</summary>
    bool FileExists(string path);

    void Delete(string path);

    /// <summary>Replaces <paramref name="to"/> where it exists; readers that have the old file open keep it.</summary>
    void Rename(string from, string to);

    /// <summary>Makes the directory and missing parents, each flushed into its parent. No error when it exists.</summary>
    void CreateDirectory(string path);

    /// <summary>Deletes an empty directory.</summary>
    void DeleteDirectory(string path);

    /// <summary>Flushes the names in the directory: creations, renames and deletions before this call survive power loss.</summary>
    void SyncDirectory(string path);

    /// <summary>Names (not paths) of the files and directories in a directory, in ordinal order; empty when it does not exist. An error is an exception, never "empty".</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Bytes that this process may still write to the file system that holds <paramref name="path"/>.</summary>
    long FreeBytes(string path);

    /// <summary>Takes an exclusive lock, held until disposed or until the process ends; the file then names this process, where it can be written.</summary>
    /// <exception cref="DirectoryLockedException">Another process holds it. Retrying helps only once that process is gone.</exception>
    IDisposable Lock(string path);
}

/// <summary>
/// An open file. Reads and writes name their file position; there is no cursor. Reads may run beside anything;
/// writes, flush and truncate of one file come from one thread at a time.
/// </summary>
public interface IDiskFile : IDisposable
{
    /// <summary>Bytes in the file now, asked of the file system.</summary>
    long Length { get; }

    /// <summary>Reads until the buffer is full or the file ends.</summary>
    /// <returns>Bytes read; fewer than the buffer holds only at the end of the file.</returns>
    int Read(long filePosition, Span<byte> buffer);

    /// <summary>Writes all bytes. After a failure an unknown part of them may be in the file.</summary>
    void Write(long filePosition, ReadOnlySpan<byte> bytes);

    /// <summary>
    /// fdatasync: when it returns, everything written before it began survives power loss. When it throws, nobody can know
    /// which bytes did, and a second call may report success without them: the file must not be flushed again.
    /// </summary>
    void Flush();

    void Truncate(long length);

    /// <summary>
    /// These bytes will be read soon: the system may begin to fetch them while the caller computes. A hint; nothing depends on it, and a disk in memory
    /// has nothing to do.
    /// </summary>
    void Prefetch(long filePosition, long length)
    {
    }
}
