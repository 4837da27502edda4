namespace Weir.PlantedTests;

/// <summary>What looks for a defect.</summary>
internal enum Catcher
{
    /// <summary>Seeds of the simulator, one after another, until three of them have broken an invariant.</summary>
    Simulator,

    /// <summary>The hash of a seed in two processes.</summary>
    TwoProcesses,

    /// <summary>A method of a test project, which is built with the defect in it.</summary>
    Test,
}

/// <summary>One of the ways in which a first version loses or counts twice.</summary>
/// <param name="Name">As WEIR_PLANT takes it.</param>
/// <param name="Text">What is planted.</param>
/// <param name="Project">Under tests/; built with the defect.</param>
/// <param name="Method">Of <see cref="Catcher.Test"/>: a filter of xunit.</param>
internal sealed record Defect(string Name, string Text, Catcher Catcher, string Project, string? Method = null)
{
    private const string Simulator = "Weir.Simulator";

    /// <summary>In the order in which they are likely.</summary>
    public static Defect[] All { get; } =
    [
        Seeds("flush-left-out", "a write is taken for durable: no fdatasync"),
        Seeds("flush-failure-swallowed", "a failed fdatasync is not seen"),
        Seeds("ack-before-flush", "acknowledged when folded, while the flush is under way"),
        Seeds("tail-trusted", "after a kill the tail in the page cache is folded and served, and not written again"),
        Seeds("name-not-flushed", "no fsync of the directory after a segment's rename"),
        Seeds("snapshot-of-later", "a snapshot holds owners as they became while it was copied"),
        new("cut-at-first-bad", "recovery cuts at the first bad frame, although proven ones follow", Catcher.Test, "Weir.SweepTests", "*.No_flipped_bit_is_served_or_hides_anything"),
        Seeds("buffer-reused", "the buffer of a client that gave up is used for the next one, while its partition still reads it"),
        Seeds("ids-forgotten", "identities are remembered for the last 100 records"),
        new("hash-of-process", "the partition of a key comes from string.GetHashCode", Catcher.TwoProcesses, Simulator),
        Seeds("unknown-told-refused", "what may have been written is answered as refused"),
        Seeds("flusher-dies", "an error ends the flushing of a partition, and nobody sees it"),
        Seeds("updates-dropped", "under load a view's updates are dropped, and its position goes on"),
        new("offset-of-32-bits", "the flushed end is kept in 32 bits", Catcher.Test, "Weir.Storage.Tests", "*.Offsets_have_no_bound_but_their_own"),
        new("lock-ignored", "a second process may open the directory", Catcher.Test, "Weir.Storage.Tests", "*.A_second_opening_is_refused_and_names_the_process"),
    ];

    /// <summary>Every duplicate counts. What does not catch this catches nothing.</summary>
    public static Defect Canary { get; } = Seeds("canary", "every duplicate counts");

    private static Defect Seeds(string name, string text) => new(name, text, Catcher.Simulator, Simulator);
}
