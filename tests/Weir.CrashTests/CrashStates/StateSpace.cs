namespace Weir.CrashTests.CrashStates;

/// <summary>The states of a recording: all of those near a flush, and draws from the others.</summary>
internal sealed class StateSpace(Recording recording, int seed)
{
    /// <summary>So many calls after a flush are tried in every combination.</summary>
    private const int ExhaustiveCalls = 3;

    private const int SectorBytes = 512;
    private const int PageBytes = 4096;

    private readonly bool[] _grows = Growing(recording);

    /// <summary>
    /// At every line at which something had begun: the last calls since the last flush of anything, at most three, each kept, lost, and torn in each way;
    /// with everything unflushed before them kept, and with all of it lost. States that the same calls make are one, at the latest line at which it is possible.
    /// </summary>
    /// <param name="fromLine">Lines before it are left out.</param>
    public IReadOnlyList<CrashState> Exhaustive(int fromLine = 0)
    {
        var states = new Dictionary<ulong, CrashState>();
        foreach (FileCall newest in recording.Calls.Where(call => call.Began >= fromLine))
        {
            int line = newest.IsChange ? newest.Began + 1 : newest.Ended + 1;
            int horizon = recording.Horizon(line);
            int flushed = recording.LastFlushBefore(line);
            int[] tail = [.. Pending(line).Where(i => recording.Calls[i].Began > flushed).TakeLast(ExhaustiveCalls)];
            foreach (Fate before in (Fate[])[Fate.Kept, Fate.Lost])
            {
                // What is lost adds nothing, so what the last calls add comes on top.
                ulong others = Of([.. tail.Select(i => KeyValuePair.Create(i, Fate.Lost))]).Signature(recording);
                foreach (KeyValuePair<int, Fate>[] fates in Combinations(tail))
                {
                    ulong signature = fates.Aggregate(others, (sum, fate) => unchecked(sum + fate.Value.Signature(fate.Key)));
                    if (!states.TryGetValue(signature, out CrashState? known) || known.Horizon < horizon)
                    {
                        states[signature] = Of(fates);
                    }
                }

                CrashState Of(IReadOnlyList<KeyValuePair<int, Fate>> fates) => new() { Horizon = horizon, Until = line, Otherwise = before, Fates = fates.ToDictionary(), Sort = newest.Sort };
            }
        }

        return [.. states.Values];
    }

    /// <summary>States drawn at any line, in which each unflushed call has a fate of its own.</summary>
    /// <param name="fromLine">Lines before it are left out.</param>
    public IEnumerable<CrashState> Sampled(Random random, int fromLine = 0)
    {
        FileCall[][] bySort = [.. recording.Calls.Where(call => call.Began >= fromLine).GroupBy(call => call.Sort).Select(sort => sort.ToArray())];
        while (bySort.Length > 0)
        {
            FileCall[] sort = bySort[random.Next(bySort.Length)];
            FileCall newest = sort[random.Next(sort.Length)];
            int horizon = recording.Horizon(newest.Began + 1);
            int style = random.Next(7);
            int rare = random.Next(2, 8);
            int order = random.Next();
            int[] pending = [.. Pending(horizon)];
            int cut = pending.Length == 0 ? 0 : random.Next(pending.Length + 1);
            var fates = new Dictionary<int, Fate>();
            for (int n = 0; n < pending.Length; n++)
            {
                int i = pending[n];
                bool isOfNames = recording.Calls[i].IsOfNames;
                bool isOfFile = (Fate.Mix((ulong)recording.Calls[i].Node ^ ((ulong)(uint)order << 32)) & 1) != 0;
                fates[i] = style switch
                {
                    0 => Any(random, i),
                    1 => random.Next(rare) == 0 ? Any(random, i) : Fate.Kept,
                    2 => random.Next(rare) == 0 ? Any(random, i) : Fate.Lost,
                    3 => isOfNames ? Fate.Kept : Any(random, i),
                    4 => isOfNames ? Fate.Lost : random.Next(rare) == 0 ? Any(random, i) : Fate.Kept,
                    5 => n < cut ? Fate.Kept : n == cut ? Any(random, i) : Fate.Lost,
                    _ => isOfFile ? Fate.Kept : Fate.Lost,
                };
            }

            yield return new CrashState
            {
                Horizon = horizon,
                Until = horizon,
                Otherwise = Fate.Lost,
                Fates = fates,
                Stale = random.Next(4) == 0 ? random.Next() : null,
                Sort = newest.Sort,
            };
        }
    }

