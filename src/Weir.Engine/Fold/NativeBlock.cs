using System.Runtime.InteropServices;

namespace Weir.Engine;

/// <summary>
/// Zeroed memory off the garbage-collected heap. Blocks from 64 KiB come from the kernel and go back to it when freed:
/// the owner table frees blocks and takes ever larger ones, and a heap would keep the holes.
/// </summary>
internal static unsafe partial class NativeBlock
{
    private const long MapFrom = 64 * 1024;
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;

    /// <exception cref="OutOfMemoryException">The machine has no more memory.</exception>
    public static void* AllocateZeroed(long bytes)
    {
        if (bytes < MapFrom)
        {
            return NativeMemory.AllocZeroed((nuint)bytes);
        }

        nint block = Map(0, (nuint)bytes, ReadWrite, PrivateAnonymous, -1, 0);
        return block == -1 ? throw new OutOfMemoryException($"The kernel refused {bytes} bytes for the owner table.") : (void*)block;
    }

    /// <summary>Frees a block; <paramref name="bytes"/> is what it was allocated with.</summary>
    public static void Free(void* block, long bytes)
    {
        if (bytes < MapFrom)
        {
            NativeMemory.Free(block);
        }
        else
        {
            _ = Unmap((nint)block, (nuint)bytes);
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(nint address, nuint length);
}
