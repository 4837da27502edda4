using System.Runtime.InteropServices;

namespace Weir.Storage.Compression;

/// <summary>Zstandard, by the system's libzstd.so.1 where it is installed (Debian: libzstd1, which dpkg itself needs). Source: facebook/zstd, lib/zstd.h.</summary>
internal static unsafe class ZstdDecoder
{
    // ZSTD_d_windowLogMax: frames that want to look back farther than 32 MiB are refused, because that much memory is made for them.
    private const int WindowLogMaxParameter = 100;
    private const int WindowLogMax = 25;

    private static readonly Library? Zstd = Library.TryLoad();

    public static bool IsAvailable => Zstd is not null;

    public static ExpandResult Expand(ReadOnlySpan<byte> input, ExpandBuffer output)
    {
        if (Zstd is not { } library)
        {
            return ExpandResult.Unsupported;
        }

        if (input.IsEmpty)
        {
            return ExpandResult.Corrupt;
        }

        void* context = library.Create();
        if (context is null)
        {
            throw new OutOfMemoryException("libzstd has no memory for a decompression context.");
        }

        try
        {
            library.SetParameter(context, WindowLogMaxParameter, WindowLogMax);
            fixed (byte* source = input)
            {
                var from = new ZstdBuffer { Start = source, Size = (nuint)input.Length };
                return Expand(library, context, ref from, output);
            }
        }
        finally
        {
            library.Free(context);
        }
    }

    private static ExpandResult Expand(Library library, void* context, ref ZstdBuffer from, ExpandBuffer output)
    {
        Span<byte> one = stackalloc byte[1];
        while (true)
        {
            // At the limit one more byte is tried: too much is only what really comes.
            bool isFull = !output.TryReserveSome(out Span<byte> room);
            nuint result;
            nuint before = from.Position;
            nuint written;
            fixed (byte* target = isFull ? one : room)
            {
                var to = new ZstdBuffer { Start = target, Size = isFull ? 1u : (nuint)room.Length };
                fixed (ZstdBuffer* source = &from)
                {
                    result = library.Decompress(context, &to, source);
                }

                written = to.Position;
            }

            if (library.IsError(result) != 0)
            {
                return ExpandResult.Corrupt;
            }

            if (isFull && written > 0)
            {
                return ExpandResult.TooLarge;
            }

            output.Advance((int)written);

            // 0: a frame has ended and everything of it is written.
            if (result == 0 && from.Position == from.Size)
            {
                return ExpandResult.Done;
            }

            if (written == 0 && from.Position == before)
            {
                return ExpandResult.Corrupt;
            }
        }
    }

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer have the same layout.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ZstdBuffer
    {
        public byte* Start;
        public nuint Size;
        public nuint Position;
    }

    private sealed class Library
    {
        public required delegate* unmanaged<void*> Create { get; init; }

        public required delegate* unmanaged<void*, nuint> Free { get; init; }

        public required delegate* unmanaged<void*, int, int, nuint> SetParameter { get; init; }

        public required delegate* unmanaged<void*, ZstdBuffer*, ZstdBuffer*, nuint> Decompress { get; init; }

        public required delegate* unmanaged<nuint, uint> IsError { get; init; }

        public static Library? TryLoad()
        {
            if (!NativeLibrary.TryLoad("libzstd.so.1", out nint handle)
                || !NativeLibrary.TryGetExport(handle, "ZSTD_createDCtx", out nint create)
                || !NativeLibrary.TryGetExport(handle, "ZSTD_freeDCtx", out nint free)
                || !NativeLibrary.TryGetExport(handle, "ZSTD_DCtx_setParameter", out nint set)
                || !NativeLibrary.TryGetExport(handle, "ZSTD_decompressStream", out nint decompress)
                || !NativeLibrary.TryGetExport(handle, "ZSTD_isError", out nint isError))
            {
                return null;
            }

            return new Library
            {
                Create = (delegate* unmanaged<void*>)create,
                Free = (delegate* unmanaged<void*, nuint>)free,
                SetParameter = (delegate* unmanaged<void*, int, int, nuint>)set,
                Decompress = (delegate* unmanaged<void*, ZstdBuffer*, ZstdBuffer*, nuint>)decompress,
                IsError = (delegate* unmanaged<nuint, uint>)isError,
            };
        }
    }
}