    /// <summary>So many of the states, as evenly over their sorts as there are some.</summary>
    public static IReadOnlyList<CrashState> Choose(IReadOnlyList<CrashState> states, int count, Random random)
    {
        Queue<CrashState>[] sorts = [.. states.GroupBy(state => state.Sort).OrderBy(sort => sort.Key, StringComparer.Ordinal).Select(sort =>
        {
            CrashState[] shuffled = [.. sort];
            random.Shuffle(shuffled);
            return new Queue<CrashState>(shuffled);
        })];
        random.Shuffle(sorts);
        var chosen = new List<CrashState>();
        while (chosen.Count < Math.Min(count, states.Count))
        {
            foreach (Queue<CrashState> sort in sorts)
            {
                if (chosen.Count < count && sort.TryDequeue(out CrashState? state))
                {
                    chosen.Add(state);
                }
            }
        }

        return chosen;
    }

    /// <summary>Every way in which one call may have ended.</summary>
    public IReadOnlyList<Fate> Fates(int i)
    {
        FileCall call = recording.Calls[i];
        List<Fate> fates = [Fate.Kept, Fate.Lost];
        if (call.Kind != FileCallKind.Write)
        {
            return fates;
        }

        if (_grows[i])
        {
            fates.Add(new Fate(FateKind.Grown));
        }

        ulong chance = Fate.Mix((ulong)(uint)seed ^ ((ulong)(uint)i << 32));
        if (Units(call, SectorBytes) is > 1 and int sectors)
        {
            fates.Add(new Fate(FateKind.Prefix, SectorBytes, 1 + (int)(chance % (ulong)(sectors - 1)), IsWholeLength: (chance >> 40) % 2 == 0));
        }

        if (Units(call, PageBytes) is > 1 and int pages)
        {
            fates.Add(pages > 2 && (chance >> 41) % 2 == 0
                ? new Fate(FateKind.Scattered, PageBytes, Seed: (int)(chance & 0xFFFFFF))
                : new Fate(FateKind.Suffix, PageBytes, 1 + (int)((chance >> 20) % (ulong)(pages - 1))));
        }

        return fates;
    }

    private Fate Any(Random random, int i)
    {
        FileCall call = recording.Calls[i];
        if (call.Kind != FileCallKind.Write)
        {
            return random.Next(2) == 0 ? Fate.Kept : Fate.Lost;
        }

        int unit = random.Next(2) == 0 ? SectorBytes : PageBytes;
        int units = Units(call, unit);
        return random.Next(6) switch
        {
            0 => Fate.Kept,
            1 => Fate.Lost,
            2 => new Fate(FateKind.Grown),
            3 => new Fate(FateKind.Prefix, unit, random.Next(units + 1), IsWholeLength: random.Next(2) == 0),
            4 => new Fate(FateKind.Suffix, unit, random.Next(units + 1)),
            _ => new Fate(FateKind.Scattered, unit, Seed: random.Next()),
        };
    }

    private IEnumerable<KeyValuePair<int, Fate>[]> Combinations(int[] calls)
    {
        IEnumerable<KeyValuePair<int, Fate>[]> combinations = [[]];
        foreach (int call in calls)
        {
            combinations = combinations.SelectMany(_ => Fates(call), (begun, fate) => (KeyValuePair<int, Fate>[])[.. begun, KeyValuePair.Create(call, fate)]);
        }

        return combinations;
    }

    private IEnumerable<int> Pending(int line) =>
        Enumerable.Range(0, recording.Calls.Count).Where(i => recording.Calls[i].IsChange && recording.Calls[i].Began < line && !recording.IsDurable(i, line));

    private static int Units(FileCall call, int unit) =>
        call.Bytes.Length == 0 ? 0 : (int)(((call.Position + call.Bytes.Length - 1) / unit) - (call.Position / unit) + 1);

    private static bool[] Growing(Recording recording)
    {
        var lengths = new Dictionary<int, long>();
        return [.. recording.Calls.Select(call =>
        {
            long length = lengths.GetValueOrDefault(call.Node);
            long after = call.Kind switch
            {
                FileCallKind.Write => Math.Max(length, call.Position + call.Bytes.Length),
                FileCallKind.SetLength => call.Length,
                _ => length,
            };
            lengths[call.Node] = after;
            return call.Kind == FileCallKind.Write && after > length;
        })];
    }
}
