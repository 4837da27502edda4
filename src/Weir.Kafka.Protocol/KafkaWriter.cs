using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace Weir.Kafka.Protocol;

/// <summary>
/// Writes one frame, its length included, and is used again for the next:
/// <code>
/// writer.WriteResponse(header, response);
/// foreach (FramePiece piece in writer.Pieces())
/// {
///     if (piece.HoleBytes > 0) ... send so many bytes of the partition's file ...
///     else                     ... send piece.Memory ...
/// }
/// </code>
/// Everything is copied into the writer's own buffer except records, which are referred to (<see cref="KafkaRecords"/>): a frame is a row of pieces, some of
/// them the caller's memory or a hole, in the order of the fields. Not thread-safe; pieces are valid until the next frame is begun. Dispose gives the buffer back.
/// </summary>
public sealed class KafkaWriter : IDisposable
{
    /// <summary>A writer lives as long as its connection: a larger buffer is not kept from one frame to the next.</summary>
    internal const int KeptBufferBytes = 1 << 20;

    private const int FirstBufferBytes = 4096;
    private const int LengthBytes = sizeof(int);

    private readonly List<(int At, KafkaRecords Records)> _records = [];
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
    private int _length;
    private long _recordBytes;
    private short _version;

    /// <summary>Bytes of the frame that is being written, its length field and its records included.</summary>
    public long FrameBytes => _length + _recordBytes;

    internal int BufferBytes => _buffer.Length;

    /// <summary>Whether strings, arrays and tags have the form of KIP-482.</summary>
    internal bool IsFlexible { get; set; }

    /// <summary>Writes the frame that answers a request.</summary>
    /// <param name="request">The request's header; its API and version must be in the table.</param>
    public void WriteResponse(in RequestHeader request, IKafkaMessage response)
    {
        Api api = request.Api ?? throw new ArgumentException($"API {request.ApiKey} has no version {request.ApiVersion} here", nameof(request));
        WriteResponse(api, request.ApiVersion, request.CorrelationId, response);
    }

    /// <summary>Writes the frame of an answer.</summary>
    /// <param name="version">The version to answer in. A request for ApiVersions in an unknown version is answered in version 0.</param>
    /// <exception cref="ArgumentException">See <see cref="IKafkaMessage.Write"/>. The frame is unfinished: begin anew.</exception>
    public void WriteResponse(Api api, short version, int correlationId, IKafkaMessage response)
    {
        BeginFrame();
        WriteInt32(correlationId);
        if (api.ResponseHeaderVersion(version) >= 1)
        {
            WriteUnsignedVarint(0);
        }

        response.Write(this, version);
        EndFrame();
    }

    /// <summary>Writes the frame of a request.</summary>
    /// <param name="clientId">Null: none.</param>
    /// <exception cref="ArgumentException">See <see cref="IKafkaMessage.Write"/>. The frame is unfinished: begin anew.</exception>
    public void WriteRequest(Api api, short version, int correlationId, string? clientId, IKafkaMessage request)
    {
        BeginFrame();
        WriteInt16((short)api.Key);
        WriteInt16(version);
        WriteInt32(correlationId);
        IsFlexible = false; // the client id has the old form in every version of the header
        WriteNullableString(clientId);
        if (api.RequestHeaderVersion(version) >= 2)
        {
            WriteUnsignedVarint(0);
        }

        request.Write(this, version);
        EndFrame();
    }

    /// <summary>The finished frame, piece by piece. None of them is empty.</summary>
    public IEnumerable<FramePiece> Pieces()
    {
        int from = 0;
        foreach ((int at, KafkaRecords records) in _records)
        {
            if (at > from)
            {
                yield return new FramePiece(_buffer.AsMemory(from, at - from), 0);
            }

            from = at;
            yield return records.IsHole ? new FramePiece(default, records.Length) : new FramePiece(records.Memory, 0);
        }

        yield return new FramePiece(_buffer.AsMemory(from, _length - from), 0);
    }

