using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Weir.Core;
using Weir.Storage;

namespace Weir.Recount;

/// <summary>
/// What a log that retention has cut begins with: the rules, the owners and the view's rows at the base's offset. The records that led to them are gone, so a
/// recount takes them as they are. Read by docs/internals/snapshot.md and views.md. Belongs to one thread.
/// </summary>
internal sealed class BaseState : IDisposable
{
    /// <summary>A base holds the first word of a hash and half of the second.</summary>
    public static readonly UInt128 HashMask = UInt128.MaxValue >> 32;

    private const int EntryBytes = 24;
    private const int AdmissionBytes = 90;
    private const byte OpenPhase = 1;
    private const long FormatVersion = 1;
    private const int NumberBytes = 16;
    private const int MostTextBytes = 1 << 20;
    private const ulong OffsetMask = (1UL << 48) - 1;

    private readonly SnapshotReader _reader;
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _at;
    private int _length;
    private long _firstOffset;

    private BaseState(SnapshotReader reader) => _reader = reader;

    /// <summary>The first record that is counted.</summary>
    public long Offset => _reader.Offset.Value;

    /// <summary>Those in force at <see cref="Offset"/>.</summary>
    public StreamRules Rules { get; private set; } = null!;

    public bool IsOpen { get; private set; }

    /// <summary>No fewer than there are.</summary>
    public long MostOwners => _reader.FileBytes / EntryBytes;

