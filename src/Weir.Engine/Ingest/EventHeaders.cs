using System.Globalization;
using System.Text;
using Weir.Core;

namespace Weir.Engine;

/// <summary>The headers of a record in wire form: CloudEvents attributes as <c>ce_*</c>, an idempotency key, or none.</summary>
public readonly struct EventHeaders
{
    /// <summary>Longest header value, bytes.</summary>
    public const int MaxValueBytes = 1024;

    /// <summary>Most headers of one event.</summary>
    public const int MaxCount = 64;

    private readonly byte[]? _wire;

    private EventHeaders(byte[] wire, int count)
    {
        _wire = wire;
        Count = count;
    }

    public static EventHeaders None => default;

    public int Count { get; }

    internal ReadOnlySpan<byte> Wire => _wire;

    /// <summary>An <c>Idempotency-Key</c> and, in a body of several events, the event's index in it.</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.HeaderTooLong"/>.</exception>
    public static EventHeaders FromIdempotencyKey(string key, int? index) =>
        From([new("idempotency-key", index is { } i ? string.Create(CultureInfo.InvariantCulture, $"{key}/{i}") : key)]);

    /// <summary>Headers from names and values; CloudEvents attributes come as <c>ce_id</c>, <c>ce_source</c>, ….</summary>
    /// <exception cref="WeirException"><see cref="ErrorCode.HeaderTooLong"/>: a value over 1,024 bytes, a name over 64, or more than 64 headers.</exception>
    public static EventHeaders From(IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        if (headers.Count > MaxCount)
        {
            throw new WeirException(ErrorCode.HeaderTooLong, $"The event has {headers.Count} headers; at most {MaxCount} are stored.");
        }

        var wire = new MemoryStream();
        Span<byte> varint = stackalloc byte[Varint.MaxBytes];
        foreach ((string name, string value) in headers)
        {
            byte[] nameBytes = Encoding.UTF8.GetBytes(name);
            byte[] valueBytes = Encoding.UTF8.GetBytes(value);
            if (nameBytes.Length > 64 || valueBytes.Length > MaxValueBytes)
            {
                throw new WeirException(ErrorCode.HeaderTooLong, $"The header {name} is longer than {MaxValueBytes} bytes.");
            }

            wire.Write(varint[..Varint.Write(varint, nameBytes.Length)]);
            wire.Write(nameBytes);
            wire.Write(varint[..Varint.Write(varint, valueBytes.Length)]);
            wire.Write(valueBytes);
        }

        return new EventHeaders(wire.ToArray(), headers.Count);
    }
}
