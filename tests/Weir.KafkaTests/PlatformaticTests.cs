using Weir.KafkaTests.Scenarios;
using Weir.KafkaTests.Support;

namespace Weir.KafkaTests;

/// <summary>@platformatic/kafka; the last version for node 20, which has no zstd.</summary>
public sealed class PlatformaticTests(PlatformaticTests.Platformatic bench) : ClientTests(bench), IClassFixture<PlatformaticTests.Platformatic>
{
    private protected override IReadOnlyList<Scenario> More => [Scenario.Idempotent, Scenario.Admin];

    // A process of it needs more than a second of processor time before it does anything.
    private protected override IReadOnlyList<Scenario> LeftOut => [Scenario.Codecs, Scenario.Since];

    [Fact]
    public Task An_idempotent_producer_whose_answers_are_lost_writes_each_event_once() => ProveAsync(Scenario.Idempotent);

    [Fact]
    public Task Its_admin_calls_do_what_they_say() => ProveAsync(Scenario.Admin);

    public sealed class Platformatic() : ClientBench(new KafkaClient(
        "@platformatic/kafka", "murmur2", ["gzip", "snappy", "lz4"], ["node", Path.Combine(Paths.Clients, "platformatic.mjs")], "@platformatic/kafka does not start", Npm.Missing)
    {
        IsIdempotent = true,
        AdminSteps = ["create", "configs", "alter", "partitions", "delete", "groups", "group", "forget"],
    });
}
