using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// Owner (or identity) → the record that used its claim, off the garbage-collected heap: 24 bytes an entry at a load of 0.75 to 0.9,
/// so at most 32 bytes a voter.
/// </summary>
/// <remarks>
/// 1,024 shards by the hash's top bits. A shard is an array sorted by hash with gaps: an entry's home is its hash scaled to the array, and
/// entries after it shift right (ordered linear probing). A look-up reads one or two neighbouring cache lines, an absent owner is seen
/// at the first larger hash, and growing is one sequential copy of one shard — a few hundred entries to a few ten thousand, never the table,
/// so no writer waits for it. Shards are made to grow at different times. Chosen over linear hashing in ADR 0002.
/// <para>The content in hash order does not depend on the order of insertion, which makes snapshots and state hashes canonical.</para>
/// Owned by one thread. Not bounded by itself: the partition stops taking new owners at <c>limits.state_bytes</c>.
/// </remarks>
internal sealed unsafe class OwnerTable : IDisposable
{
    public const int ShardBits = 10;
    public const int ShardCount = 1 << ShardBits;

    private const int FirstCapacity = 8;

    private readonly Shard[] _shards = new Shard[ShardCount];
    private readonly long _firstOffset;
    private List<OwnerEntry>? _undo;
    private long _snapshotEnd;
    private int _snapshotNext;
    private bool _disposed;

    /// <param name="firstOffset">Offsets are kept relative to this one; none below it is ever stored.</param>
    public OwnerTable(long firstOffset) => _firstOffset = firstOffset;

    ~OwnerTable() => Free();

    /// <summary>Entries in the table.</summary>
    public long Count { get; private set; }

    /// <summary>Native memory held, bytes.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Entries of records below this offset may be dropped when their shard grows (<c>remember</c>).</summary>
    public long ExpiredBelow { get; set; }

    /// <summary>Starts loading the lines that a look-up of this hash will read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(OwnerHash hash)
    {
        ref Shard shard = ref _shards[ShardOf(hash.Low)];
        if (Sse.IsSupported && shard.Capacity > 0)
        {
            byte* home = (byte*)(shard.Slots + HomeOf(hash.Low, shard.Capacity));
            Sse.Prefetch0(home);
            Sse.Prefetch0(home + 64);
        }
    }

    /// <summary>Finds an entry.</summary>
    public bool TryGet(OwnerHash hash, out OwnerEntry entry)
    {
        ref Shard shard = ref _shards[ShardOf(hash.Low)];
        if (shard.Capacity > 0)
        {
            OwnerEntry* at = Seek(ref shard, hash, out bool found);
            if (found)
            {
                entry = *at;
                return true;
            }
        }

        entry = default;
        return false;
    }

    /// <summary>Adds an entry unless its hash is there; then <paramref name="existing"/> is what is there.</summary>
    public bool TryAdd(OwnerHash hash, long offset, uint identityPrint, uint payloadPrint, out OwnerEntry existing)
    {
        ref Shard shard = ref _shards[ShardOf(hash.Low)];
        if ((shard.Count + 1) * 10L > shard.Capacity * 9L)
        {
            Grow(ref shard, ShardOf(hash.Low));
        }

        OwnerEntry* at = Seek(ref shard, hash, out bool found);
        if (found)
        {
            existing = *at;
            return false;
        }

        existing = default;
        while (!TryInsert(ref shard, at, new OwnerEntry(hash, offset - _firstOffset, identityPrint, payloadPrint)))
        {
            Grow(ref shard, ShardOf(hash.Low));
            at = Seek(ref shard, hash, out _);
        }

        Count++;
        return true;
    }

    /// <summary>Replaces the entry of a hash that is there (<c>keep: last</c>, or an identity that was forgotten).</summary>
    public void Replace(OwnerHash hash, long offset, uint identityPrint, uint payloadPrint)
    {
        int index = ShardOf(hash.Low);
        OwnerEntry* at = Seek(ref _shards[index], hash, out bool found);
        Invariant.Check(found, "Replace of an owner that is not in the table.");

        // A snapshot under way wants the entry as it was at its offset.
        if (_undo is not null && index >= _snapshotNext && OffsetOf(*at) < _snapshotEnd)
        {
            _undo.Add(*at);
        }

        *at = new OwnerEntry(hash, offset - _firstOffset, identityPrint, payloadPrint);
    }

    /// <summary>The offset of an entry's record.</summary>
    public long OffsetOf(in OwnerEntry entry) => entry.RelativeOffset + _firstOffset;

