namespace Weir.Storage;

/// <summary>How the records of a batch are compressed: bits 0 to 2 of its attributes. Source: Apache Kafka, CompressionType.java.</summary>
public enum BatchCodec
{
    None = 0,
    Gzip = 1,

    /// <summary>One raw block, or blocks in the framing of the xerial library, which is what Java clients write.</summary>
    Snappy = 2,

    /// <summary>Frames of the LZ4 frame format.</summary>
    Lz4 = 3,

    /// <summary>Read by the system's libzstd.so.1, where it is installed.</summary>
    Zstd = 4,
}
