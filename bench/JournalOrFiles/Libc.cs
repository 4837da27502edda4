using System.Runtime.InteropServices;

namespace Weir.Bench.JournalOrFiles;

/// <summary>The calls that are measured, made directly: the runtime's own flush hides failures (docs/internals/durability.md).</summary>
internal static unsafe partial class Libc
{
    public const int ReadWrite = 2, Create = 0x40, CloseOnExec = 0x80000;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    private static partial nint WriteAt(int file, byte* bytes, nuint count, long filePosition);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int SyncData(int file);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int AllocateBlocks(int file, int mode, long filePosition, long length);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int file);

    public static int Open(string path)
    {
        int file = OpenFile(path, ReadWrite | Create | CloseOnExec, Convert.ToInt32("644", 8));
        return file >= 0 ? file : throw new IOException($"open {path}: errno {Marshal.GetLastPInvokeError()}");
    }

    public static void Write(int file, ReadOnlySpan<byte> bytes, long filePosition)
    {
        fixed (byte* start = bytes)
        {
            if (WriteAt(file, start, (nuint)bytes.Length, filePosition) != bytes.Length)
            {
                throw new IOException($"pwrite: errno {Marshal.GetLastPInvokeError()}");
            }
        }
    }

    public static void Allocate(int file, long length)
    {
        if (AllocateBlocks(file, mode: 0, 0, length) != 0)
        {
            throw new IOException($"fallocate: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    public static void Flush(int file)
    {
        if (SyncData(file) != 0)
        {
            throw new IOException($"fdatasync: errno {Marshal.GetLastPInvokeError()}");
        }
    }
}
