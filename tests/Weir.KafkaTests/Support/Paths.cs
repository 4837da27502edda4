using System.Reflection;

namespace Weir.KafkaTests.Support;

/// <summary>Where things are in the checkout that these tests were built from.</summary>
internal static class Paths
{
    public static string Root { get; } = Metadata("Root");

    /// <summary>The program <c>weir</c>.</summary>
    public static string Weir { get; } = Metadata("WeirProgram");

    public static string Clients { get; } = Path.Combine(Root, "tests", "Weir.KafkaTests", "clients");

    /// <summary>tests/ConfluentClient with the newest Confluent.Kafka and the librdkafka that it brings.</summary>
    public static string[] NewConfluentClient { get; } = [Metadata("ConfluentClient"), Metadata("Confluent.Kafka"), Metadata("librdkafka")];

    /// <summary>tests/ConfluentClient with an older one and the system's librdkafka.</summary>
    public static string[] OldConfluentClient { get; } = [Metadata("ConfluentClient"), Metadata("OldConfluent.Kafka"), "librdkafka.so.1"];

    private static string Metadata(string name) =>
        typeof(Paths).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key == name).Value!;
}
