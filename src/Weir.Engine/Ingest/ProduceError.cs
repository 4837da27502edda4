namespace Weir.Engine;

/// <summary>Why a produced batch has no place in the log. Each has one error code of Kafka's; the server has the table.</summary>
public enum ProduceError
{
    None,

    /// <summary>Its length, its checksum or its records are not what its header says. A retry of the same bytes does not help.</summary>
    Corrupt,

    /// <summary>Not a record batch of format 2.</summary>
    UnsupportedFormat,

    /// <summary>Its codec is unknown, or the library that reads it is not installed here.</summary>
    UnsupportedCompression,

    /// <summary>A record is too long, or the batch expands to more than is taken.</summary>
    TooLarge,

    /// <summary>A record breaks the stream's rules: key, partition, or an invalid event where those are refused. <see cref="ProduceBatch.Refusals"/> has each.</summary>
    InvalidRecord,

    /// <summary>Part of a transaction, or a control batch: only the log writes those.</summary>
    NotAllowed,

    /// <summary>A batch of the producer's before this one is missing.</summary>
    SequenceGap,

    /// <summary>It was appended earlier than its producer's last five batches: it is in the log, once.</summary>
    AppendedEarlier,

    /// <summary>A later epoch of the producer has appended since.</summary>
    Fenced,

    /// <summary>The producer is forgotten, or its id was not given out here.</summary>
    UnknownProducer,

    /// <summary>The partition knows as many producers as it may, all of them active within 24 h.</summary>
    TooManyProducers,

    /// <summary>The memory for owners is used up (limits.state_bytes) and the batch has owners not known yet.</summary>
    StateFull,
}