    /// <summary>Opens the base of a log whose beginning is gone.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.LogDamaged"/>: neither copy is intact, or a section is not as it should be. Retrying cannot help.</exception>
    public static BaseState Open(IDisk disk, PartitionLog log)
    {
        if (!SnapshotReader.TryOpenBase(disk, log.Directory, log.Identity, out SnapshotReader? reader))
        {
            throw new WeirException(
                ErrorCode.LogDamaged,
                $"The log in {log.Directory} begins at offset {log.LogStart}, where retention has cut it, and neither copy of its base is intact: what came before cannot be known.");
        }

        var state = new BaseState(reader);
        try
        {
            state.ReadRules();
            return state;
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    /// <summary>Adds the owners, or identities, of one class.</summary>
    /// <returns>False: the table is full.</returns>
    public bool TryLoadOwners(Owners owners, Admission admission)
    {
        if (!MoveTo("table-0"))
        {
            return true;
        }

        Span<byte> entry = stackalloc byte[EntryBytes];
        while (TryFill(entry))
        {
            ulong low = BinaryPrimitives.ReadUInt64LittleEndian(entry);
            ulong second = BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]);
            ulong third = BinaryPrimitives.ReadUInt64LittleEndian(entry[16..]);
            var hash = new UInt128(upper: second & uint.MaxValue, lower: low);
            if (!admission.IsMine(hash))
            {
                continue;
            }

            ref Owner owner = ref owners.FindOrAdd(hash, _firstOffset + (long)(third & OffsetMask) - 1, out _);
            owner.IdentityPrint = (uint)(second >> 32) & 0xFF_FFFF;
            owner.PayloadPrint = (uint)(second >> 56) | ((uint)(third >> 48) << 8);
            if (owners.IsFull)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Gives the view its rows at <see cref="Offset"/>; a view that is not in the base was made later and has none.</summary>
    /// <param name="section">Name of the view's section; null: nothing is taken.</param>
    public void LoadView(string? section, ViewTally tally, int partition)
    {
        if (section is null || !MoveTo(section))
        {
            return;
        }

        long version = ReadInteger();
        long end = ReadInteger();
        if (version != FormatVersion || end != Offset)
        {
            throw Damaged(string.Create(CultureInfo.InvariantCulture, $"the section {section} has format {version} and ends at offset {end}"));
        }

        long errors = ReadInteger();
        for (long listed = ReadInteger(); listed > 0; listed--)
        {
            ReadInteger();
        }

        if (ReadInteger() != 0)
        {
            throw Damaged("the view had stopped before it: " + Encoding.UTF8.GetString(ReadBytes()));
        }

        tally.AddErrors(errors);
        try
        {
            for (long groups = ReadInteger(); groups > 0; groups--)
            {
                ReadGroup(tally, partition);
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException or OverflowException)
        {
            throw Damaged($"a row of the section {section} makes no sense: {e.Message}");
        }
    }

    public void Dispose() => _reader.Dispose();

    private void ReadGroup(ViewTally tally, int partition)
    {
        byte[] key = ReadBytes();
        long window = ReadInteger();
        long rows = ReadInteger();
        Aggregate[] group = tally.AddGroup(ViewTally.ReadKey(key), window);
        for (int i = 0; i < group.Length; i++)
        {
            if (tally.IsCountOfRows(i))
            {
                group[i].Count = rows;
            }
            else
            {
                ReadAggregate(ref group[i], partition);
            }
        }
    }

    private void ReadAggregate(ref Aggregate aggregate, int partition)
    {
        long kind = ReadInteger();
        Span<byte> number = stackalloc byte[NumberBytes];
        Fill(number);
        BigInteger scaled = BinaryPrimitives.ReadInt128LittleEndian(number);
        aggregate.Count = ReadInteger();
        aggregate.At = new Stamp(ReadInteger(), partition, ReadInteger());
        byte[] text = ReadBytes();
        aggregate.Sum = kind == 0 ? scaled : 0;
        aggregate.Kept = kind switch
        {
            0 => Value.Null,
            1 or 2 => Value.OfBoolean(kind == 2),
            3 => Value.OfNumber(scaled),
            4 => Value.OfString(text),
            5 => new Value(ValueKind.Composite, default, text, IsUnusable: false),
            _ => throw Damaged(string.Create(CultureInfo.InvariantCulture, $"an aggregate's value is of kind {kind}")),
        };
    }

    private void ReadRules()
    {
        if (!MoveTo("define"))
        {
            throw Damaged("it has no definition");
        }

        using var define = new MemoryStream();
        Span<byte> piece = stackalloc byte[1_024];
        for (int count; (count = _reader.Read(piece)) > 0;)
        {
            define.Write(piece[..count]);
        }

        Rules = StreamRules.Read(define.ToArray());
        Span<byte> admission = stackalloc byte[AdmissionBytes];
        if (!MoveTo("admission") || !TryFill(admission))
        {
            throw Damaged("it has no state of admission");
        }

        IsOpen = admission[0] == OpenPhase;
        _firstOffset = BinaryPrimitives.ReadInt64LittleEndian(admission[10..]);
    }

    private bool MoveTo(string section)
    {
        _reader.Rewind();
        (_at, _length) = (0, 0);
        while (_reader.TryNextSection(out string? name))
        {
            if (name == section)
            {
                return true;
            }
        }

        return false;
    }

    private long ReadInteger()
    {
        // At most ten bytes of seven bits, the last one without the high bit.
        Span<byte> bytes = stackalloc byte[Varint.MaxBytes];
        int length = 0;
        do
        {
            Fill(bytes.Slice(length, 1));
        }
        while (bytes[length++] >= 0x80 && length < bytes.Length);

        int at = 0;
        return Varint.TryRead(bytes[..length], ref at, out long value) ? value : throw Damaged("a number has no end");
    }

    private byte[] ReadBytes()
    {
        long length = ReadInteger();
        if (length < 0 || length > Math.Min(MostTextBytes, _reader.FileBytes))
        {
            throw Damaged(string.Create(CultureInfo.InvariantCulture, $"a text has {length} bytes"));
        }

        var bytes = new byte[length];
        Fill(bytes);
        return bytes;
    }

    private void Fill(Span<byte> destination)
    {
        if (!TryFill(destination) && destination.Length > 0)
        {
            throw Damaged("a section ends too early");
        }
    }

    /// <summary>False at the end of the section.</summary>
    private bool TryFill(Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            if (_at == _length)
            {
                (_at, _length) = (0, _reader.Read(_buffer));
                if (_length == 0)
                {
                    return false;
                }
            }

            int count = Math.Min(destination.Length, _length - _at);
            _buffer.AsSpan(_at, count).CopyTo(destination);
            _at += count;
            destination = destination[count..];
        }

        return true;
    }

    private WeirException Damaged(string what) => new(ErrorCode.LogDamaged, $"The base {_reader.Path} cannot be used: {what}.");
}
