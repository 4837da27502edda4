using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Weir.Cli.Http;
using Weir.Core;

namespace Weir.Cli.Verify;

/// <summary>
/// Reads views and logs while processes come and go, and holds every read against the earlier ones: a position and a number that only grows are never
/// smaller again, and a record once read is there for ever and says the same. One thread at a time.
/// </summary>
internal sealed class Reads(IReadOnlyList<CheckedStream> streams, IReadOnlyList<CheckedView> views, Anomalies anomalies)
{
    private static readonly TimeSpan BetweenReads = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, Position> _positions = [];
    private readonly Dictionary<(string View, string Choice, string Column), decimal> _values = [];
    private readonly Dictionary<(string Stream, int Partition), List<(string? Verdict, uint Crc)>> _records = [];

    /// <summary>Answers read.</summary>
    public int Count { get; private set; }

    /// <summary>Reads until told to stop. A process that is killed while it answers says nothing.</summary>
    /// <param name="server">The one that serves now, or will next.</param>
    public async Task RunAsync(Func<Task<ServerClient>> server, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await ReadAllAsync(await server(), stop);
                await Task.Delay(BetweenReads, stop);
            }
            catch (WeirException failure) when (WeirErrors.Get(failure.Code).IsRetryable)
            {
                await Task.Delay(BetweenReads, CancellationToken.None);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Takes the answer to GET of a view.</summary>
    public void OfView(CheckedView view, JsonObject page)
    {
        Count++;
        string place = $"view {view.Name}";
        string text = page["position"]!.ToString();
        if (!Position.TryParse(text, view.Stream.Name, view.Stream.Partitions, out Position? position))
        {
            throw new WeirException(ErrorCode.Internal, $"view {view.Name} has the position {text}");
        }

        if (_positions.TryGetValue(view.Name, out Position? before) && !position.Covers(before))
        {
            anomalies.Add(AnomalyKind.NonMonotonicRead, place, "", $"was at {before} and is at {position}");
        }

        _positions[view.Name] = position;

        // What is replaced moves from one group to another; elsewhere nothing is ever taken away.
        if (view.Stream.Rule == StreamRule.Last)
        {
            return;
        }

        var now = new Dictionary<(string View, string Choice, string Column), decimal>();
        foreach (JsonNode? row in page["rows"]!.AsArray())
        {
            foreach ((string column, JsonNode? value) in row!.AsObject().Where(column => column.Key != "choice"))
            {
                now[(view.Name, row["choice"]!.ToString(), column)] = Checker.Number(value);
            }
        }

        foreach ((var number, decimal seen) in _values.Where(seen => seen.Key.View == view.Name))
        {
            if (now.GetValueOrDefault(number) < seen)
            {
                anomalies.Add(AnomalyKind.NonMonotonicRead, place, "", $"{number.Choice}: {number.Column} was {seen} and is {now.GetValueOrDefault(number)}");
            }
        }

        foreach ((var number, decimal value) in now)
        {
            _values[number] = value;
        }
    }

    /// <summary>Takes records of a partition, read from an offset up to which all were taken before, or from an earlier one.</summary>
    public void OfLog(string stream, int partition, IEnumerable<LoggedRecord> records)
    {
        Count++;
        List<(string? Verdict, uint Crc)> seen = Seen(stream, partition);
        foreach (LoggedRecord record in records)
        {
            uint crc = Crc32C.Compute(Encoding.UTF8.GetBytes($"{record.Key}\n{record.Value}"));
            if (record.Offset >= seen.Count)
            {
                seen.Add((record.Verdict, crc));
                continue;
            }

            // What is flushed and not yet decided becomes decided, once.
            (string? verdict, uint before) = seen[(int)record.Offset];
            if (before != crc || (verdict != record.Verdict && verdict != "undecided"))
            {
                string place = string.Create(CultureInfo.InvariantCulture, $"{stream}/{partition}:{record.Offset}");
                anomalies.Add(AnomalyKind.InconsistentOffset, place, record.Id, $"{(before != crc ? "it was another record" : $"it was {verdict}")}; now {record.Verdict} {record.Shown}");
            }
        }
    }

    /// <summary>The logs at the end against everything read before.</summary>
    public void Compare(Logs logs)
    {
        foreach (((string stream, int partition), List<(string?, uint)> seen) in _records)
        {
            List<LoggedRecord> now = logs[stream, partition];
            if (now.Count < seen.Count)
            {
                anomalies.Add(AnomalyKind.NonMonotonicRead, $"{stream}/{partition}", "", $"{seen.Count} records were read and there are {now.Count}");
            }

            OfLog(stream, partition, now);
        }
    }

    private async Task ReadAllAsync(ServerClient server, CancellationToken stop)
    {
        foreach (CheckedView view in views)
        {
            OfView(view, await server.GetAsync("v1/views/" + view.Name, stop));
        }

        foreach (CheckedStream stream in streams)
        {
            for (int partition = 0; partition < stream.Partitions; partition++)
            {
                OfLog(stream.Name, partition, await Logs.ReadAsync(server, stream.Name, partition, Seen(stream.Name, partition).Count, stop));
            }
        }
    }

    private List<(string? Verdict, uint Crc)> Seen(string stream, int partition) =>
        _records.TryGetValue((stream, partition), out List<(string?, uint)>? seen) ? seen : _records[(stream, partition)] = [];
}