    /// <summary>Begins a copy of the table as it is at <paramref name="end"/> (exclusive), while it goes on changing; entries carry their offset, so later ones are left out.</summary>
    public void BeginSnapshot(long end)
    {
        Invariant.Check(_undo is null, "Two snapshots of one table at once.");
        _undo = [];
        _snapshotEnd = end;
        _snapshotNext = 0;
    }

    /// <summary>Copies the next shard's entries of the snapshot; call until it returns false, which ends the snapshot with the entries changed meanwhile.</summary>
    /// <param name="entries">Cleared and filled.</param>
    public bool CopyNextShard(List<OwnerEntry> entries)
    {
        entries.Clear();
        if (_snapshotNext == ShardCount)
        {
            entries.AddRange(_undo!);
            _undo = null;
            return false;
        }

        ref Shard shard = ref _shards[_snapshotNext++];
        for (int i = 0; shard.Capacity > 0 && i < SlotsOf(shard.Capacity); i++)
        {
            OwnerEntry entry = shard.Slots[i];
            if (!entry.IsEmpty && OffsetOf(entry) < _snapshotEnd)
            {
                entries.Add(entry);
            }
        }

        return true;
    }

    /// <summary>Gives up a snapshot under way.</summary>
    public void AbandonSnapshot() => _undo = null;

    /// <summary>Adds one shard's entries as a snapshot holds them, in hash order, to a table without entries of that shard.</summary>
    public void LoadSorted(ReadOnlySpan<OwnerEntry> entries)
    {
        if (entries.IsEmpty)
        {
            return;
        }

        int index = ShardOf(entries[0].HashLow);
        ref Shard shard = ref _shards[index];
        if (shard.Count > 0)
        {
            foreach (OwnerEntry entry in entries)
            {
                TryAdd(new OwnerHash(entry.HashLow, entry.HashHigh), OffsetOf(entry), entry.IdentityPrint, entry.PayloadPrint, out _);
            }

            return;
        }

        int capacity = Math.Max(FirstCapacity, (int)Math.Min(entries.Length * 5L / 4, int.MaxValue / 2));
        Shard loaded = Allocate(capacity);
        while (!Fill(ref loaded, entries))
        {
            Release(ref loaded);
            capacity += (capacity / 4) + 1;
            loaded = Allocate(capacity);
        }

        Release(ref shard);
        shard = loaded;
        Count += entries.Length;
    }

