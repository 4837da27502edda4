namespace Weir.TestKit;

/// <summary>
/// How much the tests try, in one table. <c>WEIR_TEST_SCALE</c> is <c>short</c> (what <c>./test</c> runs in its ten minutes, and the default), <c>full</c>
/// (<c>./test --full</c>, up to an hour) or <c>nightly</c> (<c>./test --nightly</c>). Each member names its unit; the three amounts stand in that order.
/// </summary>
public static class TestScale
{
    private static readonly int Column = Environment.GetEnvironmentVariable("WEIR_TEST_SCALE") switch
    {
        null or "" or "short" => 0,
        "full" => 1,
        "nightly" => 2,
        { } other => throw new InvalidOperationException($"WEIR_TEST_SCALE is '{other}'; it is short, full or nightly."),
    };

    /// <summary>Gets a value indicating whether tests run their short form: a part of the cases where there is a list of them, drawn where there are very many.</summary>
    public static bool IsShort => Column == 0;

    /// <summary>Gets the seeds of the simulator.</summary>
    public static int SimulatorSeeds => Of(500, 5_000, 500_000);

    /// <summary>Gets the kills of the real program in the kill loop.</summary>
    public static int Kills => Of(10, 30, 1_000);

    /// <summary>Gets the states after a power loss on which the real program is started.</summary>
    public static int CrashStates => Of(50, 500, 20_000);

    /// <summary>Gets n, where every n-th way is tried in which a file call of the real program can fail. The short form takes every n-th call, in one way.</summary>
    public static int ProgramCallStep => Of(50, 10, 1);

    /// <summary>Gets n, where every n-th file call of the engine on the simulated disk fails.</summary>
    public static int EngineCallStep => Of(50, 10, 1);

    /// <summary>Gets the bits that are flipped in a small store; all there are when it has fewer.</summary>
    public static int BitFlips => Of(2_000, 10_000, 500_000);

    /// <summary>Gets the blocks of a small store that are damaged; all there are when it has fewer.</summary>
    public static int DamagedBlocks => Of(600, int.MaxValue, int.MaxValue);

    /// <summary>Gets the flipped bits in segments, each of which is repaired when it made the partition read-only.</summary>
    public static int RepairedFlips => Of(40, 500, 20_000);

    /// <summary>Gets the mutated inputs over all readers.</summary>
    public static long FuzzInputs => Of(1_000_000, 10_000_000, 1_000_000_000);

    /// <summary>Gets how often the HTTP port is abused in each of the ways there are.</summary>
    public static int WireRounds => Of(3, 100, 1_000);

    /// <summary>Gets the mutated inputs that are sent to the Kafka port, each over a connection of its own.</summary>
    public static int KafkaInputs => Of(10_000, 200_000, 10_000_000);

    /// <summary>Gets the histories over which the views of the engine and of the recount are compared.</summary>
    public static int AgreementScenarios => Of(20, 1_000, 20_000);

    /// <summary>Gets the planted defects that are looked for; the short form draws them by the date.</summary>
    public static int PlantedDefects => Of(2, 15, 15);

    private static int Of(int inShort, int inFull, int nightly) => Column switch { 0 => inShort, 1 => inFull, _ => nightly };
}
