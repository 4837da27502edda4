using Weir.Storage;

namespace Weir.FuzzTests;

/// <summary>A disk with one file on it, for reading. Its bytes change under the same name, so that one reader can be given a million files without a file system.</summary>
internal sealed class OneFileDisk(string path) : IDisk, IDiskFile
{
    public byte[] Bytes { get; set; } = [];

    public long Length => Bytes.Length;

    public IDiskFile OpenFile(string wanted, FileOpen mode) =>
        wanted == path && mode == FileOpen.Read ? this : throw new DiskException("open", wanted, DiskException.NoEntry);

    public bool FileExists(string wanted) => wanted == path;

    public IReadOnlyList<string> List(string directory) => directory == System.IO.Path.GetDirectoryName(path) ? [System.IO.Path.GetFileName(path)] : [];

    public int Read(long filePosition, Span<byte> buffer)
    {
        int count = (int)Math.Clamp(Bytes.Length - filePosition, 0, buffer.Length);
        Bytes.AsSpan((int)Math.Min(filePosition, Bytes.Length), count).CopyTo(buffer);
        return count;
    }

    public void Dispose()
    {
    }

    public void Write(long filePosition, ReadOnlySpan<byte> bytes) => throw ReadOnly();

    public void Flush() => throw ReadOnly();

    public void Truncate(long length) => throw ReadOnly();

    public void Delete(string wanted) => throw ReadOnly();

    public void Rename(string from, string to) => throw ReadOnly();

    public void CreateDirectory(string wanted) => throw ReadOnly();

    public void DeleteDirectory(string wanted) => throw ReadOnly();

    public void SyncDirectory(string wanted) => throw ReadOnly();

    public long FreeBytes(string wanted) => 0;

    public IDisposable Lock(string wanted) => throw ReadOnly();

    private DiskException ReadOnly() => new("write", path, DiskException.ReadOnlyFileSystem);
}
