using Weir.KafkaTests.Scenarios;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests;

/// <summary>confluent-kafka for Python, over Debian's librdkafka.</summary>
public sealed class ConfluentPythonTests(ConfluentPythonTests.Confluent confluent) : ClientTests(confluent), IClassFixture<ConfluentPythonTests.Confluent>
{
    private protected override IReadOnlyList<Scenario> More => [Scenario.Idempotent, Scenario.Admin];

    private protected override IReadOnlyList<Scenario> LeftOut => [Scenario.Codecs];

    [Fact]
    public Task An_idempotent_producer_whose_answers_are_lost_writes_each_event_once() => ProveAsync(Scenario.Idempotent);

    [Fact]
    public Task Its_admin_calls_do_what_they_say() => ProveAsync(Scenario.Admin);

    public sealed class Confluent() : ClientBench(new KafkaClient(
        "confluent-kafka (Python)", "crc32", ["gzip", "snappy", "lz4", "zstd"], ["/usr/bin/python3", Path.Combine(Paths.Clients, "confluent.py")], "python3-confluent-kafka is not installed")
    {
        IsIdempotent = true,
        AdminSteps = ["create", "configs", "partitions", "delete", "groups", "group"],
    });
}
