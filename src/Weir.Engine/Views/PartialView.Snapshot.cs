using System.Buffers;
using System.Buffers.Binary;
using System.Collections;
using System.Text;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <content>
/// The state as a section of a snapshot. docs/internals/views.md has the drawing: all integers are zig-zag varints of <see cref="Varint"/>,
/// 128-bit numbers 16 bytes, little-endian. The snapshot file's checksum covers it.
/// </content>
public sealed partial class PartialView
{
    private const byte FormatVersion = 1;

    // A group in a snapshot is at least about as large.
    private const int LeastGroupBytes = 16;

    private StateCopy? _copy;

    /// <summary>Begins a copy of the state as it is now, while it goes on changing; <see cref="CopyNext"/> gives it. Owner.</summary>
    internal void BeginCopy()
    {
        Invariant.Check(_copy is null, "Two copies of one view at once.");
        _copy = new StateCopy(_groups.Used);
        Write(_copy.Piece, FormatVersion);
        WriteHeader(_copy.Piece);
    }

    /// <summary>The next piece of the copy: some groups, and those that were to change since the last piece, as they were. Null: that was all. Owner.</summary>
    /// <param name="pieceBytes">Bounds the groups: 64 KiB are 4,096 of them, half a millisecond of the writer thread.</param>
    internal byte[]? CopyNext(int pieceBytes)
    {
        StateCopy copy = _copy!;
        int end = Math.Min(copy.Next + Math.Max(1, pieceBytes / LeastGroupBytes), copy.IsDone.Length);

        // An empty piece would say that this was all: what is free or copied already is passed over.
        while (copy.Next < copy.IsDone.Length && (copy.Next < end || copy.Piece.WrittenCount == 0))
        {
            Copy(copy, copy.Next++);
        }

        if (copy.Piece.WrittenCount == 0)
        {
            _copy = null;
            return null;
        }

        byte[] piece = copy.Piece.WrittenSpan.ToArray();
        copy.Piece.ResetWrittenCount();
        return piece;
    }

    /// <summary>Gives up a copy under way.</summary>
    internal void AbandonCopy() => _copy = null;

    /// <summary>A hash of everything that the state means: equal for equal states, whatever order their groups came in and wherever they lie in memory.</summary>
    public UInt128 LogicalHash()
    {
        KeyedHash hash = new(0, 0);
        ArrayBufferWriter<byte> part = new();
        WriteHeader(part);
        UInt128 sum = hash.Hash(part.WrittenSpan);
        for (int group = 0; group < _groups.Used; group++)
        {
            if (_groups.KeyOf(group) is { } key)
            {
                // A sum does not depend on the order of its terms.
                part.ResetWrittenCount();
                WriteGroup(part, key, group);
                sum = unchecked(sum + hash.Hash(part.WrittenSpan));
            }
        }

        return sum;
    }

    // Before a group changes for the first time, a copy under way wants it as it was.
    private void Copy(StateCopy copy, int group)
    {
        if (group < copy.IsDone.Length && !copy.IsDone[group])
        {
            copy.IsDone[group] = true;
            if (_groups.KeyOf(group) is { } key)
            {
                WriteGroup(copy.Piece, key, group);
            }
        }
    }

    private void WriteHeader(IBufferWriter<byte> section)
    {
        Write(section, End);
        Write(section, ErrorCount);
        Write(section, _errorOffsets.Count);
        foreach (long offset in _errorOffsets)
        {
            Write(section, offset);
        }

        Write(section, Stop is null ? 0 : (long)Stop.Code);
        if (Stop is not null)
        {
            WriteBytes(section, Encoding.UTF8.GetBytes(Stop.Detail));
        }

        Write(section, _groups.Count);
    }