    public void Dispose()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        _length = 0;
        _records.Clear();
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>What follows is the body of this message.</summary>
    internal void BeginMessage(Api api, short version)
    {
        if (!api.Has(version))
        {
            throw new ArgumentOutOfRangeException(nameof(version), version, $"{api.Name} has versions {api.MinVersion} to {api.MaxVersion}");
        }

        _version = version;
        IsFlexible = api.IsFlexible(version);
    }

    internal void WriteBoolean(bool value) => Grow(1)[0] = value ? (byte)1 : (byte)0;

    internal void WriteInt8(sbyte value) => Grow(1)[0] = unchecked((byte)value);

    internal void WriteInt16(short value) => BinaryPrimitives.WriteInt16BigEndian(Grow(sizeof(short)), value);

    internal void WriteInt32(int value) => BinaryPrimitives.WriteInt32BigEndian(Grow(sizeof(int)), value);

    internal void WriteInt64(long value) => BinaryPrimitives.WriteInt64BigEndian(Grow(sizeof(long)), value);

    internal void WriteError(KafkaError value) => WriteInt16((short)value);

    internal void WriteUuid(Guid value) => value.TryWriteBytes(Grow(16), bigEndian: true, out _);

    internal void WriteString(string? value, [CallerArgumentExpression(nameof(value))] string? field = null) => WriteNullableString(value ?? FailOnNull<string>(field), field);

    internal void WriteNullableString(string? value, [CallerArgumentExpression(nameof(value))] string? field = null)
    {
        int bytes = value is null ? -1 : Encoding.UTF8.GetByteCount(value);
        if (bytes > KafkaReader.MaxStringBytes)
        {
            throw new ArgumentException($"{field} has {bytes} bytes, and {KafkaReader.MaxStringBytes} are the most", field);
        }

        if (IsFlexible)
        {
            WriteUnsignedVarint((uint)(bytes + 1));
        }
        else
        {
            WriteInt16((short)bytes);
        }

        if (value is not null)
        {
            Encoding.UTF8.GetBytes(value, Grow(bytes));
        }
    }

    internal void WriteBytes(byte[]? value, [CallerArgumentExpression(nameof(value))] string? field = null)
    {
        byte[] bytes = value ?? FailOnNull<byte[]>(field);
        WriteLength(bytes.Length);
        bytes.CopyTo(Grow(bytes.Length));
    }

    /// <summary>Writes the length; the bytes are referred to.</summary>
    internal void WriteNullableRecords(KafkaRecords? value)
    {
        WriteLength(value?.Length ?? -1);
        if (value is { Length: > 0 } records)
        {
            _records.Add((_length, records));
            _recordBytes += records.Length;
        }
    }

    internal void WriteStruct<T>(T value, short version)
        where T : class, IKafkaStruct<T> => value.Write(this, version);

    internal void WriteArray<T>(IReadOnlyList<T>? values, short version, [CallerArgumentExpression(nameof(values))] string? field = null)
        where T : class, IKafkaStruct<T> => WriteNullableArray(values ?? FailOnNull<IReadOnlyList<T>>(field), version);

    internal void WriteNullableArray<T>(IReadOnlyList<T>? values, short version)
        where T : class, IKafkaStruct<T>
    {
        WriteLength(values?.Count ?? -1);
        for (int i = 0; i < values?.Count; i++)
        {
            values[i].Write(this, version);
        }
    }

    internal void WriteInt32Array(IReadOnlyList<int>? values, [CallerArgumentExpression(nameof(values))] string? field = null) =>
        WriteNullableInt32Array(values ?? FailOnNull<IReadOnlyList<int>>(field));

    internal void WriteNullableInt32Array(IReadOnlyList<int>? values)
    {
        WriteLength(values?.Count ?? -1);
        for (int i = 0; i < values?.Count; i++)
        {
            WriteInt32(values[i]);
        }
    }

    internal void WriteStringArray(IReadOnlyList<string>? values, [CallerArgumentExpression(nameof(values))] string? field = null) =>
        WriteNullableStringArray(values ?? FailOnNull<IReadOnlyList<string>>(field), field);

