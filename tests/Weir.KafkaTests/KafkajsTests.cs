using Weir.KafkaTests.Scenarios;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests;

/// <summary>kafkajs; of the codecs that come as packages it has snappy here.</summary>
public sealed class KafkajsTests(KafkajsTests.Kafkajs bench) : ClientTests(bench), IClassFixture<KafkajsTests.Kafkajs>
{
    private protected override IReadOnlyList<Scenario> More => [Scenario.Admin];

    [Fact]
    public Task Its_admin_calls_do_what_they_say() => ProveAsync(Scenario.Admin);

    public sealed class Kafkajs() : ClientBench(new KafkaClient(
        "kafkajs", "murmur2", ["gzip", "snappy"], ["node", Path.Combine(Paths.Clients, "kafkajs.mjs")], "kafkajs does not start", Npm.Missing)
    {
        HasUnreliableIdempotence = true,
        AdminSteps = ["create", "configs", "partitions", "delete", "groups", "group", "forget"],
    });
}
