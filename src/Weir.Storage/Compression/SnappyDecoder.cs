using System.Buffers.Binary;

namespace Weir.Storage.Compression;

/// <summary>
/// Snappy: a varint length, then literals and copies. With the framing of xerial's library in front: <c>82 "SNAPPY" 00</c>, two int32 versions, then blocks,
/// each behind its int32 length, big-endian. Sources: google/snappy, format_description.txt; xerial/snappy-java, SnappyOutputStream.
/// </summary>
internal static class SnappyDecoder
{
    private const int FrameHeaderBytes = 16;

    private static ReadOnlySpan<byte> FrameMagic => [0x82, (byte)'S', (byte)'N', (byte)'A', (byte)'P', (byte)'P', (byte)'Y', 0];

    public static ExpandResult Expand(ReadOnlySpan<byte> input, ExpandBuffer output)
    {
        if (!input.StartsWith(FrameMagic))
        {
            return ExpandBlock(input, output);
        }

        if (input.Length < FrameHeaderBytes)
        {
            return ExpandResult.Corrupt;
        }

        input = input[FrameHeaderBytes..];
        while (!input.IsEmpty)
        {
            int length = input.Length < sizeof(int) ? -1 : BinaryPrimitives.ReadInt32BigEndian(input);
            if (length < 0 || length > input.Length - sizeof(int))
            {
                return ExpandResult.Corrupt;
            }

            if (ExpandBlock(input.Slice(sizeof(int), length), output) is var result && result != ExpandResult.Done)
            {
                return result;
            }

            input = input[(sizeof(int) + length)..];
        }

        return ExpandResult.Done;
    }

    private static ExpandResult ExpandBlock(ReadOnlySpan<byte> input, ExpandBuffer output)
    {
        if (!TryReadLength(ref input, out uint declared))
        {
            return ExpandResult.Corrupt;
        }

        int start = output.Length;
        while (!input.IsEmpty)
        {
            byte tag = input[0];
            input = input[1..];
            ExpandResult result = (tag & 3) == 0 ? Literal(tag, ref input, output) : Copy(tag, ref input, output, start);
            if (result != ExpandResult.Done)
            {
                return result;
            }

            if (output.Length - start > declared)
            {
                return ExpandResult.Corrupt;
            }
        }

        return output.Length - start == declared ? ExpandResult.Done : ExpandResult.Corrupt;
    }

    private static ExpandResult Literal(byte tag, ref ReadOnlySpan<byte> input, ExpandBuffer output)
    {
        long length = (tag >> 2) + 1L;
        if (length > 60)
        {
            int bytes = (int)length - 60;
            if (input.Length < bytes)
            {
                return ExpandResult.Corrupt;
            }

            length = 1L + ReadLittleEndian(input[..bytes]);
            input = input[bytes..];
        }

        if (length > input.Length)
        {
            return ExpandResult.Corrupt;
        }

        if (!output.TryAppend(input[..(int)length]))
        {
            return ExpandResult.TooLarge;
        }

        input = input[(int)length..];
        return ExpandResult.Done;
    }

    private static ExpandResult Copy(byte tag, ref ReadOnlySpan<byte> input, ExpandBuffer output, int start)
    {
        int bytes = (tag & 3) switch { 1 => 1, 2 => 2, _ => 4 };
        if (input.Length < bytes)
        {
            return ExpandResult.Corrupt;
        }

        long distance = ReadLittleEndian(input[..bytes]);
        int length = (tag >> 2) + 1;
        if (bytes == 1)
        {
            distance |= (long)(tag >> 5) << 8;
            length = ((tag >> 2) & 7) + 4;
        }

        input = input[bytes..];
        if (distance == 0 || distance > output.Length - start)
        {
            return ExpandResult.Corrupt;
        }

        return output.TryRepeat((int)distance, length) ? ExpandResult.Done : ExpandResult.TooLarge;
    }

    private static bool TryReadLength(ref ReadOnlySpan<byte> input, out uint length)
    {
        length = 0;
        for (int shift = 0; shift < 35 && !input.IsEmpty; shift += 7)
        {
            byte next = input[0];
            input = input[1..];
            if (shift == 28 && next > 0x0F)
            {
                return false;
            }

            length |= (uint)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private static uint ReadLittleEndian(ReadOnlySpan<byte> bytes)
    {
        uint value = 0;
        for (int i = bytes.Length - 1; i >= 0; i--)
        {
            value = (value << 8) | bytes[i];
        }

        return value;
    }
}
