using System.Numerics;
using System.Runtime.InteropServices;

namespace Weir.Simulator;

/// <summary>
/// Which processor a thread runs on. A run hands over between threads ten thousands of times and only one of them runs: on one processor they find in
/// its cache what the one before has left.
/// </summary>
internal static unsafe partial class Processor
{
    private const int Words = 16;
    private const int WordBits = 64;

    [ThreadStatic]
    private static int? _kept;

    /// <summary>What this thread was given to <see cref="Keep"/>; null: nothing. .NET does not hand it on to threads that are started.</summary>
    public static int? Kept => _kept;

    /// <summary>Keeps this thread on one of the processors that the process may use. Where the system does not let it, everything works as well.</summary>
    /// <param name="number">From 0; more than there are begin again with the first.</param>
    public static void Keep(int number)
    {
        _kept = number;
        ulong* mask = stackalloc ulong[Words];
        var words = new Span<ulong>(mask, Words);
        words.Clear();
        int processors = 0;
        if (GetAffinity(0, Words * sizeof(ulong), mask) == 0)
        {
            foreach (ulong word in words)
            {
                processors += BitOperations.PopCount(word);
            }
        }

        if (processors < 2)
        {
            return;
        }

        int wanted = number % processors;
        int at = -1;
        while (wanted >= 0)
        {
            at++;
            wanted -= (int)((words[at / WordBits] >> (at % WordBits)) & 1);
        }

        words.Clear();
        words[at / WordBits] = 1UL << (at % WordBits);
        _ = SetAffinity(0, Words * sizeof(ulong), mask);
    }

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nuint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nuint bytes, ulong* mask);
}
