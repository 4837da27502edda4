using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Weir.Core;

namespace Weir.Engine;

/// <summary>
/// Owner (or identity) → the record that used its claim, off the garbage-collected heap: 24 bytes an entry and one byte of tag, at a load of
/// 0.75 to 0.9, so about 30 bytes a voter.
/// </summary>
/// <remarks>
/// 1,024 shards by the hash's top bits. A shard is groups of 16 slots with a tag byte each; an entry lives in its home group (the hash scaled
/// to the number of groups) or, where that is full, in the next with room. A look-up compares 16 tags at once and then, as a rule, one entry:
/// two cache lines, which the caller has loaded ahead (<see cref="PrefetchTags"/>, <see cref="PrefetchEntry"/>). Growing copies one shard,
/// nearly in order — a few ten thousand entries at most, never the table, so no writer waits for it — and shards are made to grow at different
/// times. Chosen over linear hashing and over ordered probing in ADR 0002.
/// Owned by one thread. Not bounded by itself: the partition stops taking new owners at <c>limits.state_bytes</c>.
/// </remarks>
internal sealed unsafe class OwnerTable : IDisposable
{
    public const int ShardBits = 10;
    public const int ShardCount = 1 << ShardBits;

    private const int GroupSlots = 16;
    private const byte Used = 0x80;

    private readonly Shard[] _shards = new Shard[ShardCount];
    private long _firstOffset;
    private List<OwnerEntry>? _undo;
    private long _snapshotEnd;
    private long _snapshotExpiredBelow;
    private int _snapshotNext;
    private bool _disposed;

    /// <param name="firstOffset">Offsets are kept relative to this one; none below it is ever stored.</param>
    public OwnerTable(long firstOffset) => _firstOffset = firstOffset;

    ~OwnerTable() => Free();

    /// <summary>Entries in the table.</summary>
    public long Count { get; private set; }

    /// <summary>Native memory held, bytes.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>What entries' offsets are relative to. Set before the entries of a snapshot are loaded: they are relative to its first offset, not to today's log start.</summary>
    public long FirstOffset
    {
        get => _firstOffset;
        set
        {
            Invariant.Check(Count == 0, "The first offset of a table with entries cannot change.");
            _firstOffset = value;
        }
    }

    /// <summary>Entries of records below this offset may be dropped when their shard grows (<c>remember</c>).</summary>
    public long ExpiredBelow { get; set; }

    /// <summary>Starts loading the tags that a look-up of this hash compares first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchTags(OwnerHash hash)
    {
        ref Shard shard = ref _shards[ShardOf(hash.Low)];
        if (Sse.IsSupported && shard.Groups > 0)
        {
            Sse.Prefetch0(shard.Tags + (HomeOf(hash.Low, shard.Groups) * GroupSlots));
        }
    }

    /// <summary>Starts loading the entry that the tags point to, or the free slot that an insertion would take. Some steps after <see cref="PrefetchTags"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchEntry(OwnerHash hash)
    {
        ref Shard shard = ref _shards[ShardOf(hash.Low)];
        if (Sse.IsSupported && shard.Groups > 0)
        {
            int group = HomeOf(hash.Low, shard.Groups);
            Vector128<byte> tags = Vector128.Load(shard.Tags + (group * GroupSlots));
            uint wanted = Vector128.Equals(tags, Vector128.Create(TagOf(hash))).ExtractMostSignificantBits();
            wanted = wanted != 0 ? wanted : ~tags.ExtractMostSignificantBits();
            byte* entry = (byte*)(shard.Slots + (group * GroupSlots) + (BitOperations.TrailingZeroCount(wanted) & (GroupSlots - 1)));
            Sse.Prefetch0(entry);

            // An entry of 24 bytes can lie across two lines.
            Sse.Prefetch0(entry + OwnerEntry.Bytes - 1);
        }
    }