    internal void WriteNullableStringArray(IReadOnlyList<string>? values, [CallerArgumentExpression(nameof(values))] string? field = null)
    {
        WriteLength(values?.Count ?? -1);
        for (int i = 0; i < values?.Count; i++)
        {
            WriteString(values[i], field);
        }
    }

    /// <summary>Says how many tagged fields follow; nothing where the version has none.</summary>
    internal void WriteTagCount(int count)
    {
        if (IsFlexible)
        {
            WriteUnsignedVarint((uint)count);
        }
    }

    /// <summary>Begins a tagged field; its value is written next.</summary>
    /// <returns>For <see cref="EndTag"/>.</returns>
    internal int BeginTag(uint tag)
    {
        WriteUnsignedVarint(tag);
        Grow(1);
        return _length;
    }

    /// <summary>Puts the size before the value. One byte was kept for it; a longer value is moved. Records cannot be in it: the generator refuses that.</summary>
    internal void EndTag(int start)
    {
        int size = _length - start;
        int sizeBytes = VarintBytes((uint)size);
        if (sizeBytes > 1)
        {
            Grow(sizeBytes - 1);
            _buffer.AsSpan(start, size).CopyTo(_buffer.AsSpan(start + sizeBytes - 1));
        }

        PutUnsignedVarint(_buffer.AsSpan(start - 1), (uint)size);
    }

    internal void WriteUnsignedVarint(uint value) => PutUnsignedVarint(Grow(VarintBytes(value)), value);

    private static int VarintBytes(uint value) => (38 - System.Numerics.BitOperations.LeadingZeroCount(value | 1)) / 7;

    private static void PutUnsignedVarint(Span<byte> destination, uint value)
    {
        int at = 0;
        for (; value >= 0x80; value >>= 7)
        {
            destination[at++] = (byte)((value & 0x7F) | 0x80);
        }

        destination[at] = (byte)value;
    }

    private void BeginFrame()
    {
        _records.Clear();
        _recordBytes = 0;
        _length = 0;
        if (_buffer.Length > KeptBufferBytes)
        {
            byte[] large = _buffer;
            _buffer = ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
            ArrayPool<byte>.Shared.Return(large);
        }

        Grow(LengthBytes);
    }

    private void EndFrame()
    {
        if (FrameBytes - LengthBytes > int.MaxValue)
        {
            throw new ArgumentException($"a frame of {FrameBytes} bytes: its length does not fit 32 bits");
        }

        BinaryPrimitives.WriteInt32BigEndian(_buffer, (int)(FrameBytes - LengthBytes));
    }

    private void WriteLength(int length)
    {
        if (IsFlexible)
        {
            WriteUnsignedVarint((uint)(length + 1L));
        }
        else
        {
            WriteInt32(length);
        }
    }

    private Span<byte> Grow(int bytes)
    {
        if (bytes > _buffer.Length - _length)
        {
            GrowSlow(bytes);
        }

        Span<byte> added = _buffer.AsSpan(_length, bytes);
        _length += bytes;
        return added;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void GrowSlow(int bytes)
    {
        ObjectDisposedException.ThrowIf(_buffer.Length == 0, this);
        long wanted = Math.Max(_length + (long)bytes, Math.Min(2L * _buffer.Length, Array.MaxLength));
        if (wanted > Array.MaxLength)
        {
            throw new ArgumentException($"a frame of more than {Array.MaxLength} bytes");
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent((int)wanted);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        byte[] old = _buffer;
        _buffer = larger;
        ArrayPool<byte>.Shared.Return(old);
    }

    [DoesNotReturn]
    private T FailOnNull<T>(string? field) => throw new ArgumentException($"{field} is null, which version {_version} cannot carry", field);
}

/// <summary>A piece of a frame: bytes in memory, or a hole of so many bytes that the sender fills.</summary>
/// <param name="HoleBytes">0: none, the bytes are in <paramref name="Memory"/>.</param>
public readonly record struct FramePiece(ReadOnlyMemory<byte> Memory, int HoleBytes);
