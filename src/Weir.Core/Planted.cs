#if WEIR_PLANTED
namespace Weir.Core;

/// <summary>
/// Defects that are planted to see whether the tests catch them (tests/Weir.PlantedTests). Compiled only with <c>-p:WeirPlanted=true</c>, which builds into a folder
/// of its own; <c>WEIR_PLANT</c> names the one that is alive, <c>none</c> none.
/// </summary>
public static class Planted
{
    private static readonly string Name = Environment.GetEnvironmentVariable("WEIR_PLANT") ?? throw new InvalidOperationException("This is the planted build: WEIR_PLANT says which defect is alive.");
    private static readonly HashSet<string> Known = ["none"];

    /// <summary>Not one of the 15: so plain that a harness that does not catch it catches nothing.</summary>
    public static readonly bool Canary = Is("canary");

    // In the order of the list in docs/reliability.md.
    public static readonly bool FlushLeftOut = Is("flush-left-out");
    public static readonly bool FlushFailureSwallowed = Is("flush-failure-swallowed");
    public static readonly bool AckBeforeFlush = Is("ack-before-flush");
    public static readonly bool TailTrusted = Is("tail-trusted");
    public static readonly bool NameNotFlushed = Is("name-not-flushed");
    public static readonly bool SnapshotOfLater = Is("snapshot-of-later");
    public static readonly bool CutAtFirstBad = Is("cut-at-first-bad");
    public static readonly bool BufferReused = Is("buffer-reused");
    public static readonly bool IdsForgotten = Is("ids-forgotten");
    public static readonly bool HashOfProcess = Is("hash-of-process");
    public static readonly bool UnknownToldRefused = Is("unknown-told-refused");
    public static readonly bool FlusherDies = Is("flusher-dies");
    public static readonly bool UpdatesDropped = Is("updates-dropped");
    public static readonly bool OffsetOf32Bits = Is("offset-of-32-bits");
    public static readonly bool LockIgnored = Is("lock-ignored");

    // Last, when all names are known.
    private static readonly bool IsKnown = Known.Contains(Name) ? true : throw new InvalidOperationException($"WEIR_PLANT is '{Name}', which is none of {string.Join(", ", Known)}.");

    private static bool Is(string name)
    {
        Known.Add(name);
        return Name == name;
    }
}
#endif
