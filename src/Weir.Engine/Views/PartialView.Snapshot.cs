using System.Buffers;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <content>
/// The state as a section of a snapshot (docs/internals/views.md has the drawing). All integers are zig-zag varints of
/// <see cref="Varint"/>; 128-bit numbers are 16 bytes, little-endian. The order of groups means nothing; the
/// snapshot file's checksum covers the section.
/// </content>
public sealed partial class PartialView
{
    private const byte FormatVersion = 1;

    /// <summary>Writes the state at <see cref="End"/>. Called by the owner.</summary>
    public void WriteTo(IBufferWriter<byte> section)
    {
        Write(section, FormatVersion);
        Write(section, End);
        WriteErrors(section);
        Write(section, _groups.Count);
        for (int group = 0; group < _groups.Used; group++)
        {
            if (_groups.KeyOf(group) is not null)
            {
                WriteGroup(section, group);
            }
        }
    }

    /// <summary>Restores a state. The next <see cref="CollectChanges"/> gives all of it.</summary>
    /// <returns>Null when the section is of another format or does not fit the plan: drop it and replay the log instead.</returns>
    public static PartialView? ReadFrom(ReadOnlySpan<byte> section, ViewPlan plan, int partition, ulong hashSeed)
    {
        PartialView view = new(plan, partition, hashSeed);
        SectionReader reader = new(section);
        return reader.ReadInteger() == FormatVersion && view.TryRead(ref reader) ? view : null;
    }

    /// <summary>A hash of everything that the state means: equal for equal states, whatever order their groups came in and wherever they lie in memory.</summary>
    public UInt128 LogicalHash()
    {
        KeyedHash hash = new(0, 0);
        ArrayBufferWriter<byte> part = new();
        Write(part, End);
        WriteErrors(part);
        Write(part, _groups.Count);
        UInt128 sum = hash.Hash(part.WrittenSpan);
        for (int group = 0; group < _groups.Used; group++)
        {
            if (_groups.KeyOf(group) is not null)
            {
                // A sum does not depend on the order of its terms.
                part.ResetWrittenCount();
                WriteGroup(part, group);
                sum = unchecked(sum + hash.Hash(part.WrittenSpan));
            }
        }

        return sum;
    }

    private void WriteErrors(IBufferWriter<byte> section)
    {
        Write(section, ErrorCount);
        Write(section, _errorOffsets.Count);
        foreach (long offset in _errorOffsets)
        {
            Write(section, offset);
        }

        Write(section, Stop is null ? 0 : (long)Stop.Code);
        if (Stop is not null)
        {
            WriteBytes(section, System.Text.Encoding.UTF8.GetBytes(Stop.Detail));
        }
    }

    private void WriteGroup(IBufferWriter<byte> section, int group)
    {
        WriteBytes(section, _groups.KeyOf(group));
        Write(section, _windowStarts[group]);
        Write(section, _rows[group]);
        foreach (Accumulator accumulator in _counting)
        {
            PartialValue value = accumulator.Get(group);
            Write(section, (long)value.Kind);
            Span<byte> number = section.GetSpan(16);
            System.Buffers.Binary.BinaryPrimitives.WriteInt128LittleEndian(number, value.Number.Scaled);
            section.Advance(16);
            Write(section, value.Count);
            Write(section, value.TimeMs);
            Write(section, value.Offset);
            WriteBytes(section, value.Text);
        }
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

        long stopCode = reader.ReadInteger();
        if (stopCode != 0)
        {
            Stop = new ViewStop((ErrorCode)stopCode, Partition, End, System.Text.Encoding.UTF8.GetString(reader.ReadBytes()));
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
            DatumKind kind = (DatumKind)reader.ReadInteger();
            Exact number = new(reader.ReadInt128());
            long count = reader.ReadInteger();
            long timeMs = reader.ReadInteger();
            long offset = reader.ReadInteger();
            ReadOnlySpan<byte> text = reader.ReadBytes();
            byte[]? owned = kind is DatumKind.String or DatumKind.Composite ? text.ToArray() : null;
            accumulator.Set(group, new PartialValue(kind, number, count, owned, timeMs, offset));
        }
    }

    private static void Write(IBufferWriter<byte> section, long value) =>
        section.Advance(Varint.Write(section.GetSpan(Varint.MaxBytes), value));

    private static void WriteBytes(IBufferWriter<byte> section, ReadOnlySpan<byte> bytes)
    {
        Write(section, bytes.Length);
        section.Write(bytes);
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

        public Int128 ReadInt128()
        {
            ReadOnlySpan<byte> bytes = Take(16);
            return bytes.IsEmpty ? 0 : System.Buffers.Binary.BinaryPrimitives.ReadInt128LittleEndian(bytes);
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
}
