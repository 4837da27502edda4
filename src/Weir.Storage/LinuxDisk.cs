using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Weir.Storage.Internal;

namespace Weir.Storage;

/// <summary>The real disk. System calls are made directly and errors taken from errno; see <see cref="Libc"/> for why.</summary>
public sealed class LinuxDisk : IDisk
{
    private LinuxDisk()
    {
    }

    public static LinuxDisk Instance { get; } = new();

    public IDiskFile OpenFile(string path, FileOpen mode) => LinuxDiskFile.Open(path, mode switch
    {
        FileOpen.CreateNew => Libc.ReadWrite | Libc.Create | Libc.Exclusive,
        FileOpen.ReadWrite => Libc.ReadWrite,
        _ => Libc.ReadOnly,
    });

    public bool FileExists(string path)
    {
        if (File.Exists(path))
        {
            return true;
        }

        // The runtime says no for every error. A definition that cannot be looked up is not one that is missing: a stream would begin anew beside it.
        if (Libc.Access(path, mode: 0) == 0)
        {
            return !Directory.Exists(path);
        }

        return Marshal.GetLastPInvokeError() is int errno and not (DiskException.NoEntry or DiskException.NotADirectory)
            ? throw new DiskException("access", path, errno)
            : false;
    }

    public void Delete(string path)
    {
        if (Libc.Unlink(path) != 0)
        {
            throw new DiskException("unlink", path, Marshal.GetLastPInvokeError());
        }
    }

    public void Rename(string from, string to)
    {
        if (Libc.Rename(from, to) != 0)
        {
            throw new DiskException("rename", from, Marshal.GetLastPInvokeError());
        }
    }

    public void CreateDirectory(string path)
    {
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
        {
            return;
        }

        string? parent = Path.GetDirectoryName(full);
        if (parent is not null)
        {
            CreateDirectory(parent);
        }

        try
        {
            Directory.CreateDirectory(full);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure("mkdir", full, e);
        }

        if (parent is null)
        {
            return;
        }

        try
        {
            SyncDirectory(parent);
        }
        catch (DiskException)
        {
            // Found by the next try, it would be taken for one whose name is on disk.
            _ = Libc.RemoveDirectory(full);
            throw;
        }
    }

    public void DeleteDirectory(string path)
    {
        if (Libc.RemoveDirectory(path) != 0)
        {
            throw new DiskException("rmdir", path, Marshal.GetLastPInvokeError());
        }
    }

    public void SyncDirectory(string path)
    {
        using LinuxDiskFile directory = LinuxDiskFile.Open(path, Libc.ReadOnly);
        directory.FlushAll();
    }

    public IReadOnlyList<string> List(string directory)
    {
        try
        {
            string[] names = [.. Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path))];
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure("readdir", directory, e);
        }
    }

    public long FreeBytes(string path)
    {
        try
        {
            return new DriveInfo(Path.GetFullPath(path)).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure("statfs", path, e);
        }
    }

    public IDisposable Lock(string path)
    {
        LinuxDiskFile file = OpenLock(path);
        try
        {
            Span<byte> text = stackalloc byte[20];
            if (!file.TryLock()
#if WEIR_PLANTED
                && !Weir.Core.Planted.LockIgnored
#endif
                )
            {
                string holder = Encoding.ASCII.GetString(text[..file.Read(0, text)]).Trim();
                throw new DirectoryLockedException(path, int.TryParse(holder, CultureInfo.InvariantCulture, out int id) ? id : null);
            }

            NameHolder(file);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // A file system that takes no writes can still be read, and locked.
    private static LinuxDiskFile OpenLock(string path)
    {
        try
        {
            return LinuxDiskFile.Open(path, Libc.ReadWrite | Libc.Create);
        }
        catch (DiskException e) when (e.Errno == DiskException.ReadOnlyFileSystem)
        {
            return LinuxDiskFile.Open(path, Libc.ReadOnly);
        }
    }

    // The lock holds without it, so a full disk must not keep the process from starting. In place first: on a full disk the file may have its bytes and get no others.
    private static void NameHolder(LinuxDiskFile file)
    {
        Span<byte> text = stackalloc byte[20];
        _ = Environment.ProcessId.TryFormat(text, out int length, default, CultureInfo.InvariantCulture);
        try
        {
            file.Write(0, text[..length]);
            file.Truncate(length);
        }
        catch (DiskException)
        {
            // Whoever is refused is told "another process", or an earlier holder's number.
        }
    }

    // HResult carries errno on Unix for IOException; access denied has a type of its own.
    private static DiskException Failure(string operation, string path, Exception e) =>
        new(operation, path, e is IOException ? e.HResult & 0xFF : DiskException.NoAccess);
}
