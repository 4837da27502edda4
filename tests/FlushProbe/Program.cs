// Makes each call that claims to flush, write or read, and prints what the caller is told. FlushTruthTests says what must come out.
// Usage: FlushProbe <file>
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Weir.Storage;

string path = args[0];
using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);

Print("libc fsync", () => Libc.FSync(handle) == 0 ? 0 : Marshal.GetLastPInvokeError());
Print("libc fdatasync", () => Libc.FDataSync(handle) == 0 ? 0 : Marshal.GetLastPInvokeError());
Print("RandomAccess.FlushToDisk", () => { RandomAccess.FlushToDisk(handle); return 0; });
Print("FileStream.Flush", () => { using var stream = new FileStream(path, FileMode.Open); stream.Flush(flushToDisk: true); return 0; });
using IDiskFile file = LinuxDisk.Instance.OpenFile(path, FileOpen.ReadWrite);
Print("IDiskFile.Flush", () => { file.Flush(); return 0; });
Print("IDisk.SyncDirectory", () => { LinuxDisk.Instance.SyncDirectory(Path.GetDirectoryName(path)!); return 0; });
Print("IDisk.CreateDirectory", () => { LinuxDisk.Instance.CreateDirectory(path + ".made"); return 0; });
Print("IDiskFile.Write", () => { file.Write(0, "0123456789"u8); return 0; });
Print("IDiskFile.Read", () => { Span<byte> bytes = stackalloc byte[10]; return file.Read(0, bytes) == 10 ? 0 : -1; });

static void Print(string call, Func<int> run)
{
    string result;
    try
    {
        int errno = run();
        result = errno == 0 ? "success" : $"errno {errno}";
    }
    catch (DiskException e)
    {
        result = $"DiskException errno {e.Errno}";
    }
    catch (IOException e)
    {
        result = e.GetType().Name;
    }

    Console.WriteLine($"{call}: {result}");
}

internal static partial class Libc
{
    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int FSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int FDataSync(SafeFileHandle file);
}