    private void WriteGroup(IBufferWriter<byte> section, byte[] key, int group)
    {
        WriteBytes(section, key);
        Write(section, _windowStarts[group]);
        Write(section, _rows[group]);
        foreach (Accumulator accumulator in _counting)
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

    /// <summary>Restores a state. The next <see cref="CollectChanges"/> gives all of it.</summary>
    /// <returns>Null when the section is of another format or does not fit the plan: drop it and replay the log instead.</returns>
    public static PartialView? ReadFrom(ReadOnlySpan<byte> section, ViewPlan plan, int partition, ulong hashSeed)
    {
        PartialView view = new(plan, partition, hashSeed);
        SectionReader reader = new(section);
        return reader.ReadInteger() == FormatVersion && view.TryRead(ref reader) ? view : null;
    }

    private bool TryRead(ref SectionReader reader)
    {
        End = reader.ReadInteger();
        ErrorCount = reader.ReadInteger();
        long listed = reader.ReadInteger();
        if (listed is < 0 or > ViewLimits.MaxListedErrors)
        {
            return false;
        }

        for (long i = 0; i < listed; i++)
        {
            _errorOffsets.Add(reader.ReadInteger());
        }

        int stopCode = reader.ReadSmall(int.MaxValue);
        if (stopCode != 0)
        {
            Stop = new ViewStop((ErrorCode)stopCode, Partition, End, Encoding.UTF8.GetString(reader.ReadBytes()));
        }

        for (long count = reader.ReadInteger(); count > 0 && !reader.HasFailed; count--)
        {
            ReadGroup(ref reader);
        }

        return !reader.HasFailed && reader.IsAtEnd;
    }

    private void ReadGroup(ref SectionReader reader)
    {
        byte[] key = reader.ReadBytes().ToArray();
        long windowStart = reader.ReadInteger();
        int group = Add(key, _groups.Hash(key), windowStart);
        _rows[group] = reader.ReadInteger();
        foreach (Accumulator accumulator in _counting)
        {
            DatumKind kind = (DatumKind)reader.ReadSmall(byte.MaxValue);
            Exact number = new(reader.ReadInt128());
            long count = reader.ReadInteger();
            long timeMs = reader.ReadInteger();
            long offset = reader.ReadInteger();
            ReadOnlySpan<byte> text = reader.ReadBytes();
            byte[]? owned = kind is DatumKind.String or DatumKind.Composite ? text.ToArray() : null;
            accumulator.Set(group, new PartialValue(kind, number, count, owned, timeMs, offset));
        }
    }

    /// <summary>Reads what was written; past the end or over a malformed length it gives zeros and remembers the failure.</summary>
    private ref struct SectionReader(ReadOnlySpan<byte> section)
    {
        private readonly ReadOnlySpan<byte> _section = section;
        private int _at;

        public bool HasFailed { get; private set; }

        public readonly bool IsAtEnd => _at == _section.Length;

        public long ReadInteger()
        {
            if (!Varint.TryRead(_section, ref _at, out long value))
            {
                HasFailed = true;
            }

            return value;
        }

        /// <summary>An integer from 0 to <paramref name="max"/>; what lies outside is malformed.</summary>
        public int ReadSmall(int max)
        {
            long value = ReadInteger();
            HasFailed |= value < 0 || value > max;
            return HasFailed ? 0 : (int)value;
        }

        public Int128 ReadInt128()
        {
            ReadOnlySpan<byte> bytes = Take(16);
            return bytes.IsEmpty ? 0 : BinaryPrimitives.ReadInt128LittleEndian(bytes);
        }

        public ReadOnlySpan<byte> ReadBytes() => Take(ReadInteger());

        private ReadOnlySpan<byte> Take(long length)
        {
            if (length < 0 || length > _section.Length - _at)
            {
                HasFailed = true;
                return default;
            }

            ReadOnlySpan<byte> taken = _section.Slice(_at, (int)length);
            _at += (int)length;
            return taken;
        }
    }

    /// <summary>A copy under way: groups below <see cref="Next"/> are in it, and those that changed since it began.</summary>
    private sealed class StateCopy(int groups)
    {
        public ArrayBufferWriter<byte> Piece { get; } = new();

        /// <summary>By group; those of higher indexes were made later and are no part of the copy.</summary>
        public BitArray IsDone { get; } = new(groups);

        public int Next { get; set; }

        /// <summary>A new group takes an index that was free when the copy began, or that of a removed one, which is copied.</summary>
        public void LeaveOut(int group)
        {
            if (group < IsDone.Length)
            {
                IsDone[group] = true;
            }
        }
    }
}
