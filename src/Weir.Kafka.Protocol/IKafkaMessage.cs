namespace Weir.Kafka.Protocol;

/// <summary>The body of a request or of an answer. Generated: Messages/.</summary>
public interface IKafkaMessage
{
    /// <summary>Writes the body. Fields that the version does not have are left out without a word, whatever they hold.</summary>
    /// <param name="version">One of the API's range in <see cref="ApiTable"/>.</param>
    /// <exception cref="ArgumentException">The version is out of range, or a field holds what the version cannot carry: null where it may not be, a string over 32,767 bytes.</exception>
    void Write(KafkaWriter writer, short version);
}

/// <summary>A part of a message that has fields of its own.</summary>
internal interface IKafkaStruct<TSelf>
    where TSelf : class, IKafkaStruct<TSelf>
{
    /// <summary>Bytes that the shortest value takes: a count that promises more values than there are bytes for is refused before anything is allocated.</summary>
    static abstract int MinBytes(short version);

    static abstract TSelf Read(ref KafkaReader reader, short version);

    void Write(KafkaWriter writer, short version);
}
