namespace Weir.KafkaTests.Scenarios;

/// <summary>Something that a client has to do.</summary>
/// <param name="Title">Its column of the table.</param>
/// <param name="Run">Does it, and returns what the table says of it. Throws where the client or the server did not do what it should.</param>
internal sealed record Scenario(string Title, Func<ClientBench, Task<string>> Run)
{
    /// <summary>What the table says of a scenario that has nothing more to tell.</summary>
    public const string Passed = "✓";

    public static readonly Scenario ProduceConsume = new("produce, consume", ProduceConsumeScenario.RunAsync);
    public static readonly Scenario Codecs = new("codecs", CodecsScenario.RunAsync);
    public static readonly Scenario Group = new("group of 3, one killed", GroupScenario.RunAsync);
    public static readonly Scenario Since = new("seek by time", SinceScenario.RunAsync);
    public static readonly Scenario Kill = new("server killed", KillScenario.RunAsync);

    /// <summary>Shown by the same run: one of its producers is idempotent, and there nothing else keeps its events from being counted twice.</summary>
    public static readonly Scenario Idempotent = new("idempotent producer", bench => bench.RunAsync(Kill));

    public static readonly Scenario Admin = new("admin calls", AdminScenario.RunAsync);

    /// <summary>The columns, in their order.</summary>
    public static IReadOnlyList<Scenario> All { get; } = [ProduceConsume, Codecs, Idempotent, Group, Since, Kill, Admin];

    /// <summary>Those that every client has to pass.</summary>
    public static IReadOnlyList<Scenario> OfAll { get; } = [ProduceConsume, Codecs, Group, Since, Kill];
}