    /// <summary>A hash over the content: equal tables give equal hashes, however they came about.</summary>
    public UInt128 ContentHash()
    {
        UInt128 hash = (UInt128)(ulong)Count;
        var keyed = new KeyedHash(0x5765_6972, 0x4f77_6e65);
        foreach (Shard shard in _shards)
        {
            for (int i = 0; shard.Capacity > 0 && i < SlotsOf(shard.Capacity); i++)
            {
                if (!shard.Slots[i].IsEmpty)
                {
                    hash = unchecked(hash + keyed.Hash(new ReadOnlySpan<byte>(shard.Slots + i, OwnerEntry.Bytes)));
                }
            }
        }

        return hash;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ShardOf(ulong hashLow) => (int)(hashLow >> (64 - ShardBits));

    // The bits below the shard's, scaled to the capacity: monotonic in the hash, so homes are in hash order.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int HomeOf(ulong hashLow, int capacity) => (int)Math.BigMul(hashLow << ShardBits, (ulong)capacity, out _);

    // Room past the last home. The overhang of ordered probing at load 0.9 passes 72 slots with probability below 10^-6; then the shard just grows earlier.
    private static int SlotsOf(int capacity) => capacity + Math.Min(72, 8 + (capacity / 8));

    /// <summary>The slot of the hash, or the slot where it belongs: the first that is empty or larger, at or after its home.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static OwnerEntry* Seek(ref Shard shard, OwnerHash hash, out bool found)
    {
        // SAFETY: HomeOf is below Capacity, and TryInsert keeps the last pad slot empty, so the walk ends inside the allocation.
        OwnerEntry* at = shard.Slots + HomeOf(hash.Low, shard.Capacity);
        while (!at->IsEmpty && (at->HashLow < hash.Low || (at->HashLow == hash.Low && at->HashHigh < hash.High)))
        {
            at++;
        }

        found = !at->IsEmpty && at->HashLow == hash.Low && at->HashHigh == hash.High;
        return at;
    }

    /// <summary>Puts an entry where <see cref="Seek"/> said; false when the shift would run into the last pad slot.</summary>
    private static bool TryInsert(ref Shard shard, OwnerEntry* at, OwnerEntry entry)
    {
        OwnerEntry* last = shard.Slots + SlotsOf(shard.Capacity) - 1;
        OwnerEntry* gap = at;
        while (!gap->IsEmpty)
        {
            gap++;
        }

        if (gap >= last)
        {
            return false;
        }

        // SAFETY: [at, gap] lies inside the allocation; the two ranges overlap, which MemoryCopy allows.
        long bytes = (byte*)gap - (byte*)at;
        Buffer.MemoryCopy(at, at + 1, bytes, bytes);
        *at = entry;
        shard.Count++;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(ref Shard shard, int index)
    {
        int kept = shard.Count;
        if (ExpiredBelow > _firstOffset)
        {
            kept = 0;
            for (int i = 0; shard.Capacity > 0 && i < SlotsOf(shard.Capacity); i++)
            {
                kept += IsKept(shard.Slots[i]) ? 1 : 0;
            }
        }

        int capacity = NextCapacity(Math.Max(kept, 1), shard.Capacity, index);
        while (true)
        {
            Shard grown = Allocate(capacity);
            if (CopyInto(ref grown, shard))
            {
                Count -= shard.Count - grown.Count;
                Release(ref shard);
                shard = grown;
                return;
            }

            Release(ref grown);
            capacity += (capacity / 5) + 1;
        }
    }

    // Small shards double. From 256 on they grow by a fifth, from a start that differs by shard, so that 1,024 of them do not grow at the same moment.
    private static int NextCapacity(int kept, int capacity, int index)
    {
        if (kept * 10L < capacity * 7L)
        {
            return capacity;
        }

        return capacity switch
        {
            0 => FirstCapacity,
            < 256 when capacity * 2 < 256 => capacity * 2,
            < 256 => 256 + (256 * index / (5 * ShardCount)) + 1,
            _ => checked(capacity + (capacity / 5)),
        };
    }

    private bool IsKept(in OwnerEntry entry) => !entry.IsEmpty && OffsetOf(entry) >= ExpiredBelow;

    private bool CopyInto(ref Shard target, in Shard source)
    {
        OwnerEntry* next = target.Slots;
        OwnerEntry* last = target.Slots + SlotsOf(target.Capacity) - 1;
        for (int i = 0; source.Capacity > 0 && i < SlotsOf(source.Capacity); i++)
        {
            OwnerEntry entry = source.Slots[i];
            if (IsKept(entry) && !Place(ref target, ref next, last, entry))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Fill(ref Shard target, ReadOnlySpan<OwnerEntry> entries)
    {
        OwnerEntry* next = target.Slots;
        OwnerEntry* last = target.Slots + SlotsOf(target.Capacity) - 1;
        foreach (OwnerEntry entry in entries)
        {
            if (!Place(ref target, ref next, last, entry))
            {
                return false;
            }
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Place(ref Shard target, ref OwnerEntry* next, OwnerEntry* last, OwnerEntry entry)
    {
        OwnerEntry* home = target.Slots + HomeOf(entry.HashLow, target.Capacity);
        OwnerEntry* slot = home > next ? home : next;
        if (slot >= last)
        {
            return false;
        }

        *slot = entry;
        next = slot + 1;
        target.Count++;
        return true;
    }

    private Shard Allocate(int capacity)
    {
        long bytes = (long)SlotsOf(capacity) * OwnerEntry.Bytes;
        var shard = new Shard { Slots = (OwnerEntry*)NativeBlock.AllocateZeroed(bytes), Capacity = capacity };
        AllocatedBytes += bytes;
        return shard;
    }

    private void Release(ref Shard shard)
    {
        if (shard.Capacity > 0)
        {
            long bytes = (long)SlotsOf(shard.Capacity) * OwnerEntry.Bytes;
            NativeBlock.Free(shard.Slots, bytes);
            AllocatedBytes -= bytes;
            shard = default;
        }
    }

    private void Free()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        for (int i = 0; i < _shards.Length; i++)
        {
            Release(ref _shards[i]);
        }
    }

    private struct Shard
    {
        public OwnerEntry* Slots;

        /// <summary>Homes; the allocation has a few slots more (<see cref="SlotsOf"/>).</summary>
        public int Capacity;
        public int Count;
    }
}
