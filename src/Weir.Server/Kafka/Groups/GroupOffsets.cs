using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Weir.Core;
using Weir.Engine;
using Weir.Sql;

namespace Weir.Server.Kafka.Groups;

/// <summary>
/// The committed offsets of all groups: events of an internal stream, of which a view keeps the latest per group, topic and partition. So they are on disk
/// before a commit is answered, survive whatever the log survives, and are read back at a start from the view, however long the log is.
/// </summary>
/// <remarks>Any thread. What is here is what is flushed. Format: docs/internals/group-offsets.md.</remarks>
/// <param name="most">Offsets of (group, topic, partition) that there can be, deleted ones included: as many rows as the view keeps.</param>
internal sealed class GroupOffsets(ServerState state, int most = ViewLimits.DefaultMaxGroups)
{
    /// <summary>Name of the stream and of the view over it.</summary>
    public const string Name = "__weir_offsets";

    /// <summary>Longest text that a client may keep beside an offset, bytes; Kafka's default.</summary>
    public const int MostMetadataBytes = 4096;

    // A view keeps so many rows, and 4,096 bytes of a text.
    private const string Sql = """SELECT g, t, p, latest(o) AS o, latest(e) AS e, latest(m) AS m, latest(s) AS s FROM __weir_offsets GROUP BY g, t, p""";
    private const string Definition = """{"partitions":1,"delivery":"at-least-once","retention":"1GiB"}""";
    private const long Deleted = -1;

    // In front of every record.
    private const long NotCommitted = -2;

    private static readonly TimeSpan LoadsWithin = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, ConcurrentDictionary<OffsetKey, Entry>> _groups = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _opening = new(1);
    private volatile EventStream? _stream;
    private int _count;

    /// <summary>Groups that have committed offsets.</summary>
    public IEnumerable<string> Groups => _groups.Where(group => group.Value.Any(one => IsThere(one.Key, one.Value))).Select(group => group.Key);

    /// <summary>Reads what was committed before the start; once, at the first call that succeeds.</summary>
    /// <exception cref="WeirException">Not yet; retry.</exception>
    public async ValueTask OpenAsync()
    {
        if (_stream is not null)
        {
            return;
        }

        await _opening.WaitAsync();
        try
        {
            if (_stream is null)
            {
                WeirNode node = state.NodeForWriting();
                EventStream stream = node.TryGetStream(Name, out EventStream? found) ? found : await node.DefineStreamAsync(Name, StreamDefinition.Parse(Encoding.UTF8.GetBytes(Definition)));
                View view = await node.DefineViewAsync(Name, new ViewDefinition(Sql, most));
                ReadModel rows = await state.BuiltAsync(view, LoadsWithin, CancellationToken.None);
                if (!await rows.WaitForAsync(stream.FlushedPosition, LoadsWithin, state.Time, CancellationToken.None))
                {
                    throw new WeirException(ErrorCode.Recovering, "The committed offsets are being read.");
                }

                Load(rows);
                _stream = stream;
            }
        }
        finally
        {
            _opening.Release();
        }
    }

    public CommittedOffset? Find(string group, OffsetKey key) =>
        _groups.TryGetValue(group, out var offsets) && offsets.TryGetValue(key, out Entry? found) && IsThere(key, found) ? found.Offset : null;

    public IEnumerable<(OffsetKey Key, CommittedOffset Offset)> All(string group) =>
        _groups.TryGetValue(group, out var offsets) ? offsets.Where(one => IsThere(one.Key, one.Value)).Select(one => (one.Key, one.Value.Offset)) : [];

