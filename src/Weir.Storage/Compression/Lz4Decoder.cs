using System.Buffers.Binary;

namespace Weir.Storage.Compression;

/// <summary>
/// The LZ4 frame format, one frame or several, with every option but dictionaries: blocks that depend on those before, checksums of blocks and content, content
/// size. Skippable frames are passed over. Source: lz4/lz4, the descriptions of frame and block format.
/// </summary>
internal static class Lz4Decoder
{
    private const uint FrameMagic = 0x184D2204;
    private const uint SkippableMagic = 0x184D2A50;
    private const uint SkippableMask = 0xFFFFFFF0;
    private const uint StoredBit = 0x80000000;

    private const int VersionMask = 0xC0;
    private const int Version = 0x40;
    private const int IndependentBlocks = 0x20;
    private const int BlockChecksums = 0x10;
    private const int HasContentSize = 0x08;
    private const int HasContentChecksum = 0x04;
    private const int HasDictionary = 0x01;

    // The farthest that a match can look back.
    private const int Window = 64 << 10;

    public static ExpandResult Expand(ReadOnlySpan<byte> input, ExpandBuffer output)
    {
        if (input.IsEmpty)
        {
            return ExpandResult.Corrupt;
        }

        while (!input.IsEmpty)
        {
            if (!TryReadUInt32(ref input, out uint magic))
            {
                return ExpandResult.Corrupt;
            }

            if ((magic & SkippableMask) == SkippableMagic)
            {
                if (!TryReadUInt32(ref input, out uint length) || length > input.Length)
                {
                    return ExpandResult.Corrupt;
                }

                input = input[(int)length..];
            }
            else if (magic != FrameMagic)
            {
                return ExpandResult.Corrupt;
            }
            else if (ExpandFrame(ref input, output) is var result && result != ExpandResult.Done)
            {
                return result;
            }
        }

        return ExpandResult.Done;
    }

    private static ExpandResult ExpandFrame(ref ReadOnlySpan<byte> input, ExpandBuffer output)
    {
        if (!TryReadDescriptor(ref input, out byte flags, out ulong? contentSize))
        {
            return ExpandResult.Corrupt;
        }

        int start = output.Length;
        while (true)
        {
            if (!TryReadUInt32(ref input, out uint size))
            {
                return ExpandResult.Corrupt;
            }

            if (size == 0)
            {
                break;
            }

            uint length = size & ~StoredBit;
            if (length > input.Length)
            {
                return ExpandResult.Corrupt;
            }

            ReadOnlySpan<byte> block = input[..(int)length];
            input = input[(int)length..];
            if ((flags & BlockChecksums) != 0 && !(TryReadUInt32(ref input, out uint checksum) && checksum == XxHash32.Compute(block)))
            {
                return ExpandResult.Corrupt;
            }

            int earliest = (flags & IndependentBlocks) != 0 ? output.Length : start;
            ExpandResult result = (size & StoredBit) == 0 ? ExpandBlock(block, output, earliest) : output.TryAppend(block) ? ExpandResult.Done : ExpandResult.TooLarge;
            if (result != ExpandResult.Done)
            {
                return result;
            }
        }

        bool isWhole = ((flags & HasContentChecksum) == 0 || (TryReadUInt32(ref input, out uint content) && content == XxHash32.Compute(output.Written[start..])))
            && (contentSize is null || contentSize == (ulong)(output.Length - start));
        return isWhole ? ExpandResult.Done : ExpandResult.Corrupt;
    }

    private static bool TryReadDescriptor(ref ReadOnlySpan<byte> input, out byte flags, out ulong? contentSize)
    {
        flags = 0;
        contentSize = null;
        if (input.Length < 3)
        {
            return false;
        }

        flags = input[0];
        int length = 2 + ((flags & HasContentSize) != 0 ? sizeof(ulong) : 0);
        if ((flags & VersionMask) != Version || (flags & HasDictionary) != 0 || input.Length < length + 1)
        {
            return false;
        }

        if ((flags & HasContentSize) != 0)
        {
            contentSize = BinaryPrimitives.ReadUInt64LittleEndian(input[2..]);
        }

        bool isIntact = input[length] == (byte)((XxHash32.Compute(input[..length]) >> 8) & 0xFF);
        input = input[(length + 1)..];
        return isIntact;
    }

    /// <param name="earliest">Where the bytes begin that a match may look back to.</param>
    private static ExpandResult ExpandBlock(ReadOnlySpan<byte> block, ExpandBuffer output, int earliest)
    {
        int at = 0;
        while (at < block.Length)
        {
            byte token = block[at++];
            if (!TryReadLength(block, ref at, token >> 4, out int literals) || literals > block.Length - at)
            {
                return ExpandResult.Corrupt;
            }

            if (!output.TryAppend(block.Slice(at, literals)))
            {
                return ExpandResult.TooLarge;
            }

            at += literals;
            if (at == block.Length)
            {
                // The last sequence has literals only.
                return ExpandResult.Done;
            }

            if (block.Length - at < sizeof(ushort))
            {
                return ExpandResult.Corrupt;
            }

            int distance = BinaryPrimitives.ReadUInt16LittleEndian(block[at..]);
            at += sizeof(ushort);
            if (distance == 0 || distance > Math.Min(output.Length - earliest, Window) || !TryReadLength(block, ref at, token & 0xF, out int match))
            {
                return ExpandResult.Corrupt;
            }

            if (!output.TryRepeat(distance, match + 4))
            {
                return ExpandResult.TooLarge;
            }
        }

        return ExpandResult.Corrupt;
    }

    private static bool TryReadLength(ReadOnlySpan<byte> block, ref int at, int nibble, out int length)
    {
        // Each byte adds at most 255; what is beyond an int is beyond every limit too.
        long sum = nibble;
        if (nibble == 0xF)
        {
            byte next;
            do
            {
                if (at == block.Length)
                {
                    length = 0;
                    return false;
                }

                next = block[at++];
                sum += next;
            }
            while (next == 0xFF);
        }

        length = (int)Math.Min(sum, int.MaxValue - 4);
        return true;
    }

    private static bool TryReadUInt32(ref ReadOnlySpan<byte> input, out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32LittleEndian(input, out value))
        {
            return false;
        }

        input = input[sizeof(uint)..];
        return true;
    }
}
