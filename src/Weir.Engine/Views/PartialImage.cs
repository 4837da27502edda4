using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// The state of a <see cref="PartialView"/> at one offset, detached from it. Immutable, any thread. docs/internals/views.md has the drawing of what it writes:
/// all integers are zig-zag varints of <see cref="Varint"/>, 128-bit numbers 16 bytes, little-endian. The snapshot file's checksum covers it.
/// </summary>
internal sealed class PartialImage(
    long end, long errorCount, long[] errorOffsets, ViewStop? stop, int groupCount, byte[]?[] keys, long[] rows, long[] windowStarts, Accumulator[] accumulators)
{
    public const byte FormatVersion = 1;

    // Written in pieces, because a state can be larger than one array.
    private const int PieceBytes = 64 * 1024;

    /// <summary>Writes the section piece by piece; each piece is valid during the call only.</summary>
    public void WriteTo(Action<ReadOnlySpan<byte>> write)
    {
        ArrayBufferWriter<byte> piece = new();
        Write(piece, FormatVersion);
        WriteHeader(piece);
        for (int group = 0; group < keys.Length; group++)
        {
            if (keys[group] is { } key)
            {
                WriteGroup(piece, key, group);
            }

            if (piece.WrittenCount >= PieceBytes)
            {
                write(piece.WrittenSpan);
                piece.ResetWrittenCount();
            }
        }

        write(piece.WrittenSpan);
    }

    /// <summary>A hash of everything that the state means: equal for equal states, whatever order their groups came in and wherever they lie in memory.</summary>
    public UInt128 LogicalHash()
    {
        KeyedHash hash = new(0, 0);
        ArrayBufferWriter<byte> part = new();
        WriteHeader(part);
        UInt128 sum = hash.Hash(part.WrittenSpan);
        for (int group = 0; group < keys.Length; group++)
        {
            if (keys[group] is { } key)
            {
                // A sum does not depend on the order of its terms.
                part.ResetWrittenCount();
                WriteGroup(part, key, group);
                sum = unchecked(sum + hash.Hash(part.WrittenSpan));
            }
        }

        return sum;
    }

    private void WriteHeader(IBufferWriter<byte> section)
    {
        Write(section, end);
        Write(section, errorCount);
        Write(section, errorOffsets.Length);
        foreach (long offset in errorOffsets)
        {
            Write(section, offset);
        }

        Write(section, stop is null ? 0 : (long)stop.Code);
        if (stop is not null)
        {
            WriteBytes(section, Encoding.UTF8.GetBytes(stop.Detail));
        }

        Write(section, groupCount);
    }

    private void WriteGroup(IBufferWriter<byte> section, byte[] key, int group)
    {
        WriteBytes(section, key);
        Write(section, windowStarts.Length > 0 ? windowStarts[group] : 0);
        Write(section, rows[group]);
        foreach (Accumulator accumulator in accumulators)
        {
            PartialValue value = accumulator.Get(group);
            Write(section, (long)value.Kind);
            BinaryPrimitives.WriteInt128LittleEndian(section.GetSpan(16), value.Number.Scaled);
            section.Advance(16);
            Write(section, value.Count);
            Write(section, value.TimeMs);
            Write(section, value.Offset);
            WriteBytes(section, value.Text);
        }
    }

    private static void Write(IBufferWriter<byte> section, long value) =>
        section.Advance(Varint.Write(section.GetSpan(Varint.MaxBytes), value));

    private static void WriteBytes(IBufferWriter<byte> section, ReadOnlySpan<byte> bytes)
    {
        Write(section, bytes.Length);
        section.Write(bytes);
    }
}
