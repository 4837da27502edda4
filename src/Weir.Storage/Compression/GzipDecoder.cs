using System.IO.Compression;

namespace Weir.Storage.Compression;

/// <summary>Gzip, one member or several, by the framework.</summary>
internal static class GzipDecoder
{
    // Without it the framework takes bytes that break off for bytes that end.
    static GzipDecoder() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    public static unsafe ExpandResult Expand(ReadOnlySpan<byte> input, ExpandBuffer output)
    {
        if (input.IsEmpty)
        {
            return ExpandResult.Corrupt;
        }

        fixed (byte* start = input)
        {
            // SAFETY: the stream reads inside the pinned span and is gone before it is let go.
            using var source = new UnmanagedMemoryStream(start, input.Length);
            using var gzip = new GZipStream(source, CompressionMode.Decompress);
            try
            {
                while (output.TryReserveSome(out Span<byte> room))
                {
                    int read = gzip.Read(room);
                    if (read == 0)
                    {
                        return source.Position == input.Length ? ExpandResult.Done : ExpandResult.Corrupt;
                    }

                    output.Advance(read);
                }

                // Full to the brim is not too much, if that was all.
                return gzip.ReadByte() < 0 ? ExpandResult.Done : ExpandResult.TooLarge;
            }
            catch (InvalidDataException)
            {
                return ExpandResult.Corrupt;
            }
        }
    }
}
