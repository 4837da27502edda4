using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace Weir.Kafka.Protocol;

/// <summary>
/// Reads one complete frame that the caller holds in one piece of memory, without the four bytes of its length:
/// <code>
/// var reader = new KafkaReader(frame);
/// RequestHeader header = RequestHeader.Read(ref reader);
/// if (header.Api is null) ...                                  // an API or a version that is not in the table
/// var request = ProduceRequest.Read(ref reader, header.ApiVersion);
/// </code>
/// Records come out as views of the frame (<see cref="KafkaRecords"/>): keep the frame's memory until they are done with. Everything else is copied.
/// Whatever the bytes, nothing but a <see cref="KafkaProtocolException"/> is thrown, and no more is allocated than a constant times the frame: a count is
/// believed only as far as the bytes that remain could hold so many of the shortest values. Unknown tagged fields are skipped. Bytes after the message are no
/// error (<see cref="RemainingBytes"/>).
/// </summary>
public ref struct KafkaReader
{
    /// <summary>Longest string that the protocol can carry, in bytes.</summary>
    internal const int MaxStringBytes = short.MaxValue;

    private readonly ReadOnlyMemory<byte> _frame;
    private readonly ReadOnlySpan<byte> _bytes;
    private int _position;
    private int _end;
    private Api? _api;
    private bool _isRequest;
    private short _version;

    /// <param name="frame">The bytes after the length field.</param>
    public KafkaReader(ReadOnlyMemory<byte> frame)
    {
        _frame = frame;
        _bytes = frame.Span;
        _end = frame.Length;
        _version = -1;
        _isRequest = true;
    }

    /// <summary>The next byte to read.</summary>
    public readonly int Position => _position;

    /// <summary>Whether strings, arrays and tags have the form of KIP-482.</summary>
    internal bool IsFlexible { get; set; }

    /// <summary>
    /// Bytes that are not read yet. After a message there are none, as a rule; Kafka's broker ignores what follows, and it has to: the request of librdkafka 2.16
    /// for the metadata of all topics (version 13) is three bytes longer than the message.
    /// </summary>
    public readonly int RemainingBytes => _end - _position;

    /// <summary>What follows is the body of this message.</summary>
    internal void BeginMessage(Api api, bool isRequest, short version)
    {
        _api = api;
        _isRequest = isRequest;
        _version = version;
        if (!api.Has(version))
        {
            Fail($"versions go from {api.MinVersion} to {api.MaxVersion}");
        }

        IsFlexible = api.IsFlexible(version);
    }

    internal bool ReadBoolean() => Take(1)[0] != 0;

    internal sbyte ReadInt8() => unchecked((sbyte)Take(1)[0]);

    internal short ReadInt16() => BinaryPrimitives.ReadInt16BigEndian(Take(sizeof(short)));

    internal int ReadInt32() => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)));

    internal long ReadInt64() => BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long)));

    internal KafkaError ReadError() => (KafkaError)ReadInt16();

    internal Guid ReadUuid() => new(Take(16), bigEndian: true);

    internal string ReadString() => ReadNullableString() ?? FailOnNull<string>("string");

    internal string? ReadNullableString()
    {
        int start = _position;
        int length = IsFlexible ? ReadCompactLength() : ReadInt16();
        if (length < 0)
        {
            return length == -1 ? null : FailAt<string>(start, $"a string of {length} bytes");
        }

        if (length > MaxStringBytes)
        {
            Fail(start, $"a string of {length} bytes, and {MaxStringBytes} are the most");
        }

        ReadOnlySpan<byte> text = Take(length);
        if (!Utf8.IsValid(text))
        {
            Fail(start, "a string that is not UTF-8");
        }

        return Encoding.UTF8.GetString(text);
    }

    internal byte[] ReadBytes()
    {
        int start = _position;
        int length = ReadLength();
        return length >= 0 ? Take(length).ToArray() : FailAt<byte[]>(start, length == -1 ? "bytes are null, which this version does not allow" : $"{length} bytes");
    }

    internal KafkaRecords? ReadNullableRecords()
    {
        int start = _position;
        int length = ReadLength();
        if (length < 0)
        {
            return length == -1 ? null : FailAt<KafkaRecords?>(start, $"{length} bytes of records");
        }

        int at = _position;
        Take(length);
        return new KafkaRecords(_frame.Slice(at, length));
    }

    internal T ReadStruct<T>(short version)
        where T : class, IKafkaStruct<T> => T.Read(ref this, version);

    internal T[] ReadArray<T>(short version)
        where T : class, IKafkaStruct<T> => ReadNullableArray<T>(version) ?? FailOnNull<T[]>("array");

    internal T[]? ReadNullableArray<T>(short version)
        where T : class, IKafkaStruct<T>
    {
        int count = ReadCount(T.MinBytes(version));
        if (count < 0)
        {
            return null;
        }

        T[] values = count == 0 ? [] : new T[count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = T.Read(ref this, version);
        }

        return values;
    }

    internal int[] ReadInt32Array() => ReadNullableInt32Array() ?? FailOnNull<int[]>("array");

    internal int[]? ReadNullableInt32Array()
    {
        int count = ReadCount(sizeof(int));
        if (count < 0)
        {
            return null;
        }

        int[] values = count == 0 ? [] : new int[count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = ReadInt32();
        }

        return values;
    }

    internal string[] ReadStringArray() => ReadNullableStringArray() ?? FailOnNull<string[]>("array");

    internal string[]? ReadNullableStringArray()
    {
        int count = ReadCount(IsFlexible ? 1 : 2);
        if (count < 0)
        {
            return null;
        }

        string[] values = count == 0 ? [] : new string[count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = ReadString();
        }

        return values;
    }

    /// <summary>Reads how many tagged fields follow; 0 where the version has none. Each is then read by <see cref="BeginTag"/>, its value, <see cref="EndTag"/>.</summary>
    internal int ReadTagCount()
    {
        if (!IsFlexible)
        {
            return 0;
        }

        int start = _position;
        uint count = ReadUnsignedVarint();
        if (count > (uint)RemainingBytes / 2)
        {
            Fail(start, $"{count} tagged fields in {RemainingBytes} bytes");
        }

        return (int)count;
    }

    /// <summary>Reads the number and the size of a tagged field; until <see cref="EndTag"/> reading ends where the field does.</summary>
    /// <param name="end">The end that reading has outside of the field: for <see cref="EndTag"/>.</param>
    internal uint BeginTag(out int end)
    {
        uint tag = ReadUnsignedVarint();
        int start = _position;
        uint size = ReadUnsignedVarint();
        if (size > (uint)RemainingBytes)
        {
            Fail(start, $"tagged field {tag} has {size} bytes, and {RemainingBytes} are left");
        }

        end = _end;
        _end = _position + (int)size;
        return tag;
    }

    /// <summary>Passes over a tagged field that the version does not know.</summary>
    internal void SkipTag() => _position = _end;

    internal void EndTag(int end)
    {
        if (_position != _end)
        {
            Fail($"a tagged field has {_end - _position} bytes more than its value");
        }

        _end = end;
    }

    /// <summary>Passes over the tagged fields of a structure that defines none.</summary>
    internal void SkipTags()
    {
        for (int left = ReadTagCount(); left > 0; left--)
        {
            BeginTag(out int end);
            SkipTag();
            EndTag(end);
        }
    }

    /// <summary>Unsigned, seven bits a byte, the lowest first, at most five bytes.</summary>
    internal uint ReadUnsignedVarint()
    {
        int start = _position;
        uint value = 0;
        for (int shift = 0; shift < 35; shift += 7)
        {
            byte next = Take(1)[0];
            if (shift == 28 && next > 0x0F)
            {
                break;
            }

            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        return FailAt<uint>(start, "a variable-length number beyond 32 bits");
    }

    /// <summary>-1: null.</summary>
    private int ReadLength() => IsFlexible ? ReadCompactLength() : ReadInt32();

    /// <summary>One more than the length is on the wire, so that 0 is null.</summary>
    private int ReadCompactLength()
    {
        int start = _position;
        uint value = ReadUnsignedVarint();
        return value <= int.MaxValue ? (int)value - 1 : FailAt<int>(start, $"a length of {value - 1}");
    }

    /// <summary>-1: null.</summary>
    private int ReadCount(int minBytes)
    {
        int start = _position;
        int count = ReadLength();
        if (count < -1 || count > RemainingBytes / minBytes)
        {
            Fail(start, $"{count} values of at least {minBytes} bytes, and {RemainingBytes} bytes are left");
        }

        return count;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > RemainingBytes)
        {
            Fail($"{count} bytes expected, and {RemainingBytes} are left");
        }

        ReadOnlySpan<byte> taken = _bytes.Slice(_position, count);
        _position += count;
        return taken;
    }

    [DoesNotReturn]
    private readonly T FailOnNull<T>(string kind)
    {
        Fail(_position, $"the {kind} that ends here is null, which this version does not allow");
        return default;
    }

    [DoesNotReturn]
    private readonly T FailAt<T>(int position, string what)
    {
        Fail(position, what);
        return default;
    }

    [DoesNotReturn]
    private readonly void Fail(string what) => Fail(_position, what);

    [DoesNotReturn]
    private readonly void Fail(int position, string what) => throw new KafkaProtocolException(what, _api, _isRequest, _version, position);
}
