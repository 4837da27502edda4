namespace Weir.Kafka.Protocol;

/// <summary>
/// The record batches of a partition, as they are on the wire (see Weir.Core's RecordBatch). Read: a view of the frame, valid for as long as the caller
/// keeps the frame's memory; nothing is copied. Written: memory that the frame refers to until it is sent, or a hole that whoever sends it fills.
/// </summary>
public readonly record struct KafkaRecords
{
    /// <param name="memory">Must not change until the frame has been sent.</param>
    public KafkaRecords(ReadOnlyMemory<byte> memory)
    {
        Memory = memory;
        Length = memory.Length;
    }

    private KafkaRecords(int holeBytes) => Length = holeBytes;

    /// <summary>The bytes; empty for a hole.</summary>
    public ReadOnlyMemory<byte> Memory { get; }

    /// <summary>Bytes on the wire.</summary>
    public int Length { get; }

    /// <summary>True where the sender has to put <see cref="Length"/> bytes itself, for example from a file.</summary>
    public bool IsHole => Memory.Length != Length;

    /// <summary>Records that are not in memory yet.</summary>
    /// <param name="bytes">How many there will be, exactly: the frame's length counts them.</param>
    public static KafkaRecords Hole(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return new KafkaRecords(bytes);
    }
}
