using Weir.KafkaTests.Scenarios;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests;

/// <summary>Confluent.Kafka for .NET with the librdkafka that it brings; its groups rebalance cooperatively.</summary>
public sealed class ConfluentDotnetTests(ConfluentDotnetTests.Confluent bench) : ClientTests(bench), IClassFixture<ConfluentDotnetTests.Confluent>
{
    private protected override IReadOnlyList<Scenario> More => [Scenario.Idempotent, Scenario.Admin];

    [Fact]
    public Task An_idempotent_producer_whose_answers_are_lost_writes_each_event_once() => ProveAsync(Scenario.Idempotent);

    [Fact]
    public Task Its_admin_calls_do_what_they_say() => ProveAsync(Scenario.Admin);

    public sealed class Confluent() : ClientBench(new KafkaClient(
        "Confluent.Kafka (.NET)", "crc32", ["gzip", "snappy", "lz4", "zstd"], Paths.NewConfluentClient, "The newest Confluent.Kafka does not start")
    {
        IsIdempotent = true,
        AdminSteps = ["create", "configs", "alter", "partitions", "delete", "groups", "group", "forget"],
    });
}