    /// <summary>Finds an entry.</summary>
    public bool TryGet(OwnerHash hash, out OwnerEntry entry)
    {
        ref Shard shard = ref _shards[ShardOf(hash.Low)];
        if (shard.Groups > 0)
        {
            int slot = Seek(ref shard, hash, out bool found);
            if (found)
            {
                entry = shard.Slots[slot];
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
        if (shard.Count >= shard.MaxCount)
        {
            Grow(ref shard, ShardOf(hash.Low), isCrowded: false);
        }

        int slot = Seek(ref shard, hash, out bool found);
        if (found)
        {
            existing = shard.Slots[slot];
            return false;
        }

        existing = default;
        while (slot >= shard.LastSlot)
        {
            Grow(ref shard, ShardOf(hash.Low), isCrowded: true);
            slot = Seek(ref shard, hash, out _);
        }

        Put(ref shard, slot, new OwnerEntry(hash, offset - _firstOffset, identityPrint, payloadPrint));
        Count++;
        return true;
    }

    /// <summary>Replaces the entry of a hash that is there (<c>keep: last</c>, or an identity that was forgotten).</summary>
    public void Replace(OwnerHash hash, long offset, uint identityPrint, uint payloadPrint)
    {
        int index = ShardOf(hash.Low);
        ref Shard shard = ref _shards[index];
        int slot = Seek(ref shard, hash, out bool found);
        Invariant.Check(found, "Replace of an owner that is not in the table.");

        // A snapshot under way wants the entry as it was at its offset.
        if (_undo is not null && index >= _snapshotNext && OffsetOf(shard.Slots[slot]) < _snapshotEnd
#if WEIR_PLANTED
            && !Weir.Core.Planted.SnapshotOfLater
#endif
            )
        {
            _undo.Add(shard.Slots[slot]);
        }

        shard.Slots[slot] = new OwnerEntry(hash, offset - _firstOffset, identityPrint, payloadPrint);
    }

    /// <summary>The offset of an entry's record.</summary>
    public long OffsetOf(in OwnerEntry entry) => entry.RelativeOffset + _firstOffset;

    /// <summary>Begins a copy of the table as it is at <paramref name="end"/> (exclusive), while it goes on changing; entries carry their offset, so later ones are left out.</summary>
    public void BeginSnapshot(long end)
    {
        Invariant.Check(_undo is null, "Two snapshots of one table at once.");
        _undo = [];
        _snapshotEnd = end;
        _snapshotExpiredBelow = ExpiredBelow;
        _snapshotNext = 0;
    }

    /// <summary>Copies the next shard's entries of the snapshot; call until it returns false, which ends the snapshot with the entries changed meanwhile.</summary>
    /// <param name="entries">Gets them behind what it holds.</param>
    public bool CopyNextShard(List<OwnerEntry> entries)
    {
        if (_snapshotNext == ShardCount)
        {
            entries.AddRange(_undo!);
            _undo = null;
            return false;
        }

        ref Shard shard = ref _shards[_snapshotNext++];
        for (int i = 0; i < shard.SlotCount; i++)
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

    /// <summary>Adds entries of one shard as a snapshot holds them. Fastest, without growing, into a shard that is empty.</summary>
    public void LoadShard(ReadOnlySpan<OwnerEntry> entries)
    {
        if (entries.IsEmpty)
        {
            return;
        }

        ref Shard shard = ref _shards[ShardOf(entries[0].HashLow)];
        if (shard.Count == 0)
        {
            Release(ref shard);
            shard = Allocate((int)Math.Min((entries.Length * 5L / (4 * GroupSlots)) + 1, int.MaxValue / (2 * GroupSlots)));
        }

        foreach (OwnerEntry entry in entries)
        {
            TryAdd(new OwnerHash(entry.HashLow, entry.HashHigh), OffsetOf(entry), entry.IdentityPrint, entry.PayloadPrint, out _);
        }
    }

    /// <summary>A hash over the content: equal tables give equal hashes, however they came about.</summary>
    /// <param name="expiredBelow">Entries of records below this offset may be there or not and are left out.</param>
    public UInt128 ContentHash(long expiredBelow = long.MinValue)
    {
        UInt128 hash = 0;
        var keyed = new KeyedHash(0x5765_6972, 0x4f77_6e65);
        foreach (Shard shard in _shards)
        {
            for (int i = 0; i < shard.SlotCount; i++)
            {
                if (!shard.Slots[i].IsEmpty && OffsetOf(shard.Slots[i]) >= expiredBelow)
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

    // The bits below the shard's, scaled to the number of groups: growing then copies nearly in order.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int HomeOf(ulong hashLow, int groups) => (int)Math.BigMul(hashLow << ShardBits, (ulong)groups, out _);

    // From bits that choose neither shard nor home.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte TagOf(OwnerHash hash) => (byte)(Used | (hash.High & 0x7F));

    /// <summary>The slot of the hash, or the free slot where it belongs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Seek(ref Shard shard, OwnerHash hash, out bool found)
    {
        // SAFETY: HomeOf is below Groups, and no insertion takes the last slot of the allocation, so the walk ends at a free one inside it.
        Vector128<byte> tag = Vector128.Create(TagOf(hash));
        for (int first = HomeOf(hash.Low, shard.Groups) * GroupSlots; ; first += GroupSlots)
        {
            Vector128<byte> tags = Vector128.Load(shard.Tags + first);
            for (uint same = Vector128.Equals(tags, tag).ExtractMostSignificantBits(); same != 0; same &= same - 1)
            {
                OwnerEntry* entry = shard.Slots + first + BitOperations.TrailingZeroCount(same);
                if (entry->HashLow == hash.Low && entry->HashHigh == hash.High)
                {
                    found = true;
                    return (int)(entry - shard.Slots);
                }
            }

            uint free = ~tags.ExtractMostSignificantBits() & 0xFFFF;
            if (free != 0)
            {
                found = false;
                return first + BitOperations.TrailingZeroCount(free);
            }
        }
    }

    private static void Put(ref Shard shard, int slot, in OwnerEntry entry)
    {
        shard.Tags[slot] = (byte)(Used | (entry.HashHigh & 0x7F));
        shard.Slots[slot] = entry;
        shard.Count++;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(ref Shard shard, int index, bool isCrowded)
    {
        // A snapshot that has not come to this shard yet wants what was remembered at its offset.
        long expiredBelow = _undo is not null && index >= _snapshotNext ? Math.Min(ExpiredBelow, _snapshotExpiredBelow) : ExpiredBelow;
        int kept = 0;
        for (int i = 0; i < shard.SlotCount; i++)
        {
            kept += IsKept(shard.Slots[i], expiredBelow) ? 1 : 0;
        }

        // Crowded: the groups behind the last home are full although the shard is not. The same number of groups would be as crowded again.
        int groups = isCrowded ? checked(shard.Groups + Math.Max(1, shard.Groups / 5)) : NextGroups(kept, shard.Groups, index);
        while (true)
        {
            Shard grown = Allocate(groups);
            if (TryCopy(ref grown, shard, expiredBelow))
            {
                Count -= shard.Count - grown.Count;
                Release(ref shard);
                shard = grown;
                return;
            }

            Release(ref grown);
            groups += (groups / 5) + 1;
        }
    }

    // Small shards double. From 16 groups on they grow by a fifth, from a start that differs by shard, so that 1,024 of them do not grow at the same moment.
    private static int NextGroups(int kept, int groups, int index)
    {
        if (groups > 0 && kept * 10L < groups * GroupSlots * 7L)
        {
            return groups;
        }

        return groups switch
        {
            0 => 1,
            < 8 => groups * 2,
            < 16 => 16 + (index * 4 / ShardCount),
            _ => checked(groups + Math.Max(1, groups / 5)),
        };
    }

    private bool IsKept(in OwnerEntry entry, long expiredBelow) => !entry.IsEmpty && OffsetOf(entry) >= expiredBelow;

    private bool TryCopy(ref Shard target, in Shard source, long expiredBelow)
    {
        for (int i = 0; i < source.SlotCount; i++)
        {
            OwnerEntry entry = source.Slots[i];
            if (!IsKept(entry, expiredBelow))
            {
                continue;
            }

            int slot = FreeSlot(ref target, entry.HashLow);
            if (slot >= target.LastSlot)
            {
                return false;
            }

            Put(ref target, slot, entry);
        }

        return true;
    }

    private static int FreeSlot(ref Shard shard, ulong hashLow)
    {
        for (int first = HomeOf(hashLow, shard.Groups) * GroupSlots; ; first += GroupSlots)
        {
            uint free = ~Vector128.Load(shard.Tags + first).ExtractMostSignificantBits() & 0xFFFF;
            if (free != 0)
            {
                return first + BitOperations.TrailingZeroCount(free);
            }
        }
    }

    private Shard Allocate(int groups)
    {
        var shard = new Shard { Groups = groups };
        long bytes = BytesOf(shard);
        shard.Tags = (byte*)NativeBlock.AllocateZeroed(bytes);
        shard.Slots = (OwnerEntry*)(shard.Tags + shard.SlotCount);
        AllocatedBytes += bytes;
        return shard;
    }

    private void Release(ref Shard shard)
    {
        if (shard.Groups > 0)
        {
            long bytes = BytesOf(shard);
            NativeBlock.Free(shard.Tags, bytes);
            AllocatedBytes -= bytes;
            shard = default;
        }
    }

    private static long BytesOf(in Shard shard) => shard.SlotCount * (1L + OwnerEntry.Bytes);

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
        /// <summary>One byte per slot: 0x80 and seven bits of the hash; 0: free. The slots follow in the same block.</summary>
        public byte* Tags;
        public OwnerEntry* Slots;

        /// <summary>Home groups. What overflows the last one goes into the groups behind it.</summary>
        public int Groups;
        public int Count;

        /// <summary>Slots allocated: one group more than homes, from 64 homes on two.</summary>
        public readonly int SlotCount => Groups == 0 ? 0 : (Groups + (Groups < 64 ? 1 : 2)) * GroupSlots;

        /// <summary>Never taken, so that every walk ends at a free slot.</summary>
        public readonly int LastSlot => SlotCount - 1;

        /// <summary>Entries at which it grows: a load of 0.9.</summary>
        public readonly int MaxCount => (int)(Groups * GroupSlots * 9L / 10);
    }
}
