using Weir.Storage;

namespace Weir.Server.Tests.Support;

/// <summary>The real disk, which can be told to be full, to hold back every flush, or to fail each.</summary>
internal sealed class FaultyDisk : IDisk
{
    private readonly IDisk _disk = LinuxDisk.Instance;
    private readonly ManualResetEventSlim _flushesPass = new(initialState: true);
    private readonly ManualResetEventSlim _readsPass = new(initialState: true);

    /// <summary>While true, every flush of a log fails with EIO.</summary>
    public bool FlushesFail { get; set; }

    public bool IsFull { get; set; }

    public void HoldFlushes() => _flushesPass.Reset();

    public void ReleaseFlushes() => _flushesPass.Set();

    /// <summary>From now on whoever reads a log waits.</summary>
    public void HoldReads() => _readsPass.Reset();

    public void ReleaseReads() => _readsPass.Set();

    public IDiskFile OpenFile(string path, FileOpen mode) => new FaultyFile(this, _disk.OpenFile(path, mode), path);

    public bool FileExists(string path) => _disk.FileExists(path);

    public void Delete(string path) => _disk.Delete(path);

    public void Rename(string from, string to) => _disk.Rename(from, to);

    public void CreateDirectory(string path) => _disk.CreateDirectory(path);

    public void DeleteDirectory(string path) => _disk.DeleteDirectory(path);

    public void SyncDirectory(string path) => _disk.SyncDirectory(path);

    public IReadOnlyList<string> List(string directory) => _disk.List(directory);

    public long FreeBytes(string path) => IsFull ? 0 : _disk.FreeBytes(path);

    public IDisposable Lock(string path) => _disk.Lock(path);

    private void Flush(IDiskFile file, string path)
    {
        _flushesPass.Wait();
        if (FlushesFail)
        {
            throw new DiskException("fdatasync", path, errno: 5);
        }

        file.Flush();
    }

    private sealed class FaultyFile(FaultyDisk disk, IDiskFile file, string path) : IDiskFile
    {
        public long Length => file.Length;

        public int Read(long filePosition, Span<byte> buffer)
        {
            if (path.EndsWith(".log", StringComparison.Ordinal))
            {
                disk._readsPass.Wait();
            }

            return file.Read(filePosition, buffer);
        }

        public void Write(long filePosition, ReadOnlySpan<byte> bytes) => file.Write(filePosition, bytes);

        // Only the log, whose segments begin under a temporary name: what else is written has its own tests.
        public void Flush()
        {
            if (path.Contains(".log", StringComparison.Ordinal))
            {
                disk.Flush(file, path);
            }
            else
            {
                file.Flush();
            }
        }

        public void Truncate(long length) => file.Truncate(length);

        public void Dispose() => file.Dispose();
    }
}
