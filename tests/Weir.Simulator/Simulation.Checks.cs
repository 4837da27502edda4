using System.Globalization;
using System.Text;
using Weir.Core;
using Weir.Engine;
using Weir.Recount;
using Weir.Storage;
using Weir.TestKit;

namespace Weir.Simulator;

/// <content>The end of a run: faults stop, everything must come to rest, and everything that was said is held against the log.</content>
internal sealed partial class Simulation
{
    // Recovery tries again after 30 s at the latest, snapshots and key files after a minute.
    private static readonly TimeSpan ComesToRestWithin = TimeSpan.FromMinutes(5);

    private const int Retries = 20;

    private void Drain()
    {
        StepUntil(() => _isStarted && _stopping is null);
        if (_mix.BitFlips + _mix.Misdirected + _mix.LogDamage + _node.Unreadable.Count > 0 || _node.Streams.Any(HasReadOnly))
        {
            // Verdicts that were damaged beside the running node are made again when it starts; what could not be read then is read.
            BeginStop();
        }

        StepUntil(IsAtRest);
        for (int i = 0; i < Retries && Undecided() is { Count: > 0 } undecided; i++)
        {
            // Clients keep their events and send them again, with the same ids, until they know.
            foreach (StreamMix mix in _mix.Streams)
            {
                _node.TryGetStream(mix.Name, out EventStream? stream);
                foreach (SentEvent[] some in undecided.Where(sent => sent.Stream == mix.Name).Chunk(10))
                {
                    _operation++;
                    int operation = _operation;
                    List<(SentEvent, Attempt)> again = [.. some.Select(sent => (sent, new Attempt(_mix.Clients, operation)))];
                    again.ForEach(one => one.Item1.Attempts.Add(one.Item2));
                    var client = new Client(_mix.Clients) { IsBusy = true };
                    _clients.Add(client);
                    _scheduler.RunHere(() => Begin(new Doing(client, "retry", mix.Name), () => SubmitAsync(client, stream!, again)));
                    StepUntil(IsAtRest);
                }
            }
        }

        if (_damagedLogs.Count == 0 && Undecided() is { Count: > 0 } left)
        {
            throw new Violation("I10 NeverSilentlyIdle", $"{left.Count} events stay unknown however often they are sent, the first is {left[0].Number}.");
        }
    }

    private List<SentEvent> Undecided() => [.. _ledger.Events.Where(sent => sent.Attempts.TrueForAll(attempt => attempt.Told == Told.Unknown))];

