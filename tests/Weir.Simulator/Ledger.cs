using System.Globalization;
using System.Text;
using Weir.Core;
using Weir.Engine;

namespace Weir.Simulator;

/// <summary>
/// The record outside the engine: what was sent, what clients were told, what readers saw. Everything that a node says is held against everything
/// that was said before, across crashes; the whole log against it at the end.
/// </summary>
internal sealed class Ledger
{
    // By partition and offset.
    private readonly Dictionary<string, List<List<Place?>>> _places = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _rows = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Position> _lastRead = new(StringComparer.Ordinal);
    private ulong _hash = 14_695_981_039_346_656_037;

    public List<SentEvent> Events { get; } = [];

    public long Acknowledged { get; private set; }

    /// <summary>A hash over everything said so far.</summary>
    public ulong Hash => _hash;

    public void Note(string text)
    {
        foreach (char c in text)
        {
            _hash = unchecked((_hash ^ c) * 1_099_511_628_211);
        }
    }

    private void Note(long number) => _hash = unchecked((_hash ^ (ulong)number) * 1_099_511_628_211);

    /// <summary>A client was told about an attempt.</summary>
    public void Tell(SentEvent sent, Attempt attempt, Told told, Verdict verdict, int partition, long offset)
    {
        attempt.Told = told;
        attempt.Verdict = verdict;
        attempt.Partition = partition;
        attempt.Offset = offset;
        Note(sent.Number);
        Note((int)told);
        Note((int)verdict);
        Note(partition);
        Note(offset);
        if (told is Told.Decided or Told.Durable)
        {
            Acknowledged++;
        }

        if (told == Told.Decided && verdict != Verdict.Duplicate)
        {
            See(sent.Stream, partition, offset, sent.Number, verdict);
        }
    }

    /// <summary>Somebody read a record.</summary>
    /// <returns>The number of the event; -1: a marker.</returns>
    public int Read(string stream, StoredEvent stored)
    {
        int number = stored.Marker is null ? NumberIn(stream, stored) : -1;
        See(stream, stored.Partition, stored.Offset, number, stored.Marker is null && stored.Verdict == Verdict.None ? null : stored.Verdict);
        return number;
    }

    /// <summary>Somebody read a view.</summary>
    public void Read(string view, int version, Position position, string rows, long errors)
    {
        string reader = string.Create(CultureInfo.InvariantCulture, $"{view};{version}");
        Note($"{reader} {position} {rows}");
        if (_lastRead.TryGetValue(reader, out Position? last) && !position.Covers(last))
        {
            throw new Violation("I6 NothingReadGoesBack", $"The view {view} was read at {last}, and later at {position}.");
        }

        _lastRead[reader] = position;
        string what = string.Create(CultureInfo.InvariantCulture, $"{rows} errors={errors}");
        string at = $"{reader} {position}";
        if (!_rows.TryAdd(at, what) && _rows[at] != what)
        {
            throw new Violation("I6 NothingReadGoesBack", $"The view {view} was read twice at {position}: {_rows[at]} and {what}.");
        }
    }

    /// <summary>Holds the whole log of a stream against everything that was sent and told.</summary>
    /// <param name="isHeldAgainst">Whether a partition can be read whole; in one that is read-only because of damage only what can be read is checked.</param>
    public void CheckLog(StreamMix stream, IReadOnlyList<IReadOnlyList<StoredEvent>> log, Func<int, bool> isWhole)
    {
        var counted = new Dictionary<string, List<StoredEvent>>(StringComparer.Ordinal);
        var found = new Dictionary<int, List<StoredEvent>>();
        foreach (IReadOnlyList<StoredEvent> partition in log)
        {
            long next = partition.Count > 0 ? partition[0].Offset : 0;
            foreach (StoredEvent stored in partition)
            {
                if (stored.Offset != next++)
                {
                    throw new Violation("I5 OffsetsAreGapless", $"{stream.Name}/{stored.Partition} has offset {stored.Offset} where {next - 1} was to come.");
                }

                int number = Read(stream.Name, stored);
                if (number < 0)
                {
                    continue;
                }

                SentEvent sent = Events[number];
                (found.TryGetValue(number, out List<StoredEvent>? places) ? places : found[number] = []).Add(stored);
                if (stored.Verdict is Verdict.Counted or Verdict.Replaced && sent.Identity is { } identity)
                {
                    (counted.TryGetValue(identity, out List<StoredEvent>? all) ? all : counted[identity] = []).Add(stored);
                }
            }
        }

        for (int partition = 0; partition < log.Count; partition++)
        {
            List<Place?> places = PlacesOf(stream.Name, partition);
            IReadOnlyList<StoredEvent> records = log[partition];
            for (long offset = records.Count == 0 ? 0 : records[^1].Offset + 1; offset < places.Count && isWhole(partition); offset++)
            {
                if (places[(int)offset] is { } place)
                {
                    throw new Violation("I6 NothingReadGoesBack", $"{stream.Name}/{partition}:{offset} has been seen with event {place.Number}, and is not in the log any more.");
                }
            }
        }

        if (!stream.Forgets)
        {
            foreach ((string identity, List<StoredEvent> all) in counted)
            {
                if (all.Count > 1)
                {
                    throw new Violation("I1 NoDuplicateCount", $"{stream.Name}: {identity} was counted at {string.Join(", ", all.Select(At))}.");
                }
            }
        }

        foreach (SentEvent sent in Events.Where(sent => sent.Stream == stream.Name))
        {
            CheckEvent(stream, sent, found.GetValueOrDefault(sent.Number) ?? [], counted, log, isWhole);
        }

        CheckOrder(stream.Name);
    }

