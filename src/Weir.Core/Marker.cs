using System.Buffers.Binary;

namespace Weir.Core;

/// <summary>Kinds of marker: the type in the key of a control record (key: int16 version 0, int16 type, big-endian). Frozen; Kafka's own types are 0 and 1.</summary>
public enum MarkerType : short
{
    Define = 1000,
    Open = 1001,
    Close = 1002,

    /// <summary>In the place of a record that was damaged and that an operator has given up: <c>weir log repair</c>.</summary>
    Lost = 1003,
}

/// <summary>
/// A control record of the log: define, open, close or lost. Its value is JSON with its own "version"; docs/internals/markers.md shows each.
/// Closing is a place in the log, not a clock reading.
/// </summary>
public static class Marker
{
    public const int KeyBytes = 4;

    /// <summary>Builds a control batch of one marker; the bytes belong to <paramref name="writer"/>.</summary>
    public static Span<byte> Write(RecordBatchWriter writer, MarkerType type, ReadOnlySpan<byte> json, long timestampMs)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        BinaryPrimitives.WriteInt16BigEndian(key, 0);
        BinaryPrimitives.WriteInt16BigEndian(key[2..], (short)type);
        writer.Begin(timestampMs, isControl: true);
        writer.Append(hasKey: true, key, json);
        return writer.Finish();
    }

    /// <summary>Builds a control batch of <paramref name="count"/> lost records, one for each offset; the bytes belong to <paramref name="writer"/>.</summary>
    public static Span<byte> WriteLost(RecordBatchWriter writer, int count)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        BinaryPrimitives.WriteInt16BigEndian(key, 0);
        BinaryPrimitives.WriteInt16BigEndian(key[2..], (short)MarkerType.Lost);
        writer.Begin(timestampMs: 0, isControl: true);
        for (int i = 0; i < count; i++)
        {
            writer.Append(hasKey: true, key, """{"version":1}"""u8);
        }

        return writer.Finish();
    }

    /// <summary>Reads the type from a control record's key; false for a key of another length, version or type.</summary>
    public static bool TryReadType(ReadOnlySpan<byte> key, out MarkerType type)
    {
        type = default;
        if (key.Length != KeyBytes || BinaryPrimitives.ReadInt16BigEndian(key) != 0)
        {
            return false;
        }

        type = (MarkerType)BinaryPrimitives.ReadInt16BigEndian(key[2..]);
        return type is MarkerType.Define or MarkerType.Open or MarkerType.Close or MarkerType.Lost;
    }
}
