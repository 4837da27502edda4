namespace Weir.Core;

/// <summary>Zig-zag variable-length integers as in Kafka record batches (protocol buffers' sint64).</summary>
public static class Varint
{
    /// <summary>Longest encoding of a 64-bit value.</summary>
    public const int MaxBytes = 10;

    /// <summary>Bytes that <see cref="Write"/> needs for <paramref name="value"/>, 1 to 10.</summary>
    public static int SizeOf(long value)
    {
        ulong zigzag = unchecked((ulong)((value << 1) ^ (value >> 63)));
        return (70 - System.Numerics.BitOperations.LeadingZeroCount(zigzag | 1)) / 7;
    }

    /// <summary>Writes and returns the number of bytes written. The caller has checked the space.</summary>
    public static int Write(Span<byte> destination, long value)
    {
        unchecked
        {
            ulong zigzag = (ulong)((value << 1) ^ (value >> 63));
            int written = 0;
            while (zigzag >= 0x80)
            {
                destination[written++] = (byte)(zigzag | 0x80);
                zigzag >>= 7;
            }

            destination[written++] = (byte)zigzag;
            return written;
        }
    }

    /// <summary>Reads one value and advances <paramref name="position"/>; false when the bytes end early or the value is longer than 10 bytes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, ref int position, out long value)
    {
        unchecked
        {
            ulong zigzag = 0;
            int at = position;
            for (int shift = 0; shift < 70; shift += 7)
            {
                if ((uint)at >= (uint)source.Length)
                {
                    break;
                }

                byte b = source[at++];
                zigzag |= (ulong)(b & 0x7F) << shift;
                if (b < 0x80)
                {
                    position = at;
                    value = (long)(zigzag >> 1) ^ -(long)(zigzag & 1);
                    return true;
                }
            }

            value = 0;
            return false;
        }
    }
}
