using System.Text.Json;
using Weir.Core;
using Weir.Sql;

namespace Weir.Engine;

/// <summary>
/// A view as it is read: the partials of all partitions merged into rows, at one position. Thread-safe: one lock, held while
/// changes are merged and while references are copied; sorting and encoding happen outside it, on immutable rows.
/// </summary>
/// <remarks>
/// Changes carry absolute values and the end they are valid for, so merging them twice, or late, does nothing. What is
/// shown is right at <see cref="Position"/> and at no other. A partition in which the view stopped stays where it is, and
/// the others go on.
/// </remarks>
public sealed partial class ReadModel
{
    private readonly Lock _gate = new();
    private readonly string _view;
    private readonly ViewPlan _plan;
    private readonly string _stream;
    private readonly RowOrder _order;
    private readonly TopRows? _top;
    private readonly PredicateScratch _scratch = new();
    private readonly Dictionary<byte[], MergedGroup> _groups = new(GroupKeyComparer.Instance);
    private readonly SortedDictionary<long, HashSet<MergedGroup>> _windows = [];
    private readonly PartialChanges?[] _partitions;
    private volatile bool _hasAllPartitions;
    private readonly List<MergedGroup> _touched = [];
    private long _merge;

    /// <param name="view">The view's name.</param>
    /// <param name="version">Changes whenever the view means something else or is built anew; the first part of <see cref="ETag"/> and of frame ids.</param>
    /// <param name="stream">The name of the stream, for positions.</param>
    /// <param name="since">Where the view begins when the log before it is gone; null: at the beginning.</param>
    public ReadModel(string view, int version, ViewPlan plan, string stream, int partitions, Position? since = null)
    {
        _view = view;
        _plan = plan;
        _stream = stream;
        Version = version;
        Since = since;
        _order = new RowOrder(plan.OrderSlots);
        _top = plan.Shape.Query.Limit is { } limit ? new TopRows(limit, _order, PassingRows) : null;
        _partitions = new PartialChanges?[partitions];
        _header = new ViewHeader("", new Position(stream, new long[partitions]), IsFinal: false, ErrorCount: 0, Stop: null);
        _header = _header with { Id = IdAt(_header.Position) };
        if (plan.KeySlots.Length == 0)
        {
            // The one row of a view without GROUP BY is there before the first event.
            Touch(GroupOf("[]"u8.ToArray(), windowStartMs: 0)!);
            TryMergeTouched();
            ShowChanges([], []);
        }
    }

    public int Version { get; }

    /// <summary>Null when the view has seen its stream from the beginning.</summary>
    public Position? Since { get; internal set; }

    public Position Position => Volatile.Read(ref _header).Position;

    /// <summary><c>&lt;view version&gt;;&lt;position&gt;</c>, without quotes.</summary>
    public string ETag => Volatile.Read(ref _header).Id;

    public bool IsFinal => Volatile.Read(ref _header).IsFinal;

    /// <summary>Records that the view could not evaluate.</summary>
    public long ErrorCount => Volatile.Read(ref _header).ErrorCount;

    /// <summary>Why the view stopped in a partition (the first such); null while it runs.</summary>
    public ViewStop? Stop => Volatile.Read(ref _header).Stop;

    /// <summary>Whether every partition has been merged at least once.</summary>
    public bool HasAllPartitions => _hasAllPartitions;

    /// <summary>When the last merge was, milliseconds since 1970 UTC: how fresh the answer is.</summary>
    public long AsOfMs { get; private set; }

    /// <summary>Shown rows.</summary>
    public int RowCount
    {
        get
        {
            lock (_gate)
            {
                return _shownCount;
            }
        }
    }

    /// <summary>Merges what the partitions collected and publishes one frame if anything changed, or if nothing has for a second. Called once per publish interval, also when nothing changed.</summary>
    /// <param name="changes">Any partitions, in any order.</param>
    /// <param name="isFinal">Whether the stream is final at these changes.</param>
    /// <param name="nowMs">Milliseconds since 1970 UTC, for <see cref="AsOfMs"/> and the second without change; rows do not depend on it.</param>
    public void Merge(IReadOnlyList<PartialChanges> changes, bool isFinal, long nowMs)
    {
        TaskCompletionSource? changed;
        lock (_gate)
        {
            if (_overflow is not null)
            {
                return;
            }

            AsOfMs = nowMs;
            _merge++;
            foreach (PartialChanges one in changes)
            {
                if (one.End >= (_partitions[one.Partition]?.End ?? 0))
                {
                    Take(one);
                }
            }

            List<ViewRow> rows = [];
            List<byte[]> removed = [];
            if (TryMergeTouched())
            {
                ShowChanges(rows, removed);
            }

            changed = Publish(rows, removed, isFinal);
            _hasAllPartitions = _hasAllPartitions || !_partitions.Contains(null);
        }

        changed?.SetResult();
    }

    /// <summary>Offsets of records that the view could not evaluate, by partition and offset; at most <see cref="ViewLimits.MaxListedErrors"/> of each partition.</summary>
    public IReadOnlyList<(int Partition, long Offset)> ErrorOffsets()
    {
        List<(int, long)> offsets = [];
        lock (_gate)
        {
            for (int partition = 0; partition < _partitions.Length; partition++)
            {
                foreach (long offset in _partitions[partition]?.ErrorOffsets ?? [])
                {
                    offsets.Add((partition, offset));
                }
            }
        }

        return offsets;
    }

