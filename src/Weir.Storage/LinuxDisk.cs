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

    public bool FileExists(string path) => File.Exists(path);

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
            // HResult carries errno on Unix for IOException; access denied has a type of its own.
            throw new DiskException("mkdir", full, e is IOException ? e.HResult & 0xFF : 13);
        }

        if (parent is not null)
        {
            SyncDirectory(parent);
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
        if (!Directory.Exists(directory))
        {
            return [];
        }

        string[] names = [.. Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path))];
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    public long FreeBytes(string path) => new DriveInfo(Path.GetFullPath(path)).AvailableFreeSpace;

    public IDisposable Lock(string path)
    {
        LinuxDiskFile file = LinuxDiskFile.Open(path, Libc.ReadWrite | Libc.Create);
        try
        {
            Span<byte> text = stackalloc byte[20];
            if (!file.TryLock())
            {
                string holder = Encoding.ASCII.GetString(text[..file.Read(0, text)]).Trim();
                throw new DirectoryLockedException(path, int.TryParse(holder, CultureInfo.InvariantCulture, out int id) ? id : null);
            }

            file.Truncate(0);
            _ = Environment.ProcessId.TryFormat(text, out int length, default, CultureInfo.InvariantCulture);
            file.Write(0, text[..length]);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
