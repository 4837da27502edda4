namespace Weir.Engine;

/// <summary>
/// Group keys to dense indexes: open addressing with linear probing, at most half full. An index stays with its key until
/// <see cref="Remove"/> and is given anew afterwards. One owner.
/// </summary>
internal sealed class GroupTable(ulong seed)
{
    private const int Empty = 0;

    // 256 KiB at most, which a table of more groups than that exceeds many times.
    private const int MostHints = 1 << 16;

    // Per slot the upper half of the hash beside the index, so that a miss rarely touches a key.
    private Slot[] _slots = new Slot[8];
    private byte[]?[] _keys = new byte[]?[4];
    private ulong[] _hashes = new ulong[4];
    private int[] _free = [];
    private int _freeCount;

    // For keys of one plain string: where the group of a text was last found, by a hash of the text alone. A hint: the key decides.
    private int[] _hints = [];

    /// <summary>Groups that exist.</summary>
    public int Count => Used - _freeCount;

    /// <summary>Indexes ever given: all live ones are below it.</summary>
    public int Used { get; private set; }

    /// <summary>Indexes that fit before the next growth; arrays beside the table have this length.</summary>
    public int Capacity => _keys.Length;

    /// <summary>The key of a live index, shared and never changed; null where the index is free.</summary>
    public byte[]? KeyOf(int index) => _keys[index];

    public ulong Hash(ReadOnlySpan<byte> key) => GroupHash.Of(key, seed);

    /// <summary>The index of a key, -1 if it has none.</summary>
    public int Find(ReadOnlySpan<byte> key, ulong hash)
    {
        unchecked
        {
            Slot[] slots = _slots;
            int mask = slots.Length - 1;
            uint tag = (uint)(hash >> 32);
            for (int at = (int)hash & mask; ; at = (at + 1) & mask)
            {
                Slot slot = slots[at];
                if (slot.IndexPlusOne == Empty)
                {
                    return -1;
                }

                if (slot.Tag == tag && key.SequenceEqual(_keys[slot.IndexPlusOne - 1]))
                {
                    return slot.IndexPlusOne - 1;
                }
            }
        }
    }

    /// <summary>The index of the key <c>["text"]</c>, without making that key; -1 when it is not known here, though the table may have it.</summary>
    /// <param name="text">The inside of a JSON string that is canonical as it is.</param>
    /// <param name="hint">Where <see cref="Remember"/> keeps what is found otherwise.</param>
    public int FindText(ReadOnlySpan<byte> text, out int hint)
    {
        hint = unchecked((int)GroupHash.Of(text, seed)) & (_hints.Length - 1);
        if (_hints.Length == 0)
        {
            return -1;
        }

        int index = _hints[hint];
        byte[]? key = _keys[index];
        return key is not null && key.Length == text.Length + 4 && key[1] == '"' && key.AsSpan(2, text.Length).SequenceEqual(text) ? index : -1;
    }

    /// <summary>Makes the next <see cref="FindText"/> with that hint look at <paramref name="index"/> first.</summary>
    public void Remember(int hint, int index)
    {
        if (_hints.Length < Math.Min(_slots.Length, MostHints))
        {
            // Grown with the table, and forgotten with each growth.
            _hints = new int[Math.Min(_slots.Length, MostHints)];
        }
        else
        {
            _hints[hint] = index;
        }
    }

    /// <summary>Adds a key that is not there. The array belongs to the table and must not change.</summary>
    public int Add(byte[] key, ulong hash)
    {
        int index;
        if (_freeCount > 0)
        {
            index = _free[--_freeCount];
        }
        else
        {
            index = Used;
            if (Used == _keys.Length)
            {
                Grow();
            }

            Used++;
        }

        _keys[index] = key;
        _hashes[index] = hash;
        Insert(index);
        return index;
    }

    /// <summary>Removes a live index.</summary>
    public void Remove(int index)
    {
        int mask = _slots.Length - 1;
        int at = SlotOf(index);

        // Close the gap: what was pushed past it by probing moves back, so that no search ends too early.
        for (int next = (at + 1) & mask; _slots[next].IndexPlusOne != Empty; next = (next + 1) & mask)
        {
            int home = unchecked((int)_hashes[_slots[next].IndexPlusOne - 1]) & mask;
            if (((next - home) & mask) >= ((next - at) & mask))
            {
                _slots[at] = _slots[next];
                at = next;
            }
        }

        _slots[at] = default;
        _keys[index] = null;
        if (_freeCount == _free.Length)
        {
            Array.Resize(ref _free, Math.Max(4, _free.Length * 2));
        }

        _free[_freeCount++] = index;
    }

    private int SlotOf(int index)
    {
        int mask = _slots.Length - 1;
        int at = unchecked((int)_hashes[index]) & mask;
        while (_slots[at].IndexPlusOne != index + 1)
        {
            at = (at + 1) & mask;
        }

        return at;
    }

    private void Insert(int index)
    {
        int mask = _slots.Length - 1;
        int at = unchecked((int)_hashes[index]) & mask;
        while (_slots[at].IndexPlusOne != Empty)
        {
            at = (at + 1) & mask;
        }

        _slots[at] = new Slot { Tag = (uint)(_hashes[index] >> 32), IndexPlusOne = index + 1 };
    }

    // Only called when no index is free, so every index below Used is live.
    private void Grow()
    {
        int capacity = _keys.Length * 2;
        Array.Resize(ref _keys, capacity);
        Array.Resize(ref _hashes, capacity);
        _slots = new Slot[capacity * 2];
        for (int index = 0; index < Used; index++)
        {
            Insert(index);
        }
    }

    private struct Slot
    {
        public uint Tag;
        public int IndexPlusOne;
    }
}
