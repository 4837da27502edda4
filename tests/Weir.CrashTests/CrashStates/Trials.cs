using System.Collections.Concurrent;

namespace Weir.CrashTests.CrashStates;

/// <summary>Tries states of recordings, as many at a time as there are processors. A layout that was tried before is not tried again.</summary>
internal sealed class Trials
{
    private readonly HashSet<string> _seen = [];
    private readonly ConcurrentQueue<string> _failures = new();

    /// <summary>Different layouts, each of them booted once.</summary>
    public int Layouts => _seen.Count;

    public IReadOnlyCollection<string> Failures => _failures;

    public async Task RunAsync(IReadOnlyList<(Recording Recording, CrashState State)> states)
    {
        await Parallel.ForEachAsync(states.Index(), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, async (entry, _) =>
        {
            (int number, (Recording recording, CrashState state)) = entry;
            Layout layout = StateBuilder.Build(recording, state);
            string hash = layout.Hash();
            lock (_seen)
            {
                if (!_seen.Add(hash))
                {
                    return;
                }
            }

            if (await new StateTrial(recording, state).RunAsync(layout, number) is { } failure)
            {
                _failures.Enqueue(failure);
            }
        });
    }
}