    private void CheckEvent(StreamMix stream, SentEvent sent, List<StoredEvent> found, Dictionary<string, List<StoredEvent>> counted, IReadOnlyList<IReadOnlyList<StoredEvent>> log, Func<int, bool> isWhole)
    {
        if (found.Count > 0 && sent.Attempts.All(attempt => attempt.Told == Told.Refused))
        {
            throw new Violation("I8 RefusedLeavesNoTrace", $"{stream.Name}: event {sent.Number} was refused and is at {string.Join(", ", found.Select(At))}.");
        }

        foreach (Attempt attempt in sent.Attempts)
        {
            if (attempt.Told == Told.Durable && found.Count == 0 && log.Select((_, partition) => partition).All(isWhole))
            {
                throw new Violation("I1 NoAcknowledgedLoss", $"{stream.Name}: event {sent.Number} was acknowledged as durable and is not in the log.");
            }

            if (attempt.Told != Told.Decided || !isWhole(attempt.Partition))
            {
                continue;
            }

            if (attempt.Verdict != Verdict.Duplicate && !found.Exists(stored => stored.Partition == attempt.Partition && stored.Offset == attempt.Offset && stored.Verdict == attempt.Verdict))
            {
                throw new Violation("I1 NoAcknowledgedLoss", $"{stream.Name}: event {sent.Number} was acknowledged as {attempt.Verdict} at {attempt.Partition}:{attempt.Offset}; the log has it at {string.Join(", ", found.Select(At))}.");
            }

            if (attempt.Verdict == Verdict.Duplicate && sent.Identity is { } identity && !stream.Forgets && !(counted.GetValueOrDefault(identity)?.Exists(stored => stored.Partition == attempt.Partition) ?? false))
            {
                throw new Violation("I1 NoAcknowledgedLoss", $"{stream.Name}: event {sent.Number} was acknowledged as a duplicate of {identity}, which is counted nowhere.");
            }

            if (attempt.Verdict is Verdict.Counted or Verdict.Duplicate && !stream.HasClaim && !stream.Forgets && sent.Identity is { } id && (counted.GetValueOrDefault(id)?.Count ?? 0) != 1)
            {
                throw new Violation("I1 AcknowledgedIsCountedOnce", $"{stream.Name}: {id} was acknowledged as {attempt.Verdict} and is counted {counted.GetValueOrDefault(id)?.Count ?? 0} times.");
            }
        }
    }

    // A client sends its next batch when it has been told about the last one: the log has them in that order.
    private void CheckOrder(string stream)
    {
        var last = new Dictionary<(int Client, int Partition), (int Operation, long Highest, long Before)>();
        List<(Attempt Attempt, SentEvent Sent)> told = [];
        foreach (SentEvent sent in Events)
        {
            if (sent.Stream == stream)
            {
                foreach (Attempt attempt in sent.Attempts)
                {
                    if (attempt.Told == Told.Decided && attempt.Verdict != Verdict.Duplicate)
                    {
                        told.Add((attempt, sent));
                    }
                }
            }
        }

        foreach ((Attempt attempt, SentEvent sent) in told.OrderBy(one => one.Attempt.Operation))
        {
            (int Operation, long Highest, long Before) before = last.GetValueOrDefault((attempt.Client, attempt.Partition), (-1, -1, -1));
            long floor = before.Operation == attempt.Operation ? before.Before : before.Highest;
            if (attempt.Offset <= floor)
            {
                throw new Violation("I3 OrderOfAKey", $"{stream}: event {sent.Number} lies at {attempt.Partition}:{attempt.Offset}, before what its client was told at {floor}.");
            }

            last[(attempt.Client, attempt.Partition)] = (attempt.Operation, Math.Max(before.Highest, attempt.Offset), floor);
        }
    }

    private int NumberIn(string stream, StoredEvent stored)
    {
        int at = stored.Value.AsSpan().LastIndexOf("\"n\":"u8);
        int number = -1;
        bool isNumbered = at >= 0 && System.Buffers.Text.Utf8Parser.TryParse(stored.Value.AsSpan(at + 4), out number, out _) && number >= 0 && number < Events.Count;
        if (!isNumbered || Events[number].Stream != stream || !Events[number].Value.AsSpan().SequenceEqual(stored.Value))
        {
            throw new Violation("I2 CountedWasSent", $"{stream}/{stored.Partition} has at offset {stored.Offset} what nobody sent: {Encoding.UTF8.GetString(stored.Value)}");
        }

        return number;
    }

    private void See(string stream, int partition, long offset, int number, Verdict? verdict)
    {
        List<Place?> places = PlacesOf(stream, partition);
        while (places.Count <= offset)
        {
            places.Add(null);
        }

        if (places[(int)offset] is not { } place)
        {
            places[(int)offset] = new Place { Number = number, Verdict = verdict };
            return;
        }

        if (place.Number != number)
        {
            throw new Violation("I5 OffsetsAreNeverReused", $"{stream}/{partition}:{offset} held event {place.Number} and now holds {number}.");
        }

        if (place.Verdict is { } known && verdict is { } now && known != now)
        {
            throw new Violation("I6 NothingReadGoesBack", $"{stream}/{partition}:{offset}, event {number}, was {known} and is {now} now.");
        }

        place.Verdict ??= verdict;
    }

    private List<Place?> PlacesOf(string stream, int partition)
    {
        List<List<Place?>> places = _places.TryGetValue(stream, out List<List<Place?>>? known) ? known : _places[stream] = [];
        while (places.Count <= partition)
        {
            places.Add([]);
        }

        return places[partition];
    }

    private static string At(StoredEvent stored) => string.Create(CultureInfo.InvariantCulture, $"{stored.Partition}:{stored.Offset} ({stored.Verdict})");

    private sealed class Place
    {
        public int Number { get; init; }

        public Verdict? Verdict { get; set; }
    }
}
