using Weir.KafkaTests.Scenarios;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests;

/// <summary>Confluent.Kafka for .NET of 2022, over Debian's librdkafka.</summary>
public sealed class OldConfluentDotnetTests(OldConfluentDotnetTests.Confluent bench) : ClientTests(bench), IClassFixture<OldConfluentDotnetTests.Confluent>
{
    private protected override IReadOnlyList<Scenario> More => [Scenario.Idempotent, Scenario.Admin];

    private protected override IReadOnlyList<Scenario> LeftOut => [Scenario.Codecs, Scenario.Since, Scenario.Kill, Scenario.Idempotent];

    [Fact]
    public Task An_idempotent_producer_whose_answers_are_lost_writes_each_event_once() => ProveAsync(Scenario.Idempotent);

    [Fact]
    public Task Its_admin_calls_do_what_they_say() => ProveAsync(Scenario.Admin);

    public sealed class Confluent() : ClientBench(new KafkaClient(
        "Confluent.Kafka (.NET), older", "crc32", ["gzip", "snappy", "lz4", "zstd"], Paths.OldConfluentClient, "librdkafka1 is not installed")
    {
        IsIdempotent = true,
        AdminSteps = ["create", "configs", "partitions", "delete", "groups", "group", "forget"],
    });
}
