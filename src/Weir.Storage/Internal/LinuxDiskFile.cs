using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Weir.Storage.Internal;

/// <summary>An open file of <see cref="LinuxDisk"/>. EINTR is retried a bounded number of times, short writes are completed.</summary>
internal sealed unsafe class LinuxDiskFile : IDiskFile
{
    /// <summary>A signal storm cannot hold a thread for ever; as a fault it would be injected without end.</summary>
    private const int MaxInterruptions = 100;

    private readonly SafeFileHandle _handle;
    private readonly string _path;

    private LinuxDiskFile(SafeFileHandle handle, string path)
    {
        _handle = handle;
        _path = path;
    }

    public long Length
    {
        get
        {
            long length = Libc.LSeek(_handle, 0, Libc.SeekEnd);
            return length >= 0 ? length : throw new DiskException("lseek", _path, Marshal.GetLastPInvokeError());
        }
    }

    public static LinuxDiskFile Open(string path, int flags)
    {
        int interruptions = 0;
        while (true)
        {
            int descriptor = Libc.Open(path, flags | Libc.CloseOnExec, Libc.FileMode);
            if (descriptor >= 0)
            {
                return new LinuxDiskFile(new SafeFileHandle(descriptor, ownsHandle: true), path);
            }

            ThrowUnlessInterrupted("open", path, ref interruptions);
        }
    }

    public int Read(long filePosition, Span<byte> buffer)
    {
        int done = 0, interruptions = 0;
        // SAFETY: the span stays pinned during the call and the count never exceeds what is left of it.
        fixed (byte* start = buffer)
        {
            while (done < buffer.Length)
            {
                nint count = Libc.PRead(_handle, start + done, (nuint)(buffer.Length - done), filePosition + done);
                if (count > 0)
                {
                    done += (int)count;
                }
                else if (count == 0)
                {
                    break;
                }
                else
                {
                    ThrowUnlessInterrupted("pread", _path, ref interruptions);
                }
            }
        }

        return done;
    }

    public void Write(long filePosition, ReadOnlySpan<byte> bytes)
    {
        int done = 0, interruptions = 0;
        // SAFETY: as in Read.
        fixed (byte* start = bytes)
        {
            while (done < bytes.Length)
            {
                nint count = Libc.PWrite(_handle, start + done, (nuint)(bytes.Length - done), filePosition + done);
                if (count > 0)
                {
                    done += (int)count;
                }
                else if (count == 0)
                {
                    // POSIX allows it for a device that takes nothing; without this it would loop for ever.
                    throw new DiskException("pwrite", _path, DiskException.InputOutput);
                }
                else
                {
                    ThrowUnlessInterrupted("pwrite", _path, ref interruptions);
                }
            }
        }
    }

    public void Flush()
    {
        // EINTR from fdatasync may mean that writeback was cut off with pages still dirty or already given up. No retry.
        if (Libc.FDataSync(_handle) != 0)
        {
            throw new DiskException("fdatasync", _path, Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>For directories, where the names are the metadata that fdatasync may leave out.</summary>
    public void FlushAll()
    {
        if (Libc.FSync(_handle) != 0)
        {
            throw new DiskException("fsync", _path, Marshal.GetLastPInvokeError());
        }
    }

    public void Truncate(long length)
    {
        int interruptions = 0;
        while (Libc.FTruncate(_handle, length) != 0)
        {
            ThrowUnlessInterrupted("ftruncate", _path, ref interruptions);
        }
    }

    // Its error number says nothing that the read will not say.
    public void Prefetch(long filePosition, long length) => _ = Libc.Advise(_handle, filePosition, length, Libc.WillNeed);

    /// <returns>False when another process holds the lock.</returns>
    public bool TryLock()
    {
        int interruptions = 0;
        while (Libc.FLock(_handle, Libc.LockExclusive | Libc.LockNonBlocking) != 0)
        {
            if (Marshal.GetLastPInvokeError() == Libc.WouldBlock)
            {
                return false;
            }

            ThrowUnlessInterrupted("flock", _path, ref interruptions);
        }

        return true;
    }

    public void Dispose() => _handle.Dispose();

    private static void ThrowUnlessInterrupted(string operation, string path, ref int interruptions)
    {
        int errno = Marshal.GetLastPInvokeError();
        if (errno != DiskException.Interrupted || ++interruptions > MaxInterruptions)
        {
            throw new DiskException(operation, path, errno);
        }
    }
}