    // Asked after every step.
    private bool IsAtRest()
    {
        if (!_isStarted || _stopping is not null || _node.IsDiskFull || _clients.Exists(static client => client.IsBusy))
        {
            return false;
        }

        foreach (StreamMix mix in _mix.Streams)
        {
            if (!_node.TryGetStream(mix.Name, out EventStream? stream))
            {
                DefineAgain();
                return false;
            }

            foreach (Partition partition in stream.PartitionList)
            {
                bool isSettled = partition.State == PartitionState.Serving || (partition.State == PartitionState.ReadOnly && IsDamaged(partition));
                if (!isSettled || partition.QueuedBytes > 0)
                {
                    return false;
                }
            }

            for (int i = 0; i < mix.Views.Length; i++)
            {
                if (!_node.TryGetView(mix.ViewNames[i], out View? view))
                {
                    DefineAgain();
                    return false;
                }

                bool isCurrent = view.State == ViewState.Live && view.Model.Position.Covers(stream.FlushedPosition);
                if (!isCurrent && !IsDamaged(stream))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private void DefineAgain()
    {
        var client = new Client(_mix.Clients) { IsBusy = true };
        _clients.Add(client);
        _scheduler.RunHere(() => Begin(new Doing(client, "define"), DefineAsync));
    }

    private bool IsDamaged(EventStream stream) => stream.PartitionList.Any(IsDamaged);

    // What could not be read twice in a row is damage until the next start.
    private bool IsBehindDamage(EventStream stream) => IsDamaged(stream) || (_mix.ReadErrors > 0 && HasReadOnly(stream));

    private static bool HasReadOnly(EventStream stream) => stream.PartitionList.Any(partition => partition.State == PartitionState.ReadOnly);

    private bool IsDamaged(Partition partition) => _damagedLogs.Contains(partition.Directory);

    private void StepUntil(Func<bool> isThere)
    {
        long deadline = _time.GetTimestamp() + ComesToRestWithin.Ticks;
        while (!isThere())
        {
            if (_time.GetTimestamp() > deadline)
            {
                throw new Violation("I10 NeverSilentlyIdle", $"Without faults the node does not come to rest: {Standing()}");
            }

            Step();
        }
    }

    private string Standing()
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{_node.State}; {_clients.Count(client => client.IsBusy)} operations wait"));
        foreach (EventStream stream in _node.Streams)
        {
            foreach (PartitionStatus status in stream.Partitions)
            {
                text.Append(CultureInfo.InvariantCulture, $"; {stream.Name}/{status.Partition} {status.State} {status.Reason} to {status.FlushedEnd}, {status.QueuedBytes} bytes queued");
            }
        }

        foreach (View view in _node.Views)
        {
            text.Append(CultureInfo.InvariantCulture, $"; {view.Name} {view.State} {view.Failure} at {view.Model.Position}");
        }

        return text.ToString();
    }

    private T Ask<T>(Task<T> question)
    {
        StepUntil(() => question.IsCompleted);
        return question.GetAwaiter().GetResult();
    }

    private void CheckEverything()
    {
        foreach (StreamMix mix in _mix.Streams)
        {
            _node.TryGetStream(mix.Name, out EventStream? stream);
            var log = new List<IReadOnlyList<StoredEvent>>();
            var whole = new List<bool>();
            foreach (Partition partition in stream!.PartitionList)
            {
                whole.Add(TryReadAll(stream, partition, out List<StoredEvent> stored));
                log.Add(stored);
            }

            _ledger.CheckLog(mix, log, partition => whole[partition]);
            if (!IsDamaged(stream))
            {
                CheckRecount(mix, stream);
            }
        }

        CheckFoldFromScratch();
    }

    // A log that was damaged may be unreadable from the damage on, and says so; every other must be read to its end.
    private bool TryReadAll(EventStream stream, Partition partition, out List<StoredEvent> stored)
    {
        stored = [];
        long next = partition.Log!.LogStart.Value;
        while (next < partition.FlushedEnd)
        {
            try
            {
                IReadOnlyList<StoredEvent> some = stream.ReadEvents(partition.Id, next, limit: 10_000);
                if (some.Count == 0)
                {
                    break;
                }

                stored.AddRange(some);
                next = some[^1].Offset + 1;
            }
            catch (WeirException exception) when (IsDamaged(partition))
            {
                _trace.Write($"{stream.Name}/{partition.Id} can be read to {next}: {exception.Message}");
                return false;
            }
        }

        bool isWhole = partition.State == PartitionState.Serving;
        if (!isWhole && !IsDamaged(partition))
        {
            throw new Violation("I10 ServingOrStoppedWithAReason", $"{stream.Name}/{partition.Id} is {partition.State} although nothing was damaged: {partition.Status().Reason}");
        }

        return isWhole && next == partition.FlushedEnd;
    }

    private void CheckRecount(StreamMix mix, EventStream stream)
    {
        for (int i = 0; i < mix.Views.Length; i++)
        {
            _node.TryGetView(ViewName(mix, i), out View? view);
            ViewPage page = view!.Model.Query(new ViewRequest { Limit = ViewRequest.MaxLimit });
            _ledger.Read(view.Name, view.Version, page.Position, Encoding.UTF8.GetString(page.Rows.Span), page.ErrorCount);
            RecountResult recount = RecountRun.Run(new RecountRequest { Disk = _disk, DataDirectory = Data, Sql = mix.Views[i], Position = page.Position.ToString(), KeepWindows = 3 });
            RecountComparison comparison = RecountComparison.Compare(recount, RowsOf(page), page.ErrorCount);
            if (!comparison.Equal)
            {
                string differences = string.Join("; ", comparison.Differences.Select(row => $"{row.Key}: recount {row.Recount}, live {row.Live}"));
                throw new Violation("I4 RecountIsLiveView", $"{view.Name} at {page.Position}, errors {page.ErrorCount} against {recount.Errors}: {differences}");
            }

            long[] totals = stream.VerdictTotals;
            RecountVerdicts counted = recount.Verdicts;
            long[] expected = [counted.Counted, counted.Duplicate, counted.Replaced, counted.Taken, counted.Closed, counted.Invalid];
            long[] live = [totals[(int)Verdict.Counted], totals[(int)Verdict.Duplicate], totals[(int)Verdict.Replaced], totals[(int)Verdict.Taken], totals[(int)Verdict.Closed], totals[(int)Verdict.Invalid]];
            if (!expected.AsSpan().SequenceEqual(live))
            {
                throw new Violation("I4 RecountIsLiveView", $"{mix.Name} has counted, duplicate, replaced, taken, closed, invalid {string.Join(',', live)}; a recount {string.Join(',', expected)}.");
            }
        }
    }

    private static List<ReadOnlyMemory<byte>> RowsOf(ViewPage page)
    {
        using System.Text.Json.JsonDocument rows = System.Text.Json.JsonDocument.Parse(page.Rows);
        return [.. rows.RootElement.EnumerateArray().Select(row => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(row.GetRawText()))];
    }

    /// <summary>The state that grew over all lives is the one that the log alone gives: snapshots away, and a node more.</summary>
    private void CheckFoldFromScratch()
    {
        Dictionary<string, string> before = States();
        _scheduler.RunHere(() => Begin(new Doing(null, "last stop"), () => _stopping = _node.StopAsync()));
        StepUntil(() => _stopping!.IsCompleted);
        SimulatedDisk copy = _disk.Kill();
        foreach (string path in copy.Paths.Where(path => path.EndsWith(".snapshot", StringComparison.Ordinal)).ToArray())
        {
            copy.Delete(path);
        }

        NextLife(copy);
        StepUntil(IsAtRest);
        // A definition that was written and not announced gets its marker at the start: then the log is another one, and so is the key here.
        foreach ((string what, string state) in States())
        {
            _ledger.Note($"{what} {state}");
            if (before.TryGetValue(what, out string? known) && known != state)
            {
                throw new Violation("I4 SnapshotAndTailIsTheWholeLog", $"{what} was {known}, and folded again from the start of the log it is {state}.");
            }
        }
    }

    private Dictionary<string, string> States()
    {
        var states = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (EventStream stream in _node.Streams)
        {
            foreach (Partition partition in stream.PartitionList.Where(_ => !IsDamaged(stream)))
            {
                states[$"{stream.Name}/{partition.Id} to {partition.FlushedEnd}"] = string.Create(CultureInfo.InvariantCulture, $"{Ask(partition.AskAsync(partition.ContentHash)):x}");
            }
        }

        foreach (View view in _node.Views.Where(view => !IsDamaged(view.Stream)))
        {
            ViewPage page = view.Model.Query(new ViewRequest { Limit = ViewRequest.MaxLimit });
            states[$"{view.Name} at {page.Position}"] = Encoding.UTF8.GetString(page.Rows.Span);
        }

        return states;
    }
}
