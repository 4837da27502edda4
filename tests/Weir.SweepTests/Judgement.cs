using Weir.Core;
using Weir.Engine;
using Weir.Storage;
using Weir.TestKit;

namespace Weir.SweepTests;

/// <summary>What became of a damage.</summary>
internal enum Outcome
{
    /// <summary>It was said: what is served is as before, or what is not served is named.</summary>
    Detected,

    /// <summary>Nothing said and nothing different: padding, or bytes that nobody reads.</summary>
    Harmless,

    /// <summary>
    /// The end of the log is gone with everything that proved it, and reported as the unfinished write that it looks like; or a whole older definition
    /// was put back.
    /// </summary>
    Undetectable,

    /// <summary>The node did not start, with a reason.</summary>
    Refused,

    /// <summary>Something is served that was not written, or something is missing that nobody named.</summary>
    Silent,
}

/// <summary>Holds what is read from a damaged store against what the undamaged one showed.</summary>
internal sealed class Judgement
{
    private static readonly EngineEvent[] SaysSomething =
        [EngineEvent.TailCut, EngineEvent.LogDamaged, EngineEvent.SnapshotRejected, EngineEvent.DefinitionUnreadable, EngineEvent.PartitionRecoveryFailed, EngineEvent.PartitionUnwritable, EngineEvent.PartitionStopped, EngineEvent.ViewBuildFailed];

    private readonly SmallStore _store;
    private readonly StoreReading _expected;
    private readonly StoreReading _actual;
    private readonly Damage _damage;
    private readonly List<string> _silent = [];
    private bool _isSaid;
    private bool _hasLostItsEnd;

    private Judgement(SmallStore store, StoreReading expected, StoreReading actual, Damage damage)
    {
        _store = store;
        _expected = expected;
        _actual = actual;
        _damage = damage;
    }

    public static (Outcome Outcome, string Why) Of(SmallStore store, StoreReading expected, StoreReading actual, Damage damage, Func<SimulatedDisk> damaged)
    {
        if (actual.Refused is { } reason)
        {
            return (Outcome.Refused, reason);
        }

        var judgement = new Judgement(store, expected, actual, damage);
        judgement.Compare();
        if (judgement._silent.Count > 0)
        {
            // A whole older definition put back is intact and says nothing of its age: docs/reliability.md names it among what is not promised.
            if (damage.IsOlderDefinition)
            {
                return (Outcome.Undetectable, "");
            }

            return (Outcome.Silent, string.Join('\n', judgement._silent.Take(5)));
        }

        if (judgement._hasLostItsEnd)
        {
            return (Outcome.Undetectable, "");
        }

        return judgement._isSaid || IsFoundByCheck(damage, damaged) ? (Outcome.Detected, "") : (Outcome.Harmless, "");
    }

    // What an opening does not read, or makes anew without a word, `weir log check` has to name.
    private static bool IsFoundByCheck(Damage damage, Func<SimulatedDisk> damaged)
    {
        string directory = Path.GetDirectoryName(damage.Path)!;
        return int.TryParse(Path.GetFileName(directory), out _) && LogCheck.Run(damaged(), directory).Faults.Any(fault => fault.File == damage.Path);
    }

    private void Compare()
    {
        _isSaid = _actual.Reports.Any(report => SaysSomething.Contains(report.Kind)) || _actual.Unreadable.Count > 0;
        foreach ((string stream, string definition) in _expected.Definitions)
        {
            if (_actual.Definitions.TryGetValue(stream, out string? now))
            {
                Check(now == definition, $"The definition of {stream} reads {now} instead of {definition}.");
            }
            else
            {
                Check(_actual.Unreadable.ContainsKey(stream), $"The stream {stream} is not there and nobody says so.");
            }
        }

        Check(_actual.Definitions.Keys.All(_expected.Definitions.ContainsKey), "There is a stream that nobody defined.");
        foreach (((string stream, int partition), PartitionReading was) in _expected.Partitions)
        {
            if (_actual.Partitions.TryGetValue((stream, partition), out PartitionReading? now))
            {
                Compare(stream, partition, was, now);
            }
        }

        foreach ((string view, ViewReading was) in _expected.Views)
        {
            if (_actual.Views.TryGetValue(view, out ViewReading? now))
            {
                Compare(view, was, now);
            }
            else
            {
                Check(_actual.Unreadable.ContainsKey("view " + view), $"The view {view} is not there and nobody says so.");
            }
        }

        Check(_actual.Views.Keys.All(_expected.Views.ContainsKey), "There is a view that nobody defined.");
    }

