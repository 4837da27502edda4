using Weir.KafkaTests.Scenarios;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests;

/// <summary>kafka-python, which knows no idempotent producer and no control records.</summary>
public sealed class KafkaPythonTests(KafkaPythonTests.KafkaPython python)
    : ClientTests(python, "gives markers to its user as messages"), IClassFixture<KafkaPythonTests.KafkaPython>
{
    private protected override IReadOnlyList<Scenario> More => [Scenario.Admin];

    [Fact]
    public Task Its_admin_calls_do_what_they_say() => ProveAsync(Scenario.Admin);

    public sealed class KafkaPython() : ClientBench(new KafkaClient(
        "kafka-python", "murmur2", ["gzip", "snappy", "lz4", "zstd"], ["/usr/bin/python3", Path.Combine(Paths.Clients, "kafka_python.py")], "python3-kafka is not installed")
    {
        TakesMarkersForMessages = true,
        AdminSteps = ["create", "configs", "partitions", "delete", "groups", "group", "forget"],
    });
}