    private void Take(PartialChanges changes)
    {
        int partition = changes.Partition;
        if (changes.IsWhole)
        {
            foreach (MergedGroup group in _groups.Values)
            {
                if (group.Parts[partition] is not null)
                {
                    group.Parts[partition] = null;
                    Touch(group);
                }
            }
        }

        foreach (GroupPartial partial in changes.Groups)
        {
            MergedGroup? group = partial.Rows == 0
                ? _groups.GetValueOrDefault(partial.Key)
                : GroupOf(partial.Key, partial.WindowStartMs);
            if (group is not null)
            {
                group.Parts[partition] = partial.Rows == 0 ? null : partial;
                Touch(group);
            }
        }

        _partitions[partition] = changes;
    }

    private void Touch(MergedGroup group)
    {
        if (group.TouchedIn != _merge)
        {
            group.TouchedIn = _merge;
            _touched.Add(group);
        }
    }

    // Null: its window is older than those that are kept.
    private MergedGroup? GroupOf(byte[] key, long windowStartMs)
    {
        if (_groups.TryGetValue(key, out MergedGroup? group))
        {
            return group;
        }

        HashSet<MergedGroup>? window = null;
        if (_plan.Window is not null && !_windows.TryGetValue(windowStartMs, out window))
        {
            if (_windows.Count == _plan.Definition.Keep)
            {
                KeyValuePair<long, HashSet<MergedGroup>> oldest = _windows.First();
                if (windowStartMs < oldest.Key)
                {
                    return null;
                }

                _windows.Remove(oldest.Key);
                foreach (MergedGroup dropped in oldest.Value)
                {
                    Array.Clear(dropped.Parts);
                    Touch(dropped);
                    _groups.Remove(dropped.Key);
                }
            }

            _windows.Add(windowStartMs, window = []);
        }

        group = new MergedGroup(key, KeyValuesOf(key, windowStartMs), windowStartMs, _partitions.Length);
        window?.Add(group);
        _groups.Add(key, group);
        return group;
    }

    private void Forget(MergedGroup group)
    {
        if (_groups.GetValueOrDefault(group.Key) != group)
        {
            return;
        }

        _groups.Remove(group.Key);
        if (_plan.Window is not null && _windows.TryGetValue(group.WindowStartMs, out HashSet<MergedGroup>? window))
        {
            window.Remove(group);
            if (window.Count == 0)
            {
                _windows.Remove(group.WindowStartMs);
            }
        }
    }

    // The GROUP BY values and the end of the window, the first row slots; the others still NULL.
    private SqlValue[] KeyValuesOf(byte[] key, long windowStartMs)
    {
        SqlValue[] values = new SqlValue[_plan.RowSlotCount];
        Utf8JsonReader reader = new(key);
        reader.Read();
        for (int i = 0; i < _plan.KeySlots.Length; i++)
        {
            reader.Read();
            SqlValue.TryRead(ref reader, key, out values[i]);
        }

        if (_plan.Window is { } window)
        {
            values[_plan.WindowEndSlot] = SqlValue.FromText(window.Format(windowStartMs + window.SizeMs));
        }

        return values;
    }

    // False: a sum over the partitions left 128 bits. The rows stay as they were, and so does the position, for good.
    private bool TryMergeTouched()
    {
        List<ViewRow?> rows = new(_touched.Count);
        try
        {
            foreach (MergedGroup group in _touched)
            {
                rows.Add(RowOf(group));
            }
        }
        catch (OverflowException)
        {
            _overflow = new ViewStop(ErrorCode.SumOverflow, Partition: -1, Offset: -1, "The view stopped: a sum over all partitions no longer fits 128 bits.");
            _touched.Clear();
            return false;
        }

        for (int i = 0; i < rows.Count; i++)
        {
            MergedGroup group = _touched[i];
            ViewRow? before = group.Row;
            bool isSame = before is null ? rows[i] is null : rows[i] is { } after && after.HasValuesOf(before);
            if (!isSame)
            {
                group.Row = rows[i];
                _top?.Replace(before, rows[i]);
            }

            if (_plan.KeySlots.Length > 0 && group.IsEmpty)
            {
                Forget(group);
            }
        }

        return true;
    }

    private ViewRow? RowOf(MergedGroup group)
    {
        if (_plan.KeySlots.Length > 0 && group.IsEmpty)
        {
            return null;
        }

        SqlValue[] values = group.Merge(_plan);
        RowData data = new(values);
        return _plan.Having is not { } having || having.Evaluate(in data, _scratch) == Truth.True ? new ViewRow(group, values) : null;
    }

    // What HAVING lets through.
    private IEnumerable<ViewRow> PassingRows() => _groups.Values.Where(group => group.Row is not null).Select(group => group.Row!);

    /// <summary>Finds keys by their bytes.</summary>
    private sealed class GroupKeyComparer : IEqualityComparer<byte[]>
    {
        public static readonly GroupKeyComparer Instance = new();

        public bool Equals(byte[]? left, byte[]? right) => left.AsSpan().SequenceEqual(right);

        // Seeded by the process, so that nobody can aim keys at one bucket; never leaves it.
        public int GetHashCode(byte[] key) => unchecked((int)GroupHash.Of(key, s_seed));

        private static readonly ulong s_seed = System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(
            System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));
    }
}
