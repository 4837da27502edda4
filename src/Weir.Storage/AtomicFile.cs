using Weir.Storage.Segments;

namespace Weir.Storage;

/// <summary>Small files that are replaced as a whole: after a crash the old or the new content is there, never a mixture and never nothing.</summary>
public static class AtomicFile
{
    /// <summary>Temporary name, flush, rename, directory flush. Durable on return.</summary>
    /// <exception cref="DiskException">The file holds what it held before, or the new content; a retry may help.</exception>
    public static void Write(IDisk disk, string path, ReadOnlySpan<byte> bytes)
    {
        using (IDiskFile file = LogFiles.CreateTemporary(disk, path))
        {
            file.Write(0, bytes);
            file.Flush();
        }

        disk.Rename(path + LogFiles.Temporary, path);
        disk.SyncDirectory(Path.GetDirectoryName(path)!);
    }

    /// <returns>Null when the file does not exist.</returns>
    public static byte[]? TryRead(IDisk disk, string path)
    {
        if (!disk.FileExists(path))
        {
            return null;
        }

        using IDiskFile file = disk.OpenFile(path, FileOpen.Read);
        byte[] bytes = new byte[file.Length];
        return bytes.AsSpan(0, file.Read(0, bytes)).ToArray();
    }
}