    /// <summary>Commits offsets, or deletes those that are null.</summary>
    /// <returns>Whether they are on disk; false: they may be or not, and the client commits again.</returns>
    /// <exception cref="WeirException">Not opened yet; retry. <see cref="ErrorCode.TooManyGroups"/>: there are as many offsets as there can be, and one of these is new.</exception>
    public async Task<bool> CommitAsync(string group, IReadOnlyList<(OffsetKey Key, CommittedOffset? Offset)> offsets)
    {
        await OpenAsync();
        ConcurrentDictionary<OffsetKey, Entry> known = _groups.GetOrAdd(group, static _ => new());
        var streams = new Guid?[offsets.Count];
        for (int i = 0; i < offsets.Count; i++)
        {
            TakePlace(known, group, offsets[i].Key);
            streams[i] = StreamOf(offsets[i].Key.Topic);
        }

        using IngestBatch batch = _stream!.NewBatch();
        for (int i = 0; i < offsets.Count; i++)
        {
            batch.Add(ToJson(group, offsets[i].Key, offsets[i].Offset, streams[i]), EventHeaders.None);
        }

        await batch.SubmitDurablyAsync();
        if (batch.Totals.Durable != offsets.Count)
        {
            return false;
        }

        for (int i = 0; i < offsets.Count; i++)
        {
            // The order of the log decides between commits that are told in another one.
            long at = batch.OutcomeOf(i).Offset;
            var committed = new Entry(at, offsets[i].Offset ?? new CommittedOffset(Deleted, -1, ""), streams[i]);
            known.AddOrUpdate(offsets[i].Key, committed, (_, before) => before.At > at ? before : committed);
        }

        return true;
    }

    // The record that the view has no row for would stop it, and the next start would know of no commit since. A commit that fails keeps its places: it may be on disk.
    private void TakePlace(ConcurrentDictionary<OffsetKey, Entry> known, string group, OffsetKey key)
    {
        if (!known.TryAdd(key, new Entry(NotCommitted, new CommittedOffset(Deleted, -1, ""), null)) || Interlocked.Increment(ref _count) <= most)
        {
            return;
        }

        known.TryRemove(key, out _);
        Interlocked.Decrement(ref _count);
        throw new WeirException(ErrorCode.TooManyGroups, $"{most} offsets are kept, deleted ones included: group {group} cannot commit one of partition {key.Partition} of {key.Topic} as well.");
    }

    // Of a topic that was deleted and made again: its offsets begin anew, and where the group was in the old one says nothing.
    private bool IsThere(OffsetKey key, Entry entry) => entry.Offset.Offset != Deleted && (entry.Stream is null || entry.Stream == StreamOf(key.Topic));

    private Guid? StreamOf(string topic) => state.Node.TryGetStream(topic, out EventStream? stream) ? stream.Id : null;

    private static byte[] ToJson(string group, OffsetKey key, CommittedOffset? offset, Guid? stream)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("g", group);
            json.WriteString("t", key.Topic);
            json.WriteNumber("p", key.Partition);
            json.WriteNumber("o", offset?.Offset ?? Deleted);
            json.WriteNumber("e", offset?.LeaderEpoch ?? -1);
            json.WriteString("m", offset?.Metadata ?? "");
            json.WriteString("s", stream?.ToString() ?? "");
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private void Load(ReadModel rows)
    {
        string? next = null;
        _count = 0;
        do
        {
            ViewPage page = rows.Query(new ViewRequest { Limit = ViewRequest.MaxLimit, After = next });
            using JsonDocument document = JsonDocument.Parse(page.Rows);
            foreach (JsonElement row in document.RootElement.EnumerateArray())
            {
                var offset = new CommittedOffset(Number(row, "o"), (int)Number(row, "e"), row.GetProperty("m").GetString()!);
                var key = new OffsetKey(row.GetProperty("t").GetString()!, (int)Number(row, "p"));
                _groups.GetOrAdd(row.GetProperty("g").GetString()!, static _ => new())[key] = new Entry(-1, offset, Guid.TryParse(row.GetProperty("s").GetString(), out Guid stream) ? stream : null);
                _count++;
            }

            next = page.Next;
        }
        while (next is not null);
    }

    // Numbers come as numbers, or as text where they are beyond what a double holds.
    private static long Number(JsonElement row, string name)
    {
        JsonElement value = row.GetProperty(name);
        return value.ValueKind == JsonValueKind.String ? long.Parse(value.GetString()!, CultureInfo.InvariantCulture) : value.GetInt64();
    }

    /// <param name="At">Offset of the commit in the internal stream; -1: from before the start.</param>
    /// <param name="Stream">Id of the stream that it was committed for; null where that had gone.</param>
    private sealed record Entry(long At, CommittedOffset Offset, Guid? Stream);
}