    private void Compare(string stream, int partition, PartitionReading was, PartitionReading now)
    {
        string name = $"{stream}/{partition}";
        bool isNamed = now.Status.State != PartitionState.Serving;
        bool isDamaged = Path.GetDirectoryName(_damage.Path)!.EndsWith($"/{partition}", StringComparison.Ordinal) && _damage.Path.Contains($"/{stream}-", StringComparison.Ordinal);
        Check(!isNamed || isDamaged, $"{name} does not serve though another partition is damaged: {now.Status.Reason}");
        _isSaid |= isNamed || now.Named.Count > 0;
        if (now.Status.State == PartitionState.Stopped)
        {
            return;
        }

        bool isCut = _actual.Reports.Any(report => report.Kind == EngineEvent.TailCut && report.Text.StartsWith(name + ":", StringComparison.Ordinal));
        foreach ((long offset, EventReading one) in was.Events)
        {
            if (now.Events.TryGetValue(offset, out EventReading? found))
            {
                Check(found.Content == one.Content, $"{name} {offset} reads {found.Content} instead of {one.Content}.");
                Check(found.Verdict == one.Verdict || !found.IsDecided, $"{name} {offset} is {found.Verdict} instead of {one.Verdict}.");

                // A verdict that is not known is not served, which says it; where the partition serves, the operator is told too.
                _isSaid |= found.IsDecided != one.IsDecided;
            }
            else if (isCut && offset >= now.Status.FlushedEnd)
            {
                _hasLostItsEnd = true;
                long last = _store.BeforeLastFlush(stream, partition);
                Check(offset >= last || !_damage.What.StartsWith("bit", StringComparison.Ordinal), $"{name} {offset} was cut, which is before the very last flush.");
            }
            else
            {
                Check(now.Lost.Contains(offset) || now.Ranges.Any(range => range.Start <= offset && offset < range.End) || (isNamed && offset < now.Status.LogStart), $"{name} {offset} is not served and not named; the log is [{now.Status.LogStart}, {now.Status.FlushedEnd}), {now.Status.State}.");
            }
        }

        Check(now.Events.Keys.All(was.Events.ContainsKey), $"{name} serves records that nobody sent.");
        foreach ((string owner, string? offsets) in was.Receipts)
        {
            if (now.Receipts.GetValueOrDefault(owner) is { } found && found != offsets)
            {
                long[] missing = [.. offsets!.Split(' ').Except(found.Split(' ')).Select(long.Parse)];
                Check(missing.Length > 0 && Array.TrueForAll(missing, offset => !now.Events.ContainsKey(offset)), $"{name}: the receipts of {owner} are {found} instead of {offsets}.");
            }
        }
    }

    private void Compare(string view, ViewReading was, ViewReading now)
    {
        if (now.Ends is null)
        {
            Check(now.Says is not null, $"The view {view} shows nothing and does not say why.");
            return;
        }

        Check(now.Definition == was.Definition, $"The view {view} is {now.Definition} instead of {was.Definition}.");
        if (now.Says != was.Says && now.Says is not null)
        {
            _isSaid = true;
        }
        else if (now.Ends.AsSpan().SequenceEqual(was.Ends))
        {
            Check(now.Rows == was.Rows && now.Errors == was.Errors, $"The view {view} shows {now.Rows} instead of {was.Rows}, {now.Errors} errors instead of {was.Errors}.");
        }
        else if (view != "likes")
        {
            // What was told to the senders, counted by hand up to where the view stands.
            string stream = view == "results" ? SmallStore.Votes : SmallStore.Clicks;
            string[] rows =
            [
                .. _store.Sent.Where(sent => sent.Stream == stream && sent.Verdict == Verdict.Counted && sent.Offset < now.Ends[sent.Partition])
                    .CountBy(sent => sent.Value[sent.Value.IndexOf("choice", StringComparison.Ordinal) + 9]).Select(group => $$"""{"choice":"{{group.Key}}","n":{{group.Value}}}""").Order(StringComparer.Ordinal),
            ];
            string[] shown = [.. now.Rows.Trim('[', ']').Replace("},{", "}\n{", StringComparison.Ordinal).Split('\n').Where(row => row.Length > 0).Order(StringComparer.Ordinal)];
            Check(rows.AsSpan().SequenceEqual(shown), $"The view {view} shows {now.Rows} at {string.Join(',', now.Ends)}, where {string.Join(',', rows)} was counted.");
        }
    }

    private void Check(bool isRight, string otherwise)
    {
        if (!isRight)
        {
            _silent.Add(otherwise);
        }
    }
}
